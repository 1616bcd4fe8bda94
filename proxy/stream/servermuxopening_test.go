package stream_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"bench/proxy/spec"
)

// slowToOpen is a server of HTTP/2 in TLS that agrees on no protocol. The first fail
// connections end within the handshake; no other is answered before hold is closed.
func slowToOpen(t *testing.T, fail int64, hold chan struct{}) (addr string, conns *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	pair, err := tls.X509KeyPair(site(), site())
	if err != nil {
		t.Fatal(err)
	}
	conns = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			bad := conns.Add(1) <= fail
			go func() {
				defer c.Close()
				<-hold
				if bad {
					return
				}
				s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
				if s.Handshake() == nil {
					(&http2.Server{}).ServeConn(s, &http2.ServeConnOpts{Handler: http.HandlerFunc(digest2)}) //nolint:staticcheck // of TLS without ALPN nothing else serves HTTP/2
				}
			}()
		}
	}()
	return l.Addr().String(), conns
}

// Requests join a connection of HTTP/2 that is still being opened where the policy lets them,
// and go on elsewhere when it comes to nothing, whatever they ask for.
func TestServerMuxJoinsOpening(t *testing.T) {
	for _, c := range []struct {
		policy spec.Reuse
		fail   int64
		most   int64
	}{{spec.ReuseAlways, 0, 1}, {spec.ReuseAlways, 1, 2}, {spec.ReuseSafe, 0, 40}} {
		hold := make(chan struct{})
		addr, conns := slowToOpen(t, c.fail, hold)
		rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
			speaking2(p)
			p.HTTPReuse = c.policy
			p.Retries = 3
			p.Options.HTTPBufferRequest = true // what has not come yet cannot be sent again
			p.Servers[0].TLS = &spec.ServerTLS{TLS: spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}}
		}, discard{}, addr)
		client := rig.client2(0)
		done := make(chan error, 40)
		for i := range cap(done) {
			go func() {
				method, sent := "GET", 0
				if i%2 == 1 {
					method, sent = "POST", 1000
				}
				done <- exchange(client, rig.addr, method, "", sent, 3000, false)
			}()
		}
		for end := time.Now().Add(20 * time.Second); conns.Load() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no connection was opened")
			}
		}
		time.Sleep(100 * time.Millisecond) // who comes later finds the connection established
		close(hold)
		for range cap(done) {
			if err := <-done; err != nil {
				t.Error(fmt.Errorf("policy %v, %d fail: %w", c.policy, c.fail, err))
			}
		}
		if n := conns.Load(); n > c.most || n <= c.fail {
			t.Errorf("policy %v, %d fail: %d connections, want at most %d", c.policy, c.fail, n, c.most)
		}
	}
}

// A client that goes away while a connection is opened for its request takes nobody with it
// who has joined, and a client that has joined takes only itself.
func TestServerMuxOpeningAbandoned(t *testing.T) {
	for _, first := range []bool{true, false} {
		hold := make(chan struct{})
		addr, conns := slowToOpen(t, 0, hold)
		rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
			speaking2(p)
			p.HTTPReuse = spec.ReuseAlways
			p.Options.AbortOnClose = true
			p.Servers[0].TLS = &spec.ServerTLS{TLS: spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}}
		}, discard{}, addr)
		leaves, stays := rig.dial(), rig.dial()
		const request = "GET /?n=10 HTTP/1.1\r\nHost: x\r\n\r\n"
		opener, joiner := leaves, stays
		if !first {
			opener, joiner = stays, leaves
		}
		opener.send(request)
		for end := time.Now().Add(20 * time.Second); conns.Load() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no connection was opened")
			}
		}
		joiner.send(request)
		time.Sleep(20 * time.Millisecond) // or it is served by itself
		leaves.Close()
		time.Sleep(20 * time.Millisecond)
		close(hold)
		if resp, body := stays.response("GET"); resp.StatusCode != 200 || body != string(pattern(10)) {
			t.Errorf("first leaves: %v: status %d, %q", first, resp.StatusCode, body)
		}
	}
}
