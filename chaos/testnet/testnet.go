// Package testnet lays the network that tests of faults use: a client and a server,
// joined by one wire. What is tested on it may not enter.
package testnet

import (
	"net"
	"testing"

	"github.com/vishvananda/netlink"

	"bench/netns"
)

// Addresses of the network; nothing else is reachable in it.
const (
	ClientIP  = "10.78.1.1"
	ServerIP  = "10.78.1.2"
	NobodyIP  = "10.78.1.77"
	ServerIP6 = "fd78:0:0:1::2"
)

// The interfaces: the hosts' own, and those of the wire.
const (
	Link  = "wire0"
	WireA = "port0" // towards the client
	WireB = "port1" // towards the server
)

// Namespace is one of the network's, with what tests do in it.
type Namespace struct{ *netns.Namespace }

// Net is a network whose wire is carried by the kernel.
type Net struct{ Client, Wire, Server Namespace }

// Need lays a network that goes with the test. Without the rights it takes, the
// test is skipped.
func Need(t testing.TB) *Net {
	t.Helper()
	if err := netns.Allowed(); err != nil {
		t.Skipf("faults of the network are left out: %v", err)
	}
	n, err := netns.Lay(netns.Topology{
		Nodes: []string{"client", "server"},
		Wires: []netns.Wire{{Name: "wire", Nodes: []string{"client", "server"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return &Net{Namespace{n.Node("client")}, Namespace{n.WireNamespace("wire")}, Namespace{n.Node("server")}}
}

// NeedCut is Need with a wire that carries nothing by itself.
func NeedCut(t testing.TB) *Net {
	t.Helper()
	n := Need(t)
	err := n.Wire.Do(func() error {
		bridge, err := netlink.LinkByName("bridge")
		if err != nil {
			return err
		}
		return netlink.LinkDel(bridge)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Listen opens a TCP listener in the namespace, which goes with the test.
func (n Namespace) Listen(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := n.Namespace.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// Dial connects from inside the namespace.
func (n Namespace) Dial(d *net.Dialer, network, address string) (c net.Conn, err error) {
	err = n.Do(func() error {
		c, err = d.Dial(network, address)
		return err
	})
	return c, err
}

// ListenPacket opens a UDP socket in the namespace, which goes with the test.
func (n Namespace) ListenPacket(t testing.TB, address string) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	err := n.Do(func() error {
		at, err := net.ResolveUDPAddr("udp", address)
		if err != nil {
			return err
		}
		c, err = net.ListenUDP("udp", at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
