package validate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bench/chaos/network"
	"bench/netns"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

// wire checks an event on a wire.
func (v *validator) wire(at string, e *format.Event) {
	if v.s.Network == nil {
		v.fail(at+".do", "%s needs a network: add network: {}", e.Do)
		return
	}
	if v.Bad["network"] {
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
		v.fail(at+".args.wire", "there is no wire %q%s", source.Printable(e.Args.Wire), source.DidYouMean(e.Args.Wire, names))
		return
	}
	if !v.lossGiven(at, e) {
		return
	}
	if only := e.Args.Only; only != "" {
		if err := v.only(only); err != nil {
			v.fail(at+".args.only", "%s", source.Printable(err.Error()))
			return
		}
	}
	v.crossed(at, e, &t)
	if !strings.HasPrefix(e.Do, format.WirePrefix) {
		return
	}
	if e.Do == "network.mtu" {
		if n := *e.Args.Bytes; n < format.MinMTU || n > format.MaxMTU {
			v.fail(at+".args.bytes", "bytes of an MTU must be from %d to %d, not %d", format.MinMTU, format.MaxMTU, n)
		}
		return
	}
	if v.Bad[at+".args.direction"] || v.Bad[at+".args.protocol"] || v.Bad[at+".args.mechanism"] || v.Bad[at+".args.with"] {
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
		v.fail(at+".args", "%s", source.Printable(err.Error()))
	}
}

// lossGiven reports whether a loss says how much is lost.
func (v *validator) lossGiven(at string, e *format.Event) bool {
	if e.Do != "network.loss" || (e.Args.Rate == nil) != (e.Args.Burst == nil) {
		return true
	}
	v.fail(at+".args", "network.loss needs either rate or burst")
	return false
}

// crossed refuses an event on a wire that nothing it concerns can cross.
func (v *validator) crossed(at string, e *format.Event, t *netns.Topology) {
	only := e.Args.Only
	var crossed []string
	if e.Do == "connections.synFlood" || e.Do == "connections.halfOpen" {
		// These are connections of their own, opened at the clients' end of the wire.
		w := t.Wires[slices.IndexFunc(t.Wires, func(w netns.Wire) bool { return w.Name == e.Args.Wire })]
		crossed = t.Between(w.Nodes[0], v.s.NodeOf(only))
	} else {
		for _, f := range v.s.Flows(only) {
			crossed = append(crossed, t.Between(f.From, f.To)...)
		}
	}
	slices.Sort(crossed)
	crossed = slices.Compact(crossed)
	if slices.Contains(crossed, e.Args.Wire) {
		return
	}
	they := "they cross no wire"
	if len(crossed) > 0 {
		they = "they cross " + strings.Join(crossed, ", ")
	}
	if only == "" {
		v.fail(at+".args.wire", "no connection of this scenario crosses wire %s: %s", e.Args.Wire, they)
		return
	}
	v.fail(at+".args.only", "the connections to %s do not cross wire %s: %s", source.Printable(only), e.Args.Wire, they)
}

// connections checks an attack on connections.
func (v *validator) connections(at string, e *format.Event) {
	if v.given(at+".args.wire") || v.s.Network != nil && e.Do == "connections.reset" || e.Do == "connections.synFlood" || e.Do == "connections.halfOpen" {
		v.wire(at, e)
		return
	}
	if err := v.only(e.Args.Only); err != nil {
		v.fail(at+".args.only", "%s", source.Printable(err.Error()))
	}
}

// only checks what the connections of an event lead to: proxy/LISTENER,
// COMPANION/LISTENER or origin/REPLICA.
func (v *validator) only(text string) error {
	kind, name, _ := strings.Cut(text, "/")
	switch {
	case slices.Contains(v.s.ProxyNames(), kind):
		if binds := v.bindsOf(kind); binds != nil && !binds[name] {
			return errors.New(v.noListener(kind, name))
		}
		return nil
	case kind == "origin":
		names, err := v.s.Replicas(name)
		if err == nil && (len(names) != 1 || names[0] != name) {
			return fmt.Errorf("only names one origin, such as origin/%s, not a backend", names[0])
		}
		return err
	}
	return fmt.Errorf("only is proxy/LISTENER or origin/REPLICA%s, not %q", v.orCompanion("LISTENER"), text)
}
