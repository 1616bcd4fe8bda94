package stream_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bench/proxy/rule"
	"bench/proxy/spec"
	"bench/proxy/stream"
)

// literal adds a field to the next block that no table takes and no code shortens.
func (p *peer2) literal(name string, size int) []byte {
	p.must(p.enc.WriteField(hpack.HeaderField{Name: name, Value: strings.Repeat("|", size), Sensitive: true}))
	return p.buf.Bytes()
}

// Requests that have come are answered however much the answers before them come to in one
// turn: what was left unread for want of room is read when there is some.
func TestMuxReadsOnWhenItHasSent(t *testing.T) {
	l := rulesOf(t, rule.Request, "return status 200 hdr X-Large "+strings.Repeat("y", 3000))
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Rules[rule.Request] = l }, origin(t, digesting))
	c := r.dial()
	var out bytes.Buffer
	out.WriteString(http2.ClientPreface)
	p := &peer2{Framer: http2.NewFramer(&out, c.r), c: c, t: t, dec: hpack.NewDecoder(4096, nil)}
	p.enc = hpack.NewEncoder(&p.buf)
	p.must(p.WriteSettings())
	const requests = 95 // together more than is read at once
	for i := range uint32(requests) {
		p.buf.Reset()
		for _, f := range get2 {
			name, value, _ := strings.Cut(f[1:], "=")
			p.must(p.enc.WriteField(hpack.HeaderField{Name: ":" + name, Value: value}))
		}
		p.must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: p.literal("x-fill", 900), EndHeaders: true, EndStream: true}))
	}
	done := make(chan struct{})
	r.loop.Post(func() { <-done }) // all of it has come before the engine looks
	c.send(out.String())
	close(done)
	for i := range uint32(requests) {
		if got := p.next(2*i + 1); !strings.HasPrefix(got, ":status=200 ") {
			t.Fatalf("request %d: %q", i, got)
		}
	}
}

// A tunnel through a stream of HTTP/2 carries what its client sends as it is, also what it
// has sent before the server agreed; what a server refuses is not sent to it.
func TestMuxTunnel(t *testing.T) {
	agreed := make(chan bool)
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		head := ""
		for !strings.HasSuffix(head, "\r\n\r\n") {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			head += line
		}
		if strings.Contains(head, "transfer-encoding") {
			t.Errorf("the server got %q", head)
		}
		if <-agreed {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			_, _ = io.Copy(c, r)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
		if b, _ := io.ReadAll(r); len(b) > 0 {
			t.Errorf("behind the request the server got %q", b)
		}
	})
	r := newRig(t, spec.ModeHTTP, nil, addr)
	p := r.peer2()
	p.head(1, false, ":method=CONNECT", ":authority=a:80")
	p.must(p.WriteData(1, false, []byte("early ")))
	agreed <- true
	p.expect(1, ":status=200 ", "early ")
	p.must(p.WriteData(1, true, []byte("late")))
	if got := p.next(1); got == "late" {
		p.expect(1, " END")
	} else if got != "late END" {
		t.Errorf("got %q", got)
	}
	p.head(3, false, ":method=CONNECT", ":authority=a:80")
	p.must(p.WriteData(3, false, []byte("GET / HTTP/1.1\r\n\r\n")))
	agreed <- false
	p.expect(3, ":status=403 ", "no")
	p.must(p.WriteRSTStream(3, http2.ErrCodeCancel))
	<-r.lines
	<-r.lines
}

// An answer in the place of a response that was broken from its start waits for its client's
// window as others do.
func TestMuxAnswerForBrokenResponse(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, nil, origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
			_, _ = io.Copy(io.Discard, br)
		}
	}))
	p := r.peer2()
	p.must(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
	p.head(1, true, get2...)
	p.expect(1, ":status=502 ")
	p.must(p.WriteWindowUpdate(1, 10))
	p.expect(1, "<html><bod")
	p.must(p.WriteWindowUpdate(1, 10_000))
	if got := p.next(1); !strings.HasSuffix(got, "</html>\n END") && !strings.HasSuffix(got, "</html>\n") {
		t.Errorf("the rest is %q", got)
	}
	if rec := <-r.lines; rec.Status != 502 || string(rec.Flags[:]) != "PH" {
		t.Errorf("logged %d %s", rec.Status, rec.Flags)
	}
}

// A request that waits at its rules when the process is told to stop is served, and the
// connection ends behind it.
func TestMuxSoftStopWhileRulesWait(t *testing.T) {
	r := ruled(t, spec.ModeHTTP, nil, stream.Rules{Request: waitForBody(10, forever), Response: waitForBody(1000, forever)}, origin(t, digesting))
	p := r.peer2()
	p.head(1, false, ":method=POST", ":scheme=http", ":authority=x", ":path=/?n=3000")
	p.must(p.WriteData(1, false, []byte("01234")))
	for r.fe.Cur.Load() < 1 {
		r.loop.Call(func() {})
	}
	r.loop.Call(func() {
		r.thread.Shared.StopTime.Store(r.loop.Now())
		r.thread.Shared.Stopping.Store(true)
		r.thread.Sweep()
	})
	p.expect(0, "goaway 2147483647 NO_ERROR")
	p.head(3, false, ":method=POST", ":scheme=http", ":authority=x", ":path=/late?n=10") // on its way
	p.must(p.WriteData(3, true, []byte("0123456789")))
	p.must(p.WriteData(1, true, []byte("56789")))
	var got [4]string
	for got[1] == "" || got[3] == "" {
		f, err := p.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch f := f.(type) {
		case *http2.HeadersFrame:
			fields, err := p.dec.DecodeFull(f.HeaderBlockFragment())
			p.must(err)
			for _, h := range fields {
				if h.Name == "x-got" {
					got[f.StreamID] = h.Value
				}
			}
		case *http2.RSTStreamFrame:
			got[f.StreamID] = "reset " + f.ErrCode.String()
		case *http2.GoAwayFrame:
			if f.LastStreamID < 3 { // on a busy machine it was late indeed
				got[3] = "reset"
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				p.must(p.WritePing(true, f.Data))
			}
		}
	}
	if !strings.HasPrefix(got[1], "POST /?n=3000 10 ") || !strings.HasPrefix(got[3], "POST /late?n=10 10 ") && !strings.HasPrefix(got[3], "reset") {
		t.Errorf("%q", got)
	}
	for said := p.next(0); said != "EOF"; said = p.next(0) {
		if !strings.HasPrefix(said, "goaway ") {
			t.Fatalf("in the end: %q", said)
		}
	}
}

// A client that asks for much and reads nothing has one small buffer wait for each request,
// besides what its connection holds.
func TestMuxReaderOfNothing(t *testing.T) {
	r := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Timeouts = spec.Timeouts{Client: time.Minute, Server: time.Minute, Connect: time.Minute}
	}, discard{}, origin(t, digesting))
	c := r.dial()
	c.send(http2.ClientPreface)
	p := &peer2{Framer: http2.NewFramer(c, c.r), c: c, t: t}
	p.enc = hpack.NewEncoder(&p.buf)
	p.must(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}))
	p.must(p.WriteWindowUpdate(0, 1<<30))
	const requests = 60
	for i := range uint32(requests) {
		p.head(2*i+1, true, ":method=GET", ":scheme=http", ":authority=x", ":path=/?n=3000000")
	}
	waited := 0 // looks at it while something waits
	for end := time.Now().Add(30 * time.Second); waited < 300; time.Sleep(time.Millisecond) {
		var used, held int
		r.loop.Call(func() {
			bufs := &r.thread.Bufs
			small, size := bufs.Small()
			large, more := bufs.Large()
			used = bufs.Used()
			held = small.Used()*size + large.Used()*more + (used-small.Used()-large.Used())*more
		})
		if held > requests*20_000 {
			t.Fatalf("%d bytes wait in %d buffers", held, used)
		}
		if used > 0 {
			waited++
		}
		if time.Now().After(end) {
			t.Fatal("nothing waits")
		}
	}
}
