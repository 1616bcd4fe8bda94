package h1

import (
	"testing"

	"bench/proxy/message"
)

func TestAppendRequest(t *testing.T) {
	const head = "GET /a?b HTTP/1.1\r\nhost: a\r\n"
	for _, c := range []struct {
		name, raw string
		keepAlive bool
		want      string
	}{
		{"names lowered, rest kept", "GET /a?b HTTP/1.1\r\nHoSt: a\r\nX-Foo:  Bar \r\n\r\n", true, head + "x-foo: Bar\r\n\r\n"},
		{"close to the server", "GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nA: b\r\n\r\n", false, head + "a: b\r\nconnection: close\r\n\r\n"},
		{"close from the client", "GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, head + "\r\n"},
		{"other options pass", "GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Foo ,close,X-Bar\r\n\r\n", true, head + "connection: X-Foo, X-Bar\r\n\r\n"},
		{"options in two fields", "GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: x\r\n\r\n", true, head + "connection: x\r\n\r\n"},
		{"upgrade", "GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: x\r\n\r\n", true, head + "connection: Upgrade\r\nupgrade: x\r\n\r\n"},
		{"upgrade not listed", "GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: x\r\nUpgrade: x\r\n\r\n", true, head + "connection: x\r\n\r\n"},
		{"1.0 stays, keep-alive", "GET /a?b HTTP/1.0\r\n\r\n", true, "GET /a?b HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"},
		{"1.0 stays, close", "GET /a?b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false, "GET /a?b HTTP/1.0\r\n\r\n"},
		{"1.2 becomes 1.1", "GET /a?b HTTP/1.2\r\nHost: a\r\n\r\n", true, head + "\r\n"},
		{"length canonical, in place", "GET /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 05, 5\r\nA: b\r\nContent-Length: 5\r\n\r\n", true, head + "content-length: 5\r\na: b\r\n\r\n"},
		{"coding canonical", "GET /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n", true, head + "transfer-encoding: chunked\r\n\r\n"},
		{"TE reduced", "GET /a?b HTTP/1.1\r\nHost: a\r\nTE: gzip, Trailers;q=1\r\nTE: trailers, deflate\r\n\r\n", true, head + "te: trailers\r\n\r\n"},
		{"TE dropped", "GET /a?b HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n\r\n", true, head + "\r\n"},
	} {
		got := string(AppendRequest(nil, mustRequest(t, c.raw), WriteOptions{KeepAlive: c.keepAlive}))
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAppendResponse(t *testing.T) {
	const v10, v11 = message.HTTP10, message.HTTP11
	for _, c := range []struct {
		name, raw string
		peer      message.Version
		keepAlive bool
		want      string
	}{
		{"keep", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n", v11, true, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"},
		{"close", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n", v11, false, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"},
		{"keep to 1.0", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", v10, true, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n"},
		{"close to 1.0", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", v10, false, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"},
		{"keep from 1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", v11, true, "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n"},
		{"close from 1.0", "HTTP/1.0 200 OK\r\n\r\n", v11, false, "HTTP/1.0 200 OK\r\n\r\n"},
		{"no reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n", v11, true, "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n"},
		{"interim", "HTTP/1.1 103 Early Hints\r\nLink: x\r\nConnection: close\r\n\r\n", v11, false, "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"},
		{"switch", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", v11, false, "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: x\r\n\r\n"},
		{"304 keeps its length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", v11, true, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"},
	} {
		resp := mustResponse(t, c.raw, message.MethodGet)
		got := string(AppendResponse(nil, resp, WriteOptions{KeepAlive: c.keepAlive, Peer: c.peer}))
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestReframe(t *testing.T) {
	r := mustResponse(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n", message.MethodGet)
	Unchunk(r)
	if got, want := string(AppendResponse(nil, r, WriteOptions{Peer: message.HTTP10})), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"; got != want || r.KeepAlive {
		t.Errorf("unchunked: %q, want %q", got, want)
	}
	r = mustResponse(t, "HTTP/1.1 200 OK\r\n\r\n", message.MethodGet)
	MakeChunked(r)
	if got, want := string(AppendResponse(nil, r, WriteOptions{KeepAlive: true, Peer: message.HTTP11})), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"; got != want {
		t.Errorf("chunked: %q, want %q", got, want)
	}
}
