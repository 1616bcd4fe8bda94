package format

import (
	"net/netip"

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
