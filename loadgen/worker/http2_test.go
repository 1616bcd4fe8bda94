package worker

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/h2wire"
	"bench/internal/result"
	"bench/loadgen/http1"
	"bench/loadgen/http2"
	"bench/loadgen/workload"
)

// streamPeer is a server of HTTP/2 that does with each request what respond says.
type streamPeer struct {
	addr  string
	conns atomic.Int64
	// respond writes frames to out; n counts requests from 0, of the connection and of all.
	// false ends the connection.
	respond func(out *bufio.Writer, stream uint32, nth, of int) bool
	heads   atomic.Int64
	resets  atomic.Int64
	most    uint32 // SETTINGS_MAX_CONCURRENT_STREAMS; 0: none
}

func startStreams(t *testing.T, p *streamPeer) *streamPeer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = l.Addr().String()
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.conns.Add(1)
			all.Go(func() { p.serve(c) })
		}
	})
	return p
}

func (p *streamPeer) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	in, out := bufio.NewReader(c), bufio.NewWriter(c)
	var settings []byte
	if p.most > 0 {
		settings = h2wire.AppendSetting(nil, h2wire.MaxStreams, p.most)
	}
	_, _ = out.Write(append(h2wire.AppendFrame(nil, h2wire.Frame{Length: len(settings), Type: h2wire.Settings}), settings...))
	_, _ = out.Write(append(h2wire.AppendFrame(nil, h2wire.Frame{Length: 8, Type: h2wire.Ping}), "12345678"...))
	if _, err := io.ReadFull(in, make([]byte, len(h2wire.Preface))); err != nil {
		return
	}
	for nth := 0; ; {
		if in.Buffered() == 0 {
			_ = out.Flush()
		}
		head := make([]byte, h2wire.HeaderLen)
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		f := h2wire.ParseFrame(head)
		if _, err := io.CopyN(io.Discard, in, int64(f.Length)); err != nil {
			return
		}
		switch f.Type {
		case h2wire.Headers:
			nth++
			if !p.respond(out, f.Stream, nth-1, int(p.heads.Add(1)-1)) {
				_ = out.Flush()
				return
			}
		case h2wire.RSTStream:
			p.resets.Add(1)
		default:
		}
	}
}

// ok writes an answer.
func ok(out *bufio.Writer, stream uint32) {
	block := h2wire.AppendAnswer(nil, []byte("HTTP/1.1 200 OK\r\nx-bench-origin: peer\r\ncontent-length: 2\r\n\r\n"))
	p := append(h2wire.AppendFrame(nil, h2wire.Frame{Length: len(block), Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: stream}), block...)
	p = append(h2wire.AppendFrame(p, h2wire.Frame{Length: 2, Type: h2wire.Data, Flags: h2wire.EndStream, Stream: stream}), "ok"...)
	_, _ = out.Write(p)
}

// begin writes the head of an answer.
func begin(out *bufio.Writer, stream uint32) {
	_, _ = out.Write(append(h2wire.AppendFrame(nil, h2wire.Frame{Length: 1, Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: stream}), 0x88))
}

// streamSpec is a load of n requests over streams of so many connections.
func streamSpec(addr string, n uint64, pool, streams int) *workload.Spec {
	return &workload.Spec{
		Name: "h2", Protocol: "http2", Targets: []string{addr}, HTTP2: http2.Spec{Streams: streams},
		Arrival: workload.Closed, MaxRequests: n, Connections: workload.Connections{Pool: pool},
		Phases: []workload.Phase{{Name: "all", LengthUs: 20_000_000, Measure: true}}, TimeoutUs: 10_000_000, Seed: 1,
	}
}

// Many requests are under way on few connections, and as many as the peer allows.
func TestStreams(t *testing.T) {
	for _, most := range []uint32{0, 3} {
		var held sync.Mutex
		waiting := map[*bufio.Writer][]uint32{}
		peak := 0
		// The peer answers once there are as many as there may be, the latest first.
		p := startStreams(t, &streamPeer{most: most, respond: func(out *bufio.Writer, stream uint32, nth, _ int) bool {
			held.Lock()
			defer held.Unlock()
			all := append(waiting[out], stream)
			peak = max(peak, len(all))
			depth := 10
			if most > 0 && nth >= 10 { // the first come before the settings
				depth = int(most)
			}
			if len(all) >= depth || nth == 9 {
				for i := range all {
					ok(out, all[len(all)-1-i])
				}
				all = nil
			}
			waiting[out] = all
			return true
		}})
		spec := streamSpec(p.addr, 0, 2, 10)
		spec.Phases[0].LengthUs = 300_000
		spec.TimeoutUs = 1_000_000
		got, l := load(t, spec)
		if got.Completed < 100 || got.ConnsOpened != 2 || p.conns.Load() != 2 || peak > 10 || most == 0 && peak != 10 {
			t.Errorf("%d completed on %d connections, at most %d at a time, %v", got.Completed, got.ConnsOpened, peak, got.FailuresByCause)
		}
		// At the end fewer are under way than the peer waits for.
		if got.Failed > 20 || got.Failed != got.FailuresByCause[result.CauseTimeout] {
			t.Errorf("%d failed: %v; %v", got.Failed, got.FailuresByCause, l.failures[0])
		}
	}
}

// The clock of a request starts when it is due, also while all streams are taken.
func TestStreamsKeepIntendedStarts(t *testing.T) {
	p := startStreams(t, &streamPeer{respond: func(out *bufio.Writer, stream uint32, _, of int) bool {
		if of == 20 {
			time.Sleep(300 * time.Millisecond)
		}
		ok(out, stream)
		return true
	}})
	spec := streamSpec(p.addr, 0, 1, 5)
	spec.Arrival, spec.Phases[0].From, spec.Phases[0].To, spec.Phases[0].LengthUs = workload.Constant, 200, 200, 1_000_000
	got, _ := load(t, spec)
	if got.Completed != 200 || got.Failed != 0 || got.Response.Max < 295_000 {
		t.Errorf("%d completed, %d failed, the longest took %v µs", got.Completed, got.Failed, got.Response.Max)
	}
	// Sixty fell due within the stall, five of which could be sent.
	if late := got.Response.P90; late < 50_000 {
		t.Errorf("a tenth of the requests waited for less than %v µs", late)
	}
}

// What ends a stream, or the connection, fails or repeats those that it concerns.
func TestStreamsThatBreak(t *testing.T) {
	for name, c := range map[string]struct {
		respond func(out *bufio.Writer, stream uint32, nth, of int) bool
		method  string
		pool    int
		want    map[string]uint64 // of 50 requests
		retried bool
		conns   int64 // at most
	}{
		"reset": {func(out *bufio.Writer, stream uint32, _, of int) bool {
			if of == 20 {
				_, _ = out.Write(h2wire.AppendReset(nil, stream, h2wire.InternalError))
				return true
			}
			ok(out, stream)
			return true
		}, "GET", 1, map[string]uint64{result.CauseResetAfter: 1}, false, 1},
		"reset within the answer": {func(out *bufio.Writer, stream uint32, _, of int) bool {
			if of == 20 {
				begin(out, stream)
				_, _ = out.Write(h2wire.AppendReset(nil, stream, h2wire.Cancel))
				return true
			}
			ok(out, stream)
			return true
		}, "GET", 1, map[string]uint64{result.CauseTruncated: 1}, false, 1},
		"refused once": {func(out *bufio.Writer, stream uint32, _, of int) bool {
			if of == 20 {
				_, _ = out.Write(h2wire.AppendReset(nil, stream, h2wire.RefusedStream))
				return true
			}
			ok(out, stream)
			return true
		}, "POST", 1, nil, true, 1},
		"all refused": {func(out *bufio.Writer, stream uint32, _, _ int) bool {
			_, _ = out.Write(h2wire.AppendReset(nil, stream, h2wire.RefusedStream))
			return true
		}, "GET", 1, map[string]uint64{result.CauseResetAfter: 50}, true, 1},
		"goes away": {func(out *bufio.Writer, stream uint32, nth, _ int) bool {
			if nth == 9 {
				_, _ = out.Write(h2wire.AppendGoAway(nil, stream-2, h2wire.NoError))
			}
			if nth < 9 {
				ok(out, stream)
			}
			return true
		}, "POST", 2, nil, true, 50},
		"malformed": {func(out *bufio.Writer, stream uint32, _, of int) bool {
			if of == 20 {
				_, _ = out.Write(append(h2wire.AppendFrame(nil, h2wire.Frame{Length: 1, Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: stream}), 0x84))
				return true
			}
			ok(out, stream)
			return true
		}, "GET", 1, map[string]uint64{result.CauseProtocol: 1}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := startStreams(t, &streamPeer{respond: c.respond})
			spec := streamSpec(p.addr, 50, c.pool, 4)
			spec.HTTP.Requests = []http1.Request{{Method: c.method}}
			got, l := load(t, spec)
			failed := uint64(0)
			for cause, n := range c.want {
				failed += n
				if got.FailuresByCause[cause] != n {
					t.Errorf("failures %v, want %v", got.FailuresByCause, c.want)
				}
			}
			if got.Completed+failed != 50 || got.Failed != failed || (got.Retried > 0) != c.retried || p.conns.Load() > c.conns {
				t.Errorf("%d completed, %d failed, %d retried, %d connections; %v", got.Completed, got.Failed, got.Retried, p.conns.Load(), got.FailuresByCause)
			}
			for _, f := range l.failures {
				if f.Detail == "" {
					t.Errorf("a failure without a word: %+v", f)
				}
			}
		})
	}
}

// A connection that is cut off fails what was answered in part, and repeats the rest once
// where that is allowed.
func TestStreamsThatAreCutOff(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		p := startStreams(t, &streamPeer{respond: func(out *bufio.Writer, stream uint32, _, of int) bool {
			switch {
			case of == 21:
				return false
			case of == 20:
				begin(out, stream)
			default:
				ok(out, stream)
			}
			return true
		}})
		spec := streamSpec(p.addr, 50, 1, 4)
		spec.HTTP.Requests = []http1.Request{{Method: method}}
		got, _ := load(t, spec)
		cut := got.FailuresByCause[result.CauseTruncated]
		if cut != 1 || got.Completed+got.Failed != 50 || p.conns.Load() < 2 {
			t.Errorf("%s: %d completed, %v", method, got.Completed, got.FailuresByCause)
		}
		if method == "GET" && (got.Failed != 1 || got.Retried == 0) || method == "POST" && got.FailuresByCause[result.CauseResetAfter] == 0 {
			t.Errorf("%s: %d retried, %v", method, got.Retried, got.FailuresByCause)
		}
	}
}

// A request that takes too long is given up alone.
func TestStreamsTimeOutAlone(t *testing.T) {
	p := startStreams(t, &streamPeer{respond: func(out *bufio.Writer, stream uint32, _, of int) bool {
		if of != 5 {
			ok(out, stream)
		}
		return true
	}})
	spec := streamSpec(p.addr, 0, 1, 4)
	spec.Arrival, spec.Phases[0].From, spec.Phases[0].To, spec.Phases[0].LengthUs = workload.Constant, 50, 50, 1_000_000
	spec.TimeoutUs = 600_000
	got, _ := load(t, spec)
	if got.FailuresByCause[result.CauseTimeout] != 1 || got.Completed != 49 || p.conns.Load() != 1 || p.resets.Load() != 1 {
		t.Errorf("%d completed, %v, %d connections, %d streams given up", got.Completed, got.FailuresByCause, p.conns.Load(), p.resets.Load())
	}
}

// A peer of HTTP/1, and one that does not agree on HTTP/2 in TLS, fail the requests.
func TestPeersWithoutStreams(t *testing.T) {
	srv, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	go func() {
		for c, err := srv.Accept(); err == nil; c, err = srv.Accept() {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			defer c.Close()
		}
	}()
	got, l := load(t, streamSpec(srv.Addr().String(), 3, 1, 1))
	if got.Completed != 0 || got.FailuresByCause[result.CauseProtocol] != 3 || l.failures[0].Detail != "the peer answers in HTTP/1" {
		t.Errorf("%v, %+v", got.FailuresByCause, l.failures[0])
	}
	secure := startSecure(t, "x") // of net/http, which speaks HTTP/2
	spec := streamSpec(secure.addr, 30, 2, 5)
	spec.TLS = &workload.TLS{Name: "origin.test", CA: secure.ca}
	if got, _ = load(t, spec); got.Completed != 30 || got.Phases[0].Handshakes == 0 {
		t.Errorf("%d completed, %v", got.Completed, got.FailuresByCause)
	}
}

// echoed is a server of the library that checks bodies and sends them back.
func echoed(t *testing.T, split bool) string {
	t.Helper()
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.ProtoMajor != 2 || r.Host != "shop.example" || r.Method == "POST" && len(body) == 0 {
			w.WriteHeader(http.StatusBadRequest)
		}
		http.SetCookie(w, &http.Cookie{Name: "n", Value: "v"})
		if _, err := r.Cookie("n"); err == nil {
			w.Header().Set("X-Known", "yes")
		}
		_, _ = w.Write(bytes.Repeat([]byte("y"), 300_000))
		_, _ = w.Write(body)
	}), Protocols: new(http.Protocols)}
	srv.Protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if split {
		l = &splitting{l}
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

// splitting is a listener whose connections read and write little at a time.
type splitting struct{ net.Listener }

func (l *splitting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &little{Conn: c}, err
}

type little struct {
	net.Conn
	reads, writes int
}

func (c *little) Read(p []byte) (int, error) {
	c.reads++
	return c.Conn.Read(p[:min(len(p), 1+c.reads*7919%2000)])
}

func (c *little) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		c.writes++
		m, err = c.Conn.Write(p[n:min(len(p), n+1+c.writes*7919%2000)])
		n += m
	}
	return n, err
}

// Large bodies pass in both directions through small windows, with another implementation.
func TestStreamsWithAnotherImplementation(t *testing.T) {
	for _, window := range []int64{0, 10_000} {
		for _, split := range []bool{false, true} {
			spec := streamSpec(echoed(t, split), 40, 2, 5)
			spec.HTTP2.Window = window
			size := int64(500_000)
			spec.HTTP = http1.Spec{Host: "shop.example", Cookies: true, Requests: []http1.Request{
				{Name: "up", Method: "POST", Body: http1.Body{Size: 200_000}, Expect: http1.Expect{Bytes: &size}},
				{Name: "chunks", Method: "POST", Body: http1.Body{Text: strings.Repeat("{{seq}}", 100), Template: true, ChunkBytes: 100}},
				{Name: "head", Method: "HEAD"},
				{Name: "get", Expect: http1.Expect{Contains: "yyyyy"}},
			}}
			if split {
				spec.Pieces = &workload.Pieces{Min: 2, Max: 5, PauseUs: 200}
			}
			got, l := load(t, spec)
			if got.Completed != 40 {
				t.Errorf("window %d: %d completed, %v, %+v", window, got.Completed, got.FailuresByCause, l.failures[0])
			}
		}
	}
}

func TestStreamsToNobody(t *testing.T) {
	got, _ := load(t, streamSpec("127.0.0.1:1", 3, 1, 2))
	if got.FailuresByCause[result.CauseRefused] != 3 {
		t.Errorf("%v", got.FailuresByCause)
	}
}

// Connections end after as many requests as were asked for.
func TestStreamsPerConnection(t *testing.T) {
	p := startStreams(t, &streamPeer{respond: func(out *bufio.Writer, stream uint32, nth, _ int) bool {
		if nth >= 5 {
			return false
		}
		ok(out, stream)
		return true
	}})
	spec := streamSpec(p.addr, 40, 1, 3)
	spec.Connections.RequestsPerConnection = 5
	if got, _ := load(t, spec); got.Completed != 40 || p.conns.Load() != 8 {
		t.Errorf("%d completed on %d connections, %v", got.Completed, p.conns.Load(), got.FailuresByCause)
	}
}
