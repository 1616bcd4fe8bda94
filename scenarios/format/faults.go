package format

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bench/chaos/impair"
	"bench/internal/dist"
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

// WirePrefix begins the names of actions on wires.
const WirePrefix = "network."

// OnWire reports whether an action happens to the packets of a wire.
func (a Action) OnWire() bool { return strings.HasPrefix(a.Name, WirePrefix) }

// NeedsWire reports whether an action can only be carried out where there are wires:
// what happens to their packets does, and so do attacks that come over one.
func (a Action) NeedsWire() bool { return slices.Contains(a.Needs, "wire") }

// On a wire every action takes these, too.
var wireArgs = []string{"for", "direction", "protocol", "only", "share", "mechanism", "capture"}

// wireActions are what can happen to the packets of a wire.
func wireActions() []Action {
	on := func(name string, needs, allows []string) Action {
		return Action{
			Name: WirePrefix + name, Class: ClassFault,
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
		{Name: WirePrefix + "mtu", Class: ClassFault, Needs: []string{"wire", "bytes"}, Allows: []string{"for", "direction", "capture"}},
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

// OnConnections reports whether an action attacks connections.
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

// OnProcess reports whether an action happens to processes.
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
	switch strings.TrimPrefix(e.Do, WirePrefix) {
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

// Flow is where connections come from and lead to, as nodes.
type Flow struct{ From, To string }

// Flows are the connections of a run that lead to what only names, or all of them.
func (s *Scenario) Flows(only string) (all []Flow) {
	add := func(from, target string) {
		name, replica, _ := strings.Cut(strings.TrimPrefix(only, "origin/"), ".")
		if only == "" || target == only || replica != "" && target == "origin/"+name {
			all = append(all, Flow{from, s.NodeOf(target)})
		}
	}
	for i := range s.Load {
		add(On(s.Load[i].Node, ClientNode), s.Load[i].Target)
	}
	for i := range s.Abuse {
		add(On(s.Abuse[i].Node, ClientNode), s.Abuse[i].Target)
	}
	for i := range s.Backends {
		for _, proxy := range s.ProxyNames() {
			add(s.ProxyNodeOf(proxy), "origin/"+s.Backends[i].Name)
		}
	}
	return append(all, s.between(only)...)
}

// NodeOf is the node of a target: proxy/LISTENER, COMPANION/LISTENER, origin/BACKEND or
// origin/REPLICA.
func (s *Scenario) NodeOf(target string) string {
	if name, ok := strings.CutPrefix(target, "origin/"); ok {
		if b := s.BackendOf(name); b != nil {
			return On(b.Node, OriginNode)
		}
	}
	proxy, _, _ := strings.Cut(target, "/")
	return s.ProxyNodeOf(proxy)
}

// Bounds of what an MTU can be changed to: the least is what every host must be
// able to receive (RFC 791).
const (
	MinMTU = 68
	MaxMTU = 65_535
)

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
