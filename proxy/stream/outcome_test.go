package stream_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/proxy/spec"
)

// A stream that waits in vain for a slot is an error of connecting to the backend, not
// of any server.
func TestQueueTimeoutCountsInTheBackend(t *testing.T) {
	release := make(chan struct{})
	addr := origin(t, func(c net.Conn, _ *bufio.Reader) { <-release })
	defer close(release)
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Servers[0].MaxConn = 1
		p.Timeouts.Queue = 50 * time.Millisecond
	}, addr)
	r.dial().send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
	for r.backend.Servers()[0].Cur.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	c := r.dial()
	c.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp, _ := c.response("GET"); resp.StatusCode != 503 {
		t.Fatalf("status %d, want 503", resp.StatusCode)
	}
	var backend, server uint64
	r.loop.Call(func() {
		backend, server = r.thread.Backs[0].C.ErrConn, r.thread.Server(r.backend.Servers()[0]).C.ErrConn
	})
	if backend != 1 || server != 0 {
		t.Errorf("%d errors of the backend and %d of the server, want 1 and 0", backend, server)
	}
}

// A backend that is disabled serves nobody, whatever its servers are.
func TestDisabledBackendServesNobody(t *testing.T) {
	came := make(chan struct{}, 1)
	addr := origin(t, func(c net.Conn, br *bufio.Reader) { came <- struct{}{}; echoHTTP(c, br) })
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Disabled = true }, addr)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp, _ := c.response("GET"); resp.StatusCode != 503 {
		t.Errorf("status %d, want 503", resp.StatusCode)
	}
	if len(came) > 0 || r.backend.Cur.Load() != 0 {
		t.Error("the request got to the backend")
	}
}

// A process that stops closes connections that are not used any more. One whose answer has just
// ended, long after the stop, may be about to be used: its next request is answered, and told
// that it was the last.
func TestStoppingSparesWhoWasJustServed(t *testing.T) {
	more := make(chan struct{})
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
			if req.URL.Path == "/slow" {
				<-more
			}
			_, _ = io.WriteString(c, "cd")
		}
	})
	r := newRig(t, spec.ModeHTTP, nil, addr)
	c := r.dial()
	c.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := c.r.Peek(1); err != nil { // the head has come
		t.Fatal(err)
	}
	r.loop.Call(func() {
		r.thread.Shared.Stopping.Store(true)
		r.thread.Shared.StopTime.Store(r.loop.Now() - int64(5*time.Second))
	})
	close(more)
	if resp, got := c.response("GET"); got != "abcd" || resp.Close {
		t.Fatalf("first answer %q, closes: %v", got, resp.Close)
	}
	r.ended()
	r.loop.Call(r.thread.Sweep)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp, got := c.response("GET"); got != "abcd" || !resp.Close {
		t.Errorf("second answer %q, closes: %v", got, resp.Close)
	}
}

// A server that answers before it has the request, and says that it closes, is sent no more of
// it: the stream ends with the answer.
func TestEarlyAnswerThatCloses(t *testing.T) {
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
			<-over
		}
	})
	r := newRig(t, spec.ModeHTTP, nil, addr)
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nsome")
	if resp, got := c.response("POST"); got != "ok" || !resp.Close {
		t.Errorf("answer %q, closes: %v", got, resp.Close)
	}
	if rec := r.ended(); rec.Status != 200 || rec.Flags != [2]byte{'-', '-'} {
		t.Errorf("logged with status %d and flags %s", rec.Status, rec.Flags)
	}
}

// What has come with an answer, and was read with it, must not become the next one.
func TestKeptBytesEndAConnection(t *testing.T) {
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			text := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(req.URL.Path), req.URL.Path)
			if req.URL.Path == "/first" {
				text += "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
			}
			_, _ = io.WriteString(c, text)
		}
	})
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.HTTPReuse = spec.ReuseAlways }, addr)
	c := r.dial()
	for _, path := range []string{"/first", "/second", "/third"} {
		c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, got := c.response("GET"); got != path {
			t.Errorf("%s is answered by %q", path, got)
		}
	}
}

// What a server sends that nobody asked for must not become the answer to the next
// request. The first answer ends just where the buffer it is read into does, so that
// nothing shows that there is more.
func TestUnreadBytesEndAConnection(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: %05d\r\n\r\n"
	body := loop.ScratchSize - len(fmt.Sprintf(head, 0))
	asked, sent := make(chan struct{}), make(chan struct{})
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			text := fmt.Sprintf(head, body) + strings.Repeat("x", body)
			if req.URL.Path == "/first" {
				asked <- struct{}{}
				_, _ = io.WriteString(c, text+"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
				sent <- struct{}{}
				continue
			}
			_, _ = io.WriteString(c, text)
		}
	})
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.HTTPReuse = spec.ReuseAlways }, addr)
	c := r.dial()
	c.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
	<-asked
	r.loop.Call(func() { // all of it is there before any of it is read
		<-sent
		time.Sleep(20 * time.Millisecond)
	})
	if _, got := c.response("GET"); len(got) != body {
		t.Fatalf("first answer of %d bytes, want %d", len(got), body)
	}
	c.send("GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, got := c.response("GET"); len(got) != body {
		t.Errorf("second answer is %q, which nobody asked for", got)
	}
}
