// Package testnet lays small networks for tests: a client, a wire with two
// interfaces that carries nothing by itself, and a server, each in a network
// namespace of its own. Namespaces are held by descriptors alone, so that nothing
// is left when a test dies. What is tested on them may not enter.
package testnet

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Addresses of the network; nothing else is reachable in it.
const (
	ClientIP  = "10.99.0.1"
	ServerIP  = "10.99.0.2"
	ClientIP6 = "fd99::1"
	ServerIP6 = "fd99::2"
)

// The interfaces: the client's and the server's, and those of the wire.
const (
	ClientLink = "eth0"
	ServerLink = "eth0"
	WireA      = "wa" // towards the client
	WireB      = "wb" // towards the server
)

// Namespace is a network namespace, held by a descriptor.
type Namespace struct{ file *os.File }

// Path names the namespace for other processes, as long as this one holds it.
func (n *Namespace) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd()) }

// FD is the descriptor of the namespace.
func (n *Namespace) FD() int { return int(n.file.Fd()) }

// Net is a network.
type Net struct{ Client, Wire, Server *Namespace }

// Need lays a network that goes with the test. Without the rights it takes, the
// test is skipped.
func Need(t testing.TB) *Net {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root here: faults of the network are left out")
	}
	n := &Net{}
	for _, at := range []**Namespace{&n.Client, &n.Wire, &n.Server} {
		ns, err := create()
		if errors.Is(err, unix.EPERM) {
			t.Skipf("no network namespaces are allowed here, faults of the network are left out: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ns.file.Close() })
		*at = ns
	}
	if err := n.lay(); err != nil {
		t.Fatal(err)
	}
	return n
}

// create makes a namespace on a thread that ends with it.
func create() (*Namespace, error) {
	type made struct {
		file *os.File
		err  error
	}
	c := make(chan made)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			c <- made{err: fmt.Errorf("unshare: %w", err)}
			return
		}
		file, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
		c <- made{file, err}
	}()
	m := <-c
	if m.err != nil {
		return nil, m.err
	}
	return &Namespace{m.file}, nil
}

// Do runs f on a thread inside the namespace. Sockets that f opens stay there.
func (n *Namespace) Do(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		if err := unix.Setns(n.FD(), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("setns: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

func (n *Net) lay() error {
	ends := []struct {
		ns         *Namespace
		name, wire string
		mac        string
		ip, ip6    string
	}{
		{n.Client, ClientLink, WireA, "02:00:00:00:00:01", ClientIP, ClientIP6},
		{n.Server, ServerLink, WireB, "02:00:00:00:00:02", ServerIP, ServerIP6},
	}
	for _, e := range ends {
		mac, err := net.ParseMAC(e.mac)
		if err != nil {
			return err
		}
		err = n.Wire.Do(func() error {
			v := &netlink.Veth{
				LinkAttrs: netlink.LinkAttrs{Name: e.wire}, PeerName: e.name, PeerHardwareAddr: mac,
				PeerNamespace: netlink.NsFd(e.ns.FD()),
			}
			if err := netlink.LinkAdd(v); err != nil {
				return fmt.Errorf("veth: %w", err)
			}
			return netlink.LinkSetUp(v)
		})
		if err != nil {
			return err
		}
		if err := e.ns.Do(func() error { return address(e.name, e.ip+"/24", e.ip6+"/64") }); err != nil {
			return err
		}
	}
	return nil
}

// address gives an interface its addresses and takes it up, with the loopback.
func address(name string, cidrs ...string) error {
	for _, dev := range []string{"lo", name} {
		l, err := netlink.LinkByName(dev)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(l); err != nil {
			return err
		}
		if dev == "lo" {
			continue
		}
		for _, cidr := range cidrs {
			a, err := netlink.ParseAddr(cidr)
			if err != nil {
				return err
			}
			a.Flags = unix.IFA_F_NODAD
			if err := netlink.AddrAdd(l, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// Join lets the wire carry frames by a bridge in the kernel.
func (n *Net) Join(t testing.TB) {
	t.Helper()
	err := n.Wire.Do(func() error {
		b := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br"}}
		if err := netlink.LinkAdd(b); err != nil {
			return err
		}
		for _, name := range []string{WireA, WireB} {
			l, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetMaster(l, b); err != nil {
				return err
			}
		}
		return netlink.LinkSetUp(b)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Listen opens a TCP listener in the namespace, which goes with the test.
func (n *Namespace) Listen(t testing.TB, address string) net.Listener {
	t.Helper()
	var l net.Listener
	err := n.Do(func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// Dial connects from inside the namespace.
func (n *Namespace) Dial(d *net.Dialer, network, address string) (c net.Conn, err error) {
	err = n.Do(func() error {
		c, err = d.Dial(network, address)
		return err
	})
	return c, err
}

// ListenPacket opens a UDP socket in the namespace, which goes with the test.
func (n *Namespace) ListenPacket(t testing.TB, address string) *net.UDPConn {
	t.Helper()
	var c net.PacketConn
	err := n.Do(func() (err error) {
		c, err = net.ListenPacket("udp", address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.UDPConn)
}
