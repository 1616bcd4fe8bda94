package http1

import (
	"fmt"
	"strings"
	"testing"

	"bench/loadgen/codec"
	"bench/loadgen/internal/loadtest"
)

// httpLoad is a load of HTTP requests.
type httpLoad struct {
	codec.Load
	HTTP Spec
}

func newLoad() *httpLoad {
	return &httpLoad{Load: codec.Load{Name: "web", Targets: []string{"127.0.0.1:80"}}}
}

// wrong is what is wrong with the requests.
func (l *httpLoad) wrong() string {
	all := [][]codec.Problem{l.HTTP.Problems()}
	for i := range l.HTTP.Requests {
		all = append(all, l.HTTP.Requests[i].Problems(&l.HTTP))
	}
	return loadtest.Texts(all...)
}

func TestHTTP1Request(t *testing.T) {
	length := int64(3)
	for _, c := range []struct {
		name string
		host string
		http Request
		last bool
		want string
	}{
		{"plain", "", Request{}, false, "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-Bench-Id: web.000000001207\r\n\r\n"},
		{"last", "example.org", Request{Path: "/a?b=1"}, true, "GET /a?b=1 HTTP/1.1\r\nHost: example.org\r\nX-Bench-Id: web.000000001207\r\nConnection: close\r\n\r\n"},
		{"many hosts", "u{{user}}.n{{seq}}.test", Request{}, false, "GET / HTTP/1.1\r\nHost: u0.n1207.test\r\nX-Bench-Id: web.000000001207\r\n\r\n"},
		{
			"post", "",
			Request{Method: "POST", Body: Body{Text: "a=b"}, Headers: []Header{{"Accept", "*/*"}}, Expect: Expect{Bytes: &length}},
			false,
			"POST / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-Bench-Id: web.000000001207\r\nAccept: */*\r\nContent-Length: 3\r\n\r\na=b",
		},
		{"empty put", "", Request{Method: "PUT"}, false, "PUT / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-Bench-Id: web.000000001207\r\nContent-Length: 0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := newLoad()
			spec.HTTP = Spec{Host: c.host, Requests: []Request{c.http}}
			s := newTestSession(t, spec)
			out, body := s.Request(nil, &codec.Order{Seq: 1207, Item: -1, Last: c.last})
			if got := string(out) + string(body); got != c.want {
				t.Errorf("request\n%q\nwant\n%q", got, c.want)
			}
		})
	}
}

type answerCase struct {
	name   string
	in     string
	eof    bool // the peer closes after in
	head   bool
	state  codec.State
	used   int // -1: all of it
	answer codec.Answer
}

func answerCases() []answerCase {
	const ok = "HTTP/1.1 200 OK\r\n"
	return []answerCase{
		{"length", ok + "Content-Length: 5\r\n\r\nhello", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 5, KeepAlive: true}},
		{"no reason", "HTTP/1.1 204\r\n\r\n", false, false, codec.Done, -1, codec.Answer{Status: 204, Bytes: 0, KeepAlive: true}},
		{"zero length", ok + "content-length:0\r\n\r\n", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 0, KeepAlive: true}},
		{"origin", ok + "X-BENCH-Origin: web.1\r\nContent-Length: 0\r\n\r\n", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 0, KeepAlive: true}},
		{"same length twice", ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 1, KeepAlive: true}},
		{"close", ok + "Connection: Foo, CLOSE\r\nContent-Length: 1\r\n\r\nx", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 1, KeepAlive: false}},
		{"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 1, KeepAlive: false}},
		{"1.0 keep", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 1, KeepAlive: true}},
		{"until close", ok + "\r\nabc", true, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 3, KeepAlive: false}},
		{"until close, open", ok + "\r\nabc", false, false, codec.More, -1, codec.Answer{Status: 200, Bytes: 3, KeepAlive: false}},
		{"other coding", ok + "Transfer-Encoding: gzip\r\n\r\nabc", true, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 3, KeepAlive: false}},
		{"chunked", ok + "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 13, KeepAlive: true}},
		{"trailers", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n000\r\nA: b\r\nC: d\r\n\r\n", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 1, KeepAlive: true}},
		{"head", ok + "Content-Length: 5\r\n\r\n", false, true, codec.Done, -1, codec.Answer{Status: 200, Bytes: 0, KeepAlive: true}},
		{"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, false, codec.Done, -1, codec.Answer{Status: 304, Bytes: 0, KeepAlive: true}},
		{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nx", false, false, codec.Done, -1, codec.Answer{Status: 200, Bytes: 1, KeepAlive: true}},
		{"too much", ok + "Content-Length: 1\r\n\r\nxyz", false, false, codec.Done, len(ok) + len("Content-Length: 1\r\n\r\nx"), codec.Answer{Status: 200, Bytes: 1, KeepAlive: true}},

		{"half a head", ok + "Content-Le", false, false, codec.More, -1, codec.Answer{}},
		{"head cut off", ok + "Content-Le", true, false, codec.Broken, -1, codec.Answer{Detail: "the connection ended within the response"}},
		{"body cut off", ok + "Content-Length: 5\r\n\r\nhel", true, false, codec.Broken, -1, codec.Answer{Status: 200, Bytes: 3, Detail: "the connection ended within the response"}},
		{"chunk cut off", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", true, false, codec.Broken, -1, codec.Answer{Status: 200, Bytes: 3, Detail: "the connection ended within the response"}},
		{"last chunk missing", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", true, false, codec.Broken, -1, codec.Answer{Status: 200, Bytes: 3, Detail: "the connection ended within the response"}},
		{"garbage", "SSH-2.0-x\r\n", false, false, codec.Broken, 0, codec.Answer{Detail: "the response does not begin with HTTP/1."}},
		{"one wrong byte", "X", false, false, codec.Broken, 0, codec.Answer{Detail: "the response does not begin with HTTP/1."}},
		{"http 2", "HTTP/2.0 200 OK\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "invalid status line"}},
		{"four digits", "HTTP/1.1 2000 OK\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "invalid status line"}},
		{"status 099", "HTTP/1.1 099 OK\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "invalid status line"}},
		{"upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "101 to a request that asked for no upgrade"}},
		{"bare lf", "HTTP/1.1 200 OK\nA: b\n\n", false, false, codec.Broken, 0, codec.Answer{Detail: "a line of the response head ends without CR"}},
		{"one bare lf", ok + "A: b\nC: d\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "a line of the response head ends without CR"}},
		{"space before colon", ok + "A : b\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "invalid header line in the response"}},
		{"folded", ok + "A: b\r\n c\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "invalid header line in the response"}},
		{"no colon", ok + "Abc\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "invalid header line in the response"}},
		{"nul", ok + "A: \x00\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "control character in a response header"}},
		{"two lengths", ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "two different Content-Length"}},
		{"list of lengths", ok + "Content-Length: 1, 1\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "invalid Content-Length"}},
		{"huge length", ok + "Content-Length: 99999999999999999999\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "invalid Content-Length"}},
		{"empty length", ok + "Content-Length: \r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Detail: "invalid Content-Length"}},
		{"both", ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", false, false, codec.Broken, -1, codec.Answer{Status: 200, Detail: "both Transfer-Encoding and Content-Length"}},
		{"no chunk size", ok + "Transfer-Encoding: chunked\r\n\r\n\r\n", false, false, codec.Broken, -2, codec.Answer{Status: 200, Detail: "a chunk without a size"}},
		{"bad chunk size", ok + "Transfer-Encoding: chunked\r\n\r\n3g\r\n", false, false, codec.Broken, -3, codec.Answer{Status: 200, Detail: "invalid chunk size"}},
		{"long chunk", ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc", false, false, codec.Broken, -2, codec.Answer{Status: 200, Bytes: 1, Detail: "chunk data longer than its size"}},
		{"size overflow", ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff", false, false, codec.Broken, -2, codec.Answer{Status: 200, Detail: "a chunk size of too many digits"}},
	}
}

func newTestSession(t testing.TB, l *httpLoad) codec.Session {
	t.Helper()
	c, err := New(&l.Load, &l.HTTP, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Session(0)
}

func opened(t testing.TB, head bool) codec.Session {
	t.Helper()
	spec := newLoad()
	if head {
		spec.HTTP.Requests = []Request{{Method: "HEAD"}}
	}
	s := newTestSession(t, spec)
	s.Open()
	s.Await(&codec.Order{Item: -1})
	return s
}

func TestHTTP1Answers(t *testing.T) {
	for _, c := range answerCases() {
		t.Run(c.name, func(t *testing.T) {
			s := opened(t, c.head)
			used, st := loadtest.Feed(s, c.in, len(c.in))
			if st == codec.More && c.eof {
				st = s.End()
			}
			if st != c.state || *s.Answer() != c.answer {
				t.Errorf("state %d, answer %+v\nwant  %d         %+v", st, *s.Answer(), c.state, c.answer)
			}
			switch {
			case c.used == -1 && used != len(c.in), c.used >= 0 && used != c.used:
				t.Errorf("%d of %d bytes used, want %d", used, len(c.in), c.used)
			}
		})
	}
}

// However the bytes are cut, the answer is the same.
func TestHTTP1AnswersInPieces(t *testing.T) {
	for _, c := range answerCases() {
		for _, size := range []int{1, 2, 3, 7, 16} {
			t.Run(fmt.Sprintf("%s/%d", c.name, size), func(t *testing.T) {
				s := opened(t, c.head)
				_, st := loadtest.Feed(s, c.in, size)
				if st == codec.More && c.eof {
					st = s.End()
				}
				if got := *s.Answer(); st != c.state || c.state != codec.Broken && got != c.answer {
					t.Errorf("state %d, answer %+v\nwant  %d         %+v", st, got, c.state, c.answer)
				}
			})
		}
	}
}

// A session that has read an answer reads it a second time, as a known head, to the
// same end; and a head that only begins like a known one is another.
func TestHTTP1KnownHeads(t *testing.T) {
	for _, c := range answerCases() {
		t.Run(c.name, func(t *testing.T) {
			s := opened(t, c.head)
			for range 2 {
				s.Await(&codec.Order{Item: -1})
				_, st := loadtest.Feed(s, c.in, len(c.in))
				if st == codec.More && c.eof {
					st = s.End()
				}
				if st != c.state || *s.Answer() != c.answer {
					t.Errorf("state %d, answer %+v\nwant  %d         %+v", st, *s.Answer(), c.state, c.answer)
				}
			}
		})
	}
	s := opened(t, false)
	for _, c := range []struct {
		in   string
		want codec.Answer
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", codec.Answer{Status: 200, Bytes: 1, KeepAlive: true}},
		{"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nxxxxxxxxxxxx", codec.Answer{Status: 200, Bytes: 12, KeepAlive: true}},
		{"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nxxxxxxxxxxxx", codec.Answer{Status: 200, Bytes: 12}},
	} {
		s.Await(&codec.Order{Item: -1})
		if _, st := loadtest.Feed(s, c.in, len(c.in)); st != codec.Done || *s.Answer() != c.want {
			t.Errorf("%q: state %d, answer %+v, want %+v", c.in, st, *s.Answer(), c.want)
		}
	}
}

func TestHTTP1Limits(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"head", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 70<<10) + "\r\n\r\n", "the response head is longer than 64 KiB"},
		{"extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 70<<10), "chunk extensions and trailers longer than 64 KiB"},
		{"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("a:b\r\n", 20<<10), "chunk extensions and trailers longer than 64 KiB"},
	} {
		for _, size := range []int{1000, 1 << 20} {
			s := opened(t, false)
			if _, st := loadtest.Feed(s, c.in, size); st != codec.Broken || s.Answer().Detail != c.want {
				t.Errorf("%s in pieces of %d: state %d, %q, want %q", c.name, size, st, s.Answer().Detail, c.want)
			}
		}
	}
}

func TestHTTP1DoesNotAllocate(t *testing.T) {
	full := "HTTP/1.1 200 OK\r\nServer: x\r\nConnection: keep-alive\r\nSet-Cookie: a=b; Max-Age=9\r\nContent-Length: 5\r\n\r\nhello"
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	for name, h := range map[string]Spec{
		"plain":   {},
		"varied":  {Requests: []Request{{Method: "POST", Path: "/{{seq}}/{{random 1 9}}", Headers: []Header{{"A", "{{hex 8}}"}}, Body: Body{Text: "{{user}}", Template: true}}}},
		"chunks":  {Requests: []Request{{Method: "POST", Body: Body{Text: "{{letters 100}}", Template: true, ChunkBytes: 7}}}},
		"cookies": {Cookies: true},
		"expectations": {Requests: []Request{{Expect: Expect{
			Headers: []Header{{"server", "x*"}}, Contains: "ll", SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		}}}},
	} {
		spec := newLoad()
		spec.HTTP = h
		s := newTestSession(t, spec)
		s.Open()
		o := codec.Order{Item: -1}
		var out []byte
		for _, in := range [][]byte{[]byte(full), []byte(chunked)} {
			exchange := func() {
				out, _ = s.Request(out[:0], &o)
				s.Await(&o)
				o.Seq++
				if _, st := s.Feed(in); st != codec.Done {
					t.Fatal(s.Answer().Detail)
				}
			}
			exchange() // what is kept grows once
			if n := testing.AllocsPerRun(1000, exchange); n != 0 {
				t.Errorf("%s: %v allocations per request", name, n)
			}
		}
	}
}

func FuzzHTTP1Response(f *testing.F) {
	for _, c := range answerCases() {
		f.Add([]byte(c.in), uint8(5), c.head, c.eof)
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8, head, eof bool) {
		whole, pieces := opened(t, head), opened(t, head)
		run := func(s codec.Session, size int) (int, codec.State) {
			used, st := loadtest.Feed(s, string(in), size)
			if used > len(in) {
				t.Fatalf("%d of %d bytes used", used, len(in))
			}
			if st == codec.More && eof {
				st = s.End()
			}
			return used, st
		}
		n, a := run(whole, max(1, len(in)))
		first := *whole.Answer()
		whole.Await(&codec.Order{Item: -1}) // now its head may be known
		if again, st := run(whole, max(1, len(in))); again != n || st != a || *whole.Answer() != first {
			t.Fatalf("state %d after %d, %+v\nthe second time: state %d after %d, %+v", a, n, first, st, again, *whole.Answer())
		}
		m, b := run(pieces, int(size)+1)
		if a != b || a == codec.Done && (n != m || *whole.Answer() != *pieces.Answer()) {
			t.Fatalf("in one piece: state %d after %d, %+v\nin pieces: state %d after %d, %+v", a, n, *whole.Answer(), b, m, *pieces.Answer())
		}
		if a == codec.Broken && (whole.Answer().Detail == "" || whole.Answer().KeepAlive) {
			t.Fatalf("broken without a reason, or kept alive: %+v", *whole.Answer())
		}
		if a == codec.More && eof {
			t.Fatal("undecided at the end of the stream")
		}
	})
}

func BenchmarkHTTP1(b *testing.B) {
	s := opened(b, false)
	in := []byte("HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 128\r\nConnection: keep-alive\r\n\r\n" + strings.Repeat("x", 128))
	b.ReportAllocs()
	o := codec.Order{Item: -1}
	var out []byte
	for b.Loop() {
		out, _ = s.Request(out[:0], &o)
		s.Await(&o)
		o.Seq++
		if _, st := s.Feed(in); st != codec.Done {
			b.Fatal(s.Answer().Detail)
		}
	}
}
