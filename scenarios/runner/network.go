package runner

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	chaosnet "bench/chaos/network"
	"bench/netns"
	"bench/scenarios/format"
)

// layNetwork makes the network of the scenario, if it has one. Where none can be
// made and the scenario does not insist, everything stays on the loopback. Machines have
// wires of their own.
func (c *cell) layNetwork() error {
	n := c.scenario.Network
	if n == nil {
		return nil
	}
	if c.machines != nil {
		c.record.Warnings = append(c.record.Warnings, "the network of the scenario is for runs on one machine: what happens to its wires happened at the ports that only names")
		return nil
	}
	if err := netns.Allowed(); err != nil {
		if n.Required {
			return fail(exitUsage, fmt.Errorf("the scenario needs a network of its own: %w; \"required: false\" lets it run on the loopback, without what happens to wires", err))
		}
		c.leaveOut(err)
		return nil
	}
	c.wires = chaosnet.New(c.group, append(slices.Clone(c.self), "agent", "link"))
	var err error
	if c.network, err = netns.Lay(n.Topology()); err != nil {
		return fail(exitLost, fmt.Errorf("network: %w", err))
	}
	return nil
}

// leaveOut takes the events that need wires out of the scenario and says so.
func (c *cell) leaveOut(why error) {
	s := *c.scenario
	c.record.LeftOut = leftOutEvents(s.Events, "everything ran on the loopback: "+why.Error())
	s.Events = slices.DeleteFunc(slices.Clone(s.Events), func(e format.Event) bool {
		a, _ := format.FindAction(e.Do)
		return a.NeedsWire()
	})
	c.record.Warnings = append(c.record.Warnings, fmt.Sprintf("everything ran on the loopback, and %d events that need wires were left out: %v", len(c.scenario.Events)-len(s.Events), why))
	c.scenario = &s
}

// originAddr is the address of replica number n (from 1) of a backend: the one it is to
// have, or a free one by which the proxy reaches its node.
func (c *cell) originAddr(b *format.Backend, n int) (string, error) {
	if b.Listen != "" {
		return b.Address(n)
	}
	if c.machines != nil {
		return c.machines.address(c.ports, b.OnHost, n)
	}
	return c.address(format.On(b.Node, format.OriginNode), format.On(c.scenario.Proxy.Node, format.ProxyNode))
}

// listenerAddr is a free address for a listener of a proxy: the one by which its clients
// reach the proxy's node.
func (c *cell) listenerAddr(proxy, name string) (string, error) {
	if c.machines != nil {
		return c.machines.address(c.ports, c.scenario.Proxy.OnHost, 1)
	}
	return c.address(c.scenario.ProxyNodeOf(proxy), c.scenario.NodeBefore(proxy, name))
}

func (c *cell) address(node, from string) (string, error) {
	if c.network == nil {
		return c.ports.take()
	}
	host := c.network.Towards(node, from)
	if !host.IsValid() {
		host = c.network.Towards(node, node) // nobody speaks to it
	}
	return net.JoinHostPort(host.String(), strconv.Itoa(c.ports.number())), nil
}

// server is what args.only of an event names: an address, and the node it is on.
// Without a name it is nowhere.
func (c *cell) server(only string) (addr netip.AddrPort, node string, err error) {
	if only == "" {
		return addr, "", nil
	}
	text, node := c.listeners[only], c.scenario.NodeOf(only)
	if name, ok := strings.CutPrefix(only, "origin/"); ok {
		if i := slices.IndexFunc(c.origins, func(o *origin) bool { return o.name == name }); i >= 0 {
			text, node = c.origins[i].addr, format.On(c.origins[i].backend.Node, format.OriginNode)
		}
	}
	addr, err = netip.ParseAddrPort(text)
	if err != nil {
		return addr, node, fmt.Errorf("only %s: %w", only, err)
	}
	return addr, node, nil
}

// wire is where the faults of a wire act.
func (c *cell) wire(name string) (chaosnet.Place, error) {
	i := slices.IndexFunc(c.network.Wires, func(w netns.Wire) bool { return w.Name == name })
	p := chaosnet.Place{Namespace: c.network.WireNamespace(name).Path()}
	for j, node := range c.network.Wires[i].Nodes {
		port, err := c.network.Port(name, node)
		if err != nil {
			return p, err
		}
		p.Wire[j] = port
	}
	return p, nil
}

// end is the host at an end of a wire: 0 is the clients' side.
func (c *cell) end(wire string, side int) chaosnet.Place {
	i := slices.IndexFunc(c.network.Wires, func(w netns.Wire) bool { return w.Name == wire })
	return chaosnet.Place{Namespace: c.network.Node(c.network.Wires[i].Nodes[side]).Path(), Device: c.network.Interface(wire)}
}

func (c *cell) removeNetwork() {
	if c.network == nil {
		return
	}
	if err := c.network.Close(); err != nil {
		c.record.Warnings = append(c.record.Warnings, err.Error())
	}
}
