package difftest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bench/internal/testpeer"
)

// toServer is a comparison of what a server of HTTP/2 gets of a request of HTTP/1, and what
// becomes of its answer.
type toServer struct {
	name    string
	request string // without the empty line and what "Connection" says
	content string
	answer  func(s *server2, id uint32) // after the request; nil: a short one
	// The engine does this on purpose, for this reason.
	differs, why string
}

// server2 is one connection of a server of HTTP/2 that can do everything wrong.
type server2 struct {
	*http2.Framer
	c     net.Conn
	block bytes.Buffer
	enc   *hpack.Encoder
}

func (s *server2) head(id uint32, end bool, fields ...string) {
	s.block.Reset()
	for _, f := range fields {
		i := strings.IndexByte(f[1:], '=') + 1
		_ = s.enc.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+1:]})
	}
	_ = s.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: s.block.Bytes(), EndHeaders: true, EndStream: end})
}

// origin2 answers as the case at hand says, and notes what it gets.
type origin2 struct {
	mu  sync.Mutex
	got []string
	now *toServer
}

func (o *origin2) note(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, text)
}

func (o *origin2) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go o.connection(c)
	}
}

func (o *origin2) connection(c net.Conn) {
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	s := &server2{Framer: http2.NewFramer(c, bufio.NewReader(c)), c: c}
	s.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	s.AllowIllegalWrites = true
	s.enc = hpack.NewEncoder(&s.block)
	_ = s.WriteSettings(http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
	content, of, tunnels := "", uint32(0), map[uint32]bool{}
	for {
		f, err := s.ReadFrame()
		if err != nil {
			return
		}
		ended := false
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = s.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			var text []string
			connect := false
			for _, h := range f.Fields {
				text = append(text, h.Name+"="+h.Value)
				connect = connect || h.Value == "CONNECT"
			}
			if content != "" && of == f.StreamID { // it was not the end
				o.note(fmt.Sprintf("%q", content))
			}
			o.note(strings.Join(text, " "))
			content, of, tunnels[f.StreamID] = "", f.StreamID, connect
			ended = f.StreamEnded() || connect
		case *http2.DataFrame:
			if tunnels[f.StreamID] {
				continue
			}
			content += string(f.Data())
			if ended = f.StreamEnded(); ended && content != "" {
				o.note(fmt.Sprintf("%q", content))
				content = ""
			}
		}
		if ended {
			o.mu.Lock()
			answer := o.now.answer
			o.mu.Unlock()
			if answer == nil {
				answer = shortAnswer
			}
			answer(s, f.Header().StreamID)
		}
	}
}

func shortAnswer(s *server2, id uint32) {
	s.head(id, false, ":status=200", "x-a=b")
	_ = s.WriteData(id, true, []byte("hello"))
}

// ask plays a case, and says what the client got and what the server did.
func (o *origin2) ask(k *toServer, addr string) (string, error) {
	o.mu.Lock()
	o.now, o.got = k, nil
	o.mu.Unlock()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	method, _, _ := strings.Cut(k.request, " ")
	last := "Connection: close\r\n\r\n"
	if strings.Contains(k.request, "Upgrade") || method == "CONNECT" {
		last = "\r\n"
	}
	if _, err := io.WriteString(c, strings.ReplaceAll(k.request, "\n", "\r\n")+"\r\n"+last+k.content); err != nil {
		return "", err
	}
	var said []string
	r := bufio.NewReader(c)
	for {
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			said = append(said, "closed")
			break
		}
		text := fmt.Sprintf("%d %q", res.StatusCode, strings.TrimPrefix(res.Status, fmt.Sprint(res.StatusCode)))
		if res.StatusCode >= 500 { // of the proxy's own words
			said = append(said, text)
			break
		}
		for _, name := range slices.Sorted(maps.Keys(res.Header)) {
			if name != "Connection" || res.StatusCode == 101 {
				text += fmt.Sprintf(" %s=%s", name, strings.Join(res.Header[name], "|"))
			}
		}
		said = append(said, fmt.Sprintf("%s %v %d", text, res.TransferEncoding, res.ContentLength))
		if res.StatusCode == 103 {
			continue
		}
		if res.StatusCode == 101 || method == "CONNECT" {
			_, _ = io.WriteString(c, "ping") // what has come is read up to here
			one := make([]byte, len("hello"))
			_, _ = io.ReadFull(r, one)
			said = append(said, string(one))
			break
		}
		body, err := io.ReadAll(res.Body)
		end := ""
		if err != nil {
			end = " cut"
		}
		said = append(said, fmt.Sprintf("%q%s %v", body, end, res.Trailer))
		break
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(said, ", ") + " | " + strings.Join(o.got, ", "), nil
}

func TestServersOfHTTP2LikeReference(t *testing.T) {
	var cases []beforeHTTP2
	for _, k := range toServers() {
		cases = append(cases, beforeHTTP2{k.name, k.differs, func(o *origin2, addr string) (string, error) { return o.ask(&k, addr) }})
	}
	compareBeforeHTTP2(t, cases, strings.HasPrefix)
}

// beforeHTTP2 is a comparison of what becomes of something with a server of HTTP/2.
type beforeHTTP2 struct {
	name, differs string
	play          func(o *origin2, addr string) (string, error)
}

// compareBeforeHTTP2 plays all cases with both programs. announced reports whether an
// outcome that differs is the one that was announced.
func compareBeforeHTTP2(t *testing.T, cases []beforeHTTP2, announced func(got, differs string) bool) {
	t.Helper()
	const conf = `defaults
    mode http
    timeout connect 500ms
    timeout client 10s
    timeout server 10s
frontend ready
    bind fd@4
    monitor-uri /ready
frontend fe
    bind fd@3
    default_backend be
backend be
    server s1 127.0.0.1:%d proto h2
`
	outcomes := map[string][]string{}
	for _, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		o := &origin2{}
		go o.serve(l)
		port := l.Addr().(*net.TCPAddr).Port
		r, err := s.start(t.TempDir(), fmt.Sprintf(conf, port), port)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cases {
			got, err := cases[i].play(o, r.addr)
			if err != nil {
				t.Errorf("%s: %s: %v", s.name, cases[i].name, err)
			}
			outcomes[s.name] = append(outcomes[s.name], got)
		}
		if err := r.stop(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	if t.Failed() {
		return
	}
	for i, k := range cases {
		want, got := outcomes["haproxy"][i], outcomes["builtin"][i]
		switch {
		case k.differs == "" && got != want:
			t.Errorf("%s:\n\thaproxy: %s\n\tbuiltin: %s", k.name, want, got)
		case k.differs != "" && !announced(got, k.differs):
			t.Errorf("%s: differs, but not as announced\n\thaproxy: %s\n\tbuiltin: %s", k.name, want, got)
		case k.differs != "" && got == want:
			t.Errorf("%s: no longer differs: %s", k.name, got)
		}
	}
}

func toServers() []toServer {
	const get = "GET /x?y HTTP/1.1\nHost: a.example"
	const post = "POST /x HTTP/1.1\nHost: a.example\n"
	headed := func(end bool, fields ...string) func(*server2, uint32) {
		return func(s *server2, id uint32) { s.head(id, end, fields...) }
	}
	return []toServer{
		{name: "request", request: get},
		{name: "fields of this hop", request: get + "\nTE: trailers, gzip\nKeep-Alive: 1\nX-Q: 1"},
		{name: "absolute target", request: "GET http://a.example/z HTTP/1.1\nHost: a.example"},
		{name: "OPTIONS *", request: "OPTIONS * HTTP/1.1\nHost: a.example"},
		{name: "cookies", request: get + "\nCookie: a=b; c=d\nCookie: e=f"},
		{name: "HTTP/1.0", request: "GET /x HTTP/1.0", differs: `200 " " X-A=b [] -1, "hello" map[]`, why: "clients of HTTP/1.0 know no chunks"},
		{name: "HEAD", request: "HEAD /x HTTP/1.1\nHost: a.example", answer: headed(true, ":status=200", "content-length=7")},
		{name: "HEAD without a length", request: "HEAD /x HTTP/1.1\nHost: a.example", answer: headed(true, ":status=200")},
		{name: "content", request: post + "Content-Length: 5", content: "abcde"},
		{name: "chunks with a trailer", request: post + "Transfer-Encoding: chunked", content: "3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: v\r\n\r\n"},
		{name: "no content", request: get, answer: headed(true, ":status=200", "x-a=b")},
		{name: "204", request: get, answer: headed(true, ":status=204", "x-a=b")},
		{name: "304", request: get, answer: headed(true, ":status=304", "content-length=7")},
		{name: "status of one's own", request: get, answer: headed(true, ":status=499", "set-cookie=a=b", "set-cookie=c=d", "content-length=0")},
		{name: "length", request: get, answer: func(s *server2, id uint32) {
			s.head(id, false, ":status=200", "content-length=5")
			_ = s.WriteData(id, true, []byte("hello"))
		}},
		{name: "interim", request: get, answer: func(s *server2, id uint32) {
			s.head(id, false, ":status=103", "link=x")
			shortAnswer(s, id)
		}},
		{name: "trailer", request: get, answer: func(s *server2, id uint32) {
			s.head(id, false, ":status=200")
			_ = s.WriteData(id, false, []byte("hello"))
			s.head(id, true, "x-t=v")
		}},
		{name: "padded", request: get, answer: func(s *server2, id uint32) {
			s.head(id, false, ":status=200")
			_ = s.WriteDataPadded(id, true, []byte("hello"), make([]byte, 100))
		}},
		{name: "no status", request: get, answer: headed(true, "x=y")},
		{name: "status that is no number", request: get, answer: headed(true, ":status=2x0")},
		{name: "name in upper case", request: get, answer: headed(true, ":status=200", "Abc=d")},
		{name: "101", request: get, answer: headed(false, ":status=101")},
		{name: "less than announced", request: get, answer: func(s *server2, id uint32) {
			s.head(id, false, ":status=200", "content-length=9")
			_ = s.WriteData(id, true, []byte("hello"))
		}},
		{name: "reset", request: get, answer: func(s *server2, id uint32) { _ = s.WriteRSTStream(id, http2.ErrCodeInternal) }},
		{name: "reset within", request: get, answer: func(s *server2, id uint32) {
			s.head(id, false, ":status=200")
			_ = s.WriteData(id, false, []byte("hello"))
			_ = s.WriteRSTStream(id, http2.ErrCodeInternal)
		}},
		{name: "closed", request: get, answer: func(s *server2, _ uint32) { s.c.Close() }},
		{name: "websocket", request: get + "\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", answer: shortAnswer},
		{name: "websocket refused", request: get + "\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", answer: headed(true, ":status=403", "content-length=0")},
		{name: "CONNECT", request: "CONNECT a.example:443 HTTP/1.1\nHost: a.example:443", answer: shortAnswer},
	}
}
