package abuse_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
	"bench/internal/testserver"
	"bench/loadgen/abuse"
)

// server is a Go HTTP server whose time-outs end the slow; its address.
func server(t *testing.T) string {
	t.Helper()
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/large" {
				_, _ = w.Write(make([]byte, 1<<20)) // the client may go away
			}
		}),
		ReadHeaderTimeout: 100 * time.Millisecond,
		MaxHeaderBytes:    16 << 10,
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }() // ends with Close
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

func spec(kind, addr string) *abuse.Spec {
	return &abuse.Spec{
		Name: "test", Kind: kind, Targets: []string{addr}, Path: "/",
		Connections: 20, Rate: 200, LengthUs: 300_000, TimeoutUs: 300_000, Seed: 1,
	}
}

func carryOut(t *testing.T, s *abuse.Spec) *result.Abuse {
	t.Helper()
	r, err := abuse.New(s)
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Run(t.Context(), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, out)
	return out
}

// balanced checks that nothing is counted twice or forgotten.
func balanced(t *testing.T, a *result.Abuse) {
	t.Helper()
	check := func(name string, c *result.AbuseCounts) {
		if c.Attempts != c.Opened+c.Refused+c.Unreached+c.Local {
			t.Errorf("%s: attempts of %+v", name, c)
		}
		if c.Opened != c.Closed+c.Reset+c.TimedOut+c.Left+c.Open {
			t.Errorf("%s: ends of %+v", name, c)
		}
	}
	check(a.Kind, &a.AbuseCounts)
	var sum uint64
	for i := range a.Variants {
		check(a.Variants[i].Name, &a.Variants[i].AbuseCounts)
		sum += a.Variants[i].Attempts
	}
	if len(a.Variants) > 0 && sum != a.Attempts {
		t.Errorf("variants have %d of %d attempts", sum, a.Attempts)
	}
	if a.Held.Count != a.Closed+a.Reset {
		t.Errorf("held %d of %d", a.Held.Count, a.Closed+a.Reset)
	}
}

// most reports whether n is more than half of all: some are under way at the end,
// and many of them on a busy machine.
func most(n, all uint64) bool { return 2*n > all }

// What a server with time-outs does to each kind.
func TestKindsAgainstAServer(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	addr := server(t)
	for _, c := range []struct {
		kind   string
		change func(*abuse.Spec)
		check  func(a *result.Abuse) bool
	}{
		{"idle", nil, func(a *result.Abuse) bool { return a.Closed > 0 && a.Closed+a.Open == a.Opened && a.BytesOut == 0 }},
		{"idle", func(s *abuse.Spec) { s.HoldUs = new(int64(50_000)) }, func(a *result.Abuse) bool { return a.Left > 0 && a.Left+a.Open == a.Opened }},
		{"churn", nil, func(a *result.Abuse) bool { return a.Left == a.Opened && a.Opened >= 10 }},
		{"churn", func(s *abuse.Spec) { s.Reset = new(true) }, func(a *result.Abuse) bool { return a.Left == a.Opened }},
		{"slowloris", func(s *abuse.Spec) { s.EveryUs = new(int64(20_000)) }, func(a *result.Abuse) bool {
			return a.Closed > 0 && a.Closed+a.Reset+a.Open == a.Opened && a.Held.P50 > 80_000 && a.Requests == 0
		}},
		{"slow-post", func(s *abuse.Spec) { s.EveryUs, s.Bytes, s.Size = new(int64(10_000)), new(20), new(int64(100)) }, func(a *result.Abuse) bool {
			return a.Statuses["200"] > 0 && a.Requests > 0
		}},
		{"slow-read", func(s *abuse.Spec) { s.Path = "/large" }, func(a *result.Abuse) bool {
			return a.Open == a.Opened && a.Answered > 0 && a.BytesIn < a.Opened*1000
		}},
		{"half-close", nil, func(a *result.Abuse) bool { return most(a.Answered, a.Opened) && most(a.Closed, a.Opened) }},
		{"half-request", nil, func(a *result.Abuse) bool { return most(a.Closed, a.Opened) && a.Statuses["200"] == 0 }},
		{"abort-request", nil, func(a *result.Abuse) bool { return a.Left == a.Opened && a.Requests == 0 }},
		{"abort-response", func(s *abuse.Spec) { s.Path, s.Bytes = "/large", new(1000) }, func(a *result.Abuse) bool {
			return most(a.Left, a.Opened) && a.BytesIn <= 1000*a.Opened && a.Statuses["200"] > 0
		}},
		{"garbage", func(s *abuse.Spec) { s.Only = []string{"random", "tls-hello", "zeros"} }, func(a *result.Abuse) bool { return a.Statuses["200"] == 0 && a.Statuses["400"] > 0 }},
		{"oversized", func(s *abuse.Spec) { s.Only = []string{"long-target", "many-fields"} }, func(a *result.Abuse) bool {
			return len(a.Variants) == 2 && a.Statuses["431"] > 0 && a.Statuses["200"] == 0
		}},
		{"pipeline", func(s *abuse.Spec) { s.Requests, s.Rate = new(500), 20 }, func(a *result.Abuse) bool {
			return a.Requests >= 500 && a.Statuses["200"] >= 500 && a.Requests%500 == 0
		}},
		{"proxy-header", nil, func(a *result.Abuse) bool { return len(a.Variants) == 20 && a.Statuses["400"] > 0 }},
		{"tls-stall", func(s *abuse.Spec) { s.HoldUs = new(int64(50_000)) }, func(a *result.Abuse) bool {
			return a.Requests == 0 && a.BytesOut > 0 && a.Left+a.Closed+a.Reset+a.Open == a.Opened
		}},
		{"tls-cut", nil, func(a *result.Abuse) bool {
			return len(a.Variants) == 4 && a.Requests == 0 && a.Left == a.Opened && a.BytesOut > 0
		}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			s := spec(c.kind, addr)
			if c.change != nil {
				c.change(s)
			}
			if a := carryOut(t, s); !c.check(a) {
				t.Errorf("counted %+v, held %+v", a.AbuseCounts, a.Held)
			}
		})
	}
}

// Every end is counted as what it is.
func TestEnds(t *testing.T) {
	read := func(c net.Conn) { _, _ = bufio.NewReader(c).ReadString('\n') }
	for _, e := range []struct {
		name  string
		serve func(net.Conn)
		of    func(*result.Abuse) uint64
	}{
		{"closed", func(c net.Conn) { c.Close() }, func(a *result.Abuse) uint64 { return a.Closed + a.Reset }},
		{"reset", func(c net.Conn) { read(c); _ = c.(*net.TCPConn).SetLinger(0); c.Close() }, func(a *result.Abuse) uint64 { return a.Reset }},
		{"timed out", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, func(a *result.Abuse) uint64 { return a.TimedOut }},
		{"no HTTP", func(c net.Conn) { read(c); _, _ = io.WriteString(c, "+PONG\r\n"); c.Close() }, func(a *result.Abuse) uint64 { return a.Garbled }},
		{"teapot", func(c net.Conn) {
			read(c)
			_, _ = io.WriteString(c, "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n")
		}, func(a *result.Abuse) uint64 { return a.Statuses["418"] }},
	} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			s := spec("malformed", testserver.TCP(t, e.serve))
			s.Rate, s.TimeoutUs, s.Only = 50, 50_000, []string{"no-host"}
			a := carryOut(t, s)
			if n := e.of(a); !most(n, a.Opened) || a.Opened < 5 {
				t.Errorf("%d of %+v", n, a.AbuseCounts)
			}
		})
	}
}

func TestRefusedConnections(t *testing.T) {
	s := spec("idle", testpeer.Refusing(t))
	s.LengthUs = 100_000
	if a := carryOut(t, s); a.Refused != a.Attempts || a.Attempts < 10 {
		t.Errorf("counted %+v", a.AbuseCounts)
	}
}

// No more are open than may be, and no more are opened than the rate says.
func TestBounds(t *testing.T) {
	var most, open, total atomic.Int64
	addr := testserver.TCP(t, func(c net.Conn) {
		total.Add(1)
		most.Store(max(most.Load(), open.Add(1)))
		_, _ = io.Copy(io.Discard, c)
		open.Add(-1)
	})
	s := spec("idle", addr)
	s.Connections, s.Rate, s.HoldUs, s.LengthUs = 7, 100, new(int64(100_000)), 500_000
	begin := time.Now()
	a := carryOut(t, s)
	if took := time.Since(begin); took < 500*time.Millisecond || took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	// Seven for 100 ms each, five times over.
	if a.OpenMax != 7 || a.Attempts > 42 || a.Attempts < 14 {
		t.Errorf("at most %d open, %d in all", a.OpenMax, a.Attempts)
	}
	deadline := time.Now().Add(2 * time.Second)
	for open.Load() > 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if open.Load() != 0 || uint64(total.Load()) != a.Opened || most.Load() > 8 {
		t.Errorf("the peer saw %d, at most %d, and %d are left", total.Load(), most.Load(), open.Load())
	}
}

func TestSourceAddress(t *testing.T) {
	from := make(chan string, 100)
	s := spec("churn", testserver.TCP(t, func(c net.Conn) { from <- c.RemoteAddr().String(); c.Close() }))
	s.Source, s.LengthUs = "127.0.0.77", 50_000
	carryOut(t, s)
	if got := <-from; !strings.HasPrefix(got, "127.0.0.77:") {
		t.Errorf("came from %s", got)
	}
}

func TestInterrupted(t *testing.T) {
	s := spec("idle", testserver.TCP(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }))
	s.LengthUs = 3_600_000_000
	r, err := abuse.New(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, context.Canceled)
	defer cancel()
	a, err := r.Run(ctx, 0, nil)
	if !errors.Is(err, context.Canceled) || a == nil || a.Open == 0 || a.EndUs > 5_000_000 {
		t.Errorf("%v, %+v", err, a)
	}
	balanced(t, a)
}

func TestBadSpecs(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*abuse.Spec)
	}{
		{"unknown kind \"slow\"", func(s *abuse.Spec) { s.Kind = "slow" }},
		{"kind idle takes no size, only hold", func(s *abuse.Spec) { s.Size = new(int64(1)) }},
		{"kind half-close takes no reset", func(s *abuse.Spec) { s.Kind, s.Reset = "half-close", new(true) }},
		{"every must be from 1ms", func(s *abuse.Spec) { s.Kind, s.EveryUs = "slowloris", new(int64(1)) }},
		{"has no variant \"x\"", func(s *abuse.Spec) { s.Kind, s.Only = "malformed", []string{"x"} }},
		{"rate of 0/s", func(s *abuse.Spec) { s.Rate = 0 }},
		{"0 connections", func(s *abuse.Spec) { s.Connections = 0 }},
		{"length above 0", func(s *abuse.Spec) { s.LengthUs = 0 }},
		{"is a public address", func(s *abuse.Spec) { s.Targets = []string{"8.8.8.8:80"} }},
		{"is a public address", func(s *abuse.Spec) { s.Targets = []string{"0.0.0.0:80"} }},
		{"is a public address", func(s *abuse.Spec) { s.Targets = []string{"[2001:db8::1]:80"} }},
		{"has no port", func(s *abuse.Spec) { s.Targets = []string{"127.0.0.1"} }},
		{"no target", func(s *abuse.Spec) { s.Targets = nil }},
		{"is not an IP address", func(s *abuse.Spec) { s.Source = "localhost" }},
		{"does not begin with /", func(s *abuse.Spec) { s.Path = "x" }},
		{"only visible ASCII", func(s *abuse.Spec) { s.Host = "a\r\nb" }},
		{"want 1 to 64 letters", func(s *abuse.Spec) { s.Name = "a b" }},
	} {
		s := spec("idle", "127.0.0.1:80")
		c.change(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	for _, near := range []string{"127.9.9.9:1", "[::1]:1", "10.1.2.3:1", "198.19.0.1:1", "[fe80::1]:1", "/run/x.sock", "abns@x"} {
		if err := spec("idle", near).Validate(); err != nil {
			t.Error(err)
		}
	}
}

// Every kind has words for itself, and its options are known.
func TestKindsAreDescribed(t *testing.T) {
	known := []string{"hold", "every", "bytes", "size", "window", "requests", "reset", "only"}
	for _, name := range abuse.Kinds() {
		doc, options := abuse.Doc(name)
		if doc == "" || slices.ContainsFunc(options, func(o string) bool { return !slices.Contains(known, o) }) {
			t.Errorf("kind %s: %q, %v", name, doc, options)
		}
	}
}

// Clients go on to the next address of a name, each of them counted once.
func TestNameWithSeveralAddresses(t *testing.T) {
	addr := server(t)
	_, port, _ := net.SplitHostPort(addr)
	s := spec("half-close", "127.0.0.2:"+port)
	s.Targets, s.OneName = append(s.Targets, addr), true
	if out := carryOut(t, s); out.Opened == 0 || out.Opened != out.Attempts {
		t.Errorf("with one address that answers: %+v", out.AbuseCounts)
	}
	s.Targets = []string{"127.0.0.2:" + port, "127.0.0.3:" + port}
	if out := carryOut(t, s); out.Attempts == 0 || out.Refused != out.Attempts {
		t.Errorf("with none: %+v", out.AbuseCounts)
	}
}
