package difftest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bench/internal/testpeer"
)

// muxed is a comparison over HTTP/2: what a client sends on a connection of its own, and
// what becomes of it.
type muxed struct {
	name string
	do   func(*muxClient)
	// The engine does this on purpose, for this reason.
	differs, why string
}

// muxClient is a client of HTTP/2 that can do everything wrong.
type muxClient struct {
	*http2.Framer
	out   bytes.Buffer
	block bytes.Buffer
	enc   *hpack.Encoder
}

// head writes a header block of name=value pairs.
func (c *muxClient) head(id uint32, end bool, fields ...string) {
	_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.encode(fields...), EndHeaders: true, EndStream: end})
}

func (c *muxClient) encode(fields ...string) []byte {
	c.block.Reset()
	for _, f := range fields {
		i := strings.IndexByte(f[1:], '=') + 1
		_ = c.enc.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+1:]})
	}
	return bytes.Clone(c.block.Bytes())
}

var muxGet = []string{":method=GET", ":scheme=http", ":authority=a.example", ":path=/x?y"}

func muxFields(replace string, more ...string) []string {
	fields := append([]string(nil), muxGet...)
	if name, _, ok := strings.Cut(replace[min(1, len(replace)):], "="); ok {
		for i, f := range fields {
			if strings.HasPrefix(f, ":"+name+"=") {
				fields[i] = replace
			}
		}
	}
	return append(fields, more...)
}

// muxRequest is a client that sends one request without content.
func muxRequest(fields ...string) func(*muxClient) {
	return func(c *muxClient) { c.head(1, true, fields...) }
}

// muxContent is one that sends content in these pieces, the last of which ends the request.
func muxContent(fields []string, pieces ...string) func(*muxClient) {
	return func(c *muxClient) {
		c.head(1, false, fields...)
		for i, p := range pieces {
			_ = c.WriteData(1, i == len(pieces)-1, []byte(p))
		}
	}
}

// muxTrailer is one that sends "abc" and fields behind it.
func muxTrailer(fields []string, trailer ...string) func(*muxClient) {
	return func(c *muxClient) {
		c.head(1, false, fields...)
		_ = c.WriteData(1, false, []byte("abc"))
		c.head(1, true, trailer...)
	}
}

func muxRaw(kind http2.FrameType, flags http2.Flags, id uint32, payload string) func(*muxClient) {
	return func(c *muxClient) {
		c.head(1, false, muxFields(":method=POST")...)
		_ = c.WriteRawFrame(kind, flags, id, []byte(payload))
	}
}

// begun is a connection on which a client has done its part.
func (m *muxed) begun(addr string) (net.Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &muxClient{}
	c.Framer = http2.NewFramer(&c.out, nil)
	c.AllowIllegalWrites = true
	c.enc = hpack.NewEncoder(&c.block)
	c.out.WriteString(http2.ClientPreface)
	_ = c.WriteSettings()
	m.do(c)
	_, err = conn.Write(c.out.Bytes())
	return conn, err
}

// run has a client do its part, and says what it gets on stream 1 and the connection.
func (m *muxed) run(addr string) (string, error) {
	conn, err := m.begun(addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	in := http2.NewFramer(conn, bufio.NewReader(conn))
	in.AllowIllegalReads = true
	dec := hpack.NewDecoder(4096, nil)
	var said []string
	for limit := 600 * time.Millisecond; ; {
		_ = conn.SetReadDeadline(time.Now().Add(limit))
		f, err := in.ReadFrame()
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				said = append(said, "closed")
			}
			return strings.Join(said, ", "), nil
		}
		switch f := f.(type) {
		case *http2.HeadersFrame:
			fields, err := dec.DecodeFull(f.HeaderBlockFragment())
			if err != nil {
				return "", err
			}
			said = append(said, fields[0].Value)
		case *http2.RSTStreamFrame:
			// How an early answer ends is not compared, and neither is what follows a GOAWAY.
			if len(said) == 0 {
				said = append(said, "reset "+f.ErrCode.String())
			}
		case *http2.GoAwayFrame:
			said = append(said, "goaway "+f.ErrCode.String())
		default:
			continue
		}
		limit = 50 * time.Millisecond // for what comes behind it
	}
}

// muxOrigin notes what requests it gets.
type muxOrigin struct {
	mu  sync.Mutex
	got string
}

func (o *muxOrigin) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			r := bufio.NewReader(c)
			for {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				body, err := io.ReadAll(req.Body)
				said := fmt.Sprintf("%s %s host=%s te=%v", req.Method, req.RequestURI, req.Host, req.TransferEncoding)
				req.Header.Del("Connection")
				if req.Header.Get("Sec-WebSocket-Key") != "" {
					req.Header.Set("Sec-WebSocket-Key", "*") // of chance
				}
				var fields bytes.Buffer
				_ = req.Header.Write(&fields)
				said += " " + strings.ReplaceAll(strings.TrimSpace(fields.String()), "\r\n", "; ") + fmt.Sprintf(" %q %v", body, req.Trailer)
				if err != nil {
					said += " cut"
				}
				o.mu.Lock()
				o.got = said
				o.mu.Unlock()
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}()
	}
}

// take returns what came since the last time.
func (o *muxOrigin) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	got := o.got
	o.got = ""
	return got
}

func TestHTTP2LikeReference(t *testing.T) {
	reference := &subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}
	engine := &subject{"builtin", []string{build(t), "proxy"}}
	const conf = `defaults
    mode http
    timeout connect 500ms
    timeout client 2s
    timeout server 2s
frontend ready
    bind fd@4
    monitor-uri /ready
frontend fe
    bind fd@3
    http-request return status 204 if { path /204 }
    http-request deny status 403 if { path /deny }
    http-request reject if { path /reject }
    http-request redirect location /there if { path /redirect }
    default_backend be
backend be
    server s1 127.0.0.1:%d
`
	cases := muxes()
	outcomes := map[string][]string{}
	var all sync.WaitGroup
	const shares = 5 // each with a proxy of its own, as most of the time is waiting
	for _, s := range []*subject{reference, engine} {
		list := make([]string, len(cases))
		outcomes[s.name] = list
		for share := range shares {
			all.Go(func() {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Error(err)
					return
				}
				defer l.Close()
				o := &muxOrigin{}
				go o.serve(l)
				port := l.Addr().(*net.TCPAddr).Port
				r, err := s.start(t.TempDir(), fmt.Sprintf(conf, port), port)
				if err != nil {
					t.Error(err)
					return
				}
				for i := share; i < len(cases); i += shares {
					got, err := cases[i].run(r.addr)
					if err != nil {
						t.Errorf("%s: %s: %v", s.name, cases[i].name, err)
					}
					if saw := o.take(); saw != "" {
						got += " | " + saw
					}
					list[i] = got
				}
				if err := r.stop(); err != nil {
					t.Errorf("%s: %v", s.name, err)
				}
			})
		}
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for i, m := range cases {
		want, got := outcomes["haproxy"][i], outcomes["builtin"][i]
		switch {
		case m.differs == "" && got != want:
			t.Errorf("%s:\n\thaproxy: %s\n\tbuiltin: %s", m.name, want, got)
		case m.differs != "" && got != m.differs:
			t.Errorf("%s: differs, but not as announced\n\thaproxy: %s\n\tbuiltin: %s", m.name, want, got)
		case m.differs != "" && got == want:
			t.Errorf("%s: no longer differs: %s", m.name, got)
		}
	}
}

func muxes() []muxed {
	post := muxFields(":method=POST")
	return []muxed{
		{name: "request", do: muxRequest(muxGet...)},
		{name: "HEAD", do: muxRequest(muxFields(":method=HEAD")...)},
		{name: "POST without content", do: muxRequest(post...)},
		{name: "POST without content, announced", do: muxRequest(append(post, "content-length=0")...)},
		{name: "content", do: muxContent(post, "abc", "def")},
		{name: "content of announced length", do: muxContent(append(post, "content-length=6"), "abc", "def")},
		{name: "content, and an empty end", do: muxContent(append(post, "content-length=3"), "abc", "")},
		{name: "GET with content", do: muxContent(muxGet, "abc")},
		{name: "trailer", do: func(c *muxClient) {
			c.head(1, false, post...)
			_ = c.WriteData(1, false, []byte("abc"))
			c.head(1, true, "x-trailer=y")
		}},
		{name: "trailer behind a length", do: muxTrailer(append(post, "content-length=3"), "x-trailer=y")},
		{name: "trailer behind no content", do: func(c *muxClient) {
			c.head(1, false, append(post, "content-length=0")...)
			c.head(1, true, "x-trailer=y")
		}},
		{name: "trailer too early", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.1.1); there nothing becomes of it before a time-out", do: muxTrailer(append(post, "content-length=4"), "x-trailer=y")},
		{name: "trailer with a length", differs: `200 | POST /x?y host=a.example te=[chunked]  "abc" map[X-Trailer:[y]]`, why: "as over HTTP/1, fields that frame, route or control the message are dropped from trailers", do: muxTrailer(post, "content-length=9", "x-trailer=y")},
		{name: "trailer with Host", differs: `200 | POST /x?y host=a.example te=[chunked]  "abc" map[X-Trailer:[y]]`, why: "as over HTTP/1, fields that frame, route or control the message are dropped from trailers", do: muxTrailer(post, "host=b", "x-trailer=y")},
		{name: "trailer with te", differs: `200 | POST /x?y host=a.example te=[chunked]  "abc" map[X-Trailer:[y]]`, why: "as over HTTP/1, fields that frame, route or control the message are dropped from trailers", do: muxTrailer(post, "te=trailers", "x-trailer=y")},
		{name: "trailer with connection", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.2); there it is an internal error", do: muxTrailer(post, "connection=close", "x-trailer=y")},
		{name: "trailer with transfer-encoding", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.2); there it is an internal error", do: muxTrailer(post, "transfer-encoding=chunked", "x-trailer=y")},
		{name: "trailer with a pseudo-header field", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.2); there it is an internal error", do: muxTrailer(post, ":path=/", "x-trailer=y")},
		{name: "trailer in upper case", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.2); there it is an internal error", do: muxTrailer(post, "X-Trailer=y")},
		{name: "trailer with a line end", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.2); there it is an internal error", do: muxTrailer(post, "x-trailer=y\r\nz: 1")},
		{name: "trailer without the end", differs: "reset PROTOCOL_ERROR", why: "malformed, which is an error of the stream (RFC 9113 §8.1)", do: func(c *muxClient) {
			c.head(1, false, post...)
			c.head(1, false, "x-trailer=y")
		}},
		{name: "length with a sign", differs: "reset PROTOCOL_ERROR", why: "a malformed request is an error of its stream, not of the connection (RFC 9113 §8.1.1)", do: muxContent(append(post, "content-length=+3"), "abc")},
		{name: "length in hexadecimal", differs: "reset PROTOCOL_ERROR", why: "a malformed request is an error of its stream, not of the connection (RFC 9113 §8.1.1)", do: muxContent(append(post, "content-length=0x3"), "abc")},
		{name: "lengths in a list", do: muxContent(append(post, "content-length=3,3"), "abc")},
		{name: "lengths in a list, which differ", differs: "reset PROTOCOL_ERROR", why: "a malformed request is an error of its stream, not of the connection (RFC 9113 §8.1.1)", do: muxContent(append(post, "content-length=3,4"), "abc")},
		{name: "empty length", differs: "reset PROTOCOL_ERROR", why: "a malformed request is an error of its stream, not of the connection (RFC 9113 §8.1.1)", do: muxContent(append(post, "content-length="), "abc")},
		{name: "length with zeros", differs: `200 | POST /x?y host=a.example te=[] Content-Length: 3 "abc" map[]`, why: "a length leaves in its usual form", do: muxContent(append(post, "content-length=003"), "abc")},
		{name: "length beyond counting", differs: "reset PROTOCOL_ERROR", why: "a malformed request is an error of its stream, not of the connection (RFC 9113 §8.1.1)", do: muxContent(append(post, "content-length=18446744073709551619"), "abc")},
		{name: "scheme with an authority", differs: "reset PROTOCOL_ERROR", why: "malformed requests are reset, whatever is malformed; there some are answered with 400", do: muxRequest(":method=GET", ":scheme=http://y", ":authority=ab", ":path=/")},
		{name: "scheme with a path", differs: "reset PROTOCOL_ERROR", why: "malformed requests are reset, whatever is malformed; there some are answered with 400", do: muxRequest(muxFields(":scheme=http/x")...)},
		{name: "scheme that begins with a digit", differs: "reset PROTOCOL_ERROR", why: "malformed requests are reset, whatever is malformed; there some are answered with 400", do: muxRequest(muxFields(":scheme=1http")...)},
		{name: "scheme in upper case", do: muxRequest(muxFields(":scheme=HTTP")...)},
		{name: "empty scheme", differs: "reset PROTOCOL_ERROR", why: "malformed requests are reset, whatever is malformed; there some are answered with 400", do: muxRequest(muxFields(":scheme=")...)},
		{name: "GET *", differs: "reset PROTOCOL_ERROR", why: "only OPTIONS may ask for * (RFC 9113 §8.3.1)", do: muxRequest(muxFields(":path=*")...)},
		{name: "path of two slashes", do: muxRequest(muxFields(":path=//b.example/x")...)},
		{name: "path with a backslash", do: muxRequest(muxFields(":path=/a\\b")...)},
		{name: "path with DEL", differs: "reset PROTOCOL_ERROR", why: "malformed requests are reset, whatever is malformed; there some are answered with 400", do: muxRequest(muxFields(":path=/a\x7fb")...)},
		{name: "path beyond ASCII", differs: "reset PROTOCOL_ERROR", why: "a path is ASCII (RFC 3986)", do: muxRequest(muxFields(":path=/\xc3\xa4")...)},
		{name: "path with a version", do: muxRequest(muxFields(":path=/ HTTP/1.1\r\nx: y\r\n\r\n")...)},
		{name: "absolute path", do: muxRequest(muxFields(":path=http://b.example/")...)},
		{name: "empty Host beside the authority", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(append(muxGet, "host=")...)},
		{name: "two Hosts", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(append(muxGet, "host=a.example", "host=a.example")...)},
		{name: "two Hosts and no authority", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(":method=GET", ":scheme=http", ":path=/", "host=a", "host=b")},
		{name: "Host in upper case", do: muxRequest(append(muxGet, "host=A.EXAMPLE")...)},
		{name: "Host with the port of the scheme", do: muxRequest(append(muxGet, "host=a.example:80")...)},
		{name: "empty authority", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(muxFields(":authority=")...)},
		{name: "empty authority and Host", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(muxFields(":authority=", "host=b")...)},
		{name: "authority with an empty port", do: muxRequest(muxFields(":authority=a:")...)},
		{name: "authority with a path", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(muxFields(":authority=a/b")...)},
		{name: "authority with a query", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(muxFields(":authority=a?b")...)},
		{name: "authority with a comma", do: muxRequest(muxFields(":authority=a,b")...)},
		{name: "authority with a line end", do: muxRequest(muxFields(":authority=a\r\nx: y")...)},
		{name: "authority with a blank", differs: "reset PROTOCOL_ERROR", why: "malformed requests are reset, whatever is malformed; there some are answered with 400", do: muxRequest(muxFields(":authority=a b")...)},
		{name: "authority of IPv6", do: muxRequest(muxFields(":authority=[::1]:80")...)},
		{name: "authority with an open bracket", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(muxFields(":authority=[::1")...)},
		{name: "authority that ends with a dot", do: muxRequest(muxFields(":authority=a.")...)},
		{name: "name with a colon", do: muxRequest(append(muxGet, "a:b=d")...)},
		{name: "name with a line end", do: muxRequest(append(muxGet, "a\r\nb=d")...)},
		{name: "value with CR", do: muxRequest(append(muxGet, "a=b\rc")...)},
		{name: "value with DEL", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.2.1); there the request to the server cannot be written", do: muxRequest(append(muxGet, "a=b\x7fc")...)},
		{name: "value with another control character", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.2.1); there the request to the server cannot be written", do: muxRequest(append(muxGet, "a=b\x01c")...)},
		{name: "value beyond ASCII", do: muxRequest(append(muxGet, "a=\xff")...)},
		{name: "method in lower case", do: muxRequest(muxFields(":method=get")...)},
		{name: "method with a line end", do: muxRequest(muxFields(":method=GET / HTTP/1.1\r\nx: ")...)},
		{name: "empty method", do: muxRequest(muxFields(":method=")...)},
		{name: "te: trailers, in upper case", do: muxRequest(append(muxGet, "te=Trailers")...)},
		{name: "te: trailers and more", do: muxRequest(append(muxGet, "te=trailers, gzip")...)},
		{name: "http2-settings", do: muxRequest(append(muxGet, "http2-settings=AAMAAABkAARAAAAAAAIAAAAA")...)},
		{name: "websocket", do: muxRequest(muxFields(":method=CONNECT", ":protocol=websocket")...)},
		{name: "extended CONNECT for h2c", do: muxRequest(muxFields(":method=CONNECT", ":protocol=h2c")...)},
		{name: "extended CONNECT for something", do: muxRequest(muxFields(":method=CONNECT", ":protocol=x-y")...)},
		{name: "extended CONNECT for two protocols", differs: "reset PROTOCOL_ERROR", why: "a protocol is one token (RFC 8441 §4)", do: muxRequest(muxFields(":method=CONNECT", ":protocol=a, b")...)},
		{name: "extended CONNECT with a line end", do: muxRequest(muxFields(":method=CONNECT", ":protocol=a\r\nb: c")...)},
		{name: "extended CONNECT with a length", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 8441 §5); there it is an internal error", do: muxContent(muxFields(":method=CONNECT", ":protocol=x", "content-length=3"), "abc")},
		{name: "extended CONNECT without a path", do: muxRequest(":method=CONNECT", ":protocol=x", ":authority=a")},
		{name: "protocol without CONNECT", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 8441 §4)", do: muxRequest(muxFields(":method=GET", ":protocol=websocket")...)},
		{name: "CONNECT with a path", do: muxRequest(":method=CONNECT", ":authority=a.example:80", ":path=/")},
		{name: "CONNECT without a port", differs: "reset PROTOCOL_ERROR", why: "a tunnel leads to a port (RFC 9110 §9.3.6)", do: muxRequest(":method=CONNECT", ":authority=a.example")},
		{name: "CONNECT without an authority", do: muxRequest(":method=CONNECT")},
		{name: "less content than announced", do: muxContent(append(post, "content-length=6"), "abc")},
		{name: "more content than announced", do: muxContent(append(post, "content-length=2"), "abc")},
		{name: "announced and none", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.1.1); there the length is dropped", do: muxRequest(append(post, "content-length=6")...)},
		{name: "length that is no number", differs: "reset PROTOCOL_ERROR", why: "a malformed request is an error of its stream, not of the connection (RFC 9113 §8.1.1)", do: muxContent(append(post, "content-length=x"), "abc")},
		{name: "two lengths", differs: "reset PROTOCOL_ERROR", why: "a malformed request is an error of its stream, not of the connection (RFC 9113 §8.1.1)", do: muxContent(append(post, "content-length=3", "content-length=4"), "abc")},
		{name: "the same length twice", do: muxContent(append(post, "content-length=3", "content-length=3"), "abc")},
		{name: "cookies", do: muxRequest(append(muxGet, "cookie=a=1", "x=y", "cookie=b=2")...)},
		{name: "no method", do: muxRequest(muxGet[1:]...)},
		{name: "no path", do: muxRequest(muxGet[:3]...)},
		{name: "no scheme", do: muxRequest(":method=GET", ":authority=a.example", ":path=/")},
		{name: "empty path", do: muxRequest(muxFields(":path=")...)},
		{name: "relative path", do: muxRequest(muxFields(":path=x")...)},
		{name: "path with a blank", do: muxRequest(muxFields(":path=/a b")...)},
		{name: "path with a fragment", do: muxRequest(muxFields(":path=/a#b")...)},
		{name: "path with a line end", do: muxRequest(muxFields(":path=/a\r\nb")...)},
		{name: "method with a blank", differs: "reset PROTOCOL_ERROR", why: "malformed requests are reset, whatever is malformed; there some are answered with 400", do: muxRequest(muxFields(":method=GE T")...)},
		{name: "method of one's own", do: muxRequest(muxFields(":method=Frob-1")...)},
		{name: "no authority, but Host", do: muxRequest(":method=GET", ":scheme=http", ":path=/", "host=b")},
		{name: "neither", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(":method=GET", ":scheme=http", ":path=/")},
		{name: "Host like the authority", do: muxRequest(append(muxGet, "host=a.example")...)},
		{name: "another Host", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1); there the authority wins", do: muxRequest(append(muxGet, "host=b.example")...)},
		{name: "authority with a user", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.3.1)", do: muxRequest(muxFields(":authority=u@a")...)},
		{name: "https", do: muxRequest(muxFields(":scheme=https")...)},
		{name: "scheme of one's own", do: muxRequest(muxFields(":scheme=ftp")...)},
		{name: "scheme with a blank", differs: "reset PROTOCOL_ERROR", why: "malformed requests are reset, whatever is malformed; there some are answered with 400", do: muxRequest(muxFields(":scheme=ht tp")...)},
		{name: "two paths", do: muxRequest(append(muxGet, ":path=/")...)},
		{name: "unknown pseudo-header field", do: muxRequest(append(muxGet, ":x=y")...)},
		{name: "late pseudo-header field", do: muxRequest(":method=GET", ":scheme=http", ":authority=a", "x=y", ":path=/")},
		{name: "response field", do: muxRequest(append(muxGet, ":status=200")...)},
		{name: "name in upper case", do: muxRequest(append(muxGet, "Abc=d")...)},
		{name: "name with a blank", do: muxRequest(append(muxGet, "a b=d")...)},
		{name: "value with a line end", do: muxRequest(append(muxGet, "a=b\nc: d")...)},
		{name: "value with NUL", do: muxRequest(append(muxGet, "a=b\x00c")...)},
		{name: "value with blanks around", differs: "reset PROTOCOL_ERROR", why: "malformed (RFC 9113 §8.2.1); there they are taken off", do: muxRequest(append(muxGet, "a= b ")...)},
		{name: "connection", do: muxRequest(append(muxGet, "connection=close")...)},
		{name: "keep-alive", do: muxRequest(append(muxGet, "keep-alive=1")...)},
		{name: "proxy-connection", do: muxRequest(append(muxGet, "proxy-connection=close")...)},
		{name: "transfer-encoding", differs: "reset PROTOCOL_ERROR", why: "a malformed request is an error of its stream, not of the connection (RFC 9113 §8.1.1)", do: muxContent(append(post, "transfer-encoding=chunked"), "abc")},
		{name: "upgrade", do: muxRequest(append(muxGet, "upgrade=x")...)},
		{name: "te: trailers", do: muxRequest(append(muxGet, "te=trailers")...)},
		{name: "te: gzip", do: muxRequest(append(muxGet, "te=gzip")...)},
		{name: "OPTIONS *", do: muxRequest(":method=OPTIONS", ":scheme=http", ":authority=a", ":path=*")},
		{name: "CONNECT", do: func(c *muxClient) { c.head(1, false, ":method=CONNECT", ":authority=a.example:80") }},
		{name: "CONNECT with content at once", do: muxContent([]string{":method=CONNECT", ":authority=a.example:80"}, "abc", "def")},
		{name: "CONNECT with a length", do: muxContent([]string{":method=CONNECT", ":authority=a.example:80", "content-length=3"}, "abc")},
		{name: "CONNECT that ends at once", do: muxRequest(":method=CONNECT", ":authority=a.example:80")},
		{name: "OPTIONS", do: muxRequest(muxFields(":method=OPTIONS")...)},
		{name: "head too large", differs: "431", why: "an answer says why", do: muxRequest(append(muxGet, "x="+strings.Repeat("x", 16000))...)},
		{name: "too many fields", differs: "431", why: "tune.http.maxhdr holds for both versions; there HTTP/2 may have twice as many", do: muxRequest(append(muxGet, strings.Split(strings.Repeat("x=y,", 110)+"x=y", ",")...)...)},
		{name: "answered by a rule", do: muxRequest(muxFields(":path=/204")...)},
		{name: "denied", do: muxRequest(muxFields(":path=/deny")...)},
		{name: "rejected", differs: "goaway ENHANCE_YOUR_CALM, closed", why: "the GOAWAY speaks for the stream, too", do: muxRequest(muxFields(":path=/reject")...)},
		{name: "redirected", do: muxRequest(muxFields(":path=/redirect")...)},
		{name: "denied with content to come", do: muxContent(muxFields(":path=/deny"), "abc", "def")},
		{name: "SETTINGS of a stream", do: muxRaw(http2.FrameSettings, 0, 1, "")},
		{name: "PING of a stream", do: muxRaw(http2.FramePing, 0, 1, "12345678")},
		{name: "PING of another size", do: muxRaw(http2.FramePing, 0, 0, "1234567")},
		{name: "DATA on an idle stream", do: muxRaw(http2.FrameData, 0, 5, "x")},
		{name: "DATA of the connection", do: muxRaw(http2.FrameData, 0, 0, "x")},
		{name: "CONTINUATION alone", do: muxRaw(http2.FrameContinuation, 4, 3, "")},
		{name: "HEADERS with an even number", do: muxRaw(http2.FrameHeaders, 5, 2, "\x82")},
		{name: "HEADERS that cannot be decoded", do: muxRaw(http2.FrameHeaders, 5, 3, "\x80")},
		{name: "WINDOW_UPDATE by nothing", do: muxRaw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00")},
		{name: "WINDOW_UPDATE of the stream by nothing", do: muxRaw(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00")},
		{name: "WINDOW_UPDATE too far", do: muxRaw(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff")},
		{name: "RST_STREAM on an idle stream", do: muxRaw(http2.FrameRSTStream, 0, 5, "\x00\x00\x00\x08")},
		{name: "PUSH_PROMISE", do: muxRaw(http2.FramePushPromise, 4, 1, "\x00\x00\x00\x02\x82")},
		{name: "unknown frame", do: func(c *muxClient) {
			_ = c.WriteRawFrame(0x77, 0, 0, []byte("x"))
			c.head(1, true, muxGet...)
		}},
		{name: "empty DATA in between", do: muxContent(append(post, "content-length=6"), "abc", "", "", "def")},
		{name: "DATA of padding", differs: `200 | POST /x?y host=a.example te=[chunked]  "abc" map[]`, why: "a frame may be padding and nothing else (RFC 9113 §6.1)", do: func(c *muxClient) {
			c.head(1, false, post...)
			_ = c.WriteDataPadded(1, false, nil, make([]byte, 255))
			_ = c.WriteDataPadded(1, true, []byte("abc"), make([]byte, 9))
		}},
		{name: "DATA with more padding than there is", do: muxRaw(http2.FrameData, 8, 1, "\x09abc")},
		{name: "HEADERS with more padding than there is", do: muxRaw(http2.FrameHeaders, 8|5, 3, "\x09\x82")},
		{name: "DATA behind the end", do: func(c *muxClient) {
			c.head(1, true, muxFields(":path=/204")...)
			_ = c.WriteData(1, true, []byte("abc"))
		}},
		{name: "HEADERS behind the end", differs: "reset STREAM_CLOSED", why: "an error of the stream (RFC 9113 §5.1)", do: func(c *muxClient) {
			c.head(1, true, muxFields(":path=/204")...)
			c.head(1, true, muxFields(":path=/204")...)
		}},
		{name: "HEADERS of a lower number", do: func(c *muxClient) {
			c.head(5, true, muxFields(":path=/204")...)
			c.head(3, true, muxFields(":path=/204")...)
		}},
		{name: "HEADERS of the connection", do: muxRaw(http2.FrameHeaders, 5, 0, "\x82")},
		{name: "HEADERS within a header block", do: func(c *muxClient) {
			_ = c.WriteRawFrame(http2.FrameHeaders, 0, 1, []byte("\x82"))
			c.head(3, true, muxGet...)
		}},
		{name: "CONTINUATION of another stream", do: func(c *muxClient) {
			_ = c.WriteRawFrame(http2.FrameHeaders, 0, 1, []byte("\x82"))
			_ = c.WriteRawFrame(http2.FrameContinuation, 4, 3, []byte("\x84"))
		}},
		{name: "PING within a header block", do: func(c *muxClient) {
			_ = c.WriteRawFrame(http2.FrameHeaders, 0, 1, []byte("\x82"))
			_ = c.WriteRawFrame(http2.FramePing, 0, 0, []byte("12345678"))
		}},
		{name: "head in pieces", do: func(c *muxClient) {
			block := c.encode(muxGet...)
			_ = c.WriteRawFrame(http2.FrameHeaders, 1, 1, block[:1])
			_ = c.WriteRawFrame(http2.FrameContinuation, 0, 1, nil)
			_ = c.WriteRawFrame(http2.FrameContinuation, 4, 1, block[1:])
		}},
		{name: "HEADERS that depend on themselves", differs: "reset PROTOCOL_ERROR", why: "an error of the stream (RFC 7540 §5.3.1)", do: func(c *muxClient) {
			_ = c.WriteRawFrame(http2.FrameHeaders, 0x25, 1, append([]byte("\x00\x00\x00\x01\x10"), c.encode(muxGet...)...))
		}},
		{name: "PRIORITY of itself", differs: "reset PROTOCOL_ERROR", why: "an error of the stream (RFC 7540 §5.3.1)", do: muxRaw(http2.FramePriority, 0, 1, "\x00\x00\x00\x01\x10")},
		{name: "PRIORITY of an idle stream", do: func(c *muxClient) {
			_ = c.WriteRawFrame(http2.FramePriority, 0, 9, []byte("\x00\x00\x00\x07\x10"))
			c.head(1, true, muxGet...)
		}},
		{name: "PRIORITY of another size", differs: "reset FRAME_SIZE_ERROR", why: "an error of the stream (RFC 9113 §6.3)", do: muxRaw(http2.FramePriority, 0, 1, "\x00\x00\x00\x03")},
		{name: "RST_STREAM of another size", do: muxRaw(http2.FrameRSTStream, 0, 1, "\x00\x00\x00")},
		{name: "RST_STREAM of the connection", do: muxRaw(http2.FrameRSTStream, 0, 0, "\x00\x00\x00\x08")},
		{name: "SETTINGS of another size", do: muxRaw(http2.FrameSettings, 0, 0, "\x00\x04\x00\x00\x00")},
		{name: "SETTINGS, acknowledged with more", do: muxRaw(http2.FrameSettings, 1, 0, "\x00\x04\x00\x00\x00\x01")},
		{name: "SETTINGS with a window beyond counting", do: muxRaw(http2.FrameSettings, 0, 0, "\x00\x04\x80\x00\x00\x00")},
		{name: "SETTINGS with small frames", do: muxRaw(http2.FrameSettings, 0, 0, "\x00\x05\x00\x00\x00\x01")},
		{name: "SETTINGS with pushes of 2", do: muxRaw(http2.FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x02")},
		{name: "WINDOW_UPDATE of the stream too far", do: muxRaw(http2.FrameWindowUpdate, 0, 1, "\x7f\xff\xff\xff")},
		{name: "WINDOW_UPDATE of an idle stream", do: muxRaw(http2.FrameWindowUpdate, 0, 9, "\x00\x00\x00\x01")},
		{name: "WINDOW_UPDATE of another size", do: muxRaw(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x01")},
		{name: "GOAWAY of a stream", do: muxRaw(http2.FrameGoAway, 0, 1, "\x00\x00\x00\x00\x00\x00\x00\x00")},
		{name: "GOAWAY of another size", do: muxRaw(http2.FrameGoAway, 0, 0, "\x00\x00\x00\x00")},
		{name: "GOAWAY, and a request behind it", do: func(c *muxClient) {
			_ = c.WriteGoAway(0, http2.ErrCodeNo, nil)
			c.head(1, true, muxGet...)
		}},
		{name: "frame too large", do: muxRaw(http2.FrameData, 0, 1, strings.Repeat("x", 16385))},
		{name: "another preface", do: func(c *muxClient) {
			c.out.Reset()
			c.out.WriteString("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
		}},
	}
}
