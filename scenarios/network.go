package scenarios

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bench/netns"
)

// Network is a set of hosts and the wires between them, made for the run.
type Network struct {
	// Required false lets the scenario run on the loopback interface where no
	// network can be made; what happens to wires is then left out.
	Required bool `yaml:"required" default:"true"`
	// Nodes are the hosts; client, proxy and origin if there are none.
	Nodes []string `yaml:"nodes"`
	// Wires between the nodes; if there are none, front joins client and proxy,
	// and back joins proxy and origin.
	Wires []Wire `yaml:"wires"`
}

// Wire joins two nodes, or more by a switch.
type Wire struct {
	// Name by which events know the wire.
	Name string `yaml:"name,required"`
	// Nodes at its ends. The first is upstream's beginning: the side of the
	// clients.
	Nodes []string `yaml:"nodes,required"`
	// MTU is the size of the largest packet in bytes.
	MTU int `yaml:"mtu" default:"1500"`
	// Subnet of IPv4 that the nodes get their addresses from; empty leaves the
	// choice to the runner.
	Subnet string `yaml:"subnet"`
}

// The nodes that parts of a scenario are on if they do not say otherwise.
const (
	ClientNode = "client"
	ProxyNode  = "proxy"
	OriginNode = "origin"
)

// Topology is what to lay. The network must be valid.
func (n *Network) Topology() netns.Topology {
	t := netns.Topology{Nodes: n.Nodes}
	if len(t.Nodes) == 0 {
		t.Nodes = []string{ClientNode, ProxyNode, OriginNode}
	}
	wires := n.Wires
	if len(wires) == 0 {
		wires = []Wire{{Name: "front", Nodes: []string{ClientNode, ProxyNode}}, {Name: "back", Nodes: []string{ProxyNode, OriginNode}}}
	}
	for _, w := range wires {
		// A text that is no prefix was reported by validation.
		subnet, _ := netip.ParsePrefix(w.Subnet)
		t.Wires = append(t.Wires, netns.Wire{Name: w.Name, Nodes: w.Nodes, MTU: w.MTU, Subnet: subnet})
	}
	return t
}

// On is the node of a part that says node, or nothing.
func On(node, fallback string) string {
	if node == "" {
		return fallback
	}
	return node
}

func (v *validator) network() {
	n := v.s.Network
	if n == nil {
		return
	}
	before := len(v.f.list)
	for i, node := range n.Nodes {
		v.name(fmt.Sprintf("network.nodes[%d]", i), node)
	}
	for i := range n.Wires {
		at := fmt.Sprintf("network.wires[%d]", i)
		v.name(at+".name", n.Wires[i].Name)
		if s := n.Wires[i].Subnet; s != "" {
			if _, err := netip.ParsePrefix(s); err != nil {
				v.fail(at+".subnet", "a subnet is written as 10.78.1.0/24, not %q", printable(s))
			}
		}
	}
	if len(v.f.list) > before {
		return // what follows would say it again
	}
	t := n.Topology()
	if err := t.Check(); err != nil {
		// One after the other: what is wrong first explains what follows.
		first, _, _ := strings.Cut(err.Error(), "\n")
		v.fail("network", "%s", printable(first))
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
	if on := On(node, fallback); !slices.Contains(t.Nodes, on) && !v.bad["network"] {
		v.fail(path, "there is no node %q in the network%s", printable(on), didYouMean(on, t.Nodes))
	}
}
