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

	"bench/proxy/spec"
)

// fill writes to c until nothing more is taken.
func fill(c net.Conn) {
	piece := make([]byte, 64<<10)
	for {
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := c.Write(piece); err != nil {
			return
		}
	}
}

// gone waits for the end of an origin's connection.
func gone(t *testing.T, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("no time-out ended the connection")
	}
}

// Interim responses go to a client as it takes them: they neither pile up, nor do
// they keep the engine from what comes after them.
func TestInterimResponsesToSlowReader(t *testing.T) {
	hint := "HTTP/1.1 103 Early Hints\r\nlink: <" + strings.Repeat("a", 4000) + ">\r\n\r\n"
	const hints = 3000
	stalled := make(chan bool, 1)
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		began := time.Now()
		_, _ = io.WriteString(c, strings.Repeat(hint, hints))
		stalled <- time.Since(began) > 300*time.Millisecond
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nconte")
		time.Sleep(100 * time.Millisecond)
		_, _ = io.WriteString(c, "nt-length: 2\r\n\r\nok")
	})
	r := newRig(t, spec.ModeHTTP, nil, addr)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	time.Sleep(500 * time.Millisecond)
	for n := 0; ; n++ {
		resp, body := c.response("GET")
		if resp.StatusCode == http.StatusEarlyHints {
			continue
		}
		if resp.StatusCode != http.StatusOK || body != "ok" || n != hints {
			t.Errorf("got status %d and %q behind %d interim responses, want 200 and ok behind %d", resp.StatusCode, body, n, hints)
		}
		break
	}
	if !<-stalled {
		t.Error("interim responses were taken from the server as fast as it sent them")
	}
}

// A client that takes nothing runs out of time whatever it sends meanwhile.
func TestTimeoutOfReaderThatSends(t *testing.T) {
	short := func(p *spec.Proxy) { p.Timeouts.Client, p.Timeouts.Server = time.Second, time.Second }
	bulk := make([]byte, 100<<20)

	t.Run("next request", func(t *testing.T) {
		ended := make(chan struct{})
		addr := origin(t, func(c net.Conn, r *bufio.Reader) {
			defer close(ended)
			if _, err := http.ReadRequest(r); err == nil {
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n", len(bulk))
				_, _ = c.Write(bulk)
			}
		})
		r := newRig(t, spec.ModeHTTP, short, addr)
		c := r.dial()
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		time.Sleep(500 * time.Millisecond)
		c.send("GET")
		gone(t, ended)
	})
	t.Run("tunnel blocked both ways", func(t *testing.T) {
		ended := make(chan struct{})
		addr := origin(t, func(c net.Conn, r *bufio.Reader) {
			defer close(ended)
			if _, err := http.ReadRequest(r); err == nil {
				_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
				_, _ = c.Write(bulk)
			}
		})
		r := newRig(t, spec.ModeHTTP, short, addr)
		c := r.dial()
		c.send("GET / HTTP/1.1\r\nHost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
		fill(c.Conn)
		gone(t, ended)
	})
}

// A server that falls silent runs out of time also when the client has only now taken
// what it sent before.
func TestServerTimeoutBehindSlowReader(t *testing.T) {
	var r *rig
	held := func() bool {
		n := make(chan int)
		r.loop.Post(func() { n <- r.thread.BuffersInUse() })
		return <-n > 0
	}
	blocked, ended := make(chan struct{}), make(chan struct{})
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		defer close(ended)
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
		piece := make([]byte, 32<<10)
		for !held() {
			_, _ = c.Write(piece)
			time.Sleep(time.Millisecond)
		}
		close(blocked)
		_, _ = br.ReadByte()
	})
	r = newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Timeouts.Server = 300 * time.Millisecond }, addr)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-blocked
	go func() { _, _ = io.Copy(io.Discard, c.r) }()
	gone(t, ended)
}
