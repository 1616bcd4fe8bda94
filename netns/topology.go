package netns

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Topology is what to lay: nodes joined by wires. The zero value has neither.
type Topology struct {
	// Nodes by name; each is a host of its own.
	Nodes []string
	Wires []Wire
}

// Wire joins two nodes, or more by a switch.
type Wire struct {
	Name  string
	Nodes []string
	// MTU in bytes; 0 is 1500.
	MTU int
	// Subnet the nodes get their addresses from, in order, beginning with the
	// second; the zero prefix is 10.78.N.0/24 for wire N, counted from 1.
	Subnet netip.Prefix
}

// Bounds of a topology.
const (
	maxWires = 100
	minMTU   = 1280 // RFC 8200 section 5: IPv6 needs it
	maxMTU   = 65_535
)

// Check says what is wrong with the topology.
func (t *Topology) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for i, n := range t.Nodes {
		if slices.Contains(t.Nodes[:i], n) {
			bad("there are two nodes %q", n)
		}
	}
	if len(t.Wires) > maxWires {
		bad("%d wires: there may be %d", len(t.Wires), maxWires)
	}
	for i := range t.Wires {
		w := &t.Wires[i]
		if slices.ContainsFunc(t.Wires[:i], func(o Wire) bool { return o.Name == w.Name }) {
			bad("there are two wires %q", w.Name)
		}
		if len(w.Nodes) < 2 {
			bad("wire %q joins %d nodes: want at least 2", w.Name, len(w.Nodes))
		}
		for j, n := range w.Nodes {
			if !slices.Contains(t.Nodes, n) {
				bad("wire %q ends at node %q, which is not there", w.Name, n)
			}
			if slices.Contains(w.Nodes[:j], n) {
				bad("wire %q ends twice at node %q", w.Name, n)
			}
		}
		if w.MTU != 0 && (w.MTU < minMTU || w.MTU > maxMTU) {
			bad("wire %q has MTU %d: want %d to %d", w.Name, w.MTU, minMTU, maxMTU)
		}
		bad4 := w.Subnet.IsValid() && (!w.Subnet.Addr().Is4() || !w.Subnet.Addr().IsPrivate() || w.Subnet.Bits() < 8 || w.Subnet != w.Subnet.Masked())
		switch {
		case bad4:
			bad("wire %q has subnet %v: want a private network of IPv4, such as 10.78.1.0/24", w.Name, w.Subnet)
		case w.Subnet.IsValid() && len(w.Nodes)+2 > 1<<(32-w.Subnet.Bits()):
			bad("wire %q has %d nodes, more than subnet %v has addresses", w.Name, len(w.Nodes), w.Subnet)
		}
		for j := range i {
			if t.subnet(j).Overlaps(t.subnet(i)) {
				bad("wires %q and %q share addresses of subnet %v", t.Wires[j].Name, w.Name, t.subnet(i))
			}
		}
	}
	for _, n := range t.Nodes {
		if len(t.Nodes) > 1 && !slices.ContainsFunc(t.Wires, func(w Wire) bool { return slices.Contains(w.Nodes, n) }) {
			bad("no wire ends at node %q", n)
		}
	}
	return errors.Join(errs...)
}

// subnet of wire i.
func (t *Topology) subnet(i int) netip.Prefix {
	if p := t.Wires[i].Subnet; p.IsValid() {
		return p
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 78, byte(i + 1), 0}), 24)
}

// subnet6 of wire i, which every wire has beside its subnet of IPv4.
func subnet6(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x78, 15: 0, 6: 0, 7: byte(i + 1)}), 64)
}

// nth is address n of a subnet.
func nth(p netip.Prefix, n int) netip.Addr {
	a := p.Masked().Addr()
	for range n {
		a = a.Next()
	}
	return a
}

// Addr is the address of a node on a wire: the zero address if it is not there.
func (t *Topology) Addr(node, wire string) netip.Addr {
	for i := range t.Wires {
		if w := &t.Wires[i]; w.Name == wire {
			if j := slices.Index(w.Nodes, node); j >= 0 {
				return nth(t.subnet(i), j+1)
			}
		}
	}
	return netip.Addr{}
}

// Towards is the address by which another node reaches a node: on the wire that
// the way between them ends with. Without a way it is the zero address.
func (t *Topology) Towards(node, other string) netip.Addr {
	if node == other {
		for _, w := range t.Wires {
			if slices.Contains(w.Nodes, node) {
				return t.Addr(node, w.Name)
			}
		}
		return netip.Addr{}
	}
	way := t.way(other, node)
	if len(way) == 0 {
		return netip.Addr{}
	}
	return t.Addr(node, t.Wires[way[len(way)-1].wire].Name)
}

// Between are the wires that the way from one node to another crosses, by name.
func (t *Topology) Between(from, to string) []string {
	var wires []string
	for _, h := range t.way(from, to) {
		wires = append(wires, t.Wires[h.wire].Name)
	}
	return wires
}

// hop is a step to a node over a wire.
type hop struct {
	wire int
	node string
}

// way is the shortest way from one node to another, nil if there is none.
func (t *Topology) way(from, to string) []hop {
	before := map[string]hop{} // node: the hop's wire to it, from the hop's node
	queue := []string{from}
	for len(queue) > 0 && queue[0] != to {
		at := queue[0]
		queue = queue[1:]
		for i, w := range t.Wires {
			if !slices.Contains(w.Nodes, at) {
				continue
			}
			for _, n := range w.Nodes {
				if _, known := before[n]; !known && n != from {
					before[n] = hop{i, at}
					queue = append(queue, n)
				}
			}
		}
	}
	var way []hop
	for at := to; at != from; {
		b, known := before[at]
		if !known {
			return nil
		}
		way = append(way, hop{b.wire, at})
		at = b.node
	}
	slices.Reverse(way)
	return way
}
