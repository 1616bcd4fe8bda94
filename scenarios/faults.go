package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bench/chaos/impair"
	"bench/chaos/network"
	"bench/internal/dist"
	"bench/netns"
)

// Burst is the loss model of Gilbert and Elliott: a good and a bad state, between
// which each packet of a connection and direction may step.
type Burst struct {
	// Enter is the chance to step from good to bad, 0 to 1.
	Enter float64 `yaml:"enter,required"`
	// Leave is the chance to step from bad to good.
	Leave float64 `yaml:"leave,required"`
	// Bad is the share lost in the bad state.
	Bad float64 `yaml:"bad" default:"1"`
	// Good is the share lost in the good state.
	Good float64 `yaml:"good" default:"0"`
}

// wirePrefix begins the names of actions on wires.
const wirePrefix = "network."

// OnWire tells whether an action happens to the packets of a wire.
func (a Action) OnWire() bool { return strings.HasPrefix(a.Name, wirePrefix) }

// NeedsWire tells whether an action can only be carried out where there are wires:
// what happens to their packets does, and so do attacks that come over one.
func (a Action) NeedsWire() bool { return slices.Contains(a.Needs, "wire") }

// On a wire every action takes these, too.
var wireArgs = []string{"for", "direction", "protocol", "only", "share", "mechanism", "capture"}

// wireActions are what can happen to the packets of a wire.
func wireActions() []Action {
	on := func(name string, needs, allows []string) Action {
		return Action{
			Name: wirePrefix + name, Class: ClassFault,
			Needs: append([]string{"wire"}, needs...), Allows: append(allows, wireArgs...),
		}
	}
	return []Action{
		on("delay", []string{"delay"}, []string{"correlation", "overtake"}),
		on("loss", nil, []string{"rate", "burst"}),
		on("duplicate", []string{"rate"}, nil),
		on("corrupt", []string{"rate"}, nil),
		on("reorder", []string{"rate", "delay"}, nil),
		on("bandwidth", []string{"bandwidth"}, []string{"queue"}),
		on("partition", nil, nil),
		on("reject", nil, []string{"with"}),
		on("dropSynAck", []string{"count"}, nil),
		on("resetAfter", []string{"bytes"}, nil),
		on("loseFin", nil, nil),
		on("zeroWindow", nil, nil),
		{Name: wirePrefix + "mtu", Class: ClassFault, Needs: []string{"wire", "bytes"}, Allows: []string{"for", "direction", "capture"}},
	}
}

// connectionActions are attacks on TCP connections, past the programs that hold
// them.
func connectionActions() []Action {
	return []Action{
		{Name: "connections.kill", Class: ClassFault, Needs: []string{"only"}, Allows: []string{"share"}},
		{Name: "connections.reset", Class: ClassFault, Needs: []string{"only", "for"}, Allows: []string{"wire", "share", "count"}},
		{Name: "connections.synFlood", Class: ClassFault, Needs: []string{"wire", "only", "arrivals", "for"}},
		{Name: "connections.halfOpen", Class: ClassFault, Needs: []string{"wire", "only", "count", "for"}},
	}
}

// OnConnections tells whether an action attacks connections.
func (a Action) OnConnections() bool { return strings.HasPrefix(a.Name, "connections.") }

// processActions are what can happen to the processes of a run.
func processActions() []Action {
	return []Action{
		{Name: "process.stop", Class: ClassFault, Needs: []string{"name", "for"}},
		{Name: "process.starve", Class: ClassFault, Needs: []string{"name", "for", "rate"}},
		{Name: "process.limitFiles", Class: ClassFault, Needs: []string{"name", "for", "count"}},
		{Name: "process.limitMemory", Class: ClassFault, Needs: []string{"name", "for", "bytes"}},
	}
}

// ProxyName is what events call the proxy's process.
const ProxyName = "proxy"

// OnProcess tells whether an action happens to processes.
func (a Action) OnProcess() bool { return strings.HasPrefix(a.Name, "process.") }

// Impairment is the order to a wire that carries an action out; only is the port
// of what args.only names. The event must be valid.
func (e *Event) Impairment(only uint16) (impair.Spec, error) {
	a := &e.Args
	s := impair.Spec{Match: impair.Match{
		Direction: impair.Sides(a.Direction), Protocol: a.Protocol, Port: only, Connections: a.Share,
	}}
	delay := func() error {
		d, err := dist.ParseDuration(string(a.Delay))
		s.Delay = d
		return err
	}
	switch strings.TrimPrefix(e.Do, wirePrefix) {
	case "delay":
		s.Correlation, s.Overtake = a.Correlation, a.Overtake
		return s, delay()
	case "loss":
		if b := a.Burst; b != nil {
			s.Burst = &impair.Burst{Enter: b.Enter, Leave: b.Leave, Bad: b.Bad, Good: b.Good}
		} else {
			s.Loss = *a.Rate
		}
	case "duplicate":
		s.Duplicate = *a.Rate
	case "corrupt":
		s.Corrupt = *a.Rate
	case "reorder":
		d, err := dist.ParseDuration(string(a.Delay))
		if err != nil {
			return s, err
		}
		fixed, ok := d.Fixed()
		if !ok {
			return s, fmt.Errorf("delay of network.reorder must be fixed, not %v", a.Delay)
		}
		s.Reorder, s.ReorderBy = *a.Rate, fixed
	case "bandwidth":
		s.Rate, s.Queue = 8*float64(a.Bandwidth), a.Queue.D()
		if s.Queue == 0 {
			s.Queue = defaultQueue
		}
	case "partition":
		s.Drop = true
	case "reject":
		s.Reject = impair.Reject(a.With)
		if a.With == "" {
			s.Reject = impair.WithReset
		}
	case "dropSynAck":
		s.DropSynAck = *a.Count
	case "resetAfter":
		n := int64(*a.Bytes)
		s.ResetAfter = &n
	case "loseFin":
		s.LoseFin = true
	case "zeroWindow":
		s.ZeroWindow = true
	}
	return s, nil
}

// defaultQueue is what a router with a modest buffer holds.
const defaultQueue = 100 * time.Millisecond

// wire checks an event on a wire.
func (v *validator) wire(at string, e *Event) {
	if v.s.Network == nil {
		v.fail(at+".do", "%s needs a network: add network: {}", e.Do)
		return
	}
	if v.bad["network"] {
		return
	}
	t := v.s.Network.Topology()
	var names []string
	for _, w := range t.Wires {
		names = append(names, w.Name)
		if w.Name == e.Args.Wire && len(w.Nodes) > 2 {
			v.fail(at+".args.wire", "wire %s joins %d nodes by a switch; events need a wire with two ends", w.Name, len(w.Nodes))
			return
		}
	}
	if !slices.Contains(names, e.Args.Wire) {
		v.fail(at+".args.wire", "there is no wire %q%s", printable(e.Args.Wire), didYouMean(e.Args.Wire, names))
		return
	}
	if e.Do == "network.loss" && (e.Args.Rate == nil) == (e.Args.Burst == nil) {
		v.fail(at+".args", "network.loss needs either rate or burst")
		return
	}
	if only := e.Args.Only; only != "" {
		if err := v.only(only); err != nil {
			v.fail(at+".args.only", "%s", printable(err.Error()))
			return
		}
	}
	v.crossed(at, e, &t)
	if !strings.HasPrefix(e.Do, wirePrefix) {
		return
	}
	if e.Do == "network.mtu" {
		if n := *e.Args.Bytes; n < minMTU || n > maxMTU {
			v.fail(at+".args.bytes", "bytes of an MTU must be from %d to %d, not %d", minMTU, maxMTU, n)
		}
		return
	}
	if v.bad[at+".args.direction"] || v.bad[at+".args.protocol"] || v.bad[at+".args.mechanism"] || v.bad[at+".args.with"] {
		return // said already
	}
	var port uint16
	if e.Args.Only != "" {
		port = 1 // any
	}
	s, err := e.Impairment(port)
	if err == nil {
		order := network.Order{Spec: s, Mechanism: network.Mechanism(e.Args.Mechanism)}
		err = network.Check(&order, &network.Place{Namespace: "wire", Wire: [2]string{"a", "b"}})
	}
	if err != nil {
		v.fail(at+".args", "%s", printable(err.Error()))
	}
}

// crossed refuses an event on a wire that nothing it concerns can cross.
func (v *validator) crossed(at string, e *Event, t *netns.Topology) {
	only := e.Args.Only
	var crossed []string
	if e.Do == "connections.synFlood" || e.Do == "connections.halfOpen" {
		// These are connections of their own, opened at the clients' end of the wire.
		w := t.Wires[slices.IndexFunc(t.Wires, func(w netns.Wire) bool { return w.Name == e.Args.Wire })]
		crossed = t.Between(w.Nodes[0], v.s.nodeOf(only))
	} else {
		for _, f := range v.s.flows(only) {
			crossed = append(crossed, t.Between(f.from, f.to)...)
		}
	}
	slices.Sort(crossed)
	crossed = slices.Compact(crossed)
	if slices.Contains(crossed, e.Args.Wire) {
		return
	}
	they := "they cross none"
	if len(crossed) > 0 {
		they = "they cross " + strings.Join(crossed, ", ")
	}
	if only == "" {
		v.fail(at+".args.wire", "no connection of this scenario crosses wire %s: %s", e.Args.Wire, they)
		return
	}
	v.fail(at+".args.only", "the connections to %s do not cross wire %s: %s", printable(only), e.Args.Wire, they)
}

// flow is where connections come from and lead to, as nodes.
type flow struct{ from, to string }

// flows are the connections of a run that lead to what only names, or all of them.
func (s *Scenario) flows(only string) (all []flow) {
	proxy := On(s.Proxy.Node, ProxyNode)
	add := func(from, target string) {
		name, replica, _ := strings.Cut(strings.TrimPrefix(only, "origin/"), ".")
		if only == "" || target == only || replica != "" && target == "origin/"+name {
			all = append(all, flow{from, s.nodeOf(target)})
		}
	}
	for i := range s.Load {
		add(On(s.Load[i].Node, ClientNode), s.Load[i].Target)
	}
	for i := range s.Abuse {
		add(On(s.Abuse[i].Node, ClientNode), s.Abuse[i].Target)
	}
	for i := range s.Backends {
		add(proxy, "origin/"+s.Backends[i].Name)
	}
	return all
}

// nodeOf is the node of a target: proxy/LISTENER, origin/BACKEND or origin/REPLICA.
func (s *Scenario) nodeOf(target string) string {
	if name, ok := strings.CutPrefix(target, "origin/"); ok {
		if b := s.backendOf(name); b != nil {
			return On(b.Node, OriginNode)
		}
	}
	return On(s.Proxy.Node, ProxyNode)
}

// Bounds of what an MTU can be changed to: the least is what every host must be
// able to receive (RFC 791).
const (
	minMTU = 68
	maxMTU = 65_535
)

// connections checks an attack on connections.
func (v *validator) connections(at string, e *Event) {
	if v.given(at+".args.wire") || v.s.Network != nil && e.Do == "connections.reset" || e.Do == "connections.synFlood" || e.Do == "connections.halfOpen" {
		v.wire(at, e)
		return
	}
	if err := v.only(e.Args.Only); err != nil {
		v.fail(at+".args.only", "%s", printable(err.Error()))
	}
}

// only checks what the connections of an event lead to: proxy/LISTENER or
// origin/REPLICA.
func (v *validator) only(text string) error {
	kind, name, _ := strings.Cut(text, "/")
	switch kind {
	case "proxy":
		if v.binds != nil && !v.binds[name] {
			return fmt.Errorf("the configuration has no {{bind %q}}", name)
		}
		return nil
	case "origin":
		names, err := v.s.Replicas(name)
		if err == nil && (len(names) != 1 || names[0] != name) {
			return fmt.Errorf("only names one origin, such as origin/%s, not a backend", names[0])
		}
		return err
	}
	return fmt.Errorf("only is proxy/LISTENER or origin/REPLICA, not %q", text)
}

// Processes are the names of the processes an event means: the proxy, or origins.
func (s *Scenario) Processes(name string) ([]string, error) {
	if name == ProxyName {
		return []string{ProxyName}, nil
	}
	names, err := s.Replicas(name)
	if err != nil {
		return nil, fmt.Errorf("%w; the proxy's name is %s", err, ProxyName)
	}
	return names, nil
}
