package filter_test

import (
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/chaos/filter"
	"bench/chaos/impair"
	"bench/chaos/testnet"
)

// dial connects from the client to the server and says what came of it.
func dial(n *testnet.Net, within time.Duration) error {
	c, err := n.Client.Dial(&net.Dialer{Timeout: within}, "tcp", testnet.ServerIP+":80")
	if err == nil {
		c.Close()
	}
	return err
}

func open(t *testing.T, b *filter.Block) {
	t.Helper()
	if err := b.Open(); err != nil {
		t.Fatal(err)
	}
}

func done(t *testing.T, b *filter.Block) filter.Result {
	t.Helper()
	r, err := b.Result()
	if err != nil {
		t.Error(err)
	}
	if b.Gone() == nil {
		t.Error("the table is there and said to be gone")
	}
	if err := errors.Join(b.Close(), b.Gone()); err != nil {
		t.Error(err)
	}
	return r
}

func TestPartition(t *testing.T) {
	n := testnet.Need(t)
	n.Server.Listen(t, testnet.ServerIP+":80")
	n.Server.Listen(t, testnet.ServerIP+":81")
	for _, side := range []impair.Sides{impair.Both, impair.UpOnly, impair.DownOnly} {
		b := &filter.Block{
			Name: "bench-test", Namespace: n.Wire.Path(), Wire: [2]string{testnet.WireA, testnet.WireB},
			Match: impair.Match{Direction: side, Port: 80},
		}
		open(t, b)
		err := dial(n, 50*time.Millisecond)
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			t.Errorf("%s: connecting ends with %v, want a time-out", side, err)
		}
		c, err := n.Client.Dial(&net.Dialer{Timeout: time.Second}, "tcp", testnet.ServerIP+":81")
		if err != nil {
			t.Errorf("%s: the other port: %v", side, err)
		} else {
			c.Close()
		}
		if r := done(t, b); r.Met != r.Hit || r.Hit.Packets == 0 {
			t.Errorf("%s: %+v", side, r)
		}
		if err := dial(n, time.Second); err != nil {
			t.Errorf("%s: afterwards: %v", side, err)
		}
	}
}

// TestReject holds for new and for established connections.
func TestReject(t *testing.T) {
	n := testnet.Need(t)
	l := n.Server.Listen(t, testnet.ServerIP+":80")
	old, err := n.Client.Dial(&net.Dialer{}, "tcp", testnet.ServerIP+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	for _, action := range []filter.Action{filter.Inform, filter.Refuse} {
		b := &filter.Block{Name: "bench-test", Namespace: n.Server.Path(), Match: impair.Match{Protocol: "tcp", Port: 80, Direction: impair.UpOnly}, Action: action}
		open(t, b)
		if err := dial(n, time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: connecting ends with %v", action, err)
		}
		if action == filter.Refuse {
			if _, err := old.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			old.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := old.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("an established connection reads %v", err)
			}
		}
		if r := done(t, b); r.Met != r.Hit || r.Hit.Packets == 0 {
			t.Errorf("%s: %+v", action, r)
		}
		if err := dial(n, time.Second); err != nil {
			t.Errorf("%s: afterwards: %v", action, err)
		}
	}
}

// TestLoss: of 20,000 datagrams the number lost lies within 4 standard deviations,
// which an honest draw leaves once in 16,000 runs.
func TestLoss(t *testing.T) {
	n := testnet.Need(t)
	server := n.Server.ListenPacket(t, testnet.ServerIP+":9000")
	c, err := n.Client.Dial(&net.Dialer{}, "udp", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, share := range []float64{0.01, 0.1} {
		b := &filter.Block{
			Name: "bench-test", Namespace: n.Wire.Path(), Wire: [2]string{testnet.WireA, testnet.WireB},
			Match: impair.Match{Direction: impair.UpOnly, Protocol: "udp"}, Share: share,
		}
		open(t, b)
		const count = 20_000
		for range count {
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		r := done(t, b)
		if d := math.Abs(float64(r.Hit.Packets) - share*count); r.Met.Packets != count || d > 4*math.Sqrt(share*(1-share)*count) {
			t.Errorf("asked %v: %+v", share, r)
		}
	}
}

func TestLoopback(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("filters need root here: those of the loopback are left out")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := &filter.Block{
		Name: fmt.Sprintf("bench-test-%d", os.Getpid()), Device: "lo",
		Match: impair.Match{Port: l.Addr().(*net.TCPAddr).AddrPort().Port(), Protocol: "tcp", Direction: impair.UpOnly}, Action: filter.Refuse,
	}
	open(t, b)
	_, err = net.DialTimeout("tcp", l.Addr().String(), time.Second)
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connecting ends with %v", err)
	}
	if r := done(t, b); r.Hit.Packets != 1 {
		t.Errorf("%+v", r)
	}
}

func TestCheckSaysWhatIsRight(t *testing.T) {
	wire := [2]string{"a", "b"}
	for want, b := range map[string]filter.Block{
		"only the loopback is filtered": {},
		"userspace link":                {Wire: wire, Action: filter.Refuse},
		"want drop, reset or icmp":      {Wire: wire, Action: "explode"},
		"want one from 0 to 1":          {Wire: wire, Share: 2},
		"a direction needs a port":      {Namespace: "/n", Match: impair.Match{Direction: impair.UpOnly}},
		"takes the userspace link":      {Wire: wire, Match: impair.Match{Connections: 0.5}},
	} {
		if err := b.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
