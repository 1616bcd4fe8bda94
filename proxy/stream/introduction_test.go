package stream_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// asSaid makes the client the one that a field of the request names.
var asSaid = ruleFunc(func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
	if v := x.Req.Get("x-ip"); v != nil {
		if a, err := sock.Parse(string(v)); err == nil {
			x.Stream.SetSource(a)
		}
	}
	return txn.Next
})

// No request goes over a connection that has told its server something else of the client.
func TestConnectionsIntroduceTheirClient(t *testing.T) {
	conns := make(chan struct{}, 20)
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		conns <- struct{}{}
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		from := strings.Fields(line)[2]
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(from), from); err != nil {
				return
			}
		}
	})
	for _, reuse := range []spec.Reuse{spec.ReuseNever, spec.ReuseSafe, spec.ReuseAlways} {
		rig := newRigRuled(t, spec.ModeHTTP, func(p *spec.Proxy) {
			p.HTTPReuse = reuse
			p.Servers[0].Proxy.V1 = true
		}, stream.Rules{Request: asSaid}, nil, addr)
		c, other := rig.dial(), rig.dial()
		for i, ip := range []string{"10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2"} {
			for _, conn := range []*rawConn{c, other} {
				conn.send(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: x\r\nX-IP: %s:1\r\n\r\n", i, ip))
				if _, body := conn.response("GET"); body != ip {
					t.Errorf("policy %d, request %d: the server took %s for %s", reuse, i, ip, body)
				}
			}
		}
		if n := len(conns); n != 4 {
			t.Errorf("policy %d: %d connections for two addresses of each of two clients, want 4", reuse, n)
		}
		for len(conns) > 0 {
			<-conns
		}
	}
}

// What is kept counts from when it was made, and nothing that is too old is.
func TestCachedAges(t *testing.T) {
	for text, kept := range map[string]bool{
		"Cache-Control: max-age=10\r\nAge: 9": true, "Cache-Control: max-age=10\r\nAge: 10": true, "Cache-Control: max-age=10\r\nAge: 11": false,
		"Cache-Control: max-age=10\r\nAge: x": false, "Cache-Control: max-age=10\r\nAge: 0": false, "ETag: \"a\"\r\nAge: 1": false, "ETag: \"a\"": true,
		"Cache-Control: max-age=10, s-maxage=2\r\nAge: 3": false,
	} {
		asked := make(chan struct{}, 10)
		addr := origin(t, func(c net.Conn, r *bufio.Reader) {
			for {
				if _, err := http.ReadRequest(r); err != nil {
					return
				}
				asked <- struct{}{}
				if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\n\r\nok", text); err != nil {
					return
				}
			}
		})
		rig := newRigCached(t, spec.ModeHTTP, nil, stream.Rules{Request: useAndStore{}, Response: useAndStore{}}, &spec.Cache{Name: "c", Total: 1 << 20, Object: 1 << 10, MaxAge: 60}, nil, addr)
		c := rig.dial()
		for range 2 {
			c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, body := c.response("GET"); body != "ok" {
				t.Errorf("%q: %q", text, body)
			}
		}
		if got := len(asked) == 1; got != kept {
			t.Errorf("%q is kept: %v, want %v", text, got, kept)
		}
	}
}

// slashed writes a Host that could be taken for one with a path.
var slashed = ruleFunc(func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
	if v := x.Req.Get("x-host"); v != nil {
		x.Req.SetID(message.Host, v)
	}
	x.Stream.UseCache(0)
	return txn.Next
})

// Two addresses that read alike when they are joined are not one.
func TestCacheKeysAreOfOneHost(t *testing.T) {
	rig := newRigCached(t, spec.ModeHTTP, nil, stream.Rules{Request: slashed, Response: useAndStore{}}, &spec.Cache{Name: "c", Total: 1 << 20, Object: 1 << 10, MaxAge: 60}, nil,
		origin(t, func(c net.Conn, r *bufio.Reader) {
			for {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				body := req.RequestURI
				if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
					return
				}
			}
		}))
	c := rig.dial()
	for _, q := range [][2]string{{"GET /b HTTP/1.1\r\nHost: x\r\nX-Host: h/a\r\n\r\n", "/b"}, {"GET /a/b HTTP/1.1\r\nHost: x\r\nX-Host: h\r\n\r\n", "/a/b"}, {"GET /b HTTP/1.1\r\nHost: x\r\nX-Host: h/a\r\n\r\n", "/b"}} {
		c.send(q[0])
		if _, body := c.response("GET"); body != q[1] {
			t.Errorf("%q: %q", q[0], body)
		}
	}
}

// The identifier of a request that is refused is made of none that is there by then.
func TestIdentifiersOfRefusedRequests(t *testing.T) {
	refuses := ruleFunc(func(_ *txn.Txn, out *txn.Outcome) txn.Verdict {
		out.Status = 403
		return txn.Answered
	})
	ids := make(identified, 10)
	later := inOrder(held(5*time.Millisecond), refuses) // which keeps the request meanwhile
	for _, rules := range []stream.Rules{{Request: refuses}, {Request: later}} {
		refusedIdentifiers(t, newRigRuled(t, spec.ModeHTTP, identifying(t, "<%[req.hdr(me)]>"), rules, ids, origin(t, echoHTTP)), ids)
	}
}

func refusedIdentifiers(t *testing.T, r *rig, ids identified) {
	t.Helper()
	for _, pieces := range [][]string{{"GET /first HTTP/1.1\r\nHost: x\r\nMe: aaaa\r\n\r\n"}, {"GET /first HTTP/1.1\r\nHost: x\r\nMe: a", "aaa\r\n\r\n"}} {
		c := r.dial()
		for _, p := range pieces {
			c.send(p)
			time.Sleep(5 * time.Millisecond) // the first piece is to be read alone
			r.loop.Call(func() {})
		}
		c.response("GET")
		if id := <-ids; id != "<>" {
			t.Errorf("in %d pieces: identifier %q", len(pieces), id)
		}
	}
}

// Clients' addresses are presented to servers, by a port of the kernel's choice or their own.
func TestClientsAddressesArePresented(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs root")
		}
		t.Skip("needs root")
	}
	from := make(chan string, 10)
	addr := origin(t, func(c net.Conn, r *bufio.Reader) { from <- c.RemoteAddr().String(); echoHTTP(c, r) })
	set := ruleFunc(func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
		a, _ := sock.Parse("127.0.0.77:20077")
		x.Stream.SetSource(a)
		return txn.Next
	})
	for as, same := range map[spec.SourceAs]bool{spec.AsClient: true, spec.AsClientIP: false} {
		own, _ := sock.Parse("127.0.0.9:0")
		rig := newRigRuled(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Source = &spec.Source{Addr: own, As: as} }, stream.Rules{Request: set}, nil, addr)
		c := rig.dial()
		c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp, _ := c.response("GET"); resp.StatusCode != 200 {
			t.Fatalf("way %d: %s", as, resp.Status)
		}
		if got := <-from; !strings.HasPrefix(got, "127.0.0.77:") || (got == "127.0.0.77:20077") != same {
			t.Errorf("way %d: the server was connected to from %s", as, got)
		}
	}
}

// The first request of a client takes an idle connection by "http-reuse safe" only where the
// proxy would send it again whatever became of that.
func TestFirstRequestsThatAreRepeatedReuse(t *testing.T) {
	const whole = spec.RetryConnFailure | spec.RetryEmptyResponse | spec.RetryResponseTimeout
	for on, want := range map[spec.RetryOn]int{0: 2, spec.RetryConnFailure: 2, whole &^ spec.RetryResponseTimeout: 2, whole: 1, whole | spec.RetryStatus: 1} {
		conns := make(chan struct{}, 10)
		rig := newRigRuled(t, spec.ModeHTTP, func(p *spec.Proxy) { p.HTTPReuse, p.RetryOn = spec.ReuseSafe, on }, stream.Rules{}, nil,
			origin(t, func(c net.Conn, r *bufio.Reader) { conns <- struct{}{}; echoHTTP(c, r) }))
		for range 2 {
			c := rig.dial()
			c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if resp, _ := c.response("GET"); resp.StatusCode != 200 {
				t.Fatal(resp.Status)
			}
		}
		if n := len(conns); n != want {
			t.Errorf("retry-on %b: %d connections, want %d", on, n, want)
		}
	}
}
