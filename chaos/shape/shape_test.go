package shape_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"bench/chaos/shape"
	"bench/chaos/testnet"
)

// goodput is what a TCP connection from the client to the server reaches, in bits
// per second, after it has settled.
func goodput(t *testing.T, n *testnet.Net, settle, measure time.Duration) float64 {
	t.Helper()
	l := n.Server.Listen(t, testnet.ServerIP+":80")
	defer l.Close()
	go func() {
		c, err := n.Client.Dial(&net.Dialer{}, "tcp", testnet.ServerIP+":80")
		if err != nil {
			return
		}
		defer c.Close()
		b := make([]byte, 64<<10)
		for end := time.Now().Add(settle + measure); time.Now().Before(end); {
			c.SetWriteDeadline(end)
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 256<<10)
	begin, total := time.Now(), 0
	var from time.Time
	for {
		c.SetReadDeadline(begin.Add(settle + measure))
		k, err := c.Read(b)
		if now := time.Now(); now.Sub(begin) >= settle {
			if from.IsZero() {
				from = now
			} else {
				total += k
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && total == 0 {
				t.Fatal(err)
			}
			break
		}
	}
	return float64(total) * 8 / time.Since(from).Seconds()
}

// TestRate expects of TCP the share of a full frame that is payload: 1448 of 1514
// bytes. A busy machine may not make use of it all.
func TestRate(t *testing.T) {
	n := testnet.Need(t)
	at := shape.Interface{Namespace: n.Wire.Path(), Name: testnet.WireB}
	for _, bits := range []float64{10e6, 100e6, 1e9} {
		hold, err := shape.Rate(at, bits, 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		got := goodput(t, n, 300*time.Millisecond, 700*time.Millisecond)
		counts, err := hold.Counts()
		if err != nil {
			t.Fatal(err)
		}
		want := bits * 1448 / 1514
		t.Logf("%.0f Mbit/s: goodput %.2f Mbit/s (%.1f %% of what is possible), %+v", bits/1e6, got/1e6, 100*got/want, counts)
		if got > 1.05*want || got < 0.5*want {
			t.Errorf("at %.0f Mbit/s the goodput is %.2f Mbit/s, want %.2f", bits/1e6, got/1e6, want/1e6)
		}
		if err := hold.Gone(); err == nil {
			t.Error("the queue is there and said to be gone")
		}
		for range 2 {
			if err := hold.Undo(); err != nil {
				t.Error(err)
			}
		}
		if err := hold.Gone(); err != nil {
			t.Error(err)
		}
	}
	if got := goodput(t, n, 50*time.Millisecond, 100*time.Millisecond); got < 1.2e9 {
		t.Errorf("after the end the goodput is %.0f Mbit/s", got/1e6)
	}
}

func TestMTU(t *testing.T) {
	n := testnet.Need(t)
	at := shape.Interface{Namespace: n.Client.Path(), Name: testnet.Link}
	hold, err := shape.MTU(at, 600)
	if err != nil {
		t.Fatal(err)
	}
	mtu := func() (size int) {
		err := n.Client.Do(func() error {
			nic, err := net.InterfaceByName(testnet.Link)
			if err == nil {
				size = nic.MTU
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return size
	}
	if mtu() != 600 || hold.Gone() == nil {
		t.Errorf("the MTU is %d", mtu())
	}
	if err := hold.Undo(); err != nil || hold.Gone() != nil || mtu() != 1500 {
		t.Errorf("the MTU is %d: %v, %v", mtu(), err, hold.Gone())
	}
	if _, err := shape.MTU(at, 10); err == nil {
		t.Error("an MTU of 10 is taken")
	}
}

// TestNetem holds where the kernel has netem; elsewhere its absence must be told.
func TestNetem(t *testing.T) {
	n := testnet.Need(t)
	at := shape.Interface{Namespace: n.Wire.Path(), Name: testnet.WireB}
	hold, err := shape.SetNetem(at, shape.Netem{Delay: 20 * time.Millisecond})
	if errors.Is(err, shape.ErrNotSupported) {
		t.Skipf("netem is left out: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	n.Server.Listen(t, testnet.ServerIP+":80")
	begin := time.Now()
	c, err := n.Client.Dial(&net.Dialer{}, "tcp", testnet.ServerIP+":80")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if took := time.Since(begin); took < 20*time.Millisecond || took > 60*time.Millisecond {
		t.Errorf("connecting took %v", took)
	}
	if err := errors.Join(hold.Undo(), hold.Gone()); err != nil {
		t.Error(err)
	}
}

func TestMissingInterfaceIsNamed(t *testing.T) {
	if _, err := shape.Rate(shape.Interface{Name: "nosuch0"}, 1e6, 0); err == nil {
		t.Error("a rate was set on nothing")
	}
}
