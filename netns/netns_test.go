package netns_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"bench/netns"
)

var threeNodes = netns.Topology{
	Nodes: []string{"client", "proxy", "origin", "spare"},
	Wires: []netns.Wire{
		{Name: "front", Nodes: []string{"client", "proxy"}},
		{Name: "back", Nodes: []string{"proxy", "origin", "spare"}, MTU: 9000},
	},
}

func lay(t *testing.T, topology netns.Topology) *netns.Network {
	t.Helper()
	if err := netns.Allowed(); err != nil {
		t.Skipf("networks of a run are left out: %v", err)
	}
	n, err := netns.Lay(topology)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// TestEveryNodeReachesEveryOther, over wires of their own and by way of others.
func TestEveryNodeReachesEveryOther(t *testing.T) {
	n := lay(t, threeNodes)
	for _, to := range threeNodes.Nodes {
		for _, from := range threeNodes.Nodes {
			addr := n.Towards(to, from)
			if !addr.IsValid() {
				t.Fatalf("%s has no address towards %s", to, from)
			}
			if err := talk(t, n, from, to, addr); err != nil {
				t.Errorf("%s to %s at %v: %v", from, to, addr, err)
			}
		}
	}
	if err := talk(t, n, "client", "proxy", netip.MustParseAddr("fd78:0:0:1::2")); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
		t.Errorf("IPv6: %v", err)
	}
}

// talk sends a word from one node to another.
func talk(t *testing.T, n *netns.Network, from, to string, addr netip.Addr) error {
	t.Helper()
	l, err := n.Node(to).Listen("tcp", netip.AddrPortFrom(addr, 0).String())
	if err != nil {
		return err
	}
	defer l.Close()
	got := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		text, _ := io.ReadAll(c)
		got <- string(text)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	c, err := n.Node(from).Dial(ctx, "tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, from); err != nil {
		return err
	}
	if err := c.Close(); err != nil {
		return err
	}
	select {
	case text := <-got:
		if text != from {
			return fmt.Errorf("got %q", text)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestMTU(t *testing.T) {
	n := lay(t, threeNodes)
	for wire, want := range map[string]int{"front": 1500, "back": 9000} {
		err := n.Node("proxy").Do(func() error {
			l, err := netlink.LinkByName(n.Interface(wire))
			if err == nil && l.Attrs().MTU != want {
				t.Errorf("wire %s has MTU %d, want %d", wire, l.Attrs().MTU, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingIsShared: what one network does, another does not see.
func TestNothingIsShared(t *testing.T) {
	a, b := lay(t, threeNodes), lay(t, threeNodes)
	addr := a.Addr("proxy", "front")
	if err := talk(t, a, "client", "proxy", addr); err != nil {
		t.Fatal(err)
	}
	l, err := a.Node("proxy").Listen("tcp", netip.AddrPortFrom(addr, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if c, err := b.Node("client").Dial(ctx, "tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("the other network's proxy is reached")
	}
}

func TestTopologyErrors(t *testing.T) {
	two := []string{"a", "b"}
	for _, tt := range []struct {
		name string
		t    netns.Topology
		want string
	}{
		{"node twice", netns.Topology{Nodes: []string{"a", "a"}}, `two nodes "a"`},
		{"wire twice", netns.Topology{Nodes: two, Wires: []netns.Wire{{Name: "w", Nodes: two}, {Name: "w", Nodes: two}}}, `two wires "w"`},
		{"one end", netns.Topology{Nodes: two, Wires: []netns.Wire{{Name: "w", Nodes: two[:1]}}}, "joins 1 nodes"},
		{"unknown node", netns.Topology{Nodes: two, Wires: []netns.Wire{{Name: "w", Nodes: []string{"a", "c"}}}}, `node "c", which is not there`},
		{"loop", netns.Topology{Nodes: two, Wires: []netns.Wire{{Name: "w", Nodes: []string{"a", "a"}}}}, "ends twice"},
		{"mtu", netns.Topology{Nodes: two, Wires: []netns.Wire{{Name: "w", Nodes: two, MTU: 100}}}, "MTU 100"},
		{"lonely", netns.Topology{Nodes: []string{"a", "b", "c"}, Wires: []netns.Wire{{Name: "w", Nodes: two}}}, `no wire ends at node "c"`},
		{"public", netns.Topology{Nodes: two, Wires: []netns.Wire{{Name: "w", Nodes: two, Subnet: netip.MustParsePrefix("8.8.8.0/24")}}}, "private network"},
		{"host bits", netns.Topology{Nodes: two, Wires: []netns.Wire{{Name: "w", Nodes: two, Subnet: netip.MustParsePrefix("10.1.2.3/24")}}}, "private network"},
		{"small", netns.Topology{Nodes: two, Wires: []netns.Wire{{Name: "w", Nodes: two, Subnet: netip.MustParsePrefix("10.1.2.0/31")}}}, "more than subnet"},
		{"overlap", netns.Topology{Nodes: two, Wires: []netns.Wire{{Name: "w", Nodes: two, Subnet: netip.MustParsePrefix("10.78.0.0/16")}, {Name: "x", Nodes: two}}}, "share addresses"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.t.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if err := threeNodes.Check(); err != nil {
		t.Error(err)
	}
}
