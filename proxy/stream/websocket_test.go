package stream_test

import (
	"bufio"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"bench/proxy/spec"
)

// accept answers the key of a websocket.
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// echoSocket is a server of HTTP/1 that switches to websocket and sends back what comes.
func echoSocket(c net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if req.Method != "GET" || req.Header.Get("Upgrade") != "websocket" {
			_, _ = io.WriteString(c, "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")
			continue
		}
		fmt.Fprintf(c, "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Path: %s\r\nSec-WebSocket-Accept: %s\r\n\r\n", req.URL.Path, accept(req.Header.Get("Sec-WebSocket-Key")))
		_, _ = io.Copy(c, r)
		return
	}
}

// echoExtended is a server of HTTP/2 that takes the extended CONNECT.
func echoExtended(s *server2) {
	for {
		f, err := s.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			fields := map[string]string{}
			for _, h := range f.Fields {
				fields[h.Name] = h.Value
			}
			if fields[":method"] != "CONNECT" || fields[":protocol"] != "websocket" || fields[":authority"] != "x" || fields["upgrade"] != "" {
				s.head(f.StreamID, true, ":status=400")
				continue
			}
			s.head(f.StreamID, false, ":status=200", "x-path="+fields[":path"])
		case *http2.DataFrame:
			_ = s.WriteData(f.StreamID, f.StreamEnded(), f.Data())
			if n := len(f.Data()); n > 0 {
				_ = s.WriteWindowUpdate(0, uint32(n))
				if !f.StreamEnded() {
					_ = s.WriteWindowUpdate(f.StreamID, uint32(n))
				}
			}
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = s.WriteSettingsAck()
			}
		}
	}
}

// socket1 opens a websocket by HTTP/1 and checks the answer to its key.
func (r *rig) socket1() *rawConn {
	c := r.dial()
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	c.send("GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n\r\n")
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Accept") != accept(key) || resp.Header.Get("X-Path") != "/chat" {
		r.t.Fatalf("answered by %d, %v", resp.StatusCode, resp.Header)
	}
	return c
}

// Websockets pass between clients and servers of either version, whatever they carry, with
// both ends closing in order.
func TestWebsockets(t *testing.T) {
	extended := []http2.Setting{{ID: http2.SettingEnableConnectProtocol, Val: 1}}
	for name, addr := range map[string]string{"to HTTP/1": origin(t, echoSocket), "to HTTP/2": servers2(t, extended, echoExtended)} {
		rig := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
			if name == "to HTTP/2" {
				speaking2(p)
			}
		}, addr)
		c := rig.socket1()
		for i := range 10 {
			want := pattern(30_000 + i) // within the windows, which the server does not mind
			c.send(string(want))
			got := make([]byte, len(want))
			if _, err := io.ReadFull(c.r, got); err != nil || string(got) != string(want) {
				t.Fatalf("%s, from HTTP/1: %v", name, err)
			}
		}

		p := rig.peer2()
		p.head(1, false, ":method=CONNECT", ":protocol=websocket", ":scheme=http", ":authority=x", ":path=/chat", "sec-websocket-version=13")
		if got := p.next(1); !strings.HasPrefix(got, ":status=200 ") || !strings.Contains(got, "x-path=/chat") || strings.Contains(got, "accept") || strings.Contains(got, "upgrade") {
			t.Errorf("%s, from HTTP/2: answered by %q", name, got)
		}
		for _, text := range []string{"hello", strings.Repeat("y", 10_000)} {
			p.must(p.WriteData(1, false, []byte(text)))
			for came := ""; came != text; {
				if came += p.next(1); !strings.HasPrefix(text, came) {
					t.Fatalf("%s: %q came back", name, came)
				}
			}
		}
		p.must(p.WriteData(1, true, []byte("bye")))
		got := p.next(1)
		if got == "bye" {
			got += p.next(1)
		}
		if got != "bye END" {
			t.Errorf("%s: ends by %q", name, got)
		}
	}
}

// A server of HTTP/2 that does not take the extended CONNECT cannot be asked for a websocket.
func TestWebsocketNotTaken(t *testing.T) {
	rig := newRig(t, spec.ModeHTTP, speaking2, servers2(t, nil, echoExtended))
	c := rig.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if resp, _ := c.response("GET"); resp.StatusCode != 502 {
		t.Errorf("status %d", resp.StatusCode)
	}
	p := rig.peer2()
	p.head(1, false, ":method=GET", ":protocol=websocket", ":scheme=http", ":authority=x", ":path=/")
	p.expect(1, "reset PROTOCOL_ERROR")
}

// Where TLS agrees on the protocol, websockets get one of their own.
func TestWebsocketProtocol(t *testing.T) {
	var old atomic.Int64
	addr, _ := origin2(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && r.Header.Get("Upgrade") == "websocket" {
			old.Add(1)
			w.Header().Set("Connection", "upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("X-Path", r.URL.Path)
			w.Header().Set("Sec-WebSocket-Accept", accept(r.Header.Get("Sec-WebSocket-Key")))
			w.WriteHeader(101)
			return
		}
		digest2(w, r)
	}, "h2", "http/1.1")
	rig := newRigWith(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Timeouts = spec.Timeouts{Client: time.Minute, Server: time.Minute, Connect: time.Minute}
		p.Servers[0].TLS = &spec.ServerTLS{
			TLS:       spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13, ALPN: []string{"h2", "http/1.1"}},
			Websocket: []string{"http/1.1"},
		}
	}, discard{}, addr)
	if err := exchange(rig.client2(0), rig.addr, "GET", "", 0, 1000, false); err != nil {
		t.Fatal(err)
	}
	rig.socket1()
	if old.Load() != 1 {
		t.Error("the websocket did not use HTTP/1")
	}
}
