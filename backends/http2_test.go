package backends_test

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/backends/control"
	"bench/backends/httporigin"
	"bench/backends/origintest"
	"bench/internal/dist"
	"bench/internal/h2wire"
)

// speaking is a client that speaks HTTP/2 and nothing else.
func speaking(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the test's own
	tr.Protocols.SetHTTP2(true)
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// An origin gives the same answers in HTTP/2, in TLS and in clear, many at once; and goes on to speak HTTP/1.1.
func TestHTTP2(t *testing.T) {
	for _, secure := range []bool{false, true} {
		o := httporigin.Options{HTTP2: true}
		scheme := "http://"
		if secure {
			o.TLS, scheme = secret(t), "https://"
		}
		o.Answer.Body, _ = dist.ParseSize("700000")
		o.Answer.Framing = httporigin.ByChunks
		o.Answer.Trailers = []httporigin.Header{{Name: "X-Sum", Value: "abc"}}
		kind, err := httporigin.NewConfig(o)
		if err != nil {
			t.Fatal(err)
		}
		addr := origintest.Serve(t, kind)
		base := scheme + addr.String()
		client := speaking(t)
		var all sync.WaitGroup
		for range 5 {
			for path, size := range map[string]int{"/": 700_000, "/bytes/10": 10, "/bytes/0": 0, "/chunked/300000": 300_000, "/close/300000": 300_000, "/interim/20/bytes/5": 5, "/status/404/bytes/3": 3, "/status/204": 0} {
				all.Go(func() {
					// A reader without a length, and one with.
					for _, body := range []io.Reader{io.MultiReader(strings.NewReader(content(200_000))), strings.NewReader("abc")} {
						resp, err := client.Post(base+path, "text/plain", body)
						if err != nil {
							t.Errorf("%s: %v", path, err)
							return
						}
						got, err := io.ReadAll(resp.Body)
						resp.Body.Close()
						if err != nil || string(got) != content(int64(size)) || resp.ProtoMajor != 2 {
							t.Errorf("%s: %d bytes, %v, %s", path, len(got), err, resp.Proto)
						}
						if path == "/" && resp.Trailer.Get("X-Sum") != "abc" {
							t.Errorf("trailers: %v", resp.Trailer)
						}
					}
				})
			}
		}
		all.Wait()
		resp, err := client.Head(base + "/bytes/10")
		if err != nil || resp.ContentLength != 10 {
			t.Errorf("%v, %v", resp, err)
		}
		plain := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}} //nolint:gosec // the test's own
		resp, err = (&http.Client{Transport: plain, Timeout: 20 * time.Second}).Get(base + "/bytes/10")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); err != nil || string(got) != content(10) || resp.ProtoMajor != 1 {
			t.Errorf("%q, %v, %s", got, err, resp.Proto)
		}
		resp.Body.Close()
		plain.CloseIdleConnections()
	}
}

// The echo shows what came in HTTP/2: the whole body, and trailers behind a body of
// either kind.
func TestHTTP2Echo(t *testing.T) {
	kind, err := httporigin.NewConfig(httporigin.Options{HTTP2: true})
	if err != nil {
		t.Fatal(err)
	}
	addr := origintest.Serve(t, kind)
	base := "http://" + addr.String()
	for _, length := range []int64{-1, 5} {
		req, err := http.NewRequest(http.MethodPost, base+"/echo", io.MultiReader(strings.NewReader("hello")))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength, req.Trailer = length, http.Header{"X-Sum": {"abc"}}
		resp, err := speaking(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var e httporigin.Echo
		err = json.NewDecoder(resp.Body).Decode(&e)
		resp.Body.Close()
		if err != nil || e.Body != "hello" || e.BodyLength != 5 || e.Version != "HTTP/2" || fmt.Sprint(e.Trailers) != "[[x-sum abc]]" || e.Peer == "" {
			t.Errorf("length %d: %+v, %v", length, e, err)
		}
	}
}

// frames is a client that writes frames as it is told.
type frames struct {
	t    *testing.T
	c    net.Conn
	data int // of the stream that ended last
}

func dialFrames(t *testing.T, addr string) *frames {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { c.Close() })
	f := &frames{t: t, c: c}
	f.write(h2wire.AppendFrame([]byte(h2wire.Preface), h2wire.Frame{Type: h2wire.Settings}))
	return f
}

func (f *frames) write(b []byte) {
	f.t.Helper()
	if _, err := f.c.Write(b); err != nil {
		f.t.Fatal(err)
	}
}

// head is the HEADERS frame of a request.
func head(stream uint32, flags uint8, text string) []byte {
	block := h2wire.AppendRequest(nil, []byte(text+"\r\nHost: h\r\n\r\n"), []byte("http"))
	return append(h2wire.AppendFrame(nil, h2wire.Frame{Length: len(block), Type: h2wire.Headers, Flags: flags | h2wire.EndHeaders, Stream: stream}), block...)
}

func (f *frames) get(stream uint32, path string) {
	f.t.Helper()
	f.write(head(stream, h2wire.EndStream, "GET "+path+" HTTP/1.1"))
}

// next reads on until the end of a stream, or of the connection: "end", "RST_STREAM: ..." or
// "GOAWAY: ...".
func (f *frames) next() string {
	f.t.Helper()
	f.data = 0
	for {
		var h [h2wire.HeaderLen]byte
		if _, err := io.ReadFull(f.c, h[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return "closed"
			}
			f.t.Fatal(err)
		}
		fr := h2wire.ParseFrame(h[:])
		p := make([]byte, fr.Length)
		if _, err := io.ReadFull(f.c, p); err != nil {
			f.t.Fatal(err)
		}
		if fr.Type == h2wire.Data {
			f.data += fr.Length
		}
		switch {
		case fr.Type == h2wire.Ping:
			return "pong"
		case fr.Type == h2wire.RSTStream:
			return fmt.Sprintf("%d RST_STREAM: %v", fr.Stream, h2wire.Code(binary.BigEndian.Uint32(p)))
		case fr.Type == h2wire.GoAway:
			return fmt.Sprintf("%d GOAWAY: %v", binary.BigEndian.Uint32(p), h2wire.Code(binary.BigEndian.Uint32(p[4:])))
		case (fr.Type == h2wire.Data || fr.Type == h2wire.Headers) && fr.Has(h2wire.EndStream):
			return fmt.Sprintf("%d end", fr.Stream)
		}
	}
}

func (f *frames) want(want string) {
	f.t.Helper()
	if got := f.next(); got != want {
		f.t.Fatalf("%s; want %s", got, want)
	}
}

// An answer waits at the end of the client's windows, whatever tells its end, and goes on
// with what is added to both; others do not wait for it.
func TestHTTP2Windows(t *testing.T) {
	o := httporigin.Options{HTTP2: true}
	o.Answer.Framing = httporigin.ByChunks
	o.Answer.Trailers = []httporigin.Header{{Name: "X-Sum", Value: "abc"}}
	kind, err := httporigin.NewConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	addr := origintest.Serve(t, kind)
	for _, path := range []string{"/bytes/", "/chunked/", "/close/"} {
		f := dialFrames(t, addr.String())
		f.get(1, path+"100000")
		ping := append(h2wire.AppendFrame(nil, h2wire.Frame{Length: h2wire.PingLen, Type: h2wire.Ping}), "12345678"...)
		f.write(ping)
		f.want("pong")
		if f.data != h2wire.DefaultWindow {
			t.Errorf("%s: %d bytes before the first credit", path, f.data)
		}
		f.write(h2wire.AppendCredit(nil, 1, 50_000)) // of the stream, and not of the connection
		f.get(3, path+"0")
		f.want("3 end")
		if f.data != 0 {
			t.Errorf("%s: %d bytes without credit", path, f.data)
		}
		const left = 100_000 - h2wire.DefaultWindow
		f.write(h2wire.AppendCredit(nil, 0, left)) // which leaves nothing for the end
		f.want("1 end")
		if f.data != left {
			t.Errorf("%s: %d bytes with credit, want %d", path, f.data, left)
		}
	}
}

// A client of HTTP/2 that breaks the rules is told which, and nothing is left of it.
func TestHTTP2Mistakes(t *testing.T) {
	kind, err := httporigin.NewConfig(httporigin.Options{HTTP2: true})
	if err != nil {
		t.Fatal(err)
	}
	addr := origintest.Serve(t, kind)
	frame := func(kind h2wire.Type, flags uint8, stream uint32, p string) string {
		return string(h2wire.AppendFrame(nil, h2wire.Frame{Length: len(p), Type: kind, Flags: flags, Stream: stream})) + p
	}
	post := string(head(1, 0, "POST /delay/10s/ HTTP/1.1\r\nContent-Length: 3"))
	for name, c := range map[string]struct{ input, want string }{
		"long frame":      {string(h2wire.AppendFrame(nil, h2wire.Frame{Length: 20_000, Type: h2wire.Ping})), "0 GOAWAY: FRAME_SIZE_ERROR"},
		"short ping":      {frame(h2wire.Ping, 0, 0, "x"), "0 GOAWAY: FRAME_SIZE_ERROR"},
		"even stream":     {string(head(2, h2wire.EndStream, "GET / HTTP/1.1")), "0 GOAWAY: PROTOCOL_ERROR"},
		"idle stream":     {frame(h2wire.Data, 0, 1, "x"), "0 GOAWAY: PROTOCOL_ERROR"},
		"table":           {frame(h2wire.Headers, h2wire.EndHeaders, 1, "\xff\xff\xff\xff\xff\xff"), "1 GOAWAY: COMPRESSION_ERROR"},
		"interrupted":     {frame(h2wire.Headers, 0, 1, "") + frame(h2wire.Ping, 0, 0, "12345678"), "0 GOAWAY: PROTOCOL_ERROR"},
		"alone":           {frame(h2wire.Continuation, 0, 1, ""), "0 GOAWAY: PROTOCOL_ERROR"},
		"promise":         {frame(h2wire.PushPromise, 0, 1, ""), "0 GOAWAY: PROTOCOL_ERROR"},
		"window":          {frame(h2wire.WindowUpdate, 0, 0, "\x7f\xff\xff\xff"), "0 GOAWAY: FLOW_CONTROL_ERROR"},
		"window by 0":     {frame(h2wire.WindowUpdate, 0, 0, "\x00\x00\x00\x00"), "0 GOAWAY: PROTOCOL_ERROR"},
		"stream's by 0":   {post + frame(h2wire.WindowUpdate, 0, 1, "\x00\x00\x00\x00"), "1 RST_STREAM: PROTOCOL_ERROR"},
		"stream's window": {post + frame(h2wire.WindowUpdate, 0, 1, "\x7f\xff\xff\xff"), "1 RST_STREAM: PROTOCOL_ERROR"},
		"no path":         {frame(h2wire.Headers, h2wire.EndHeaders|h2wire.EndStream, 1, "\x82\x86"), "1 RST_STREAM: PROTOCOL_ERROR"},
		"too long":        {post + frame(h2wire.Data, 0, 1, "abcd"), "1 RST_STREAM: PROTOCOL_ERROR"},
		"too short":       {post + frame(h2wire.Data, h2wire.EndStream, 1, "ab"), "1 RST_STREAM: PROTOCOL_ERROR"},
		"behind the end":  {post + frame(h2wire.Data, h2wire.EndStream, 1, "abc") + frame(h2wire.Data, 0, 1, ""), "1 RST_STREAM: PROTOCOL_ERROR"},
		"no body":         {string(head(1, h2wire.EndStream, "POST / HTTP/1.1\r\nContent-Length: 3")), "1 RST_STREAM: PROTOCOL_ERROR"},
		"odd length":      {string(head(1, 0, "POST / HTTP/1.1\r\nContent-Length: x")), "1 end"},
		"an early answer": {string(head(1, 0, "CONNECT / HTTP/1.1")), "1 end"},
	} {
		f := dialFrames(t, addr.String())
		for _, b := range []byte(c.input) { // a byte at a time
			if _, err := f.c.Write([]byte{b}); err != nil {
				break // the origin has closed: what it said before tells
			}
		}
		if got := f.next(); got != c.want {
			t.Errorf("%s: %s; want %s", name, got, c.want)
		}
	}
	f := dialFrames(t, addr.String()) // whoever is cut off harms nobody
	f.write([]byte(post + frame(h2wire.Data, 0, 1, "a")))
	f.c.Close()
	f = dialFrames(t, addr.String())
	f.get(1, "/")
	f.want("1 end")
}

// Faults of connections are those of streams in HTTP/2, each request is counted once, and
// afterwards all is well on the same connection.
func TestHTTP2Faults(t *testing.T) {
	r := start(t, func(o *options) { o.HTTP.HTTP2 = true })
	f := dialFrames(t, r.addr[0])
	id := uint32(1)
	undo := func() {
		t.Helper()
		if _, err := r.control.Clear(t.Context(), control.ClearOrder{}); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(path string) string {
		f.get(id, path)
		got := f.next()
		_, got, _ = strings.Cut(got, " ")
		id += 2
		return got
	}
	if got := ask("/bytes/1000"); got != "end" {
		t.Fatal(got)
	}
	r.apply(control.Fault{Kind: control.Truncate, For: "1h"})
	if got := ask("/bytes/1000"); got != "RST_STREAM: INTERNAL_ERROR" {
		t.Errorf("truncate: %s", got)
	}
	if got := ask("/close/1000"); got != "RST_STREAM: INTERNAL_ERROR" {
		t.Errorf("truncate without a length: %s", got)
	}
	undo()
	r.apply(control.Fault{Kind: control.Stall, For: "1h"})
	f.get(id, "/bytes/1000")
	eventually(t, "a request", func() bool { return r.class("-").Received == 4 })
	r.apply(control.Fault{Kind: control.Reset, Scope: control.ScopeLive})
	if got := f.next(); got != fmt.Sprintf("%d RST_STREAM: INTERNAL_ERROR", id) {
		t.Errorf("reset: %s", got)
	}
	id += 2
	r.apply(control.Fault{Kind: control.Reset, Scope: control.ScopeNew, For: "1h"})
	if got := ask("/"); got != "RST_STREAM: REFUSED_STREAM" {
		t.Errorf("reset of new ones: %s", got)
	}
	undo()
	for range 200 { // nothing of all that is left to hold others up
		if got := ask("/bytes/10"); got != "end" {
			t.Fatal(got)
		}
	}
	r.apply(control.Fault{Kind: control.Drain, For: "1h"})
	f.want(fmt.Sprintf("%d GOAWAY: NO_ERROR", id-2))
	f.want("closed")
	c := r.class("-")
	if c.Received != 204 || c.Answered != 201 || c.Cut != 3 || c.Open != 0 {
		t.Errorf("%+v", c)
	}
}
