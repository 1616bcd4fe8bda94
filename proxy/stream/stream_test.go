package stream_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/internal/testpeer"
	"bench/internal/testserver"
	"bench/proxy/cache"
	"bench/proxy/certs"
	"bench/proxy/h1"
	"bench/proxy/log"
	"bench/proxy/sample"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// rig is a one-thread engine between a scripted origin and raw clients.
type rig struct {
	t      testing.TB
	addr   string
	thread *stream.Thread
	loop   *loop.Loop
	proxy  *spec.Proxy
	lines  chan txn.Record
	bind   *spec.Bind
	fe     *stream.Frontend

	backend *server.Backend
}

type recorder struct{ out chan txn.Record }

func (r recorder) Failure(rec *txn.Record, _ *sample.Context, _, why string) {
	r.out <- txn.Record{Client: rec.Client, Frontend: rec.Frontend, URI: []byte(why)}
}

func (r recorder) Log(rec *txn.Record, _ *sample.Context) {
	c := *rec
	c.Method, c.URI, c.Version = append([]byte(nil), rec.Method...), append([]byte(nil), rec.URI...), append([]byte(nil), rec.Version...)
	r.out <- c
}

// newRig starts a listen section in front of the servers.
func newRig(t *testing.T, mode spec.Mode, change func(*spec.Proxy), servers ...string) *rig {
	t.Helper()
	lines := make(chan txn.Record, 1000)
	r := newRigWith(t, mode, change, recorder{lines}, servers...)
	r.lines = lines
	return r
}

func newRigWith(t testing.TB, mode spec.Mode, change func(*spec.Proxy), sink log.Sink, servers ...string) *rig {
	t.Helper()
	return newRigRuled(t, mode, change, stream.Rules{}, sink, servers...)
}

// newRigRuled is newRigWith for a proxy with rules.
func newRigRuled(t testing.TB, mode spec.Mode, change func(*spec.Proxy), rules stream.Rules, sink log.Sink, servers ...string) *rig {
	t.Helper()
	return newRigCached(t, mode, change, rules, nil, sink, servers...)
}

// newRigCached is newRigRuled with a cache, which may be nil.
func newRigCached(t testing.TB, mode spec.Mode, change func(*spec.Proxy), rules stream.Rules, kept *spec.Cache, sink log.Sink, servers ...string) *rig {
	t.Helper()
	p := &spec.Proxy{
		Name: "px", Caps: spec.Frontend | spec.Backend, Mode: mode, Retries: 3, RetryOn: spec.RetryConnFailure,
		Logs: []spec.LogTarget{{}},
		Timeouts: spec.Timeouts{
			Client: 5 * time.Second, Server: 5 * time.Second, Connect: time.Second,
		},
	}
	for i, a := range servers {
		addr, err := sock.Parse(a)
		if err != nil {
			t.Fatal(err)
		}
		p.Servers = append(p.Servers, &spec.Server{
			Name: fmt.Sprintf("s%d", i+1), Addr: addr, Weight: 1,
			PoolMaxConn: -1, MaxReuse: -1, PoolPurgeDelay: 5 * time.Second,
		})
	}
	if change != nil {
		change(p)
	}
	cfg := &spec.Config{Proxies: []*spec.Proxy{p}}
	cfg.Global.Tune = spec.Tune{
		BufSize: 16384, MaxRewrite: 1024, MaxAccept: 100, HTTPMaxHdr: 101, HTTPLogURILen: 1024,
		H2TableSize: 4096, H2Window: 65535, H2MaxStreams: 100, H2MaxFrame: 16384,
	}
	sh := &stream.Shared{Config: cfg}
	if kept != nil {
		cfg.Caches = []*spec.Cache{kept}
		sh.Caches = []*cache.Cache{cache.New(kept)}
	}
	if rules != (stream.Rules{}) {
		sh.Rules = []stream.Rules{rules} // else those of the specification
	}
	sh.MaxConn.Store(1000)
	sh.Pipes.Max = 100
	fe := &stream.Frontend{Spec: p, Limits: h1.DefaultLimits(), Logs: true}
	fe.MaxConn.Store(1000)
	sh.Frontends.Add(p.Name, fe)
	be := server.NewBackend(p, &sh.Slots)
	sh.Backends.Add(p.Name, be)
	for _, s := range be.Servers() {
		if s.Spec.TLS != nil {
			var err error
			if s.TLS, _, err = certs.NewStore().Connector(s.Spec.TLS); err != nil {
				t.Fatal(err)
			}
		}
	}
	sh.Errors = []map[int]*h1.Reply{{}}
	for _, code := range h1.ReplyCodes() {
		sh.Errors[0][code] = h1.StandardReply(code)
	}
	l, err := loop.New(*pollerName, 256)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, loop: l, proxy: p}
	r.thread = stream.NewThread(1, l, sh, []log.Sink{sink})
	wild, _ := sock.Parse("127.0.0.1:0")
	fd, err := sock.Listen(&wild, &sock.ListenOptions{NoDelay: true})
	if err != nil {
		t.Fatal(err)
	}
	local, _ := sock.LocalAddr(fd)
	r.addr = local.String()
	r.bind, r.fe, r.backend = &spec.Bind{}, fe, be
	var acceptor *certs.Acceptor
	if len(p.Binds) > 0 {
		if r.bind = p.Binds[0]; r.bind.TLS != nil {
			if acceptor, _, err = certs.NewStore().Acceptor(r.bind.TLS); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.thread.Listen(&stream.Listener{FD: fd, Bind: r.bind, Frontend: fe, Addr: local, TLS: acceptor}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	t.Cleanup(func() {
		r.leave(be)
		l.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		sock.Close(fd)
	})
	return r
}

// leave lets the thread close what it has open, now that the clients have gone. Whatever
// stayed open would raise the numbers of descriptors, of which select knows 1024.
func (r *rig) leave(be *server.Backend) {
	r.loop.Call(func() {
		for _, s := range be.Servers() {
			r.thread.CloseIdle(s)
		}
	})
	for end := time.Now().Add(100 * time.Millisecond); r.thread.Shared.Conns.Load() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// dial opens a raw connection to the engine.
func (r *rig) dial() *rawConn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return &rawConn{Conn: c, r: bufio.NewReader(c), t: r.t}
}

type rawConn struct {
	net.Conn
	r *bufio.Reader
	t testing.TB
}

func (c *rawConn) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawConn) response(method string) (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("reading the response: %v", err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("reading the body: %v", err)
	}
	return resp, string(b)
}

// origin serves each connection with fn.
func origin(t *testing.T, fn func(c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	return testserver.TCP(t, func(c net.Conn) {
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		fn(c, bufio.NewReader(c))
	})
}

// echoHTTP answers every request with its method, target and body.
func echoHTTP(c net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		body := fmt.Sprintf("%s %s xff=%s body=%d", req.Method, req.RequestURI, req.Header.Get("X-Forwarded-For"), len(b))
		if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil || req.Close {
			return
		}
	}
}

func TestKeepAliveReusesServerConnection(t *testing.T) {
	conns := make(chan struct{}, 10)
	addr := origin(t, func(c net.Conn, r *bufio.Reader) { conns <- struct{}{}; echoHTTP(c, r) })
	rig := newRig(t, spec.ModeHTTP, nil, addr)
	c := rig.dial()
	for i := range 5 {
		c.send(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i))
		if resp, body := c.response("GET"); resp.StatusCode != 200 || !strings.HasPrefix(body, fmt.Sprintf("GET /%d ", i)) {
			t.Fatalf("status %d body %q", resp.StatusCode, body)
		}
	}
	if n := len(conns); n != 1 {
		t.Errorf("%d server connections for 5 requests of one client, want 1", n)
	}
	rec := <-rig.lines
	if string(rec.URI) != "/0" || rec.Status != 200 || rec.Flags != [2]byte{'-', '-'} {
		t.Errorf("logged %s %d %s", rec.URI, rec.Status, rec.Flags)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, nil, origin(t, echoHTTP))
	c := rig.dial()
	var all strings.Builder
	for i := range 20 {
		fmt.Fprintf(&all, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
	}
	c.send(all.String())
	for i := range 20 {
		if _, body := c.response("GET"); !strings.HasPrefix(body, fmt.Sprintf("GET /%d ", i)) {
			t.Fatalf("answer %d: %q", i, body)
		}
	}
}

// Where a full buffer ends within a request the rest is read at once: it is in
// the socket already, and no event will tell of it.
func TestPipelinedRequestsBeyondABuffer(t *testing.T) {
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		time.Sleep(50 * time.Millisecond) // until everything has come
		echoHTTP(c, r)
	})
	rig := newRigWith(t, spec.ModeHTTP, nil, discard{}, addr)
	for _, path := range []string{"/", "/odd", "/of-another-length"} {
		c := rig.dial()
		const n = 1500
		c.send(strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\n\r\n", n))
		for i := range n {
			if resp, _ := c.response("GET"); resp.StatusCode != 200 {
				t.Fatalf("answer %d of %d is %d", i, n, resp.StatusCode)
			}
		}
	}
}

func TestBodiesInBothFramings(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, nil, origin(t, echoHTTP))
	big := strings.Repeat("x", 300_000)
	c := rig.dial()
	c.send(fmt.Sprintf("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(big), big))
	if _, body := c.response("POST"); !strings.HasSuffix(body, "body=300000") {
		t.Fatalf("body %q", body)
	}
	c.send("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"5;ext=1\r\nhello\r\n")
	time.Sleep(20 * time.Millisecond)
	c.send(fmt.Sprintf("%x\r\n%s\r\n0\r\nTrailer-Field: x\r\n\r\n", len(big), big))
	if _, body := c.response("POST"); !strings.HasSuffix(body, "body=300005") {
		t.Fatalf("body %q", body)
	}
}

func TestLargeResponseToSlowReader(t *testing.T) {
	const size = 8 << 20
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		_, _ = c.Write(make([]byte, size))
	})
	rig := newRig(t, spec.ModeHTTP, nil, addr)
	c := rig.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	time.Sleep(50 * time.Millisecond)
	resp, body := c.response("GET")
	if len(body) != size || !resp.Close {
		t.Errorf("%d bytes, close %v", len(body), resp.Close)
	}
}

func TestTCPModeRelaysAndHalfCloses(t *testing.T) {
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		b, _ := io.ReadAll(r)
		fmt.Fprintf(c, "got %d", len(b))
	})
	rig := newRig(t, spec.ModeTCP, nil, addr)
	c := rig.dial()
	c.send(strings.Repeat("z", 200_000))
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	b, err := io.ReadAll(c.r)
	if err != nil || string(b) != "got 200000" {
		t.Fatalf("%q, %v", b, err)
	}
	rec := <-rig.lines
	if rec.Mode != "TCP" || rec.Flags != [2]byte{'-', '-'} || rec.BytesOut != 10 {
		t.Errorf("logged %+v", rec)
	}
}

func TestRefusedServerIsRetriedThenFails(t *testing.T) {
	dead := testpeer.Refusing(t)
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Retries = 2; p.Timeouts.Connect = 50 * time.Millisecond }, dead)
	c := rig.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp, _ := c.response("GET"); resp.StatusCode != 503 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	rec := <-rig.lines
	if rec.Flags != [2]byte{'S', 'C'} || rec.Retries != 2 {
		t.Errorf("flags %s retries %d", rec.Flags, rec.Retries)
	}
}

func TestRedispatchGoesToTheOtherServer(t *testing.T) {
	dead := testpeer.Refusing(t)
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Redispatch = 1 }, dead, origin(t, echoHTTP))
	for range 4 {
		c := rig.dial()
		c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp, _ := c.response("GET"); resp.StatusCode != 200 {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
}

func TestServerMaxconnQueues(t *testing.T) {
	release := make(chan struct{})
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			<-release
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Servers[0].MaxConn = 1 }, addr)
	a, b := rig.dial(), rig.dial()
	a.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
	time.Sleep(30 * time.Millisecond)
	b.send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
	time.Sleep(30 * time.Millisecond)
	be := rig.backend
	if cur, queued := be.Servers()[0].Cur.Load(), be.Queued.Load(); cur != 1 || queued != 1 {
		t.Errorf("%d sessions and %d queued, want 1 and 1", cur, queued)
	}
	close(release)
	for _, c := range []*rawConn{a, b} {
		if resp, _ := c.response("GET"); resp.StatusCode != 200 {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
}

func TestTimeouts(t *testing.T) {
	mute := origin(t, func(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
	short := 60 * time.Millisecond
	cases := []struct {
		name   string
		change func(*spec.Proxy)
		send   string
		status int
		flags  string
	}{
		{"server", func(p *spec.Proxy) { p.Timeouts.Server = short }, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 504, "sH"},
		{"request head", func(p *spec.Proxy) { p.Timeouts.HTTPRequest = short }, "GET / HTTP/1.1\r\nHo", 408, "cR"},
		{"nothing sent", func(p *spec.Proxy) { p.Timeouts.Client = short }, "", 408, "cR"},
		{"request body", func(p *spec.Proxy) { p.Timeouts.Client = short }, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", 408, "cD"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rig := newRig(t, spec.ModeHTTP, c.change, mute)
			conn := rig.dial()
			conn.send(c.send)
			if resp, _ := conn.response("GET"); resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			if rec := <-rig.lines; string(rec.Flags[:]) != c.flags {
				t.Errorf("flags %s, want %s", rec.Flags, c.flags)
			}
		})
	}
}

// A client on a unix socket has no address to pass on.
func TestForwardForOfUnixClients(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.ForwardFor = &spec.ForwardFor{} }, origin(t, func(c net.Conn, in *bufio.Reader) {
		if req, err := http.ReadRequest(in); err == nil {
			fmt.Fprintf(c, "HTTP/1.0 200 OK\r\n\r\n%q", req.Header["X-Forwarded-For"])
		}
	}))
	path := filepath.Join(t.TempDir(), "clients")
	addr, err := sock.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := sock.Listen(&addr, &sock.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sock.Close(fd) })
	r.loop.Call(func() {
		err = r.thread.Listen(&stream.Listener{FD: fd, Bind: &spec.Bind{}, Frontend: r.fe, Addr: addr})
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprint(c, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "[]" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestForwardFor(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.ForwardFor = &spec.ForwardFor{} }, origin(t, echoHTTP))
	c := rig.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, body := c.response("GET"); !strings.Contains(body, "xff=127.0.0.1 ") {
		t.Errorf("body %q", body)
	}
}

func TestBadRequestIsAnsweredAndCaptured(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, nil, origin(t, echoHTTP))
	c := rig.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	if resp, _ := c.response("GET"); resp.StatusCode != 400 || !resp.Close {
		t.Errorf("status %d close %v", resp.StatusCode, resp.Close)
	}
	if rec := <-rig.lines; rec.Flags != [2]byte{'P', 'R'} {
		t.Errorf("flags %s", rec.Flags)
	}
	if got := rig.thread.Shared.Captures.Get(0, false); got == nil || got.Reason == "" {
		t.Errorf("capture %+v", got)
	}
}

// TestConnectionLimits holds one connection open against a limit of one: the
// next one is served when the first has gone, and not before.
func TestConnectionLimits(t *testing.T) {
	limits := map[string]func(r *rig){
		"process":  func(r *rig) { r.thread.Shared.MaxConn.Store(1) },
		"frontend": func(r *rig) { r.fe.MaxConn.Store(1) },
		"bind":     func(r *rig) { r.bind.MaxConn = 1 },
	}
	for name, limit := range limits {
		t.Run(name, func(t *testing.T) {
			rig := newRig(t, spec.ModeHTTP, nil, origin(t, echoHTTP))
			rig.loop.Call(func() { limit(rig) })
			first := rig.dial()
			first.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
			first.response("GET")
			second := rig.dial()
			second.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
			_ = second.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if _, err := second.r.Peek(1); err == nil {
				t.Fatal("the second connection was served beside the first")
			}
			_ = second.SetReadDeadline(time.Now().Add(5 * time.Second))
			second.r.Reset(second.Conn)
			first.Close()
			if resp, _ := second.response("GET"); resp.StatusCode != 200 {
				t.Errorf("status %d", resp.StatusCode)
			}
		})
	}
}

// TestSilentClientIsNotWaitedFor: after a 408 the connection is over at once, and
// its place free for another.
func TestSilentClientIsNotWaitedFor(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Timeouts.HTTPRequest = 50 * time.Millisecond }, startCanned(t, ""))
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHo"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 408 ") {
		t.Fatalf("%q, %v", text, err)
	}
	for end := time.Now().Add(time.Second); r.fe.Cur.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the connection still counts a second after its 408")
		}
	}
}
