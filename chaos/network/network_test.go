package network_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/chaos/network"
	"bench/chaos/shape"
	"bench/chaos/testnet"
	"bench/internal/dist"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/testquiet"
)

// TestMain lets the test binary be the helper too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "serve-link" {
		if err := link.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// bed is a network with an echoing server and what makes faults in it.
type bed struct {
	*testnet.Net
	faults *network.Network
	wire   network.Place
}

func lay(t *testing.T) *bed {
	t.Helper()
	b := &bed{Net: testnet.Need(t)}
	g, err := proc.NewGroup(proc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	b.faults = network.New(g, []string{os.Args[0], "serve-link"})
	b.wire = network.Place{Namespace: b.Wire.Path(), Wire: [2]string{testnet.WireA, testnet.WireB}}
	l := b.Server.Listen(t, testnet.ServerIP+":80")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	return b
}

// round makes an exchange of n bytes on a connection of its own and says how long
// it took.
func (b *bed) round(n int, within time.Duration) (time.Duration, error) {
	begin := time.Now()
	c, err := b.Client.Dial(&net.Dialer{Timeout: within}, "tcp", testnet.ServerIP+":80")
	if err != nil {
		return 0, err
	}
	defer c.Close()
	c.SetDeadline(begin.Add(within))
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(make([]byte, n))
		sent <- err
	}()
	_, err = io.ReadFull(c, make([]byte, n))
	return time.Since(begin), errors.Join(err, <-sent)
}

// quick is the quickest of a few exchanges: a busy machine slows some of them.
func (b *bed) quick(n int) (least time.Duration, err error) {
	for range 4 {
		took, err := b.round(n, 5*time.Second)
		if err != nil {
			return 0, err
		}
		if least == 0 || took < least {
			least = took
		}
	}
	return least, nil
}

// confirmed reports whether a fault acted as it was asked to, but for its being late
// and for what the host of a virtual machine takes.
func confirmed(c *result.Certificate) bool {
	for _, f := range c.Findings {
		timely := f.What != "delay" && f.What != "processor time taken by the host"
		if f.Verdict == result.Mismatch || f.Verdict != result.Confirmed && timely {
			return false
		}
	}
	return c.Gone
}

func begin(t *testing.T, b *bed, o network.Order, p network.Place) *network.Fault {
	t.Helper()
	f := &network.Fault{Net: b.faults, Order: o, Place: p}
	if err := f.Begin(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return f
}

func end(t *testing.T, f *network.Fault) *result.Certificate {
	t.Helper()
	c, err := f.End()
	if err != nil || !c.Gone {
		t.Errorf("%+v, %v", c, err)
	}
	return c
}

// free holds that nothing of a fault is left.
func free(t *testing.T, b *bed) {
	t.Helper()
	if took, err := b.quick(1000); err != nil || took > 30*time.Millisecond {
		t.Errorf("after the fault: %v, %v", took, err)
	}
}

func timeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

func TestFaults(t *testing.T) {
	after := int64(50_000)
	both := impair.Match{Port: 80}
	down := impair.Match{Port: 80, Direction: impair.DownOnly}
	ms := time.Millisecond
	for name, c := range map[string]struct {
		order     network.Order
		mechanism string
		check     func(t *testing.T, b *bed)
	}{
		"delay": {
			network.Order{Spec: impair.Spec{Match: both, Delay: dist.FixedDuration(20 * ms)}},
			"userspace link",
			func(t *testing.T, b *bed) {
				if took, err := b.quick(1000); err != nil || took < 80*ms || took > 160*ms {
					t.Errorf("connecting and an exchange took %v, want 80ms: %v", took, err)
				}
			},
		},
		"partition": {
			network.Order{Spec: impair.Spec{Match: both, Drop: true}},
			"nftables",
			func(t *testing.T, b *bed) {
				if _, err := b.round(10, 60*ms); !timeout(err) {
					t.Errorf("an exchange ends with %v", err)
				}
			},
		},
		"blackhole of some connections": {
			network.Order{Spec: impair.Spec{Seed: 2, Match: impair.Match{Port: 80, Connections: 0.5}, Drop: true}},
			"userspace link",
			func(t *testing.T, b *bed) {
				lost := 0
				for range 20 {
					if _, err := b.round(10, 20*ms); timeout(err) {
						lost++
					}
				}
				if lost < 4 || lost > 16 {
					t.Errorf("%d of 20 connections are lost, want half", lost)
				}
			},
		},
		"loss by the kernel": {
			network.Order{Mechanism: network.Kernel, Spec: impair.Spec{Match: impair.Match{Protocol: "udp"}, Loss: 0.5}},
			"nftables",
			func(t *testing.T, b *bed) {
				c, err := b.Client.Dial(&net.Dialer{}, "udp", testnet.ServerIP+":9")
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				for range 500 {
					_, _ = c.Write([]byte("x")) // answered by ICMP at times
				}
			},
		},
		"rate": {
			network.Order{Spec: impair.Spec{Match: impair.Match{Direction: impair.DownOnly}, Rate: 10e6}},
			"token bucket",
			func(t *testing.T, b *bed) {
				if took, err := b.round(500_000, 10*time.Second); err != nil || took < 350*ms {
					t.Errorf("500 kB at 10 Mbit/s took %v: %v", took, err)
				}
			},
		},
		"rate of one port": {
			network.Order{Spec: impair.Spec{Match: down, Rate: 10e6}},
			"userspace link",
			func(t *testing.T, b *bed) {
				if took, err := b.round(500_000, 10*time.Second); err != nil || took < 350*ms {
					t.Errorf("500 kB at 10 Mbit/s took %v: %v", took, err)
				}
			},
		},
		"SYN-ACK lost": {
			network.Order{Spec: impair.Spec{Match: both, DropSynAck: 1}},
			"userspace link",
			func(t *testing.T, b *bed) {
				if took, err := b.round(10, 10*time.Second); err != nil || took < 900*ms {
					t.Errorf("an exchange took %v, want the second that repeating takes: %v", took, err)
				}
			},
		},
		"reset after bytes": {
			network.Order{Spec: impair.Spec{Match: down, ResetAfter: &after}},
			"userspace link",
			func(t *testing.T, b *bed) {
				if _, err := b.round(40_000, 5*time.Second); err != nil {
					t.Errorf("40 kB: %v", err)
				}
				if _, err := b.round(200_000, 5*time.Second); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("200 kB end with %v", err)
				}
			},
		},
		"reject": {
			network.Order{Spec: impair.Spec{Match: both, Reject: impair.WithReset}},
			"userspace link",
			func(t *testing.T, b *bed) {
				if _, err := b.round(10, 5*time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("an exchange ends with %v", err)
				}
			},
		},
		"reject by ICMP": {
			network.Order{Spec: impair.Spec{Match: both, Reject: impair.WithICMP}},
			"userspace link",
			func(t *testing.T, b *bed) {
				if _, err := b.round(10, 5*time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("an exchange ends with %v", err)
				}
			},
		},
		"FIN lost": {
			network.Order{Spec: impair.Spec{Match: down, LoseFin: true}},
			"userspace link",
			func(t *testing.T, b *bed) {
				c, err := b.Client.Dial(&net.Dialer{}, "tcp", testnet.ServerIP+":80")
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				_ = c.(*net.TCPConn).CloseWrite()
				c.SetReadDeadline(time.Now().Add(50 * ms))
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the end of the answer reads %v", err)
				}
			},
		},
		"zero window": {
			network.Order{Spec: impair.Spec{Match: down, ZeroWindow: true}},
			"userspace link",
			func(t *testing.T, b *bed) {
				if _, err := b.round(100_000, 100*ms); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("100 kB end with %v", err)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if testquiet.Tried(t) {
				return
			}
			b := lay(t)
			c.order.ID = "test"
			f := begin(t, b, c.order, b.wire)
			if !strings.HasPrefix(f.Mechanism(), c.mechanism) {
				t.Errorf("carried out by the %s, want the %s", f.Mechanism(), c.mechanism)
			}
			c.check(t, b)
			r := end(t, f)
			if !confirmed(r) {
				t.Errorf("%+v", r)
			}
			free(t, b)
		})
	}
}

// forget makes both ends look for their neighbours again.
func forget(t *testing.T, b *bed) {
	t.Helper()
	for _, ns := range []testnet.Namespace{b.Client, b.Server} {
		err := ns.Do(func() error {
			all, err := netlink.NeighList(0, 0)
			for i := range all {
				err = errors.Join(err, netlink.NeighDel(&all[i]))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFaultsOverlapAndChange(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	b := lay(t)
	ms := time.Millisecond
	first := begin(t, b, network.Order{Spec: impair.Spec{ID: "a", Delay: dist.FixedDuration(10 * ms)}}, b.wire)
	second := begin(t, b, network.Order{Spec: impair.Spec{ID: "b", Delay: dist.FixedDuration(15 * ms)}}, b.wire)
	forget(t, b)
	if took, err := b.quick(10); err != nil || took < 100*ms || took > 180*ms {
		t.Errorf("with 25ms a way an exchange took %v: %v", took, err)
	}
	if r := end(t, first); !confirmed(r) {
		t.Errorf("%+v", r)
	}
	if took, err := b.quick(10); err != nil || took < 60*ms || took > 99*ms {
		t.Errorf("with 15ms a way an exchange took %v: %v", took, err)
	}
	if err := second.Change(impair.Spec{Delay: dist.FixedDuration(2 * ms)}); err != nil {
		t.Fatal(err)
	}
	if took, err := b.quick(10); err != nil || took < 8*ms || took > 50*ms {
		t.Errorf("with 2ms a way an exchange took %v: %v", took, err)
	}
	if r := end(t, second); !confirmed(r) {
		t.Errorf("%+v", r)
	}
	free(t, b)
}

func TestUntouchedHasNoEffect(t *testing.T) {
	b := lay(t)
	for _, s := range []impair.Spec{{ID: "a", Match: impair.Match{Port: 81}, Loss: 0.5}, {ID: "b", Match: impair.Match{Port: 81}, Drop: true}} {
		f := begin(t, b, network.Order{Spec: s}, b.wire)
		free(t, b)
		if r := end(t, f); r.Verdict != result.NoEffect {
			t.Errorf("%+v", r)
		}
	}
}

func TestMTU(t *testing.T) {
	b := lay(t)
	place := network.Place{Namespace: b.Client.Path(), Device: testnet.Link}
	f := begin(t, b, network.Order{Spec: impair.Spec{ID: "mtu"}, MTU: 600}, place)
	if _, err := b.round(10_000, 5*time.Second); err != nil {
		t.Error(err)
	}
	if r := end(t, f); !confirmed(r) {
		t.Errorf("%+v", r)
	}
	if mtu, err := shape.SizeOf(shape.Interface{Namespace: b.Client.Path(), Name: testnet.Link}); err != nil || mtu != 1500 {
		t.Errorf("the MTU is %d, %v", mtu, err)
	}
}

func TestCapture(t *testing.T) {
	b := lay(t)
	path := filepath.Join(t.TempDir(), "fault.pcapng")
	f := begin(t, b, network.Order{Spec: impair.Spec{ID: "c", Delay: dist.FixedDuration(time.Millisecond)}, Capture: path}, b.wire)
	if _, err := b.round(1000, 5*time.Second); err != nil {
		t.Error(err)
	}
	r := end(t, f)
	if info, err := os.Stat(path); err != nil || info.Size() < 1000 || r.Capture != "fault.pcapng" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWhatCannotBeDone(t *testing.T) {
	wire := network.Place{Namespace: "/n", Wire: [2]string{"a", "b"}}
	lo := network.Place{Device: "lo"}
	delay := impair.Spec{Delay: dist.FixedDuration(time.Millisecond)}
	for want, c := range map[string]struct {
		order network.Order
		place network.Place
	}{
		"nothing is asked":                     {network.Order{}, wire},
		"takes a wire":                         {network.Order{Spec: delay}, lo},
		"only the loopback is filtered":        {network.Order{Spec: impair.Spec{Drop: true}}, network.Place{Device: "eth0"}},
		"want link or kernel":                  {network.Order{Spec: delay, Mechanism: "magic"}, wire},
		"the kernel has no mechanism for that": {network.Order{Spec: impair.Spec{LoseFin: true}, Mechanism: network.Kernel}, wire},
		"made for the run only":                {network.Order{MTU: 600}, lo},
		"want its device":                      {network.Order{MTU: 600}, wire},
		"a fault of its own":                   {network.Order{Spec: delay, MTU: 600}, lo},
	} {
		if err := network.Check(&c.order, &c.place); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
