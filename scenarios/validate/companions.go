package validate

import (
	"fmt"
	"maps"
	"slices"

	"bench/scenarios/format"
	"bench/scenarios/proxyconf"
	"bench/scenarios/source"
)

// reference is a {{listener}} of a template.
type reference struct{ path, proxy, listener string }

// companions checks the proxies beside the one under test.
func (v *validator) companions() {
	v.owned = map[string]map[string]bool{}
	for i := range v.s.Companions {
		c := &v.s.Companions[i]
		at := fmt.Sprintf("companions[%d]", i)
		v.name(at+".name", c.Name)
		switch {
		case v.Bad[at]:
			continue
		case c.Name == format.ProxyName || c.Name == format.OriginNode:
			v.fail(at+".name", "%q is what targets call the proxy under test and the origins: choose another name", c.Name)
		case v.s.Companion(c.Name) != c && c.Name != "":
			v.fail(at+".name", "there are two companions %q", c.Name)
		case c.Driver == "" && v.s.Proxy.Driver != "builtin" && v.s.Proxy.Driver != "haproxy":
			v.fail(at, "companion %s needs a driver, builtin or haproxy: driver %s of the proxy is none of them", c.Name, v.s.Proxy.Driver)
		}
		v.node(at+".node", c.Node, format.ProxyNode)
		binds := map[string]bool{}
		if _, ok := v.render(at+".config", "", c.Config, binds); ok {
			v.owned[c.Name] = binds
		}
	}
	if len(v.s.Companions) > 0 && v.s.Placed() {
		v.fail("companions", "companions are on one machine with the proxy, and parts of the run are on others: leave companions or onHost out")
	}
}

// bindsOf are the listeners of a proxy; nil where they are not known.
func (v *validator) bindsOf(proxy string) map[string]bool {
	if proxy != format.ProxyName {
		return v.owned[proxy]
	}
	if v.Bad["proxy.config"] || v.Bad["proxy.configFile"] {
		return nil
	}
	return v.binds
}

// noListener says that a proxy lacks a listener.
func (v *validator) noListener(proxy, listener string) string {
	known := slices.Sorted(maps.Keys(v.bindsOf(proxy)))
	like := ""
	if len(known) > 0 {
		like = source.DidYouMean(listener, known)
	}
	switch {
	case proxy != format.ProxyName:
		return fmt.Sprintf("the configuration of companion %s has no {{bind %q}}%s", proxy, source.Printable(listener), like)
	case v.s.Proxy.Foreign():
		return fmt.Sprintf("the proxy has no listener %q%s", source.Printable(listener), like)
	}
	return fmt.Sprintf("the proxy's configuration has no {{bind %q}}%s", source.Printable(listener), like)
}

// orCompanion is the other form of a target, where there are companions.
func (v *validator) orCompanion(name string) string {
	if len(v.s.Companions) == 0 {
		return ""
	}
	return " or COMPANION/" + name
}

// references checks that what templates refer to as listeners of other proxies is there.
func (v *validator) references() {
	for _, r := range v.referred {
		if binds := v.bindsOf(r.proxy); binds != nil && !binds[r.listener] {
			v.fail(r.path, "%s", v.noListener(r.proxy, r.listener))
		}
	}
}

// refer notes a {{listener}} and stands in for its address.
func (v *validator) refer(path, proxy, listener string) (string, error) {
	if !slices.Contains(v.s.ProxyNames(), proxy) {
		return "", proxyconf.NoProxy(proxy, v.s.ProxyNames())
	}
	v.referred = append(v.referred, reference{path, proxy, listener})
	return "127.0.0.1:9", nil
}
