package conn_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/chaos/conn"
	"bench/chaos/testnet"
	"bench/internal/result"
	"bench/internal/testquiet"
)

// pairs opens connections on the loopback and returns both ends of each.
func pairs(t *testing.T, n int) (port uint16, clients, servers []net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for range n {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close(); s.Close() })
		clients, servers = append(clients, c), append(servers, s)
	}
	return l.Addr().(*net.TCPAddr).AddrPort().Port(), clients, servers
}

// cut counts the connections that a read finds aborted or reset.
func cut(t *testing.T, conns []net.Conn) (n int) {
	t.Helper()
	for _, c := range conns {
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := c.Read(make([]byte, 1))
		switch {
		case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNABORTED):
			n++
		case errors.Is(err, os.ErrDeadlineExceeded):
		default:
			t.Errorf("a connection reads %v", err)
		}
	}
	return n
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("attacks on connections need root here: they are left out")
	}
}

func TestKill(t *testing.T) {
	needRoot(t)
	port, clients, servers := pairs(t, 20)
	otherPort, others, _ := pairs(t, 5)
	k := conn.Kill{Port: port, Share: 0.5, Seed: 4}
	done, err := k.Do()
	if err != nil {
		t.Fatal(err)
	}
	if done.Found != 20 || done.Chosen < 2 || done.Chosen > 18 || done.Killed != done.Chosen || done.Alive != 0 {
		t.Errorf("%+v", done)
	}
	if n := cut(t, servers); n != done.Killed {
		t.Errorf("%d servers are cut, want %d", n, done.Killed)
	}
	if n := cut(t, clients); n != done.Killed {
		t.Errorf("%d clients are cut, want %d", n, done.Killed)
	}
	if n := cut(t, others); n != 0 {
		t.Errorf("%d connections of port %d are cut", n, otherPort)
	}
	k.Share = 0
	if done, err = k.Do(); err != nil || done.Found != done.Killed || done.Killed+cut(t, nil) == 0 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestForeignAddressesAreRefused(t *testing.T) {
	needRoot(t)
	n := testnet.Need(t)
	l := n.Server.Listen(t, testnet.ServerIP+":80")
	c, err := n.Server.Dial(&net.Dialer{}, "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// Seen from inside, the namespace is the system's own network.
	inside := func() error {
		_, err := (&conn.Kill{Place: conn.Place{Namespace: n.Server.Path()}, Port: 80}).Do()
		return err
	}
	if err := n.Server.Do(inside); err == nil || !strings.Contains(err.Error(), "nowhere else") {
		t.Errorf("error %v, want a refusal", err)
	}
	done, err := (&conn.Kill{Place: conn.Place{Namespace: n.Server.Path()}, Port: 80}).Do()
	if err != nil || done.Killed != 1 {
		t.Errorf("in a namespace of the run: %+v, %v", done, err)
	}
	for _, do := range []func() error{
		func() error {
			f := conn.Flood{Target: netip.MustParseAddrPort("192.0.2.1:80"), Rate: 10, For: time.Millisecond}
			_, err := f.Do(t.Context())
			return err
		},
		func() error {
			h := conn.HalfOpen{Target: netip.MustParseAddrPort("192.0.2.1:80"), Count: 1, For: time.Millisecond}
			_, err := h.Do(t.Context())
			return err
		},
		func() error {
			r := conn.Reset{Place: conn.Place{Interface: "eth0"}, Port: 80, For: time.Millisecond}
			_, err := r.Do(t.Context())
			return err
		},
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "nowhere else") {
			t.Errorf("error %v, want a refusal", err)
		}
	}
}

// TestReset sends messages to and fro on the loopback until each connection is
// cut in the middle.
func TestReset(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	needRoot(t)
	port, clients, servers := pairs(t, 50)
	for _, s := range servers {
		go func() {
			b := make([]byte, 100)
			for {
				n, err := s.Read(b)
				if err != nil {
					return
				}
				if _, err := s.Write(b[:n]); err != nil {
					return
				}
			}
		}()
	}
	cut := make(chan time.Duration, len(clients))
	for _, c := range clients {
		go func() {
			b := make([]byte, 100)
			for begin := time.Now(); time.Since(begin) < time.Second; time.Sleep(2 * time.Millisecond) {
				if _, err := c.Write(b); err != nil {
					cut <- time.Since(begin)
					return
				}
				if _, err := c.Read(b); err != nil {
					cut <- time.Since(begin)
					return
				}
			}
			cut <- 0
		}()
	}
	time.Sleep(10 * time.Millisecond)
	done, err := (&conn.Reset{Port: port, For: 300 * time.Millisecond}).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range clients {
		if took := <-cut; took > 0 {
			n++
		}
	}
	t.Logf("%+v", done)
	if n != 50 || done.Chosen != 50 || done.Survive != 0 {
		t.Errorf("%d of 50 connections were cut: %+v", n, done)
	}
}

// counter reads one of the kernel's counters in a namespace.
func halfOpenAt(t *testing.T, n testnet.Namespace, port uint16) (synReceived, established int) {
	t.Helper()
	err := n.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/tcp")
		if err != nil {
			return err
		}
		for _, line := range strings.Split(string(text), "\n")[1:] {
			f := strings.Fields(line)
			if len(f) < 4 {
				continue
			}
			if !strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
				continue
			}
			switch f[3] {
			case "01":
				established++
			case "03":
				synReceived++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return synReceived, established
}

func TestFlood(t *testing.T) {
	n := testnet.Need(t)
	n.Server.Listen(t, testnet.ServerIP+":80")
	type outcome struct {
		called conn.Called
		err    error
	}
	done := make(chan outcome)
	go func() {
		c, err := (&conn.Flood{
			Place:  conn.Place{Namespace: n.Client.Path(), Interface: testnet.Link},
			Target: netip.MustParseAddrPort(testnet.ServerIP + ":80"), Rate: 2000, For: 700 * time.Millisecond, Seed: 1,
		}).Do(t.Context())
		done <- outcome{c, err}
	}()
	time.Sleep(500 * time.Millisecond)
	during, _ := halfOpenAt(t, n.Server, 80)
	o := <-done
	if o.err != nil {
		t.Fatal(o.err)
	}
	after, _ := halfOpenAt(t, n.Server, 80)
	t.Logf("%+v; half open during the flood %d, after it %d", o.called, during, after)
	if r := o.called.Rate(); r < 1900 || r > 2100 {
		t.Errorf("%.0f SYNs a second, want 2000", r)
	}
	if o.called.Answered == 0 || during < 100 || after != 0 || o.called.Hung != o.called.Sent {
		t.Errorf("%+v; half open during the flood %d, after it %d", o.called, during, after)
	}
}

func TestHalfOpen(t *testing.T) {
	n := testnet.Need(t)
	l := n.Server.Listen(t, testnet.ServerIP+":80")
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	done := make(chan conn.Called)
	go func() {
		c, err := (&conn.HalfOpen{
			Place:  conn.Place{Namespace: n.Client.Path(), Interface: testnet.Link},
			Target: netip.MustParseAddrPort(testnet.ServerIP + ":80"), Count: 200, For: 700 * time.Millisecond,
		}).Do(t.Context())
		if err != nil {
			t.Error(err)
		}
		done <- c
	}()
	time.Sleep(500 * time.Millisecond)
	_, during := halfOpenAt(t, n.Server, 80)
	c := <-done
	_, after := halfOpenAt(t, n.Server, 80)
	if c.Opened != 200 || during != 200 || after != 0 {
		t.Errorf("%+v; open meanwhile %d, after it %d", c, during, after)
	}
}

// TestFaults holds the certificates of attacks that worked, and of those that had
// nothing to attack.
func TestFaults(t *testing.T) {
	if testquiet.Tried(t) { // a flood has its rate where it gets a processor
		return
	}
	n := testnet.Need(t)
	n.Server.Listen(t, testnet.ServerIP+":80")
	client := conn.Place{Namespace: n.Client.Path(), Interface: testnet.Link}
	server := conn.Place{Namespace: n.Server.Path()}
	wire := conn.Place{Namespace: n.Wire.Path(), Interface: testnet.WireA}
	target := netip.MustParseAddrPort(testnet.ServerIP + ":80")
	c, err := n.Client.Dial(&net.Dialer{}, "tcp", target.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, x := range map[string]struct {
		fault conn.Fault
		want  string
	}{
		"kill":           {conn.Fault{Order: &conn.Kill{Place: server, Port: 80}}, result.Confirmed},
		"kill nothing":   {conn.Fault{Order: &conn.Kill{Place: server, Port: 81}}, result.NoEffect},
		"flood":          {conn.Fault{Order: &conn.Flood{Place: client, Target: target, Rate: 1000, For: time.Minute}}, result.Confirmed},
		"half-open":      {conn.Fault{Order: &conn.HalfOpen{Place: client, Target: target, Count: 50, For: time.Minute}}, result.Confirmed},
		"reset of quiet": {conn.Fault{Order: &conn.Reset{Place: wire, Other: testnet.WireB, Port: 80, For: time.Minute}}, result.NoEffect},
	} {
		t.Run(name, func(t *testing.T) {
			if err := x.fault.Begin(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond)
			begin := time.Now()
			c, err := x.fault.End()
			if err != nil || !c.Gone || c.Verdict != x.want {
				t.Errorf("%+v, %v; want %s", c, err, x.want)
			}
			if took := time.Since(begin); took > 5*time.Second { // the faults are for a minute
				t.Errorf("the end took %v", took)
			}
		})
	}
	nobody := conn.Fault{Order: &conn.Flood{Place: client, Target: netip.MustParseAddrPort(testnet.NobodyIP + ":80"), Rate: 1, For: time.Second}}
	if err := nobody.Begin(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "nobody answers") {
		t.Errorf("a flood of nobody begins with %v", err)
	}
}
