package h2

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bench/internal/poison"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/stats"
)

func TestMain(m *testing.M) {
	poison.Enable()
	os.Exit(m.Run())
}

// testSettings are those of a default configuration.
func testSettings() *Settings {
	lim := h1.DefaultLimits()
	return &Settings{TableSize: 4096, MaxStreams: 100, Window: 65535, MaxFrame: 16384, ConnWindow: DefaultConnWindow, Limits: &lim}
}

// server is an owner whose streams are testStreams; it is the client as well, with a Framer
// of golang.org/x/net.
type server struct {
	tb    testing.TB
	conn  Conn
	stats stats.H2
	now   int64
	woken bool

	limit   int // what the socket takes from now on; negative: everything
	failed  bool
	out     bytes.Buffer // sent to the client
	streams map[uint32]*testStream
	order   []*testStream // by Head
	opened  []*testStream
	onHead  func(*testStream)

	in     bytes.Buffer // written by the client
	framer *http2.Framer
	enc    *hpack.Encoder
	block  bytes.Buffer
	dec    *hpack.Decoder
	read   *http2.Framer
}

func newServer(tb testing.TB, set *Settings) *server {
	s := &server{tb: tb, limit: -1, streams: map[uint32]*testStream{}}
	s.conn.Init(NewWorkspace(set), set, s, &s.stats)
	s.framer = http2.NewFramer(&s.in, nil)
	s.framer.AllowIllegalWrites = true
	s.enc = hpack.NewEncoder(&s.block)
	s.dec = hpack.NewDecoder(4096, nil)
	s.read = http2.NewFramer(nil, &s.out)
	s.read.AllowIllegalReads = true
	return s
}

// greeted is a server whose client has begun as clients do.
func greeted(tb testing.TB, set *Settings) *server {
	s := newServer(tb, set)
	s.in.WriteString(Preface)
	s.must(s.framer.WriteSettings())
	s.must(s.framer.WriteSettingsAck())
	s.turn()
	s.frames()
	return s
}

func (s *server) must(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

func (s *server) Transmit(p []byte) (int, bool) {
	if s.failed {
		return 0, false
	}
	n := len(p)
	if s.limit >= 0 {
		n = min(n, s.limit)
		s.limit -= n
	}
	s.out.Write(p[:n])
	return n, true
}

func (s *server) Wake() { s.woken = true }

func (s *server) Open() *Stream {
	ts := &testStream{s: s}
	ts.Stream.Handler = ts
	s.opened = append(s.opened, ts)
	return &ts.Stream
}

// turn feeds what the client has written, in one piece, and flushes.
func (s *server) turn() { s.pieces(1 << 30) }

// pieces is turn in pieces of n bytes.
func (s *server) pieces(n int) {
	data := bytes.Clone(s.in.Bytes())
	s.in.Reset()
	for len(data) > 0 && !s.conn.Dead() {
		k := min(n, len(data))
		piece := bytes.Clone(data[:k])
		k = s.conn.Feed(piece, s.now)
		poison.Fill(piece)
		s.conn.Dispatch()
		data = data[k:]
	}
	s.flush()
}

func (s *server) flush() {
	for s.woken {
		s.woken = false
		s.conn.Flush()
		s.conn.Dispatch()
	}
}

// writeHead writes a header block of name=value pairs.
func (s *server) writeHead(id uint32, end bool, fields ...string) {
	s.tb.Helper()
	s.must(s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: s.encode(fields...), EndHeaders: true, EndStream: end}))
}

func (s *server) encode(fields ...string) []byte {
	s.tb.Helper()
	s.block.Reset()
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		s.must(s.enc.WriteField(hpack.HeaderField{Name: name, Value: value}))
	}
	return bytes.Clone(s.block.Bytes())
}

var get = []string{":method=GET", ":scheme=http", ":authority=a.example", ":path=/x?y"}

func with(fields []string, more ...string) []string {
	return append(append([]string{}, fields...), more...)
}

// frames are what was sent to the client since, in words.
func (s *server) frames() []string {
	s.tb.Helper()
	var list []string
	for s.out.Len() > 0 {
		f, err := s.read.ReadFrame()
		if err != nil {
			s.tb.Fatalf("after %q: %v", list, err)
		}
		switch f := f.(type) {
		case *http2.HeadersFrame:
			block := bytes.Clone(f.HeaderBlockFragment())
			for end := f.HeadersEnded(); !end; {
				g, err := s.read.ReadFrame()
				if err != nil {
					s.tb.Fatal(err)
				}
				c := g.(*http2.ContinuationFrame)
				block = append(block, c.HeaderBlockFragment()...)
				end = c.HeadersEnded()
			}
			fields, err := s.dec.DecodeFull(block)
			s.must(err)
			text := fmt.Sprintf("%d HEADERS", f.StreamID)
			for _, h := range fields {
				text += " " + h.Name + "=" + h.Value
			}
			list = append(list, text+ended(f.StreamEnded()))
		case *http2.DataFrame:
			text := string(f.Data())
			if len(text) > 40 {
				text = fmt.Sprintf("%d bytes", len(text))
			}
			list = append(list, fmt.Sprintf("%d DATA %s%s", f.StreamID, text, ended(f.StreamEnded())))
		case *http2.RSTStreamFrame:
			list = append(list, fmt.Sprintf("%d RST_STREAM %v", f.StreamID, f.ErrCode))
		case *http2.GoAwayFrame:
			list = append(list, fmt.Sprintf("GOAWAY %d %v", f.LastStreamID, f.ErrCode))
		case *http2.SettingsFrame:
			if f.IsAck() {
				list = append(list, "SETTINGS ack")
				continue
			}
			text := "SETTINGS"
			s.must(f.ForeachSetting(func(x http2.Setting) error { text += " " + x.String(); return nil }))
			list = append(list, text)
		case *http2.PingFrame:
			list = append(list, fmt.Sprintf("PING %x%s", f.Data, map[bool]string{true: " ack"}[f.IsAck()]))
		case *http2.WindowUpdateFrame:
			list = append(list, fmt.Sprintf("%d WINDOW_UPDATE %d", f.StreamID, f.Increment))
		default:
			list = append(list, fmt.Sprint(f))
		}
	}
	return list
}

func ended(end bool) string {
	if end {
		return " END"
	}
	return ""
}

// expect compares what was sent.
func (s *server) expect(what string, want ...string) {
	s.tb.Helper()
	if got := s.frames(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.tb.Errorf("%s: sent\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// testStream notes what its handler is told.
type testStream struct {
	Stream
	s       *server
	head    string
	bad     *h1.Error
	body    []byte
	trailer string
	ended   bool
	ready   int
	code    Code
	aborted bool
	dropped bool
	send    []byte // still to be sent
	hold    bool   // content is not consumed
	keep    bool   // not closed when it is answered
	taken   int
}

func (ts *testStream) Head(req *message.Request, bad *h1.Error) {
	ts.head, ts.bad = string(h1.AppendRequest(nil, req, h1.WriteOptions{KeepAlive: true})), bad
	ts.s.order = append(ts.s.order, ts)
	ts.s.streams[ts.ID()] = ts
	if ts.s.onHead != nil {
		ts.s.onHead(ts)
	}
	ts.Ready()
}

func (ts *testStream) Body(p []byte) {
	ts.body = append(ts.body, p...)
	ts.taken += len(p)
}

func (ts *testStream) End(trailer []byte) { ts.ended, ts.trailer = true, string(trailer) }

func (ts *testStream) Ready() {
	ts.ready++
	if !ts.hold && !ts.aborted && ts.Conn() != nil {
		n := ts.taken
		ts.taken = 0
		ts.Consumed(n)
	}
}

func (ts *testStream) Writable() {
	if len(ts.send) > 0 {
		ts.send = ts.send[ts.Send(ts.send):]
	}
	if len(ts.send) == 0 {
		ts.finish()
	}
}

func (ts *testStream) finish() {
	ts.Stream.End(nil)
	if !ts.keep {
		ts.Close(Cancel)
	}
}

func (ts *testStream) Aborted(code Code) {
	ts.aborted, ts.code = true, code
	ts.Close(Cancel)
}

func (ts *testStream) Discard() { ts.dropped = true }

// answer sends a response with that body.
func (ts *testStream) answer(status int, body string) {
	res := message.Response{Version: message.HTTP11, Status: status}
	res.Add([]byte("server"), []byte("test"))
	res.Add([]byte("connection"), []byte("keep-alive"))
	ts.SendHead(&res)
	ts.send = []byte(body)
	ts.Writable()
}
