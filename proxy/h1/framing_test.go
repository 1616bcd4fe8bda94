package h1

import (
	"testing"

	"bench/proxy/message"
)

func mustRequest(t testing.TB, raw string) *message.Request {
	t.Helper()
	var p Parser
	req := new(message.Request)
	lim := DefaultLimits()
	if n, err := p.Request(req, []byte(raw), &lim); err != nil || n == 0 {
		t.Fatalf("%q: %d %v", raw, n, err)
	}
	return req
}

func mustResponse(t testing.TB, raw string, m message.Method) *message.Response {
	t.Helper()
	var p Parser
	resp := new(message.Response)
	lim := DefaultLimits()
	if n, err := p.Response(resp, []byte(raw), m, &lim); err != nil || n == 0 {
		t.Fatalf("%q: %d %v", raw, n, err)
	}
	return resp
}

func TestRequestFraming(t *testing.T) {
	for _, c := range []struct {
		raw       string
		body      message.Body
		keepAlive bool
		expect    bool
		upgrade   bool
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", message.Body{}, true, false, false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", message.Body{}, false, false, false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close\r\n\r\n", message.Body{}, false, false, false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: y ,close\r\n\r\n", message.Body{}, false, false, false},
		{"GET / HTTP/1.0\r\n\r\n", message.Body{}, false, false, false},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", message.Body{}, true, false, false},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n", message.Body{Kind: message.BodyLength, Length: 7}, true, false, false},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n", message.Body{Kind: message.BodyChunked}, true, true, false},
		{"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 7\r\n\r\n", message.Body{}, true, false, false},
		{"POST / HTTP/1.0\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n", message.Body{Kind: message.BodyLength, Length: 7}, false, false, false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n", message.Body{}, true, false, true},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n", message.Body{}, true, false, false},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", message.Body{}, true, false, false},
		{"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n", message.Body{}, false, false, false},
		{"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\nContent-Length: 1\r\n\r\n", message.Body{Kind: message.BodyLength, Length: 1}, true, false, false},
	} {
		r := mustRequest(t, c.raw)
		if r.Body != c.body || r.KeepAlive != c.keepAlive || r.Expect100 != c.expect || IsUpgrade(r) != c.upgrade {
			t.Errorf("%q: body %v, keep-alive %v, expect %v, upgrade %v", c.raw, r.Body, r.KeepAlive, r.Expect100, IsUpgrade(r))
		}
	}
}

func TestResponseFraming(t *testing.T) {
	const get, head, connect = message.MethodGet, message.MethodHead, message.MethodConnect
	length := func(n uint64) message.Body { return message.Body{Kind: message.BodyLength, Length: n} }
	kind := func(k message.BodyKind) message.Body { return message.Body{Kind: k} }
	for _, c := range []struct {
		raw       string
		method    message.Method
		body      message.Body
		keepAlive bool
		fields    int
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", get, length(2), true, 1},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", head, kind(message.BodyNone), true, 1},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", get, kind(message.BodyChunked), true, 1},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", head, kind(message.BodyNone), true, 1},
		{"HTTP/1.1 200 OK\r\n\r\n", get, kind(message.BodyUntilClose), false, 0},
		{"HTTP/1.1 200 OK\r\n\r\n", head, kind(message.BodyNone), true, 0},
		{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", get, length(2), false, 1},
		{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n", get, length(2), true, 2},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n", get, length(2), false, 2},
		{"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", get, kind(message.BodyNone), true, 0},
		{"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", get, kind(message.BodyNone), true, 0},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", get, kind(message.BodyNone), true, 1},
		{"HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\n", get, kind(message.BodyNone), true, 0},
		{"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", get, kind(message.BodyTunnel), false, 2},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", connect, kind(message.BodyTunnel), false, 0},
		{"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\n", connect, length(2), true, 1},
	} {
		r := mustResponse(t, c.raw, c.method)
		if r.Body != c.body || r.KeepAlive != c.keepAlive || r.Len() != c.fields {
			t.Errorf("%q to %d: body %v, keep-alive %v, %d fields", c.raw, c.method, r.Body, r.KeepAlive, r.Len())
		}
	}
}

func TestRelaxedHostFollowsTarget(t *testing.T) {
	lim := DefaultLimits()
	lim.Relaxed = true
	var p Parser
	var r message.Request
	if _, err := p.Request(&r, []byte("GET http://b/x HTTP/1.1\r\nHost: a\r\nHost: c\r\n\r\n"), &lim); err != nil {
		t.Fatal(err)
	}
	want := "GET http://b/x HTTP/1.1\r\nhost: b\r\n\r\n"
	if got := string(AppendRequest(nil, &r, WriteOptions{KeepAlive: true})); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestErrPos(t *testing.T) {
	lim := DefaultLimits()
	for _, c := range []struct {
		raw string
		at  int
	}{
		{"GE\x01T / HTTP/1.1\r\n\r\n", 2},
		{"GET /\x01 HTTP/1.1\r\n\r\n", 5},
		{"GET / HTTP/1.x\r\n\r\n", 13},
		{"GET / HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n", 26},
		{"GET / HTTP/1.1\r\nHost: a\r\nA: b\x00\r\n\r\n", 29},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 22},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\n", 45},
	} {
		var p Parser
		var r message.Request
		if _, err := p.Request(&r, []byte(c.raw), &lim); err == nil || p.ErrPos() != c.at {
			t.Errorf("%q: %v at %d, want %d", c.raw, err, p.ErrPos(), c.at)
		}
	}
}

// A head that grows too large is at fault where its limit is.
func TestErrPosOfATooLargeHead(t *testing.T) {
	lim := Limits{MaxHead: 40, MaxFields: 9}
	var p Parser
	var r message.Request
	raw := []byte("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nE: f\r\n\r\n")
	if _, err := p.Request(&r, raw, &lim); err != ErrHeadTooLarge || p.ErrPos() != 40 {
		t.Errorf("%v at %d, want %v at 40", err, p.ErrPos(), ErrHeadTooLarge)
	}
}

// A client has begun a request with its first byte, however little of a line that is,
// but not with the empty lines that may precede one.
func TestStarted(t *testing.T) {
	lim := DefaultLimits()
	for raw, want := range map[string]bool{
		"": false, "\r\n": false, "\n\r\n": false, "G": true, "\r\nG": true, "GET / HTTP/1.1\r": true, "GET / HTTP/1.1\r\n": true,
		"GET / HTTP/1.1\r\nHost: a\r\n": true, "GET / HTTP/1.1\r\nHost: a\r\n\r\n": false,
	} {
		var p Parser
		var r message.Request
		if _, err := p.Request(&r, []byte(raw), &lim); err != nil || p.Started() != want {
			t.Errorf("%q: started is %v, want %v (%v)", raw, p.Started(), want, err)
		}
	}
}

func TestDropNominated(t *testing.T) {
	r := mustRequest(t, "GET / HTTP/1.1\r\nHost: a\r\nX-Hop: 1\r\nCookie: c\r\nX-Keep: 2\r\nConnection: x-HOP, cookie, host\r\n\r\n")
	DropNominated(&r.Header, &r.Conn)
	want := "GET / HTTP/1.1\r\nhost: a\r\nx-keep: 2\r\n\r\n"
	if got := string(AppendRequest(nil, r, WriteOptions{KeepAlive: true})); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
