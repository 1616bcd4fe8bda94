package h2

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// What breaks a rule of RFC 9113 ends the stream or the connection, with the code that it
// wants. The client has opened stream 1, which waits for its content, and 3, which was
// answered.
func TestRules(t *testing.T) {
	raw := func(kind http2.FrameType, flags http2.Flags, id uint32, payload string) func(*server) {
		return func(s *server) { s.must(s.framer.WriteRawFrame(kind, flags, id, []byte(payload))) }
	}
	block := func(s *server) string { return string(s.encode(get...)) }
	for _, c := range []struct {
		name string
		do   func(*server)
		want string // GOAWAY or RST_STREAM; empty: nothing
	}{
		{"DATA on the connection", raw(http2.FrameData, 0, 0, "x"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"DATA on an idle stream", raw(http2.FrameData, 0, 5, "x"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"DATA on a stream of ours", raw(http2.FrameData, 0, 2, "x"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"DATA on a closed stream", raw(http2.FrameData, 0, 3, "x"), "3 RST_STREAM STREAM_CLOSED"},
		{"DATA of nothing but padding", raw(http2.FrameData, http2.FlagDataPadded, 1, "\x03abc"), ""},
		{"DATA with too much padding", raw(http2.FrameData, http2.FlagDataPadded, 1, "\x04abc"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"DATA without the length of its padding", raw(http2.FrameData, http2.FlagDataPadded, 1, ""), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"DATA behind the end", func(s *server) {
			raw(http2.FrameData, http2.FlagDataEndStream, 1, "")(s)
			raw(http2.FrameData, 0, 1, "x")(s)
		}, "1 RST_STREAM STREAM_CLOSED"},
		{"frame too large", raw(http2.FrameData, 0, 1, strings.Repeat("x", 16385)), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"HEADERS on the connection", func(s *server) { raw(http2.FrameHeaders, 5, 0, block(s))(s) }, "GOAWAY 3 PROTOCOL_ERROR"},
		{"HEADERS with an even number", func(s *server) { raw(http2.FrameHeaders, 5, 6, block(s))(s) }, "GOAWAY 3 PROTOCOL_ERROR"},
		{"HEADERS on a closed stream", func(s *server) { raw(http2.FrameHeaders, 5, 3, block(s))(s) }, "GOAWAY 3 STREAM_CLOSED"},
		{"HEADERS going back", func(s *server) {
			raw(http2.FrameHeaders, 5, 7, block(s))(s)
			raw(http2.FrameHeaders, 5, 5, block(s))(s)
		}, "GOAWAY 7 STREAM_CLOSED"},
		{"HEADERS with too much padding", raw(http2.FrameHeaders, 0xd, 5, "\x02\x82"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"HEADERS without the length of its padding", raw(http2.FrameHeaders, 0xd, 5, ""), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"HEADERS with half a priority", raw(http2.FrameHeaders, 0x25, 5, "\x00\x00"), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"HEADERS that depend on themselves", func(s *server) { raw(http2.FrameHeaders, 0x25, 5, "\x00\x00\x00\x05\x00"+block(s))(s) }, "5 RST_STREAM PROTOCOL_ERROR"},
		{"HEADERS that cannot be decoded", raw(http2.FrameHeaders, 5, 5, "\x80"), "GOAWAY 5 COMPRESSION_ERROR"},
		{"trailer that cannot be decoded", raw(http2.FrameHeaders, 5, 1, "\x80"), "GOAWAY 3 COMPRESSION_ERROR"},
		{"trailer without an end", func(s *server) { s.writeHead(1, false, "a=b") }, "1 RST_STREAM PROTOCOL_ERROR"},
		{"trailer with a pseudo-header field", func(s *server) { s.writeHead(1, true, ":path=/") }, "1 RST_STREAM PROTOCOL_ERROR"},
		{"trailer in upper case", func(s *server) { s.writeHead(1, true, "A=b") }, "1 RST_STREAM PROTOCOL_ERROR"},
		{"trailer behind the end", func(s *server) {
			raw(http2.FrameData, http2.FlagDataEndStream, 1, "")(s)
			s.writeHead(1, true, "a=b")
		}, "1 RST_STREAM STREAM_CLOSED"},
		{"CONTINUATION alone", raw(http2.FrameContinuation, 4, 5, ""), "GOAWAY 3 PROTOCOL_ERROR"},
		{"CONTINUATION of another stream", func(s *server) {
			raw(http2.FrameHeaders, 1, 5, "\x82")(s)
			raw(http2.FrameContinuation, 4, 7, "")(s)
		}, "GOAWAY 3 PROTOCOL_ERROR"},
		{"frame within a header block", func(s *server) {
			raw(http2.FrameHeaders, 1, 5, "\x82")(s)
			raw(http2.FramePing, 0, 0, "12345678")(s)
		}, "GOAWAY 3 PROTOCOL_ERROR"},
		{"unknown frame within a header block", func(s *server) {
			raw(http2.FrameHeaders, 1, 5, "\x82")(s)
			raw(0x77, 0, 0, "")(s)
		}, "GOAWAY 3 PROTOCOL_ERROR"},
		{"unknown frame", raw(0x77, 0xff, 99, "xyz"), ""},
		{"PRIORITY", raw(http2.FramePriority, 0, 99, "\x00\x00\x00\x01\x00"), ""},
		{"PRIORITY of the connection", raw(http2.FramePriority, 0, 0, "\x00\x00\x00\x01\x00"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"PRIORITY on itself", raw(http2.FramePriority, 0, 1, "\x00\x00\x00\x01\x00"), "1 RST_STREAM PROTOCOL_ERROR"},
		{"PRIORITY of another size", raw(http2.FramePriority, 0, 5, "\x00"), "5 RST_STREAM FRAME_SIZE_ERROR"},
		{"RST_STREAM of the connection", raw(http2.FrameRSTStream, 0, 0, "\x00\x00\x00\x08"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"RST_STREAM on an idle stream", raw(http2.FrameRSTStream, 0, 5, "\x00\x00\x00\x08"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"RST_STREAM on a closed stream", raw(http2.FrameRSTStream, 0, 3, "\x00\x00\x00\x08"), ""},
		{"RST_STREAM of another size", raw(http2.FrameRSTStream, 0, 1, "\x00"), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"SETTINGS of a stream", raw(http2.FrameSettings, 0, 1, ""), "GOAWAY 3 PROTOCOL_ERROR"},
		{"SETTINGS of another size", raw(http2.FrameSettings, 0, 0, "\x00"), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"SETTINGS ack with something in it", raw(http2.FrameSettings, 1, 0, "\x00\x00\x00\x00\x00\x00"), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"setting ENABLE_PUSH 2", raw(http2.FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x02"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"setting INITIAL_WINDOW_SIZE 2³¹", raw(http2.FrameSettings, 0, 0, "\x00\x04\x80\x00\x00\x00"), "GOAWAY 3 FLOW_CONTROL_ERROR"},
		{"setting MAX_FRAME_SIZE 16383", raw(http2.FrameSettings, 0, 0, "\x00\x05\x00\x00\x3f\xff"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"setting MAX_FRAME_SIZE 2²⁴", raw(http2.FrameSettings, 0, 0, "\x00\x05\x01\x00\x00\x00"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"PUSH_PROMISE", raw(http2.FramePushPromise, 4, 1, "\x00\x00\x00\x02"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"PING of a stream", raw(http2.FramePing, 0, 1, "12345678"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"PING of another size", raw(http2.FramePing, 0, 0, "1234567"), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"GOAWAY of a stream", raw(http2.FrameGoAway, 0, 1, "12345678"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"GOAWAY of another size", raw(http2.FrameGoAway, 0, 0, "1234567"), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"WINDOW_UPDATE by nothing", raw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"WINDOW_UPDATE of a stream by nothing", raw(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00"), "1 RST_STREAM PROTOCOL_ERROR"},
		{"WINDOW_UPDATE of another size", raw(http2.FrameWindowUpdate, 0, 0, "\x00"), "GOAWAY 3 FRAME_SIZE_ERROR"},
		{"WINDOW_UPDATE on an idle stream", raw(http2.FrameWindowUpdate, 0, 5, "\x00\x00\x00\x01"), "GOAWAY 3 PROTOCOL_ERROR"},
		{"WINDOW_UPDATE on a closed stream", raw(http2.FrameWindowUpdate, 0, 3, "\x00\x00\x00\x01"), ""},
		{"WINDOW_UPDATE too far", raw(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), "GOAWAY 3 FLOW_CONTROL_ERROR"},
		{"WINDOW_UPDATE of a stream too far", raw(http2.FrameWindowUpdate, 0, 1, "\x7f\xff\xff\xff"), "1 RST_STREAM FLOW_CONTROL_ERROR"},
	} {
		s := greeted(t, testSettings())
		s.writeHead(1, false, get...)
		s.writeHead(3, true, get...)
		s.turn()
		s.streams[3].answer(200, "")
		s.flush()
		s.frames()
		c.do(s)
		s.turn()
		got := ""
		for _, f := range s.frames() {
			if strings.Contains(f, "GOAWAY") || strings.Contains(f, "RST_STREAM") {
				got = strings.TrimSpace(got + " " + f)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if dead := strings.HasPrefix(c.want, "GOAWAY"); s.conn.Dead() != dead {
			t.Errorf("%s: connection over: %v", c.name, s.conn.Dead())
		} else if dead && s.conn.Streams() > 0 {
			t.Errorf("%s: %d streams are left", c.name, s.conn.Streams())
		}
		if !s.conn.Dead() { // the tables are still the same on both sides
			s.writeHead(9, true, get...)
			s.turn()
			if s.streams[9] == nil || !strings.HasPrefix(s.streams[9].head, "GET /x?y ") {
				t.Errorf("%s: the connection does not go on", c.name)
			}
		}
		s.conn.Release()
	}
}

func TestFirstFrame(t *testing.T) {
	for name, begin := range map[string]func(*server){
		"another preface": func(s *server) { s.in.WriteString("PRI * HTTP/2.0\r\n\r\nXX") },
		"PING first": func(s *server) {
			s.in.WriteString(Preface)
			s.must(s.framer.WritePing(false, [8]byte{}))
		},
		"SETTINGS ack first": func(s *server) {
			s.in.WriteString(Preface)
			s.must(s.framer.WriteSettingsAck())
		},
	} {
		s := newServer(t, testSettings())
		s.flush()
		s.frames()
		begin(s)
		s.turn()
		s.expect(name, "GOAWAY 0 PROTOCOL_ERROR")
		if !s.conn.Dead() {
			t.Errorf("%s: not over", name)
		}
	}
}

// What is wrong with a request costs its stream (RFC 9113 §8.1.1), and nothing else.
func TestMalformed(t *testing.T) {
	post := []string{":method=POST", ":scheme=http", ":authority=a.example", ":path=/"}
	for _, c := range []struct {
		name   string
		fields []string
		want   string // the beginning of the request as a server gets it; empty: none
	}{
		{"without a method", get[1:], ""},
		{"without a scheme", []string{":method=GET", ":authority=a", ":path=/"}, ""},
		{"without a path", get[:3], ""},
		{"empty path", []string{":method=GET", ":scheme=http", ":authority=a", ":path="}, ""},
		{"path without a slash", []string{":method=GET", ":scheme=http", ":authority=a", ":path=x"}, ""},
		{"path with a blank", []string{":method=GET", ":scheme=http", ":authority=a", ":path=/a b"}, ""},
		{"path with a fragment", []string{":method=GET", ":scheme=http", ":authority=a", ":path=/a#b"}, ""},
		{"path with a line end", []string{":method=GET", ":scheme=http", ":authority=a", ":path=/a\r\nb"}, ""},
		{"two paths", with(get, ":path=/"), ""},
		{"two methods", with(get, ":method=GET"), ""},
		{"method with a blank", []string{":method=GET /", ":scheme=http", ":authority=a", ":path=/"}, ""},
		{"authority with a slash", []string{":method=GET", ":scheme=http", ":authority=a/b", ":path=/"}, ""},
		{"authority with a user", []string{":method=GET", ":scheme=http", ":authority=u@a", ":path=/"}, ""},
		{"empty authority", []string{":method=GET", ":scheme=http", ":authority=", ":path=/", "host=a"}, ""},
		{"no authority but Host", []string{":method=GET", ":scheme=http", ":path=/x", "host=b"}, "GET /x HTTP/1.1\r\nhost: b\r\n"},
		{"neither", []string{":method=GET", ":scheme=http", ":path=/x"}, ""},
		{"Host like the authority", with(get, "host=a.example"), "GET /x?y HTTP/1.1\r\nhost: a.example\r\n\r\n"},
		{"Host with the scheme's port", with(get, "host=A.example:80"), "GET /x?y HTTP/1.1\r\nhost: a.example\r\n\r\n"},
		{"another Host", with(get, "host=b"), ""},
		{"two Hosts", with(get, "host=a.example", "host=a.example"), ""},
		{"scheme with a blank", []string{":method=GET", ":scheme=ht tp", ":authority=a", ":path=/"}, ""},
		{"pseudo-header field late", with(get[:3], "a=b", ":path=/"), ""},
		{"unknown pseudo-header field", with(get, ":x=y"), ""},
		{"response field", with(get, ":status=200"), ""},
		{"name in upper case", with(get, "Abc=d"), ""},
		{"empty name", with(get, "=d"), ""},
		{"name with a blank", with(get, "a b=d"), ""},
		{"value with a line end", with(get, "a=b\nc: d"), ""},
		{"value with NUL", with(get, "a=b\x00"), ""},
		{"value with a blank in front", with(get, "a= b"), ""},
		{"value with a tab behind", with(get, "a=b\t"), ""},
		{"empty value", with(get, "a="), "GET /x?y HTTP/1.1\r\nhost: a.example\r\na: \r\n"},
		{"connection", with(get, "connection=close"), ""},
		{"keep-alive", with(get, "keep-alive=1"), ""},
		{"proxy-connection", with(get, "proxy-connection=close"), ""},
		{"transfer-encoding", with(get, "transfer-encoding=chunked"), ""},
		{"upgrade", with(get, "upgrade=x"), ""},
		{"te: trailers", with(get, "te=trailers"), "GET /x?y HTTP/1.1\r\nhost: a.example\r\nte: trailers\r\n"},
		{"te: gzip", with(get, "te=gzip"), ""},
		{"te: trailers and more", with(get, "te=trailers, gzip"), ""},
		{"content announced and none", with(post, "content-length=1"), ""},
		{"no content announced", with(post, "content-length=0"), "POST / HTTP/1.1\r\nhost: a.example\r\ncontent-length: 0\r\n"},
		{"length that is no number", with(post, "content-length=x"), ""},
		{"two lengths", with(post, "content-length=0", "content-length=1"), ""},
		{"OPTIONS *", []string{":method=OPTIONS", ":scheme=http", ":authority=a", ":path=*"}, "OPTIONS * HTTP/1.1\r\nhost: a\r\n"},
		{"GET *", []string{":method=GET", ":scheme=http", ":authority=a", ":path=*"}, ""},
		{"CONNECT", []string{":method=CONNECT", ":authority=a:80"}, "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n"},
		{"CONNECT with a path", []string{":method=CONNECT", ":authority=a:80", ":path=/"}, ""},
		{"CONNECT to nobody", []string{":method=CONNECT"}, ""},
	} {
		s := greeted(t, testSettings())
		s.writeHead(1, true, c.fields...)
		s.writeHead(3, true, get...)
		s.turn()
		st := s.streams[1]
		if c.want == "" {
			if st != nil {
				t.Errorf("%s: became %q", c.name, st.head)
			}
			s.expect(c.name, "1 RST_STREAM PROTOCOL_ERROR")
		} else if st == nil || !strings.HasPrefix(st.head, c.want) {
			t.Errorf("%s: %q, want %q; %q", c.name, st.headText(), c.want, s.frames())
		}
		if s.streams[3] == nil {
			t.Errorf("%s: the next request is missing", c.name)
		}
	}
}

func (ts *testStream) headText() string {
	if ts == nil {
		return ""
	}
	return ts.head
}

// Content that is not as long as was announced costs its stream.
func TestContentLength(t *testing.T) {
	for _, c := range []struct {
		parts []string // the last one ends the stream
		want  string
	}{
		{[]string{"abc"}, ""},
		{[]string{"a", "bc"}, ""},
		{[]string{"abc", ""}, ""},
		{[]string{"ab"}, "1 RST_STREAM PROTOCOL_ERROR"},
		{[]string{"abcd"}, "1 RST_STREAM PROTOCOL_ERROR"},
		{[]string{"ab", "cd", ""}, "1 RST_STREAM PROTOCOL_ERROR"},
	} {
		s := greeted(t, testSettings())
		s.writeHead(1, false, with(get, "content-length=3")...)
		for i, p := range c.parts {
			s.must(s.framer.WriteData(1, i == len(c.parts)-1, []byte(p)))
		}
		s.turn()
		if got := strings.Join(s.frames(), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.parts, got, c.want)
		}
	}
	s := greeted(t, testSettings())
	s.writeHead(1, false, with(get, "content-length=3")...)
	s.must(s.framer.WriteData(1, false, []byte("ab")))
	s.writeHead(1, true, "x=y")
	s.turn()
	s.expect("trailer too early", "1 RST_STREAM PROTOCOL_ERROR")
}

func TestBounds(t *testing.T) {
	many := func(n int, do func(*server, uint32)) func(*server) {
		return func(s *server) {
			for i := range n {
				do(s, uint32(2*i+1))
			}
		}
	}
	for _, c := range []struct {
		name string
		do   func(*server)
		want string // one of the frames sent; empty: no GOAWAY
	}{
		{"100 streams", many(100, func(s *server, id uint32) { s.writeHead(id, true, get...) }), ""},
		{"101 streams", many(101, func(s *server, id uint32) { s.writeHead(id, true, get...) }), "201 RST_STREAM REFUSED_STREAM"},
		{"rapid resets", many(300, func(s *server, id uint32) {
			s.writeHead(id, true, get...)
			s.must(s.framer.WriteRSTStream(id, http2.ErrCodeCancel))
		}), "ENHANCE_YOUR_CALM"},
		{"some resets", many(100, func(s *server, id uint32) {
			s.writeHead(id, true, get...)
			s.must(s.framer.WriteRSTStream(id, http2.ErrCodeCancel))
		}), ""},
		{"1,000 PINGs", many(999, func(s *server, _ uint32) { s.must(s.framer.WritePing(false, [8]byte{})) }), ""},
		{"1,001 PINGs", many(1001, func(s *server, _ uint32) { s.must(s.framer.WritePing(false, [8]byte{})) }), "ENHANCE_YOUR_CALM"},
		{"1,001 SETTINGS", many(1001, func(s *server, _ uint32) { s.must(s.framer.WriteSettings()) }), "ENHANCE_YOUR_CALM"},
		{"empty DATA", func(s *server) {
			s.writeHead(1, false, get...)
			many(1009, func(s *server, _ uint32) { s.must(s.framer.WriteData(1, false, nil)) })(s)
		}, "ENHANCE_YOUR_CALM"},
		{"frames of unknown types", many(1001, func(s *server, _ uint32) { s.must(s.framer.WriteRawFrame(0x2a, 0, 0, nil)) }), "ENHANCE_YOUR_CALM"},
		{"PRIORITY", many(3000, func(s *server, _ uint32) { s.must(s.framer.WritePriority(1, http2.PriorityParam{StreamDep: 3})) }), ""},
		{"17 CONTINUATIONs", func(s *server) {
			s.must(s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}}))
			many(17, func(s *server, _ uint32) { s.must(s.framer.WriteContinuation(1, false, []byte{0x82})) })(s)
		}, "ENHANCE_YOUR_CALM"},
		{"block of more than 16 KiB", func(s *server) {
			s.must(s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, 10000)}))
			s.must(s.framer.WriteContinuation(1, false, make([]byte, 10000)))
		}, "ENHANCE_YOUR_CALM"},
		{"window of one byte at a time", func(s *server) {
			s.writeHead(1, true, get...)
			many(5000, func(s *server, _ uint32) { s.must(s.framer.WriteWindowUpdate(1, 1)) })(s)
		}, ""},
	} {
		s := greeted(t, testSettings())
		c.do(s)
		s.turn()
		got := strings.Join(s.frames(), "\n")
		if c.want == "" && strings.Contains(got, "GOAWAY") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %.300s, want %q", c.name, got, c.want)
		}
		if n := cap(s.conn.w.arena); n > 1<<20 {
			t.Errorf("%s: %d bytes of memory", c.name, n)
		}
	}
	s := greeted(t, testSettings())
	for i := range 3000 { // within three seconds
		s.now = int64(i) * 1.1e6
		s.must(s.framer.WritePing(false, [8]byte{}))
		s.turn()
	}
	if s.conn.Dead() {
		t.Error("a thousand PINGs a second were too many")
	}
}

// Clients that send frames of unknown types with their requests, as browsers do, are served as
// long as they like.
func TestGreased(t *testing.T) {
	s := greeted(t, testSettings())
	s.onHead = func(ts *testStream) { ts.answer(200, "x") }
	for i := range uint32(3000) {
		s.writeHead(2*i+1, false, with(get)...)
		s.must(s.framer.WriteRawFrame(0x2a, 0, 2*i+1, []byte("grease")))
		s.must(s.framer.WriteData(2*i+1, false, nil))
		s.must(s.framer.WriteData(2*i+1, true, nil))
		s.turn()
	}
	if s.conn.Dead() {
		t.Error("it was sent away")
	}
}

// A small block may stand for many fields: it costs memory up to the limit, the request is
// refused, and the table goes on.
func TestBomb(t *testing.T) {
	s := greeted(t, testSettings())
	block := s.encode(with(get, "x-bomb="+strings.Repeat("b", 3000))...)
	index := []byte{0xbe} // the newest entry
	for range 1000 {
		block = append(block, index...)
	}
	s.must(s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndHeaders: true, EndStream: true}))
	s.writeHead(3, true, with(get, "x-bomb="+strings.Repeat("b", 3000))...)
	s.turn()
	if st := s.streams[1]; st == nil || st.bad != ErrTooLarge {
		t.Fatalf("not refused: %q", s.frames())
	}
	if st := s.streams[3]; st == nil || st.bad != nil || !strings.Contains(st.head, "x-bomb: bbb") {
		t.Error("the next request is not as it was sent")
	}

	// Who does that again and again is sent away, whether anybody wants the head or not.
	many := greeted(t, testSettings())
	for i := uint32(0); i < 200 && !many.conn.Dead(); i++ {
		block := many.encode(with(get, "x-bomb="+strings.Repeat("b", 3000))...)
		block = append(block, bytes.Repeat(index, 1000)...)
		many.must(many.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block, EndHeaders: true, EndStream: true}))
		many.turn()
		if i == 50 {
			t.Fatal("still welcome")
		}
	}
	many.flush()
	if got := many.frames(); !slices.Contains(got, "GOAWAY 11 ENHANCE_YOUR_CALM") {
		t.Errorf("%q", got)
	}

	var fields []string
	for i := range 102 {
		fields = append(fields, fmt.Sprintf("x-%d=", i))
	}
	s.writeHead(5, true, with(get, fields...)...)
	s.writeHead(7, true, with(get, fields[:100]...)...)
	s.turn()
	if s.streams[5] == nil || s.streams[5].bad != ErrTooLarge || s.streams[7] == nil || s.streams[7].bad != nil {
		t.Error("the number of fields is not bounded as configured")
	}
}

// A connection may have so many streams in its life.
func TestMaxTotal(t *testing.T) {
	set := testSettings()
	set.MaxTotal = 3
	s := greeted(t, set)
	for id := uint32(1); id < 6; id += 2 {
		s.writeHead(id, true, get...)
	}
	s.turn()
	if got := s.frames(); len(got) != 2 || got[0] != "GOAWAY 2147483647 NO_ERROR" {
		t.Errorf("%q", got)
	}
}

func FuzzConn(f *testing.F) {
	s := newServer(f, testSettings())
	s.must(s.framer.WriteSettings())
	s.writeHead(1, false, with(get, "content-length=3")...)
	s.must(s.framer.WriteData(1, true, []byte("abc")))
	s.must(s.framer.WriteWindowUpdate(0, 1000))
	s.must(s.framer.WritePing(false, [8]byte{}))
	s.must(s.framer.WriteRSTStream(1, 8))
	s.must(s.framer.WritePriority(3, http2.PriorityParam{}))
	s.must(s.framer.WriteGoAway(0, 0, nil))
	f.Add(s.in.Bytes(), uint8(5))
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		// Whatever comes, in whatever pieces: the same happens, memory stays bounded, and
		// all that is sent are frames.
		var texts [2]string
		for i, n := range []int{1 << 20, int(cut) + 1} {
			s := newServer(t, testSettings())
			s.onHead = func(ts *testStream) { ts.keep = true; ts.answer(200, "x") }
			s.in.WriteString(Preface)
			s.in.Write(data)
			for p := s.in.Bytes(); len(p) > 0 && !s.conn.Dead(); {
				k := min(n, len(p))
				used := s.conn.Feed(p[:k], 0)
				if p = p[used:]; used < k {
					s.conn.Dispatch()
				}
			}
			s.conn.Dispatch()
			s.flush()
			for _, ts := range s.opened {
				texts[i] += fmt.Sprintf("%q %q %q\n", ts.head, ts.body, ts.trailer)
			}
			if n := len(s.conn.tx); n > txSize+txReserve {
				t.Fatalf("%d bytes kept", n)
			}
			for _, ts := range s.order {
				if ts.Conn() != nil {
					ts.Close(Cancel)
				}
			}
			s.conn.Kill(NoError)
			s.conn.Dispatch()
			s.conn.Release()
			if s.conn.Streams() != 0 {
				t.Fatalf("%d streams left", s.conn.Streams())
			}
			frames := s.out.Bytes()
			for len(frames) >= HeaderLen {
				frames = frames[min(len(frames), HeaderLen+int(ParseHeader(frames).Length)):]
			}
			if len(frames) > 0 {
				t.Fatalf("%d bytes that are no frame", len(frames))
			}
		}
		if texts[0] != texts[1] {
			t.Fatalf("at once:\n%s\nin pieces:\n%s", texts[0], texts[1])
		}
	})
}
