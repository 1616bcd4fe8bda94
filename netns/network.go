package netns

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Network is a topology that was laid.
type Network struct {
	Topology
	nodes map[string]*Namespace
	wires map[string]*Namespace
}

// Lay makes the namespaces, interfaces, addresses and routes of a topology. It
// takes the rights that Allowed asks for.
func Lay(t Topology) (_ *Network, err error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	n := &Network{Topology: t, nodes: map[string]*Namespace{}, wires: map[string]*Namespace{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	for _, name := range t.Nodes {
		if n.nodes[name], err = n.host(); err != nil {
			return nil, fmt.Errorf("node %s: %w", name, err)
		}
	}
	for i := range t.Wires {
		if err := n.layWire(i); err != nil {
			return nil, fmt.Errorf("wire %s: %w", t.Wires[i].Name, err)
		}
	}
	for _, name := range t.Nodes {
		if err := n.layRoutes(name); err != nil {
			return nil, fmt.Errorf("routes of node %s: %w", name, err)
		}
	}
	for i := range t.Wires {
		if err := n.awaitWire(i); err != nil {
			return nil, fmt.Errorf("wire %s: %w", t.Wires[i].Name, err)
		}
	}
	return n, nil
}

// wireTime is what the kernel may take to notice that the ends of wires are up: a
// second, and more on a busy machine.
const wireTime = 5 * time.Second

// awaitWire waits until the bridge of a wire knows that its ports are up: before
// that it carries nothing, and the first question for an address would be lost.
func (n *Network) awaitWire(i int) error {
	w := &n.Wires[i]
	return n.wires[w.Name].Do(func() error {
		deadline := time.Now().Add(wireTime)
		for j := 0; j < len(w.Nodes); {
			l, err := netlink.LinkByName(portName(j))
			if err != nil {
				return err
			}
			switch {
			case l.Attrs().OperState == netlink.OperUp:
				j++
			case time.Now().After(deadline):
				return fmt.Errorf("its port towards %s did not come up", w.Nodes[j])
			default:
				time.Sleep(time.Millisecond)
			}
		}
		return nil
	})
}

// Close lets all namespaces go.
func (n *Network) Close() error {
	var errs []error
	for _, all := range []map[string]*Namespace{n.nodes, n.wires} {
		for _, ns := range all {
			if ns != nil {
				errs = append(errs, ns.Close())
			}
		}
	}
	return errors.Join(errs...)
}

// Node is the namespace of a node. A nil network has all nodes in the namespace of
// this process.
func (n *Network) Node(name string) *Namespace {
	if n == nil {
		return nil
	}
	return n.nodes[name]
}

// WireNamespace is where the wire's interfaces are, one for each of its nodes.
func (n *Network) WireNamespace(wire string) *Namespace { return n.wires[wire] }

// Port is the wire's interface towards a node.
func (n *Network) Port(wire, node string) (string, error) {
	for i := range n.Wires {
		if w := &n.Wires[i]; w.Name == wire {
			if j := slices.Index(w.Nodes, node); j >= 0 {
				return portName(j), nil
			}
		}
	}
	return "", fmt.Errorf("wire %s does not end at node %s", wire, node)
}

// Interface is the name of a node's interface on a wire.
func (n *Network) Interface(wire string) string {
	return InterfaceName(slices.IndexFunc(n.Wires, func(w Wire) bool { return w.Name == wire }))
}

func portName(i int) string { return fmt.Sprintf("port%d", i) }

// InterfaceName is the name of the interfaces that nodes have on wire i of a topology.
func InterfaceName(i int) string { return fmt.Sprintf("wire%d", i) }

// host makes a namespace whose loopback is up and that forwards packets: a node
// may be on the way between two others.
func (n *Network) host() (*Namespace, error) {
	ns, err := New()
	if err != nil {
		return nil, err
	}
	err = ns.Do(func() error {
		for _, file := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
			if err := os.WriteFile("/proc/sys/net/"+file, []byte("1"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		return up("lo")
	})
	if err != nil {
		return nil, errors.Join(err, ns.Close())
	}
	return ns, nil
}

func up(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	return netlink.LinkSetUp(l)
}

// layWire makes the namespace of a wire, with a bridge that joins a pair of
// interfaces for each node.
func (n *Network) layWire(i int) error {
	w := &n.Wires[i]
	ns, err := New()
	if err != nil {
		return err
	}
	n.wires[w.Name] = ns
	mtu := w.MTU
	if mtu == 0 {
		mtu = 1500
	}
	err = ns.Do(func() error {
		// The bridge has no address of its own, and asks nobody for one.
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0) // absent without IPv6
		bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "bridge", MTU: mtu}}
		if err := netlink.LinkAdd(bridge); err != nil {
			return fmt.Errorf("bridge: %w", err)
		}
		for j, node := range w.Nodes {
			v := &netlink.Veth{
				LinkAttrs: netlink.LinkAttrs{Name: portName(j), MTU: mtu}, PeerName: InterfaceName(i),
				PeerMTU: uint32(mtu), PeerNamespace: netlink.NsFd(n.nodes[node].FD()),
			}
			if err := netlink.LinkAdd(v); err != nil {
				return fmt.Errorf("veth: %w", err)
			}
			if err := netlink.LinkSetMaster(v, bridge); err != nil {
				return fmt.Errorf("bridge: %w", err)
			}
			if err := netlink.LinkSetUp(v); err != nil {
				return err
			}
		}
		return netlink.LinkSetUp(bridge)
	})
	if err != nil {
		return err
	}
	for j, node := range w.Nodes {
		err := n.nodes[node].Do(func() error {
			if err := up(InterfaceName(i)); err != nil {
				return err
			}
			return address(InterfaceName(i), n.subnet(i), subnet6(i), j+1)
		})
		if err != nil {
			return fmt.Errorf("node %s: %w", node, err)
		}
	}
	return nil
}

// address gives an interface address number k of its subnets.
func address(name string, v4, v6 netip.Prefix, k int) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	for _, p := range []netip.Prefix{v4, v6} {
		a, err := netlink.ParseAddr(netip.PrefixFrom(nth(p, k), p.Bits()).String())
		if err != nil {
			return err
		}
		a.Flags = unix.IFA_F_NODAD // nobody else is here, and it takes a second
		if err := netlink.AddrAdd(l, a); err != nil && (p.Addr().Is4() || !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EACCES)) {
			return fmt.Errorf("address %v: %w", a, err)
		}
	}
	return nil
}

// layRoutes makes the routes of a node to the wires it is not on.
func (n *Network) layRoutes(node string) error {
	return n.nodes[node].Do(func() error {
		for i, w := range n.Wires {
			if slices.Contains(w.Nodes, node) {
				continue
			}
			way := n.way(node, w.Nodes[0])
			for _, other := range w.Nodes[1:] {
				if o := n.way(node, other); way == nil || len(o) < len(way) {
					way = o
				}
			}
			if way == nil {
				continue // two networks that have nothing to do with each other
			}
			gateway := n.Addr(way[0].node, n.Wires[way[0].wire].Name)
			dst, err := netlink.ParseIPNet(n.subnet(i).String())
			if err != nil {
				return err
			}
			l, err := netlink.LinkByName(InterfaceName(way[0].wire))
			if err != nil {
				return err
			}
			if err := netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: dst, Gw: gateway.AsSlice()}); err != nil {
				return fmt.Errorf("to %v by %v: %w", dst, gateway, err)
			}
		}
		return nil
	})
}
