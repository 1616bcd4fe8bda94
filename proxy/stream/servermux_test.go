package stream_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bench/proxy/spec"
)

// cutting is a listener whose connections write in pieces of any length.
type cutting struct {
	net.Listener
	n     atomic.Uint64
	conns atomic.Int64
}

func (l *cutting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.conns.Add(1)
	return &cutter{Conn: c, rng: rand.New(rand.NewPCG(l.n.Add(1), 9))}, nil
}

// digest2 answers like digesting.
func digest2(w http.ResponseWriter, req *http.Request) {
	h := sha256.New()
	n, err := io.Copy(h, req.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	size := 0
	_, _ = fmt.Sscan(req.URL.Query().Get("n"), &size)
	w.Header().Set("X-Got", fmt.Sprintf("%s %s %d %x %s", req.Method, req.URL.RequestURI(), n, h.Sum(nil), req.Trailer.Get("X-End")))
	if req.URL.Query().Has("chunked") {
		w.Header().Set("Trailer", "X-Sum")
		w.(http.Flusher).Flush() // or Go announces the length of little
		defer w.Header().Set("X-Sum", fmt.Sprint(size))
	} else {
		w.Header().Set("Content-Length", fmt.Sprint(size))
	}
	if req.Method != "HEAD" {
		_, _ = w.Write(pattern(size))
	}
}

// origin2 is a server of HTTP/2, in clear or in TLS, where it agrees on these protocols.
func origin2(t *testing.T, h http.HandlerFunc, protocols ...string) (addr string, l *cutting) {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = &cutting{Listener: plain}
	srv := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	t.Cleanup(func() { srv.Close() })
	if len(protocols) == 0 {
		srv.Protocols.SetUnencryptedHTTP2(true)
		go srv.Serve(l) //nolint:errcheck // it ends with the test
		return plain.Addr().String(), l
	}
	pair, err := tls.X509KeyPair(site(), site())
	if err != nil {
		t.Fatal(err)
	}
	srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: protocols}
	for _, p := range protocols {
		if p == "h2" {
			srv.Protocols.SetHTTP2(true)
		} else {
			srv.Protocols.SetHTTP1(true)
		}
	}
	go srv.ServeTLS(l, "", "") //nolint:errcheck // it ends with the test
	return plain.Addr().String(), l
}

// speaking2 makes the rig's servers speak HTTP/2.
func speaking2(p *spec.Proxy) {
	p.Timeouts = spec.Timeouts{Client: time.Minute, Server: time.Minute, Connect: time.Minute}
	for _, s := range p.Servers {
		s.Proto = spec.ProtoH2
	}
}

// crowd lets clients of either version exchange messages of any size through the rig.
func (r *rig) crowd(rounds int) {
	var all sync.WaitGroup
	for i := range 6 {
		client := r.client2(uint64(i))
		if i >= 3 {
			client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: time.Minute}
			r.t.Cleanup(client.CloseIdleConnections)
		}
		for k := range 6 {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), uint64(k)))
				for range rounds {
					method := []string{"GET", "POST", "PUT", "HEAD", "DELETE"}[rng.IntN(5)]
					sent := 0
					if method == "POST" || method == "PUT" {
						sent = rng.IntN(3) * rng.IntN(100_000)
					}
					query := []string{"", "chunked"}[rng.IntN(2)]
					if err := exchange(client, r.addr, method, query, sent, rng.IntN(3)*rng.IntN(150_000), rng.IntN(2) == 0); err != nil {
						r.t.Errorf("client %d: %s %s of %d: %v", i, method, query, sent, err)
						return
					}
				}
			})
		}
	}
	all.Wait()
}

// Clients of either version reach servers of HTTP/2, of HTTP/1 and of what TLS agrees on: each
// byte arrives, at whom it belongs, however it is cut.
func TestServerMuxIntegrity(t *testing.T) {
	one, first := origin2(t, digest2)
	two, second := origin2(t, digest2)
	rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
		speaking2(p)
		p.Servers[2].Proto = spec.ProtoAny
	}, discard{}, one, two, origin(t, digesting))
	rig.crowd(8)
	if n := first.conns.Load() + second.conns.Load(); n > 144 {
		t.Errorf("%d connections for 288 requests of 36 at a time", n)
	}
}

func TestServerMuxByALPN(t *testing.T) {
	for _, protocols := range [][]string{{"h2", "http/1.1"}, {"http/1.1"}} {
		addr, _ := origin2(t, digest2, protocols...)
		rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
			speaking2(p)
			p.Servers[0].Proto = spec.ProtoAny
			p.Servers[0].TLS = &spec.ServerTLS{TLS: spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13, ALPN: []string{"h2", "http/1.1"}}}
		}, discard{}, addr)
		rig.crowd(4)
	}
}

// server2 is a server of HTTP/2 by hand: one connection of it.
type server2 struct {
	*http2.Framer
	t   testing.TB
	c   net.Conn
	buf bytes.Buffer
	enc *hpack.Encoder
}

// servers2 lets fn serve each connection; the settings are sent first.
func servers2(t *testing.T, settings []http2.Setting, fn func(s *server2)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				preface := make([]byte, len(http2.ClientPreface))
				if _, err := io.ReadFull(c, preface); err != nil || string(preface) != http2.ClientPreface {
					return
				}
				s := &server2{Framer: http2.NewFramer(c, c), t: t, c: c}
				s.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
				s.enc = hpack.NewEncoder(&s.buf)
				_ = s.WriteSettings(settings...)
				fn(s)
			}()
		}
	}()
	return l.Addr().String()
}

// request is the next head that comes, nil at the end; other frames are passed over, but for
// what keeps a connection alive.
func (s *server2) request() *http2.MetaHeadersFrame {
	for {
		f, err := s.ReadFrame()
		if err != nil {
			return nil
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			return f
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = s.WriteSettingsAck()
			}
		}
	}
}

func (s *server2) head(id uint32, end bool, fields ...string) {
	s.buf.Reset()
	for _, f := range fields {
		name, value, _ := strings.Cut(f[1:], "=")
		_ = s.enc.WriteField(hpack.HeaderField{Name: f[:1] + name, Value: value})
	}
	_ = s.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: s.buf.Bytes(), EndHeaders: true, EndStream: end})
}

// ask sends requests at once and returns the statuses of the answers, in order.
func (r *rig) ask(client *http.Client, method string, n int) []int {
	statuses := make([]int, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var body io.Reader
			if method == "POST" {
				body = strings.NewReader("hello")
			}
			req, _ := http.NewRequestWithContext(context.Background(), method, fmt.Sprintf("http://%s/%d", r.addr, i), body)
			resp, err := client.Do(req)
			if err != nil {
				r.t.Error(err)
				return
			}
			defer resp.Body.Close()
			if _, err := io.ReadAll(resp.Body); err != nil {
				r.t.Error(err)
			}
			statuses[i] = resp.StatusCode
		})
	}
	all.Wait()
	return statuses
}

func all(statuses []int, want int) bool {
	for _, s := range statuses {
		if s != want {
			return false
		}
	}
	return true
}

// A server is never asked for more at once than it allows, and what it has not taken when it
// leaves, or refuses, is asked for again, whatever the method, as far as the request is at hand.
func TestServerMuxRefusals(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		var refused atomic.Int64
		addr := servers2(t, []http2.Setting{{ID: http2.SettingMaxConcurrentStreams, Val: 3}}, func(s *server2) {
			for n := 0; ; n++ {
				f := s.request()
				if f == nil {
					return
				}
				switch {
				case n%5 == 3 && refused.Add(1) < 8:
					_ = s.WriteRSTStream(f.StreamID, http2.ErrCodeRefusedStream)
				case n == 9:
					_ = s.WriteGoAway(f.StreamID-2, http2.ErrCodeNo, nil)
				default:
					s.head(f.StreamID, true, ":status=200")
				}
			}
		})
		rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
			speaking2(p)
			p.Retries = 10
			p.Options.HTTPBufferRequest = true // what has not come yet cannot be sent again
		}, discard{}, addr)
		if got := rig.ask(rig.client2(0), method, 60); !all(got, 200) {
			t.Errorf("%s: %v", method, got)
		}
	}
}

// What follows content of announced length is passed on from HTTP/2 to HTTP/2, and the ends of
// messages are when they come.
func TestServerMuxTails(t *testing.T) {
	got := make(chan string, 1)
	more := make(chan struct{})
	addr := servers2(t, nil, func(s *server2) {
		text := ""
		for {
			f, err := s.ReadFrame()
			if err != nil {
				return
			}
			ended := false
			switch f := f.(type) {
			case *http2.SettingsFrame:
				if !f.IsAck() {
					_ = s.WriteSettingsAck()
				}
			case *http2.MetaHeadersFrame:
				for _, h := range f.Fields {
					if strings.HasPrefix(h.Name, "x-") {
						text += h.Name + "=" + h.Value
					}
				}
				ended = f.StreamEnded()
			case *http2.DataFrame:
				text += string(f.Data()) + " "
				ended = f.StreamEnded()
			}
			if !ended {
				continue
			}
			got <- text
			id := f.Header().StreamID
			s.head(id, false, ":status=200", "content-length=2")
			_ = s.WriteData(id, false, []byte("ok"))
			<-more
			s.head(id, true, "x-t=v")
		}
	})
	rig := newRig(t, spec.ModeHTTP, speaking2, addr)
	p := rig.peer2()
	p.head(1, false, ":method=POST", ":scheme=http", ":authority=x", ":path=/", "content-length=3")
	p.must(p.WriteData(1, false, []byte("abc")))
	p.must(p.WritePing(false, [8]byte{1})) // what is before it has been looked at
	for f, err := p.ReadFrame(); ; f, err = p.ReadFrame() {
		p.must(err)
		if ping, ok := f.(*http2.PingFrame); ok && ping.IsAck() {
			break
		}
	}
	select {
	case text := <-got:
		t.Fatalf("the request has ended too early: %q", text)
	default:
	}
	p.head(1, true, "x-end=y")
	if text := <-got; text != "abc x-end=y" {
		t.Errorf("the server got %q", text)
	}
	p.expect(1, ":status=200 ", "ok")
	close(more)
	p.expect(1, "x-t=v END")
}

// What a server breaks off, or says wrongly, is an error of that request, or of all that were
// on the connection, and the next ones are served.
func TestServerMuxFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(s *server2, id uint32)
		want string // status, or of a response that has begun how it ends
	}{
		{"reset", func(s *server2, id uint32) { _ = s.WriteRSTStream(id, http2.ErrCodeInternal) }, "502"},
		{"closed", func(s *server2, _ uint32) { s.c.Close() }, "502"},
		{"no status", func(s *server2, id uint32) { s.head(id, true, "a=b") }, "502"},
		{"two statuses", func(s *server2, id uint32) { s.head(id, true, ":status=200", ":status=200") }, "502"},
		{"status late", func(s *server2, id uint32) { s.head(id, true, "a=b", ":status=200") }, "502"},
		{"101", func(s *server2, id uint32) { s.head(id, false, ":status=101") }, "502"},
		{"upper case", func(s *server2, id uint32) { s.head(id, true, ":status=200", "Xa=b") }, "502"},
		{"connection", func(s *server2, id uint32) { s.head(id, true, ":status=200", "connection=close") }, "502"},
		{"interim that ends", func(s *server2, id uint32) { s.head(id, true, ":status=103") }, "502"},
		{"content before the head", func(s *server2, id uint32) { _ = s.WriteData(id, true, []byte("x")) }, "502"},
		{"length of nothing", func(s *server2, id uint32) { s.head(id, true, ":status=200", "content-length=5") }, "502"},
		{"too little", func(s *server2, id uint32) {
			s.head(id, false, ":status=200", "content-length=5")
			_ = s.WriteData(id, true, []byte("abc"))
		}, "cut"},
		{"too much", func(s *server2, id uint32) {
			s.head(id, false, ":status=200", "content-length=2")
			_ = s.WriteData(id, true, []byte("abc"))
		}, "cut"},
		{"reset within", func(s *server2, id uint32) {
			s.head(id, false, ":status=200")
			_ = s.WriteData(id, false, []byte("abc"))
			_ = s.WriteRSTStream(id, http2.ErrCodeCancel)
		}, "cut"},
		{"pushed", func(s *server2, id uint32) {
			_ = s.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: 2, EndHeaders: true})
		}, "502"},
		{"unknown stream", func(s *server2, _ uint32) { s.head(99, true, ":status=200") }, "502"},
		{"good", func(s *server2, id uint32) {
			s.head(id, false, ":status=103", "link=x")
			s.head(id, false, ":status=200", "a=b")
			_ = s.WriteData(id, false, []byte("abc"))
			s.head(id, true, "x-t=v")
			_ = s.WriteRSTStream(id, http2.ErrCodeNo)
		}, "200"},
	} {
		var served atomic.Bool
		addr := servers2(t, nil, func(s *server2) {
			for f := s.request(); f != nil; f = s.request() {
				if served.CompareAndSwap(false, true) {
					c.do(s, f.StreamID)
				} else {
					s.head(f.StreamID, true, ":status=200")
				}
			}
		})
		rig := newRig(t, spec.ModeHTTP, speaking2, addr)
		for range 2 {
			want := c.want
			if served.Load() {
				want = "200"
			}
			client := rig.client2(0)
			req, _ := http.NewRequestWithContext(context.Background(), "PATCH", "http://"+rig.addr, nil)
			resp, err := client.Do(req)
			got := ""
			if err == nil {
				got = fmt.Sprint(resp.StatusCode)
				if _, err := io.ReadAll(resp.Body); err != nil {
					got = "cut"
				}
				resp.Body.Close()
			} else if want == "cut" {
				got = "cut"
			}
			if got != want {
				t.Errorf("%s: %s, want %s (%v)", c.name, got, want, err)
			}
		}
	}
}

// A client that takes nothing holds up nobody else on the connection to the server, which
// is not asked for more meanwhile than the window of one stream.
func TestServerMuxSlowClient(t *testing.T) {
	addr, _ := origin2(t, digest2)
	rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
		speaking2(p)
		p.HTTPReuse = spec.ReuseAlways
	}, discard{}, addr)
	client := rig.client2(0)
	if err := exchange(client, rig.addr, "GET", "", 0, 10, false); err != nil {
		t.Fatal(err)
	}
	var slow []*rawConn
	for range 30 { // more than the connection's window
		c := rig.dial()
		c.send("GET /?n=3000000 HTTP/1.1\r\nHost: x\r\n\r\n")
		slow = append(slow, c)
	}
	for range 20 {
		if err := exchange(client, rig.addr, "GET", "", 0, 100_000, false); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range slow[:3] {
		resp, body := c.response("GET")
		if resp.StatusCode != 200 || body != string(pattern(3_000_000)) {
			t.Errorf("status %d, %d bytes", resp.StatusCode, len(body))
		}
	}
}

// Policies of reuse hold for connections of HTTP/2: "never" has one for each client, and
// others share.
func TestServerMuxReuse(t *testing.T) {
	for policy, want := range map[spec.Reuse]int64{spec.ReuseNever: 3, spec.ReuseSafe: 1, spec.ReuseAggressive: 1, spec.ReuseAlways: 1} {
		addr, l := origin2(t, digest2)
		rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
			speaking2(p)
			p.HTTPReuse = policy
		}, discard{}, addr)
		for range 3 {
			client := rig.client2(0)
			for range 4 {
				if err := exchange(client, rig.addr, "GET", "", 0, 10, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := l.conns.Load(); n != want {
			t.Errorf("policy %v: %d connections, want %d", policy, n, want)
		}
	}
}
