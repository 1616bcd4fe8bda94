package h2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bench/internal/poison"
	"bench/proxy/stats"
)

// asker is the owner of a connection to a server, which reads what the connection sends.
type asker struct {
	t     *testing.T
	conn  Conn
	stats stats.H2
	out   bytes.Buffer // sent and not read by the server
	limit int          // bytes that the socket takes in one call; 0: all
	ex    [2]Exchange

	// The server's side.
	in     bytes.Buffer
	framer *http2.Framer
	block  bytes.Buffer
	enc    *hpack.Encoder
	dec    *hpack.Decoder
}

func (a *asker) Transmit(p []byte) (int, bool) {
	if a.limit > 0 {
		p = p[:min(len(p), a.limit)]
	}
	return must(a.out.Write(p)), true
}

func must(n int, _ error) int { return n }

func (a *asker) Wake()        {}
func (a *asker) Ready()       {}
func (a *asker) Writable()    {}
func (a *asker) Aborted(Code) {}

func newAsker(t *testing.T) *asker {
	a := &asker{t: t, dec: hpack.NewDecoder(4096, nil)}
	a.framer = http2.NewFramer(&a.in, &a.out)
	a.enc = hpack.NewEncoder(&a.block)
	set := testSettings()
	a.conn.InitOutgoing(NewWorkspace(set), set, a, &a.stats)
	for i := range a.ex {
		a.ex[i].Begin(&a.conn, a)
	}
	a.conn.Flush()
	preface := make([]byte, len(Preface))
	if _, _ = a.out.Read(preface); string(preface) != Preface {
		t.Fatalf("begins with %q", preface)
	}
	return a
}

func (a *asker) fields(list ...string) []byte {
	a.block.Reset()
	for _, f := range list {
		i := strings.IndexByte(f[1:], '=') + 1
		_ = a.enc.WriteField(hpack.HeaderField{Name: f[:i], Value: f[i+1:]})
	}
	return a.block.Bytes()
}

// frames is what has been sent to the server, in words.
func (a *asker) frames() (list []string) {
	a.conn.Flush()
	for {
		f, err := a.framer.ReadFrame()
		if err != nil {
			return list
		}
		end := ""
		switch f := f.(type) {
		case *http2.HeadersFrame:
			fields, err := a.dec.DecodeFull(f.HeaderBlockFragment())
			if err != nil {
				a.t.Fatal(err)
			}
			text := ""
			for _, h := range fields {
				text += " " + h.Name + "=" + h.Value
			}
			if f.StreamEnded() {
				end = " END"
			}
			list = append(list, fmt.Sprint(f.StreamID, text, end))
		case *http2.DataFrame:
			if f.StreamEnded() {
				end = " END"
			}
			list = append(list, fmt.Sprintf("%d %s%s", f.StreamID, f.Data(), end))
		case *http2.RSTStreamFrame:
			list = append(list, fmt.Sprint(f.StreamID, " reset ", f.ErrCode))
		}
	}
}

// feed brings what the server has sent, in pieces of n bytes that are gone afterwards.
func (a *asker) feed(n int) {
	for p := a.in.Bytes(); len(p) > 0; p = p[min(n, len(p)):] {
		piece := bytes.Clone(p[:min(n, len(p))])
		a.conn.Feed(piece, 0)
		poison.Fill(piece)
		a.conn.Dispatch()
	}
	a.in.Reset()
}

// take takes all there is, in portions of n bytes.
func take(e *Exchange, n int) (text string, over, failed bool) {
	for {
		p := make([]byte, n)
		k, over, failed := e.Take(p)
		if k == 0 {
			return text, over, failed
		}
		text += string(p[:k])
	}
}

// Answers come as HTTP/1 has them, however the frames are cut and in whatever portions they are
// taken.
func TestAnswersAtEveryCut(t *testing.T) {
	for n := 1; n < 60; n++ {
		a := newAsker(t)
		for i := range a.ex {
			const head = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n"
			if k, ok := a.ex[i].Transfer([]byte(head)); !ok || k != len(head) {
				t.Fatal("the request was not taken")
			}
		}
		server := http2.NewFramer(&a.in, nil)
		_ = server.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20})
		_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(":status=103", "link=x"), EndHeaders: true})
		block := bytes.Clone(a.fields(":status=200", "x-long="+strings.Repeat("y", 300)))
		_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:5], PadLength: 9})
		_ = server.WriteContinuation(1, false, block[5:50])
		_ = server.WriteContinuation(1, true, block[50:])
		_ = server.WriteDataPadded(1, false, []byte("hello, "), make([]byte, 7))
		_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: a.fields(":status=404", "content-length=4"), EndHeaders: true})
		_ = server.WritePing(false, [8]byte{1})
		_ = server.WriteData(3, false, []byte("no"))
		_ = server.WriteData(1, false, []byte("world"))
		_ = server.WriteData(3, true, []byte("ne"))
		_ = server.WriteWindowUpdate(0, 1)
		_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields("x-t=v"), EndHeaders: true, EndStream: true})
		a.feed(n)
		one, over, failed := take(&a.ex[0], n)
		content, _ := strings.CutPrefix(one, "HTTP/1.1 103 \r\nlink: x\r\n\r\nHTTP/1.1 200 \r\nx-long: "+strings.Repeat("y", 300)+"\r\ntransfer-encoding: chunked\r\n\r\n")
		if got := unchunked(content); got != "hello, world" || !strings.HasSuffix(content, "\r\n0\r\nx-t: v\r\n\r\n") || !over || failed {
			t.Errorf("pieces of %d: %q, %v, %v", n, one, over, failed)
		}
		if three, over, failed := take(&a.ex[1], n); three != "HTTP/1.1 404 \r\ncontent-length: 4\r\n\r\nnone" || !over || failed {
			t.Errorf("pieces of %d: %q, %v, %v", n, three, over, failed)
		}
		for i := range a.ex {
			a.ex[i].Finish()
		}
		a.frames()
		if held := int(a.conn.recvWin + a.conn.give); held != DefaultConnWindow || a.conn.Streams() != 0 {
			t.Errorf("pieces of %d: the window has come to %d, %d streams are left", n, held, a.conn.Streams())
		}
		a.conn.Kill(NoError)
		a.conn.Release()
	}
}

// unchunked is the content of chunks.
func unchunked(s string) (content string) {
	for s != "" {
		var n int
		if _, err := fmt.Sscanf(s, "%x\r\n", &n); err != nil || n == 0 {
			return content
		}
		_, s, _ = strings.Cut(s, "\r\n")
		content += s[:n]
		s = s[n+2:]
	}
	return content
}

// Requests go as frames, however their content is cut, and no further than the windows allow.
func TestRequestsAtEveryCut(t *testing.T) {
	const head = "POST http://a.example/x?y HTTP/1.1\r\nhost: a.example\r\nte: trailers\r\nconnection: close\r\n"
	for _, c := range []struct{ framing, body string }{
		{"content-length: 12\r\n\r\n", "hello, world"},
		{"transfer-encoding: chunked\r\n\r\n", "7;ext=1\r\nhello, \r\n005\r\nworld\r\n0\r\nx-t: v\r\n\r\n"},
	} {
		for cut := 0; cut <= len(c.body); cut++ {
			for _, window := range []uint32{65535, 5} {
				a := newAsker(t)
				server := http2.NewFramer(&a.in, nil)
				_ = server.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
				a.feed(1000)
				rest := head + c.framing + c.body[:cut]
				later := c.body[cut:]
				for turn := 0; rest+later != ""; turn++ {
					n, ok := a.ex[0].Transfer([]byte(rest))
					if !ok || turn > 100 {
						t.Fatalf("cut at %d: %q is left", cut, rest)
					}
					rest, later = rest[n:]+later, ""
					_ = server.WriteWindowUpdate(1, 1)
					a.conn.Flush()
					a.feed(1000)
				}
				// What was said is one head, the content in pieces, and its end.
				in := a.out.Bytes()
				a.framer = http2.NewFramer(nil, bytes.NewReader(bytes.Clone(in)))
				got := a.frames()
				if len(got) < 2 || got[0] != "1 :method=POST :scheme=http :authority=a.example :path=/x?y te=trailers content-length=12" && got[0] != "1 :method=POST :scheme=http :authority=a.example :path=/x?y te=trailers" {
					t.Fatalf("cut at %d: %q", cut, got)
				}
				content := ""
				for _, f := range got[1:] {
					content += strings.TrimPrefix(f, "1 ")
				}
				want := "hello, world END"
				if strings.Contains(c.framing, "chunked") {
					want = "hello, worldx-t=v END"
				}
				if content != want {
					t.Errorf("cut at %d, window of %d: %q", cut, window, got)
				}
			}
		}
	}
}

// source is a client that has fields behind the content of its request.
type source struct {
	trailer string
	ended   bool
}

func (s *source) Tail() (trailer []byte, ended bool) { return []byte(s.trailer), s.ended }

// What follows content of announced length goes through: a request ends when its client has ended
// it, with the fields that it has sent then, and so does an answer.
func TestTails(t *testing.T) {
	for _, c := range []struct {
		length  string
		source  *source // nil: the client speaks HTTP/1
		at      string  // what has gone with the content
		trailer string
		end     string // and what goes when the client has ended
	}{
		{"5", nil, "1 hello END", "", ""},
		{"0", nil, "", "", ""},
		{"5", &source{ended: true}, "1 hello END", "", ""},
		{"5", &source{ended: true, trailer: "x-t: v\r\n"}, "1 hello, 1 x-t=v END", "", ""},
		{"5", &source{}, "1 hello", "", "1  END"},
		{"5", &source{}, "1 hello", "x-t: v\r\n", "1 x-t=v END"},
		{"0", &source{}, "", "x-t: v\r\n", "1 x-t=v END"},
	} {
		a := newAsker(t)
		_ = http2.NewFramer(&a.in, nil).WriteSettings()
		a.feed(1000)
		a.frames()
		e := &a.ex[0]
		if c.source != nil {
			e.Source = c.source
		}
		request := "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: " + c.length + "\r\n\r\n" + "hello"[:c.length[0]-'0']
		if n, ok := e.Transfer([]byte(request)); n != len(request) || !ok {
			t.Fatalf("%d bytes were taken", n)
		}
		got := a.frames()
		if text := strings.Join(got[1:], ", "); text != c.at {
			t.Errorf("%+v: with the content went %q", c, text)
		}
		if ends := strings.HasSuffix(got[0], " END"); ends != (c.length == "0" && c.source == nil) {
			t.Errorf("%+v: the head is %q", c, got[0])
		}
		e.Conclude() // there is no news
		if got := a.frames(); len(got) > 0 {
			t.Errorf("%+v: for no reason %q", c, got)
		}
		if c.end != "" {
			c.source.ended, c.source.trailer = true, c.trailer
			e.Conclude()
			e.Conclude()
			if got := strings.Join(a.frames(), ", "); got != c.end {
				t.Errorf("%+v: in the end went %q", c, got)
			}
		}
		server := http2.NewFramer(&a.in, nil)
		_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(":status=200", "content-length=2"), EndHeaders: true})
		_ = server.WriteData(1, false, []byte("ok"))
		a.feed(1000)
		if _, ended, failed := e.Tail(); ended || failed {
			t.Errorf("%+v: the answer has ended too early", c)
		}
		_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields("x-t=v"), EndHeaders: true, EndStream: true})
		a.feed(1000)
		if trailer, ended, failed := e.Tail(); string(trailer) != "x-t: v\r\n" || !ended || failed {
			t.Errorf("%+v: behind the answer came %q, %v, %v", c, trailer, ended, failed)
		}
		if text, over, failed := take(e, 100); !strings.HasSuffix(text, "\r\n\r\nok") || !over || failed {
			t.Errorf("%+v: the answer is %q, %v, %v", c, text, over, failed)
		}
		e.Finish()
		if got := a.frames(); len(got) > 0 {
			t.Errorf("%+v: a complete exchange was ended by %q", c, got)
		}
	}
	// An answer that is complete does not depend on the end of the request; one that is not fails
	// with its stream.
	a := newAsker(t)
	e := &a.ex[0]
	e.Source = &source{}
	request := "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx"
	e.Transfer([]byte(request))
	a.conn.Flush()
	server := http2.NewFramer(&a.in, nil)
	_ = server.WriteSettings()
	_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(":status=204"), EndHeaders: true, EndStream: true})
	a.feed(1000)
	e.Finish()
	if got := a.frames(); got[len(got)-1] != "1  END" {
		t.Errorf("a request that had not ended: %q", got)
	}
	other := &a.ex[1]
	other.Transfer([]byte("GET / HTTP/1.1\r\nhost: a\r\n\r\n"))
	_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: a.fields(":status=200", "content-length=2"), EndHeaders: true})
	_ = server.WriteData(3, false, []byte("ok"))
	_ = server.WriteRSTStream(3, http2.ErrCodeInternal)
	a.feed(1000)
	if _, ended, failed := other.Tail(); ended || !failed {
		t.Errorf("a stream that was reset: ended %v, failed %v", ended, failed)
	}
}

// A server that leaves says which request it has taken last: that one is answered, and those
// behind it may be asked of another server.
func TestLastRequestOfAServer(t *testing.T) {
	a := newAsker(t)
	for i := range a.ex {
		a.ex[i].Transfer([]byte("GET / HTTP/1.1\r\nhost: a\r\n\r\n"))
	}
	server := http2.NewFramer(&a.in, nil)
	_ = server.WriteSettings()
	_ = server.WriteGoAway(1, http2.ErrCodeNo, nil)
	_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(":status=204"), EndHeaders: true, EndStream: true})
	a.feed(1000)
	if text, over, failed := take(&a.ex[0], 100); !strings.HasPrefix(text, "HTTP/1.1 204") || !over || failed || a.ex[0].Refused() {
		t.Errorf("the last one: %q, over %v, failed %v", text, over, failed)
	}
	if _, _, failed := take(&a.ex[1], 100); !failed || !a.ex[1].Refused() {
		t.Error("the one behind it is not one that was not taken")
	}
	if a.conn.Room() > 0 {
		t.Error("a server that leaves is asked for more")
	}
}

func TestExchangesAllocateNothing(t *testing.T) {
	a := newAsker(t)
	server := http2.NewFramer(&a.in, nil)
	_ = server.WriteSettings()
	a.feed(1000)
	_ = server.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.fields(":status=200", "content-type=text/plain"), EndHeaders: true})
	head := a.in.Len()
	_ = server.WriteData(1, true, make([]byte, 1000))
	answer := bytes.Clone(a.in.Bytes())
	request := []byte("POST /x?y HTTP/1.1\r\nhost: a.example\r\nuser-agent: me\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	p := make([]byte, 4096)
	id := uint32(1)
	taken := 0
	if n := testing.AllocsPerRun(500, func() {
		e := &a.ex[0]
		e.Begin(&a.conn, a)
		a.conn.sendWin = 1 << 20
		e.Transfer(request)
		a.conn.Flush()
		a.out.Reset()
		for _, at := range []int{0, head} {
			answer[at+5], answer[at+6], answer[at+7], answer[at+8] = byte(id>>24), byte(id>>16), byte(id>>8), byte(id)
		}
		id += 2
		a.conn.Feed(answer, 0)
		a.conn.Dispatch()
		for {
			n, _, _ := e.Take(p)
			if n == 0 {
				break
			}
			taken += n
		}
		e.Finish()
	}); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
	if taken < 500*1000 {
		t.Errorf("%d bytes came", taken)
	}
}
