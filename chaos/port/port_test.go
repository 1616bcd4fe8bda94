package port

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/chaos/network"
	"bench/chaos/testnet"
	"bench/internal/dist"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/netns"
)

// TestMain lets the test binary be the helper too: in the namespace that is named, which a
// program keeps that is started by a thread in it.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve-in":
		runtime.LockOSThread()
		err := netns.Join(os.Args[2])
		if err == nil {
			err = syscall.Exec("/proc/self/exe", []string{os.Args[0], "serve"}, os.Environ())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case len(os.Args) == 2 && os.Args[1] == "serve":
		if err := Serve(os.Stdin, os.Stdout, []string{"/proc/self/exe", "serve-link"}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case len(os.Args) == 2 && os.Args[1] == "serve-link":
		if err := link.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// patience bounds every wait.
const patience = 60 * time.Second

const serverPort = 20_000

// bed is a machine with a server that echoes, and another that connects to it.
type bed struct {
	t     *testing.T
	net   *testnet.Net
	group *proc.Group
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, net: testnet.Need(t)}
	if err := Allowed(); err != nil {
		t.Skip(err)
	}
	var err error
	if b.group, err = proc.NewGroup(proc.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.group.Close() })
	l := b.net.Server.Listen(t, fmt.Sprintf("%s:%d", testnet.ServerIP, serverPort))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return b
}

// begin begins a fault on the machine of the server.
func (b *bed) begin(o Order) *Fault {
	b.t.Helper()
	o.Server = netip.AddrPortFrom(netip.MustParseAddr(testnet.ServerIP), serverPort)
	f := &Fault{Group: b.group, Helper: []string{os.Args[0], "serve-in", b.net.Server.Path()}, Order: o}
	if err := f.Begin(b.t.Context(), nil); err != nil {
		b.t.Fatal(err)
	}
	return f
}

// end ends it and holds what it says of itself to a verdict.
func (b *bed) end(f *Fault, verdict string) {
	b.t.Helper()
	cert, err := f.End()
	if err != nil || cert == nil || !cert.Gone || cert.Verdict != verdict {
		b.t.Errorf("%+v, %v; want %s", cert, err, verdict)
	}
}

func (b *bed) dial(from testnet.Namespace, limit time.Duration) (net.Conn, error) {
	c, err := from.Dial(&net.Dialer{Timeout: limit}, "tcp", fmt.Sprintf("%s:%d", testnet.ServerIP, serverPort))
	if err == nil {
		b.t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// echo sends a word and waits for it.
func echo(c net.Conn, limit time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "hello"); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 5))
	return err
}

// connected are connections from the other machine, and from the server's own.
func (b *bed) connected() map[string]net.Conn {
	b.t.Helper()
	all := map[string]net.Conn{}
	for name, from := range map[string]testnet.Namespace{"from another machine": b.net.Client, "from the same machine": b.net.Server} {
		c, err := b.dial(from, patience)
		if err == nil {
			err = echo(c, patience)
		}
		if err != nil {
			b.t.Fatal(err)
		}
		all[name] = c
	}
	return all
}

// short is the time in which what is cut off must not arrive.
const short = 300 * time.Millisecond

func TestPartition(t *testing.T) {
	for _, way := range []impair.Sides{impair.BothWays, impair.UpOnly, impair.DownOnly} {
		t.Run("way "+string(way), func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			before := b.connected()
			f := b.begin(Order{Kind: Packets, Packets: &impair.Spec{Drop: true, Match: impair.Match{Direction: way}}})
			for name, c := range before {
				if err := echo(c, short); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if c, err := b.dial(b.net.Client, short); err == nil {
				t.Error("a connection is made", c.LocalAddr())
			}
			b.end(f, result.Confirmed)
			for name, c := range before {
				// The first word comes late now, and then the second.
				if err := echo(c, patience); err != nil {
					t.Errorf("%s, afterwards: %v", name, err)
				}
			}
		})
	}
}

func TestReject(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	f := b.begin(Order{Kind: Packets, Packets: &impair.Spec{Reject: impair.WithReset}})
	if _, err := b.dial(b.net.Client, patience); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a connection: %v", err)
	}
	b.end(f, result.Confirmed)
	b.connected()
}

func TestLoss(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	all := b.connected()
	f := b.begin(Order{Kind: Packets, Seed: 3, Packets: &impair.Spec{Loss: 0.3, Match: impair.Match{Direction: impair.UpOnly}}})
	for range 8 { // whatever is lost comes again
		for name, c := range all {
			if err := echo(c, patience); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	cert, err := f.End()
	if err != nil || cert.Verdict == result.Mismatch || cert.Verdict == result.NoEffect {
		t.Errorf("%+v, %v", cert, err)
	}
}

func TestConnections(t *testing.T) {
	for _, kind := range []string{Kill, Reset} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			all := b.connected()
			f := b.begin(Order{Kind: kind, For: time.Minute})
			for name, c := range all {
				var err error
				for deadline := time.Now().Add(patience); err == nil && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
					err = echo(c, patience)
				}
				// Who is on the same machine may have been told by the kernel itself.
				if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNABORTED) {
					t.Errorf("%s: %v", name, err)
				}
			}
			b.end(f, result.Confirmed)
			b.connected()
		})
	}
}

// What the kernel cannot do to packets a link does, on the machine of the server.
func TestLink(t *testing.T) {
	much := int64(1000)
	for name, s := range map[string]impair.Spec{
		"delay":                {Delay: dist.FixedDuration(30 * time.Millisecond)},
		"loss of what leaves":  {Loss: 0.3, Match: impair.Match{Direction: impair.DownOnly}},
		"duplicate":            {Duplicate: 0.5},
		"corrupt":              {Corrupt: 0.2},
		"some connections":     {Drop: true, Match: impair.Match{Connections: 0.01}},
		"bandwidth":            {Rate: 1e6, Queue: time.Second},
		"reset after so much":  {ResetAfter: &much},
		"dropped by the link":  {Drop: true},
		"rejected by the link": {Reject: impair.WithReset, Match: impair.Match{Direction: impair.UpOnly}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			c := b.connected()["from another machine"]
			o := Order{Kind: Packets, Seed: 5, Packets: &s, Mechanism: network.Userspace}
			f := b.begin(o)
			second := &Fault{Group: b.group, Helper: f.Helper, Order: f.Order}
			if err := second.Begin(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "cannot act at once") {
				t.Errorf("a second one: %v", err)
			}
			cut := s.Drop && s.Match.Connections == 0 || s.Reject != impair.NoReject
			for i := range 8 {
				limit, began := patience, time.Now()
				if cut {
					limit = short
				}
				err := echo(c, limit)
				if cut || s.ResetAfter != nil && i > 1 {
					if cut && err == nil {
						t.Fatal("something passes")
					}
					break
				}
				if err != nil {
					t.Fatalf("word %d: %v", i, err)
				}
				if took := time.Since(began); name == "delay" && took < 60*time.Millisecond {
					t.Errorf("there and back in %v", took)
				}
			}
			if s.Rate > 0 { // what is sent waits for its turn
				_ = c.SetDeadline(time.Now().Add(patience))
				if _, err := c.Write(make([]byte, 60_000)); err != nil {
					t.Error(err)
				}
				if _, err := io.ReadFull(c, make([]byte, 60_000)); err != nil {
					t.Error(err)
				}
			}
			if s.ResetAfter != nil {
				_ = c.SetDeadline(time.Now().Add(patience))
				_, err := c.Write(make([]byte, 4000))
				for err == nil {
					_, err = c.Read(make([]byte, 4000))
				}
				if !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("a connection that has carried too much: %v", err)
				}
			}
			cert, err := f.End()
			if err != nil || cert == nil || !cert.Gone || cert.Verdict == result.Mismatch || cert.Verdict == result.NoEffect && s.Match.Connections == 0 {
				t.Errorf("%+v, %v", cert, err)
			}
			if cert != nil && !strings.Contains(cert.Mechanism, "userspace link") {
				t.Errorf("by %s", cert.Mechanism)
			}
			b.connected()
			left := func() bool {
				here := false
				err := b.net.Server.Do(func() error {
					_, err := net.InterfaceByName(fmt.Sprintf("bench-%d", serverPort))
					here = err == nil
					return nil
				})
				return err != nil || here
			}
			for deadline := time.Now().Add(patience); left(); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("an interface is left")
				}
			}
		})
	}
}

// A fault ends with its helper, whatever ends that.
func TestKilledHelper(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	f := b.begin(Order{Kind: Packets, Packets: &impair.Spec{Drop: true}})
	if c, err := b.dial(b.net.Client, short); err == nil {
		t.Error("a connection is made", c.LocalAddr())
	}
	f.process.Kill()
	b.connected()
	if cert, err := f.End(); err == nil || cert != nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("%+v, %v", cert, err)
	}
}

func TestOrdersThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "EOF", "{\n": "cannot be understood", "{}\n": "a fault of no port",
		`{"server":"127.0.0.1:80"}` + "\n":                                                                                  `"" is no fault of a port`,
		`{"server":"127.0.0.1:80","kind":"packets"}` + "\n":                                                                 "nothing is to happen",
		`{"server":"192.0.2.77:80","kind":"reset"}` + "\n":                                                                  "no interface has the address",
		`{"server":"127.0.0.1:80","kind":"packets","packets":{"id":"x","match":{},"duplicate":0.5}}` + "\n":                 "on the loopback, packets can be dropped and rejected only",
		`{"server":"127.0.0.1:80","kind":"packets","packets":{"id":"x","match":{},"loss":0.5},"mechanism":"kernel"}` + "\n": "want direction: upstream",
		`{"server":"127.0.0.1:80","kind":"kill","share":2}` + "\n":                                                          "share is 2",
	} {
		var out strings.Builder
		err := Serve(strings.NewReader(text), &out, []string{os.Args[0], "serve-link"})
		if said := fmt.Sprint(out.String(), err); !strings.Contains(strings.ReplaceAll(said, `\"`, `"`), want) {
			t.Errorf("%q: %s", text, said)
		}
	}
	for _, o := range []network.Order{
		{MTU: 1400},
		{Spec: impair.Spec{Drop: true}},
		{Spec: impair.Spec{Drop: true, Match: impair.Match{Port: 1, Connections: 0.5}}, Mechanism: network.Kernel},
		{Spec: impair.Spec{Duplicate: 1, Match: impair.Match{Port: 1}}, Mechanism: network.Kernel},
	} {
		if err := Check(&o); err == nil {
			t.Errorf("%+v is no error", o)
		}
	}
}

// What cannot be done to packets and connections of IPv6 is said before it is begun.
func TestWhatIPv6DoesNotDo(t *testing.T) {
	t.Parallel()
	server := netip.MustParseAddrPort("[fd78::6]:20000")
	for _, c := range []struct {
		o    Order
		want string
	}{
		{Order{Kind: Reset}, "connections are reset over IPv4 only"},
		{Order{Kind: Packets, Packets: &impair.Spec{Delay: dist.FixedDuration(time.Millisecond)}}, "the rest is done to IPv4"},
		{Order{Kind: Packets, Packets: &impair.Spec{Drop: true}}, ""},
		{Order{Kind: Packets, Packets: &impair.Spec{Reject: impair.WithReset}}, ""},
		{Order{Kind: Kill}, ""},
	} {
		c.o.Server = server
		err := c.o.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: %v", c.o.Kind, c.o.Packets, err)
		}
		c.o.Server = netip.MustParseAddrPort("192.0.2.1:20000")
		if err := c.o.Check(); err != nil {
			t.Errorf("over IPv4: %v", err)
		}
	}
}
