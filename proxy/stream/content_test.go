package stream_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// methodOf sends requests on with the method that their field X-M has.
func methodOf(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
	if m := x.Req.Get("x-m"); m != nil {
		x.Req.SetMethod(x.Req.Arena.Copy(m))
	}
	return txn.Next
}

// status makes 200 a status without a body, and the other way round.
func status(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
	switch x.Res.Status {
	case 200:
		x.Res.Status = 204
	case 304:
		x.Res.Status = 203
	}
	return txn.Next
}

// sendsLate answers with the body some time behind the head, unless it was asked with
// HEAD, or for /304.
func sendsLate(c net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		code := "200 OK"
		if req.URL.Path == "/304" {
			code = "304 Not Modified"
		}
		if _, err := io.WriteString(c, "HTTP/1.1 "+code+"\r\nX-Path: "+req.URL.Path+"\r\nContent-Length: 4\r\n\r\n"); err != nil {
			return
		}
		if req.Method == http.MethodHead || code[0] == '3' {
			continue
		}
		time.Sleep(20 * time.Millisecond)
		if _, err := io.WriteString(c, "body"); err != nil {
			return
		}
	}
}

// Whatever rules make of method and status: no byte of one response is taken for
// another, by the client or by the next user of the server's connection.
func TestBodiesFollowRewrittenHeads(t *testing.T) {
	for _, tt := range []struct {
		name, method, send string
		rules              stream.Rules
		status             int
		body               string
	}{
		{"GET made HEAD", "GET", "GET /a HTTP/1.1\r\nHost: x\r\nX-M: HEAD\r\n\r\n", stream.Rules{Request: ruleFunc(methodOf)}, 200, ""},
		{"HEAD made GET", "HEAD", "HEAD /a HTTP/1.1\r\nHost: x\r\nX-M: GET\r\n\r\n", stream.Rules{Request: ruleFunc(methodOf)}, 200, ""},
		{"200 made 204", "GET", "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", stream.Rules{Response: ruleFunc(status)}, 204, ""},
		{"304 made 203", "GET", "GET /304 HTTP/1.1\r\nHost: x\r\n\r\n", stream.Rules{Response: ruleFunc(status)}, 203, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ruled(t, spec.ModeHTTP, nil, tt.rules, origin(t, sendsLate))
			c := r.dial()
			c.send(tt.send)
			if res, body := c.response(tt.method); res.StatusCode != tt.status || body != tt.body {
				t.Errorf("%d %q, want %d %q", res.StatusCode, body, tt.status, tt.body)
			}
			for _, path := range []string{"/304", "/b"} {
				c.send(strings.Replace("HEAD PATH HTTP/1.1\r\nHost: x\r\n\r\n", "PATH", path, 1))
				if res, _ := c.response("HEAD"); res.Header.Get("X-Path") != path {
					t.Errorf("the response to %s is that to %q", path, res.Header.Get("X-Path"))
				}
			}
		})
	}
}

// A request that rules have made a POST is not repeated when the server's connection
// turns out to be closed.
func TestRewrittenMethodIsNotRepeated(t *testing.T) {
	seen := make(chan string, 10)
	addr := origin(t, func(c net.Conn, r *bufio.Reader) {
		for n := 0; ; n++ {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			seen <- req.Method
			if n > 0 {
				return // without a word
			}
			if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil {
				return
			}
		}
	})
	r := ruled(t, spec.ModeHTTP, nil, stream.Rules{Request: ruleFunc(methodOf)}, addr)
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	c.response("GET")
	c.send("GET / HTTP/1.1\r\nHost: x\r\nX-M: POST\r\n\r\n")
	_, _ = io.Copy(io.Discard, c.Conn)
	for _, want := range []string{"GET", "POST"} {
		select {
		case got := <-seen:
			if got != want {
				t.Errorf("the server has seen %s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("the server has not seen %s", want)
		}
	}
	select {
	case again := <-seen:
		t.Errorf("the server has seen %s again", again)
	default:
	}
}
