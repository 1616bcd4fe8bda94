package h1

import (
	"strings"
	"testing"

	"bench/proxy/message"
)

func TestStandardReplies(t *testing.T) {
	for _, code := range ReplyCodes() {
		r := StandardReply(code)
		if r == nil || r.Code != code || r.Message().Status != code || r.Empty() {
			t.Fatalf("%d: %+v", code, r)
		}
		if want := code != 400 && code != 408; r.KeepAlive() != want {
			t.Errorf("%d: keep-alive %v", code, r.KeepAlive())
		}
		raw := r.Append(nil, false, WriteOptions{KeepAlive: true, Peer: message.HTTP11})
		back := mustResponse(t, string(raw), message.MethodGet)
		if back.Status != code || back.Body.Length != uint64(len(r.Body)) || !strings.HasSuffix(string(raw), "\r\n\r\n"+string(r.Body)) {
			t.Errorf("%d: %q", code, raw)
		}
		if head := r.Append(nil, true, WriteOptions{KeepAlive: true, Peer: message.HTTP11}); string(head)+string(r.Body) != string(raw) {
			t.Errorf("%d to HEAD: %q", code, head)
		}
	}
	if StandardReply(418) != nil {
		t.Error("418 has a reply")
	}
}

func TestParseReply(t *testing.T) {
	for _, c := range []struct {
		name, raw, want string
		keepAlive       bool
	}{
		{"close-delimited", "HTTP/1.0 503 Foo\r\nX: y\r\n\r\nbody", "HTTP/1.0 503 Foo\r\nx: y\r\n\r\nbody", false},
		{"bare LF", "HTTP/1.0 503 Foo\nX: y\n\nbody", "HTTP/1.0 503 Foo\r\nx: y\r\n\r\nbody", false},
		{"other status", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody", true},
		{"empty", "", "", false},
	} {
		r, err := ParseReply(503, []byte(c.raw), 16384)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := string(r.Append(nil, false, WriteOptions{KeepAlive: true, Peer: message.HTTP11})); got != c.want || r.KeepAlive() != c.keepAlive {
			t.Errorf("%s: %q keep-alive %v, want %q", c.name, got, r.KeepAlive(), c.want)
		}
	}
	const h = "HTTP/1.1 503 Foo\r\n"
	for _, c := range []struct{ raw, want string }{
		{"hello\n", "malformed status line at line 1, column 1"},
		{h + "A b: c\r\n\r\n", "blank before the colon of a field at line 2, column 2"},
		{h + "A: b\r\n", "no empty line ends the header"},
		{h + "Content-Length: 10\r\n\r\nbody", "Content-Length announces 10 bytes, but 4 follow the header"},
		{h + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "a chunked body cannot be used: give the content as it is, with or without Content-Length"},
		{"HTTP/1.1 101 Foo\r\n\r\n", "status 101 changes the protocol and cannot be an answer of the proxy"},
		{"HTTP/1.1 204 Foo\r\n\r\nbody", "a body of 4 bytes follows, but status 204 allows none"},
		{h + "\r\n" + strings.Repeat("x", 16384), "16404 bytes do not fit in a buffer of 16384 (tune.bufsize)"},
	} {
		if _, err := ParseReply(503, []byte(c.raw), 16384); err == nil || err.Error() != c.want {
			t.Errorf("%.40q: %v, want %s", c.raw, err, c.want)
		}
	}
}

func TestReplyCopyTo(t *testing.T) {
	r := StandardReply(503)
	var m message.Response
	r.CopyTo(&m)
	m.AddID(message.Location, []byte("/"))
	m.DelID(message.ContentType)
	if r.Message().Has(message.Location) || !r.Message().Has(message.ContentType) {
		t.Error("a copy changes the original")
	}
}
