package stream_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bench/proxy/rule"
	"bench/proxy/spec"
)

// cutter is a connection whose writes leave in pieces of any length.
type cutter struct {
	net.Conn
	mu  sync.Mutex
	rng *rand.Rand
}

func (c *cutter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := 0; n < len(p); {
		k := min(1+c.rng.IntN(1+c.rng.IntN(20000)), len(p)-n)
		if _, err := c.Conn.Write(p[n : n+k]); err != nil {
			return n, err
		}
		n += k
	}
	return len(p), nil
}

// client2 is a client of HTTP/2, which cuts what it writes if seed is not 0.
func (r *rig) client2(seed uint64) *http.Client {
	t := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		c, err := net.Dial("tcp", r.addr)
		if err != nil || seed == 0 {
			return c, err
		}
		return &cutter{Conn: c, rng: rand.New(rand.NewPCG(seed, 0))}, nil
	}}
	t.Protocols.SetUnencryptedHTTP2(true)
	r.t.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: time.Minute}
}

// digesting answers with what came, and where the query asks for it with "n" bytes of the
// client's choice, "chunked", with a trailer.
func digesting(c net.Conn, r *bufio.Reader) {
	for {
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if req.Header.Get("Expect") != "" {
			_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		h := sha256.New()
		n, err := io.Copy(h, req.Body)
		if err != nil {
			return
		}
		size := 0
		_, _ = fmt.Sscan(req.URL.Query().Get("n"), &size)
		body := pattern(size)
		var b bytes.Buffer
		fmt.Fprintf(&b, "HTTP/1.1 200 OK\r\nX-Got: %s %s %d %x %s\r\n", req.Method, req.RequestURI, n, h.Sum(nil), req.Trailer.Get("X-End"))
		switch {
		case req.Method == "HEAD":
			fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", size)
		case req.URL.Query().Has("chunked"):
			b.WriteString("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
			for len(body) > 0 {
				k := min(len(body), 7000)
				fmt.Fprintf(&b, "%x\r\n%s\r\n", k, body[:k])
				body = body[k:]
			}
			fmt.Fprintf(&b, "0\r\nX-Sum: %d\r\n\r\n", size)
		default:
			fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", size)
			b.Write(body)
		}
		if _, err := b.WriteTo(c); err != nil {
			return
		}
	}
}

// pattern is n bytes, no two parts of which are the same.
func pattern(n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(uint64(n), 5))
	for i := 0; i+8 <= n; i += 8 {
		v := rng.Uint64()
		for k := range 8 {
			b[i+k] = byte(v >> (8 * k))
		}
	}
	return b
}

// exchange sends a body and compares what came of it, and what came back, byte for byte.
func exchange(client *http.Client, addr, method, query string, sent, size int, chunked bool) error {
	body := pattern(sent)
	req, err := http.NewRequest(method, fmt.Sprintf("http://%s/path?n=%d&%s", addr, size, query), nil)
	if err != nil {
		return err
	}
	end := ""
	if sent > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(sent)
		if chunked {
			req.ContentLength = -1
			end = "the-end"
			req.Trailer = http.Header{"X-End": {end}}
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	want := pattern(size)
	if method == "HEAD" {
		want = nil
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes came back, want %d, or others", len(got), len(want))
	}
	said := fmt.Sprintf("%s %s %d %x %s", method, req.URL.RequestURI(), sent, sha256.Sum256(body), end)
	if x := resp.Header.Get("X-Got"); resp.StatusCode != 200 || strings.TrimSpace(x) != strings.TrimSpace(said) {
		return fmt.Errorf("status %d, the server got %q, want %q", resp.StatusCode, x, said)
	}
	if x := resp.Trailer.Get("X-Sum"); strings.Contains(query, "chunked") && method != "HEAD" && x != fmt.Sprint(size) {
		return fmt.Errorf("trailer %q, want %d", x, size)
	}
	return nil
}

// Many requests at once, on connections of either version, in pieces of any length: each
// byte arrives, at whom it belongs.
func TestMuxIntegrity(t *testing.T) {
	rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.HTTPReuse = spec.ReuseAlways
		p.Timeouts = spec.Timeouts{Client: time.Minute, Server: time.Minute, Connect: time.Minute}
	}, discard{}, origin(t, digesting), origin(t, digesting))
	var all sync.WaitGroup
	for i := range 8 {
		client := rig.client2(uint64(i))
		if i >= 6 {
			client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: time.Minute}
			t.Cleanup(client.CloseIdleConnections)
		}
		for k := range 8 {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), uint64(k)))
				for range 12 {
					method := []string{"GET", "POST", "PUT", "HEAD", "DELETE"}[rng.IntN(5)]
					sent := 0
					if method == "POST" || method == "PUT" {
						sent = rng.IntN(3) * rng.IntN(100_000)
					}
					query := []string{"", "chunked"}[rng.IntN(2)]
					if err := exchange(client, rig.addr, method, query, sent, rng.IntN(3)*rng.IntN(150_000), rng.IntN(2) == 0); err != nil {
						t.Errorf("client %d: %s %s of %d: %v", i, method, query, sent, err)
						return
					}
				}
			})
		}
	}
	all.Wait()
}

// peer2 is a client of HTTP/2 by hand.
type peer2 struct {
	*http2.Framer
	c   *rawConn
	t   testing.TB
	buf bytes.Buffer
	enc *hpack.Encoder
	dec *hpack.Decoder
}

func (r *rig) peer2() *peer2 {
	r.t.Helper()
	c := r.dial()
	c.send(http2.ClientPreface)
	p := &peer2{Framer: http2.NewFramer(c, c.r), c: c, t: r.t, dec: hpack.NewDecoder(4096, nil)}
	p.enc = hpack.NewEncoder(&p.buf)
	p.must(p.WriteSettings())
	return p
}

func (p *peer2) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer2) head(id uint32, end bool, fields ...string) {
	p.t.Helper()
	p.buf.Reset()
	for _, f := range fields {
		i := strings.IndexByte(f[1:], '=') + 1
		p.must(p.enc.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+1:]}))
	}
	p.must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.buf.Bytes(), EndHeaders: true, EndStream: end}))
}

var get2 = []string{":method=GET", ":scheme=http", ":authority=x", ":path=/"}

// next is the next frame of the stream (0: of the connection), in words, or how the connection
// has ended.
func (p *peer2) next(id uint32) string {
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return err.Error()
		}
		end := ""
		text := ""
		switch f := f.(type) {
		case *http2.HeadersFrame:
			fields, err := p.dec.DecodeFull(f.HeaderBlockFragment())
			p.must(err)
			for _, h := range fields {
				text += h.Name + "=" + h.Value + " "
			}
			if f.StreamEnded() {
				end = "END"
			}
		case *http2.DataFrame:
			text = string(f.Data())
			if f.StreamEnded() {
				end = " END"
			}
		case *http2.RSTStreamFrame:
			text = "reset " + f.ErrCode.String()
		case *http2.GoAwayFrame:
			text = fmt.Sprintf("goaway %d %v", f.LastStreamID, f.ErrCode)
		case *http2.PingFrame:
			if !f.IsAck() {
				p.must(p.WritePing(true, f.Data))
			}
			continue
		default:
			continue
		}
		if f.Header().StreamID == id {
			return text + end
		}
	}
}

func (p *peer2) expect(id uint32, want ...string) {
	p.t.Helper()
	for _, w := range want {
		if got := p.next(id); !strings.HasPrefix(got, w) {
			p.t.Fatalf("got %q, want %q", got, w)
		}
	}
}

func TestMuxRefusedByRules(t *testing.T) {
	l := rulesOf(t, rule.Request, "deny status 429 if { path /no }", "return status 200 content-type text/plain string hello if { path /yes }", "redirect location /there if { path /here }")
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Rules[rule.Request] = l }, origin(t, digesting))
	p := rig.peer2()
	for i, c := range []struct{ path, want string }{
		{"/no", ":status=429 "},
		{"/yes", ":status=200 "},
		{"/here", ":status=302"},
		{"/", ":status=200 x-got=GET / 0"},
	} {
		id := uint32(2*i + 1)
		p.head(id, true, ":method=GET", ":scheme=http", ":authority=x", ":path="+c.path)
		got := p.next(id)
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
		if c.path == "/yes" {
			p.expect(id, "hello END")
		}
	}
	for _, want := range []string{"PR", "LR", "LR", "--"} {
		if rec := <-rig.lines; string(rec.Flags[:]) != want || string(rec.Version) != "HTTP/2.0" || !strings.HasPrefix(string(rec.URI), "http://x/") {
			t.Errorf("logged %s %s with %s, want %s", rec.URI, rec.Version, rec.Flags, want)
		}
	}
}

// A rule that rejects a client ends its connection, and all that goes over it.
func TestMuxRejected(t *testing.T) {
	l := rulesOf(t, rule.Request, "reject if { path /gone }")
	hold := origin(t, func(_ net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Rules[rule.Request] = l }, hold)
	p := rig.peer2()
	p.head(1, true, get2...)
	p.head(3, true, ":method=GET", ":scheme=http", ":authority=x", ":path=/gone")
	p.expect(0, "goaway 3 ENHANCE_YOUR_CALM", "EOF")
	for _, want := range []string{"PR", "CH"} {
		if rec := <-rig.lines; string(rec.Flags[:]) != want {
			t.Errorf("logged %s, want %s", rec.Flags, want)
		}
	}
}

// What rules do to the client's connection they do to the one that lanes share.
func TestMuxRulesAboutConnections(t *testing.T) {
	l := rulesOf(t, rule.Request, "set-tos 8", "early-hint Link </a>;rel=preload", "silent-drop if { path /drop }")
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Rules[rule.Request] = l }, origin(t, digesting))
	p := rig.peer2()
	p.head(1, true, get2...)
	p.expect(1, ":status=103 link=</a>;rel=preload", ":status=200 ")
	p.head(3, true, ":method=GET", ":scheme=http", ":authority=x", ":path=/drop")
	_ = p.c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if got := p.next(3); strings.HasPrefix(got, ":") || strings.HasPrefix(got, "reset ") {
		t.Errorf("the client hears %q", got)
	}
	for _, want := range []string{"--", "PR"} {
		if rec := <-rig.lines; string(rec.Flags[:]) != want {
			t.Errorf("logged %s, want %s", rec.Flags, want)
		}
	}
	for until := time.Now().Add(5 * time.Second); rig.fe.Cur.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the connection is still there")
		}
	}
}

func TestMuxHeadTooLarge(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, nil, origin(t, digesting))
	p := rig.peer2()
	p.head(1, true, append(get2, "x-long="+strings.Repeat("x", 15360))...)
	p.expect(1, ":status=431 ")
	p.head(3, true, get2...)
	p.expect(3, ":status=200 ")
	if rec := <-rig.lines; rec.Status != 431 || string(rec.Flags[:]) != "PR" {
		t.Errorf("logged %d %s", rec.Status, rec.Flags)
	}
}

// A client that takes a request back frees its server, at whatever stage it is.
func TestMuxReset(t *testing.T) {
	gone, asked := make(chan bool, 10), make(chan bool, 10)
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		asked <- true
		if req.URL.Path == "/begun" {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		}
		_, err = r.ReadByte()
		gone <- err != nil
	})
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Servers[0].MaxConn = 1
		p.Timeouts = spec.Timeouts{Client: time.Minute, Server: time.Minute, Connect: time.Minute}
	}, addr)
	queued := func(n int64) {
		t.Helper()
		for until := time.Now().Add(20 * time.Second); rig.backend.Queued.Load() != n; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("%d in the queue, want %d", rig.backend.Queued.Load(), n)
			}
		}
	}
	p := rig.peer2()
	_ = p.c.SetDeadline(time.Now().Add(time.Minute))
	p.head(1, true, ":method=GET", ":scheme=http", ":authority=x", ":path=/begun")
	p.expect(1, ":status=200", "abc")
	p.head(3, true, get2...)
	queued(1)
	p.head(5, true, get2...)
	queued(2)
	p.must(p.WriteRSTStream(5, http2.ErrCodeCancel))
	if rec := <-rig.lines; string(rec.Flags[:]) != "CQ" {
		t.Errorf("logged %s in the queue", rec.Flags)
	}
	p.must(p.WriteRSTStream(1, http2.ErrCodeCancel))
	if !<-gone {
		t.Error("the server's connection goes on")
	}
	if rec := <-rig.lines; string(rec.Flags[:]) != "CD" {
		t.Errorf("logged %s within the response", rec.Flags)
	}
	// The slot is for the one in the queue, whose request goes to the server now.
	queued(0)
	<-asked
	<-asked
	p.must(p.WriteRSTStream(3, http2.ErrCodeCancel))
	if !<-gone {
		t.Error("the server's connection goes on")
	}
	if rec := <-rig.lines; string(rec.Flags[:]) != "CH" {
		t.Errorf("logged %s before the response", rec.Flags)
	}
	rig.loop.Call(func() {}) // it logs first
	if n := rig.backend.Servers()[0].Cur.Load(); n != 0 {
		t.Errorf("%d slots are taken", n)
	}
}

// A stream whose client opens no window keeps nobody else from theirs.
func TestMuxWindowsAreApart(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Timeouts.Client = 300 * time.Millisecond }, origin(t, digesting))
	p := rig.peer2()
	p.must(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 3}))
	p.head(1, true, ":method=GET", ":scheme=http", ":authority=x", ":path=/?n=100000")
	p.expect(1, ":status=200")
	if got := p.next(1); got != string(pattern(100000)[:3]) {
		t.Fatalf("%d bytes", len(got))
	}
	p.head(3, true, ":method=GET", ":scheme=http", ":authority=x", ":path=/?n=3")
	p.expect(3, ":status=200", string(pattern(3))+" END")
	// In the end the client's time-out takes it, and it alone.
	p.expect(1, "reset CANCEL")
	<-rig.lines
	if rec := <-rig.lines; string(rec.Flags[:]) != "cD" {
		t.Errorf("logged %s", rec.Flags)
	}
	p.head(5, true, get2...)
	p.expect(5, ":status=200")
}

func TestMuxInterimAndContinue(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, nil, origin(t, digesting))
	p := rig.peer2()
	p.head(1, false, ":method=POST", ":scheme=http", ":authority=x", ":path=/", "expect=100-continue", "content-length=3")
	p.expect(1, ":status=100 ")
	p.must(p.WriteData(1, true, []byte("abc")))
	p.expect(1, ":status=200 x-got=POST / 3 ")
}

// What a slow server has not taken is held up to a window, and goes on when it is taken,
// whatever framing it has.
func TestMuxSlowServer(t *testing.T) {
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		time.Sleep(100 * time.Millisecond)
		digesting(c, r)
	})
	rig := newRigWith(t, spec.ModeHTTP, nil, discard{}, addr)
	client := rig.client2(0)
	const size = 12 << 20
	var all sync.WaitGroup
	for _, chunked := range []bool{false, true} {
		all.Go(func() {
			if err := exchange(client, rig.addr, "PUT", "", size, 10, chunked); err != nil {
				t.Errorf("chunked %v: %v", chunked, err)
			}
		})
	}
	most := 0
	for range 15 {
		time.Sleep(5 * time.Millisecond)
		rig.loop.Call(func() { most = max(most, rig.thread.BuffersInUse()) })
	}
	all.Wait()
	if most > 10 {
		t.Errorf("%d buffers were in use", most)
	}
}

// A process that stops asks its clients to go, and serves what is on its way.
func TestMuxSoftStop(t *testing.T) {
	hold := make(chan struct{})
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err == nil {
			<-hold
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	rig := newRig(t, spec.ModeHTTP, nil, addr)
	idle, busy := rig.peer2(), rig.peer2()
	busy.head(1, true, get2...)
	busy.must(busy.WritePing(false, [8]byte{1}))
	idle.must(idle.WritePing(false, [8]byte{1}))
	for rig.fe.Cur.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	rig.loop.Call(func() {
		rig.thread.Shared.StopTime.Store(rig.loop.Now())
		rig.thread.Shared.Stopping.Store(true)
		rig.thread.Sweep()
	})
	idle.expect(0, "goaway 2147483647 NO_ERROR", "goaway 0 NO_ERROR", "EOF")
	busy.expect(0, "goaway 2147483647 NO_ERROR", "goaway 1 NO_ERROR")
	close(hold)
	busy.expect(1, ":status=200 content-length=0 END", "EOF")
}

// Time-outs of a connection without requests, and of a head that does not come.
func TestMuxTimeouts(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Timeouts.HTTPKeepAlive, p.Timeouts.HTTPRequest = time.Second, 300*time.Millisecond
	}, origin(t, digesting))
	p := rig.peer2()
	begun := time.Now()
	p.head(1, true, get2...)
	p.expect(1, ":status=200")
	for range 2 { // these do not count: else it would end after 1.8 s
		time.Sleep(400 * time.Millisecond)
		p.must(p.WritePing(false, [8]byte{1}))
	}
	p.expect(0, "goaway 1 NO_ERROR", "EOF")
	if d := time.Since(begun); d < time.Second || d > 1700*time.Millisecond {
		t.Errorf("ended after %v", d)
	}

	p = rig.peer2()
	begun = time.Now()
	p.must(p.WriteRawFrame(http2.FrameHeaders, 0, 1, []byte{0x82}))
	p.expect(0, "goaway", "EOF")
	if d := time.Since(begun); d < 250*time.Millisecond {
		t.Errorf("half a head was given up after %v", d)
	}
}

// The preface may come byte by byte; what only begins like one is HTTP/1.
func TestMuxPreface(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, nil, origin(t, digesting))
	c := rig.dial()
	for _, b := range []byte(http2.ClientPreface) {
		c.send(string(b))
		time.Sleep(time.Millisecond)
	}
	f := http2.NewFramer(c, c.r)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	if got, err := f.ReadFrame(); err != nil || got.Header().Type != http2.FrameSettings {
		t.Errorf("%v, %v", got, err)
	}
	c = rig.dial()
	c.send("PRI * HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp, _ := c.response("PRI"); resp.StatusCode != 400 {
		t.Errorf("status %d", resp.StatusCode)
	}
	c = rig.dial()
	c.send("P")
	time.Sleep(5 * time.Millisecond)
	c.send("UT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	if resp, _ := c.response("PUT"); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestMuxSwitchedOff(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Options.DisableH2Upgrade = true }, origin(t, digesting))
	c := rig.dial()
	c.send(http2.ClientPreface)
	if resp, _ := c.response("PRI"); resp.StatusCode != 400 {
		t.Errorf("status %d", resp.StatusCode)
	}
	rig.loop.Call(func() { rig.bind.Proto = spec.ProtoH2 })
	p := rig.peer2()
	p.head(1, true, get2...)
	p.expect(1, ":status=200")
}

// Nothing is held of clients that end in the middle of everything.
func TestMuxLeavesNothing(t *testing.T) {
	short := 300 * time.Millisecond
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Timeouts = spec.Timeouts{Client: short, Server: short, Connect: short, Queue: short / 2, HTTPKeepAlive: short}
		p.Redispatch = 1
		p.Servers[0].MaxConn, p.Servers[1].MaxConn = 3, 3
		p.HTTPReuse = spec.ReuseAlways
	}, origin(t, wildOrigin(1)), origin(t, wildOrigin(2)))
	go func() {
		for range rig.lines {
		}
	}()
	var clients sync.WaitGroup
	for i := range 12 {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 9))
			for range 20 {
				wildClient2(rig.addr, rng)
			}
		})
	}
	clients.Wait()
	rig.nothingLeft()
	if c := rig.thread.Fronts[0].C.H2; c.OpenConns != 0 || c.OpenStreams != 0 || c.Conns == 0 || c.Streams == 0 {
		t.Errorf("counted %+v", c)
	}
}

// nothingLeft waits until nothing is held of any client, or of what they have asked for.
func (r *rig) nothingLeft() {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		held := fmt.Sprintf("clients %d, frontend %d, backend %d, queued %d", r.thread.Shared.Conns.Load(), r.fe.Cur.Load(), r.backend.Cur.Load(), r.backend.Queued.Load())
		for _, s := range r.backend.Servers() {
			held += fmt.Sprintf(", slots %d, connections %d", s.Cur.Load(), s.Conns.Used())
		}
		r.loop.Call(func() {
			held += fmt.Sprintf(", buffers %d", r.thread.BuffersInUse())
			for _, p := range r.thread.Pools() {
				if n := p.Made - p.Free; n != 0 && p.Name != "srvconn" {
					held += fmt.Sprintf(", %s %d", p.Name, n)
				}
			}
		})
		if held == "clients 0, frontend 0, backend 0, queued 0, slots 0, connections 0, slots 0, connections 0, buffers 0" {
			break
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("still held: %s", held)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// wildClient2 sends frames, in an order that makes sense or does not, and reads, or does not.
func wildClient2(addr string, rng *rand.Rand) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	var out bytes.Buffer
	out.WriteString(http2.ClientPreface)
	f := http2.NewFramer(&out, nil)
	f.AllowIllegalWrites = true
	_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(rng.IntN(3) * rng.IntN(100_000))})
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for id := uint32(1); id < 40; id += 2 {
		block.Reset()
		method, end := "GET", true
		if rng.IntN(2) == 0 {
			method, end = "POST", false
		}
		for _, h := range [][2]string{{":method", method}, {":scheme", "http"}, {":authority", "x"}, {":path", "/a"}} {
			_ = enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
		}
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end})
		for range rng.IntN(4) {
			to := uint32(1 + 2*rng.IntN(20))
			switch rng.IntN(9) {
			case 0:
				_ = f.WriteRSTStream(min(to, id), http2.ErrCodeCancel)
			case 1:
				_ = f.WriteWindowUpdate(min(to, id), 1+uint32(rng.IntN(50000)))
			case 2:
				_ = f.WriteWindowUpdate(0, 1+uint32(rng.IntN(50000)))
			case 3:
				_ = f.WritePing(false, [8]byte{})
			case 4:
				if rng.IntN(20) == 0 {
					_ = f.WriteRawFrame(http2.FrameType(rng.IntN(12)), http2.Flags(rng.Uint32()), to, make([]byte, rng.IntN(20)))
				}
			default:
				_ = f.WriteData(min(to, id), rng.IntN(3) == 0, make([]byte, rng.IntN(2)*rng.IntN(16000)))
			}
		}
	}
	data := out.Bytes()
	if rng.IntN(4) == 0 {
		data = data[:rng.IntN(len(data))]
	}
	for len(data) > 0 {
		n := min(1+rng.IntN(40000), len(data))
		if _, err := c.Write(data[:n]); err != nil {
			return
		}
		data = data[n:]
		_ = c.SetReadDeadline(time.Now().Add(time.Duration(1+rng.IntN(20)) * time.Millisecond))
		_, _ = io.CopyN(io.Discard, c, int64(rng.IntN(100_000)))
	}
	switch rng.IntN(3) {
	case 0:
		_ = c.(*net.TCPConn).SetLinger(0)
	case 1:
		_ = c.(*net.TCPConn).CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Duration(1+rng.IntN(80)) * time.Millisecond))
	_, _ = io.Copy(io.Discard, c)
}
