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

// readUntil reads until text has come and returns all that came.
func (c *rawConn) readUntil(text string) string {
	c.t.Helper()
	var got strings.Builder
	for !strings.Contains(got.String(), text) {
		b, err := c.r.ReadByte()
		if err != nil {
			c.t.Fatalf("%v after %q, waiting for %q", err, got.String(), text)
		}
		got.WriteByte(b)
	}
	return got.String()
}

func TestTunnelCarriesEarlyClientData(t *testing.T) {
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(c, r)
	})
	rig := newRig(t, spec.ModeHTTP, nil, addr)
	c := rig.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly")
	c.readUntil("early")
	c.send("late")
	c.readUntil("late")
}

func TestUnaskedUpgradeIsRefused(t *testing.T) {
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err == nil {
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
			_, _ = io.Copy(io.Discard, r)
		}
	})
	rig := newRig(t, spec.ModeHTTP, nil, addr)
	c := rig.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp, _ := c.response("GET"); resp.StatusCode != 502 {
		t.Errorf("status %d", resp.StatusCode)
	}
	if rec := <-rig.lines; rec.Flags != [2]byte{'P', 'H'} {
		t.Errorf("flags %s", rec.Flags)
	}
}

// A server that answers before it has the whole request still gets the rest, and
// the connections of both sides go on.
func TestRequestGoesOnBehindEarlyResponse(t *testing.T) {
	bodies := make(chan string, 2)
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			b, _ := io.ReadAll(req.Body)
			bodies <- string(b)
		}
	})
	rig := newRig(t, spec.ModeHTTP, nil, addr)
	c := rig.dial()
	c.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
	if resp, body := c.response("POST"); resp.Close || body != "ok" {
		t.Fatalf("close %v, body %q", resp.Close, body)
	}
	c.send("helloPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	if _, body := c.response("POST"); body != "ok" {
		t.Fatalf("second body %q", body)
	}
	if a, b := <-bodies, <-bodies; a != "hello" || b != "" {
		t.Errorf("the origin got %q and %q", a, b)
	}
}

// Where the server will not take the rest of a request it has answered, the client
// is told that its connection ends.
func TestEarlyResponseThatCloses(t *testing.T) {
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err == nil {
			fmt.Fprint(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
		}
	})
	rig := newRig(t, spec.ModeHTTP, nil, addr)
	c := rig.dial()
	c.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n")
	resp, body := c.response("POST")
	if !resp.Close || resp.StatusCode != 413 || body != "no" {
		t.Fatalf("close %v, status %d, body %q", resp.Close, resp.StatusCode, body)
	}
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("after the answer: %v", err)
	}
}

func TestBrokenChunksReachNobody(t *testing.T) {
	reached := make(chan struct{}, 1)
	addr := origin(t, func(net.Conn, *bufio.Reader) { reached <- struct{}{} })
	rig := newRig(t, spec.ModeHTTP, nil, addr)
	c := rig.dial()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	if resp, _ := c.response("POST"); resp.StatusCode != 400 {
		t.Errorf("status %d", resp.StatusCode)
	}
	if rec := <-rig.lines; rec.Flags != [2]byte{'P', 'R'} || len(rec.Method) != 0 {
		t.Errorf("flags %s, method %q", rec.Flags, rec.Method)
	}
	if len(reached) != 0 {
		t.Error("a server was connected to")
	}
}

func TestTunnelTimeout(t *testing.T) {
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err == nil {
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
			_, _ = io.Copy(c, r)
		}
	})
	rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Timeouts.Tunnel = 100 * time.Millisecond }, addr)
	c := rig.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nping")
	c.readUntil("ping")
	if _, err := io.ReadAll(c.r); err != nil {
		t.Errorf("%v instead of the end", err)
	}
	if rec := <-rig.lines; rec.Flags != [2]byte{'c', 'D'} {
		t.Errorf("flags %s", rec.Flags)
	}
}
