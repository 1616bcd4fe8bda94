package validate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bench/scenarios/format"
	"bench/scenarios/source"
)

func (v *validator) network() {
	n := v.s.Network
	if n == nil {
		return
	}
	before := len(v.Faults.List)
	for i, node := range n.Nodes {
		v.name(fmt.Sprintf("network.nodes[%d]", i), node)
	}
	for i := range n.Wires {
		at := fmt.Sprintf("network.wires[%d]", i)
		v.name(at+".name", n.Wires[i].Name)
		if s := n.Wires[i].Subnet; s != "" {
			if _, err := netip.ParsePrefix(s); err != nil {
				v.fail(at+".subnet", "a subnet is written as 10.78.1.0/24, not %q", source.Printable(s))
			}
		}
	}
	if len(v.Faults.List) > before {
		return // what follows would say it again
	}
	t := n.Topology()
	if err := t.Check(); err != nil {
		// One after the other: what is wrong first explains what follows.
		first, _, _ := strings.Cut(err.Error(), "\n")
		v.fail("network", "%s", source.Printable(first))
	}
}

// node checks the node of a part.
func (v *validator) node(path, node, fallback string) {
	if v.s.Network == nil {
		if v.given(path) && node != "" {
			v.fail(path, "a node needs a network: add network: {}")
		}
		return
	}
	t := v.s.Network.Topology()
	if on := format.On(node, fallback); !slices.Contains(t.Nodes, on) && !v.Bad["network"] {
		v.fail(path, "there is no node %q in the network%s", source.Printable(on), source.DidYouMean(on, t.Nodes))
	}
}
