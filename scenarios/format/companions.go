package format

import (
	"slices"
	"strings"
)

// Companion is a further proxy beside the one under test, such as its peer. The run starts
// it and ends it; counters, figures and events are those of the proxy under test.
type Companion struct {
	// Name by which loads and templates know it: target NAME/LISTENER.
	Name string `yaml:"name,required"`
	// Driver is builtin or haproxy, or empty for that of the proxy under test.
	Driver string `yaml:"driver" enum:",builtin,haproxy"`
	// Config is its configuration, a template like that of the proxy under test.
	// {{bind "name"}} is a listener of its own, and {{.Stats}} and {{.Dir}} are its own.
	Config string `yaml:"config,required"`
	// Node of the network that it runs on; "" is proxy.
	Node string `yaml:"node"`
}

// Companion is the one of this name, nil if there is none.
func (s *Scenario) Companion(name string) *Companion {
	i := slices.IndexFunc(s.Companions, func(c Companion) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Companions[i]
}

// ProxyNames are those of all proxies, the one under test first.
func (s *Scenario) ProxyNames() []string {
	names := []string{ProxyName}
	for i := range s.Companions {
		names = append(names, s.Companions[i].Name)
	}
	return names
}

// ProxyNodeOf is the node of a proxy by its name.
func (s *Scenario) ProxyNodeOf(name string) string {
	if c := s.Companion(name); c != nil {
		return On(c.Node, ProxyNode)
	}
	return On(s.Proxy.Node, ProxyNode)
}

// NodeBefore is the node from which a listener of a proxy is reached: that of the first
// load that speaks to it, or else of another proxy.
func (s *Scenario) NodeBefore(proxy, listener string) string {
	for i := range s.Load {
		if l := &s.Load[i]; l.Target == proxy+"/"+listener {
			return On(l.Node, ClientNode)
		}
	}
	if names := s.ProxyNames(); len(names) > 1 {
		if proxy == ProxyName {
			return s.ProxyNodeOf(names[1])
		}
		return s.ProxyNodeOf(ProxyName)
	}
	return ClientNode
}

// AsProxy is the companion as a proxy that is started like the one under test.
func (c *Companion) AsProxy(s *Scenario) Proxy {
	p := Proxy{Driver: c.Driver, Config: c.Config, Node: c.Node, Poller: s.Proxy.Poller, Ready: s.Proxy.Ready}
	if c.Driver == "" || c.Driver == s.Proxy.Driver {
		p.Driver, p.Binary = s.Proxy.Driver, s.Proxy.Binary
	}
	if p.Driver != s.Proxy.Driver {
		p.Poller = "" // chosen for another program
	}
	return p
}

// between are the connections from proxy to proxy that lead to what only names, or all
// of them.
func (s *Scenario) between(only string) (all []Flow) {
	for _, to := range s.ProxyNames() {
		if only != "" && !strings.HasPrefix(only, to+"/") {
			continue
		}
		for _, from := range s.ProxyNames() {
			if from != to {
				all = append(all, Flow{s.ProxyNodeOf(from), s.ProxyNodeOf(to)})
			}
		}
	}
	return all
}
