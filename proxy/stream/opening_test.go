package stream_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"bench/proxy/spec"
	"bench/proxy/stats"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// A connection that rules refuse before its first stream is closed and counted, and
// its place is free again; one that they let pass is served.
func TestConnectionsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		rules   func(l txn.Rules) stream.Rules
		counted func(c *stats.Frontend) uint64
	}{
		{"connection", func(l txn.Rules) stream.Rules { return stream.Rules{Connection: l} }, func(c *stats.Frontend) uint64 { return c.DeniedConn }},
		{"session", func(l txn.Rules) stream.Rules { return stream.Rules{Session: l} }, func(c *stats.Frontend) uint64 { return c.DeniedSess }},
	} {
		for _, mode := range []spec.Mode{spec.ModeHTTP, spec.ModeTCP} {
			t.Run(c.name, func(t *testing.T) {
				refusing := true
				r := newRigRuled(t, mode, nil, c.rules(ruleFunc(func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
					if !x.Final {
						t.Error("the rules may wait")
					}
					if refusing {
						return txn.Gone
					}
					return txn.Next
				})), discard{}, origin(t, echoHTTP))
				// The reset may come before the client knows that it is connected.
				refused, err := net.Dial("tcp4", r.addr)
				if err == nil {
					var b []byte
					if b, err = io.ReadAll(refused); len(b) > 0 {
						t.Errorf("%q instead of the end", b)
					}
					_ = refused.Close()
				}
				if want := c.name == "connection"; errors.Is(err, syscall.ECONNRESET) != want || !want && err != nil {
					t.Errorf("%v; a reset: %v", err, want)
				}
				for end := time.Now().Add(5 * time.Second); r.fe.Cur.Load() != 0 && time.Now().Before(end); {
					time.Sleep(time.Millisecond)
				}
				r.loop.Call(func() { refusing = false })
				conn := r.dial()
				conn.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				if resp, _ := conn.response("GET"); resp.StatusCode != 200 {
					t.Errorf("status %d", resp.StatusCode)
				}
				var n stats.Frontend
				r.loop.Call(func() { n = r.thread.Fronts[0].C })
				if c.counted(&n) != 1 || n.Conns != 2 || n.Sessions != 1 {
					t.Errorf("%d refused of %d connections and %d sessions, want 1, 2 and 1", c.counted(&n), n.Conns, n.Sessions)
				}
				_ = conn.Close()
				for end := time.Now().Add(5 * time.Second); r.fe.Cur.Load() != 0; time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("a connection still counts")
					}
				}
			})
		}
	}
}
