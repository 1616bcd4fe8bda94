package httporigin

import (
	"strings"
	"testing"
)

func TestParseHeadAccepts(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       head
		keep       bool
	}{
		{
			"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
			head{minor: 1, hosts: 1},
			true,
		},
		{
			"old", "GET / HTTP/1.0\r\n\r\n",
			head{},
			false,
		},
		{
			"old and persistent", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
			head{keepAlive: true},
			true,
		},
		{
			"close among others", "GET / HTTP/1.1\r\nhost:a\r\nconnection: upgrade ,\tCLOSE\r\n\r\n",
			head{minor: 1, hosts: 1, close: true},
			false,
		},
		{
			"body by length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n\r\n",
			head{minor: 1, hosts: 1, body: byLength, length: 12, hasLength: true, expect: true},
			true,
		},
		{
			"equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\n",
			head{minor: 1, hosts: 1, body: byLength, length: 3, hasLength: true},
			true,
		},
		{
			"body of length 0", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
			head{minor: 1, hosts: 1, hasLength: true},
			true,
		},
		{
			"chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
			head{minor: 1, hosts: 1, body: byChunks},
			true,
		},
		{
			"a URL as target", "GET HTTP://a/x HTTP/1.1\r\nHost: a\r\n\r\n",
			head{minor: 1, hosts: 1},
			true,
		},
		{
			"no target but the server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
			head{minor: 1, hosts: 1},
			true,
		},
		{
			"a host with a port", "GET / HTTP/1.1\r\nHost: \t[fe80::1%25eth0]:8080 \r\n\r\n",
			head{minor: 1, hosts: 1},
			true,
		},
		{
			"no host in the Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n",
			head{minor: 1, hosts: 1},
			true,
		},
		{
			"empty lines in front", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
			head{minor: 1, hosts: 1},
			true,
		},
	} {
		var h head
		n, p := parseHead([]byte(c.text+"rest"), &h)
		if p.status != 0 || n != len(c.text) {
			t.Errorf("%s: length %d of %d, problem %v", c.name, n, len(c.text), p)
			continue
		}
		got := h
		got.method, got.target, got.id, got.agent = nil, nil, nil, nil
		if !sameHead(&got, &c.want) || h.keep() != c.keep {
			t.Errorf("%s: %+v, keep %v", c.name, got, h.keep())
		}
		for i := range len(c.text) {
			if n, p := parseHead([]byte(c.text[:i]), &h); n != 0 || p.status != 0 {
				t.Errorf("%s: its first %d bytes give length %d, problem %v", c.name, i, n, p)
				break
			}
		}
	}
}

func sameHead(a, b *head) bool {
	return a.body == b.body && a.length == b.length && a.minor == b.minor && a.close == b.close &&
		a.keepAlive == b.keepAlive && a.expect == b.expect && a.hosts == b.hosts && a.hasLength == b.hasLength
}

func TestParseHeadTakesTheFieldsItNeeds(t *testing.T) {
	var h head
	_, p := parseHead([]byte("PUT /x?y HTTP/1.1\r\nHost: a\r\nX-BENCH-id:  load.000000000012 \r\nUser-agent: probe\r\n\r\n"), &h)
	if p.status != 0 || string(h.method) != "PUT" || string(h.target) != "/x?y" ||
		string(h.id) != "load.000000000012" || string(h.agent) != "probe" {
		t.Errorf("got %q %q %q %q, problem %v", h.method, h.target, h.id, h.agent, p)
	}
}

func TestParseHeadRefuses(t *testing.T) {
	for _, c := range []struct {
		text   string
		status int
		reason string
	}{
		{"GET / HTTP/1.1\nHost: a\n\n", 400, "LF without CR"},
		{"GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "LF without CR"},
		{"GET /\r\n\r\n", 400, "METHOD TARGET VERSION"},
		{" GET / HTTP/1.1\r\n\r\n", 400, "METHOD TARGET VERSION"},
		{"GET  / HTTP/1.1\r\n\r\n", 400, "METHOD TARGET VERSION"},
		{"G(T / HTTP/1.1\r\n\r\n", 400, "not a token"},
		{"GET /\x01 HTTP/1.1\r\n\r\n", 400, "control character"},
		{"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "fragment"},
		{"GET foo HTTP/1.1\r\nHost: a\r\n\r\n", 400, "neither a path nor a URL"},
		{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "neither a path nor a URL"},
		{"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "neither a path nor a URL"},
		{"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", 400, "neither a path nor a URL"},
		{"GET / HTTP/1.1 \r\n\r\n", 400, "version"},
		{"GET / HTTP/2.0\r\n\r\n", 505, "version"},
		{"GET / HTTP/1.1\r\n\r\n", 400, "no Host"},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "several Host"},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "no host has"},
		{"GET / HTTP/1.1\r\nHost: a\tb\r\n\r\n", 400, "no host has"},
		{"GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", 400, "no host has"},
		{"GET / HTTP/1.0\r\nHost: a, b\r\n\r\n", 400, "no host has"},
		{"GET / HTTP/1.1\r\nHost: a/\r\n\r\n", 400, "no host has"},
		{"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "no host has"},
		{"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501, "tunnel"},
		{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "not a token"},
		{"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400, "folded"},
		{"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400, "no name"},
		{"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400, "CR or NUL"},
		{"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n", 400, "CR or NUL"},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400, "Content-Length"},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400, "Content-Length"},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1111111111111111111\r\n\r\n", 400, "Content-Length"},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "two different"},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "both"},
		{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0"},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "chunked alone"},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501, "chunked alone"},
	} {
		var h head
		_, p := parseHead([]byte(c.text), &h)
		if p.status != c.status || !strings.Contains(p.reason, c.reason) {
			t.Errorf("%q: %v, want %d with %q", c.text, p, c.status, c.reason)
		}
	}
}

func TestChunkReader(t *testing.T) {
	const text = "5;x=\"y\"\r\nhello\r\n0006 \t; z\r\n world\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\nnext"
	for size := 1; size <= len(text); size++ {
		var r chunkReader
		var data []byte
		used := 0
		for rest := []byte(text); !r.done(); {
			n, d, p := r.read(rest[:min(size, len(rest))])
			if p.status != 0 || n == 0 {
				t.Fatalf("in pieces of %d: stopped at %d: %v", size, used, p)
			}
			data, used, rest = append(data, d...), used+n, rest[n:]
		}
		if string(data) != "hello world" || text[used:] != "next" {
			t.Fatalf("in pieces of %d: data %q, rest %q", size, data, text[used:])
		}
	}
}

func TestChunkReaderRefuses(t *testing.T) {
	for _, text := range []string{
		"\r\n", "g\r\n", "5\n", "5\rx", "5 hello\n", "5 \r\n", "5\t\r\n", "5 x\r\n", "0 \r\n", "5" + strings.Repeat(" ", maxChunkLine+2),
		"1\r\nab\r\n", "1\r\na\n", "fffffffffffffffff\r\n",
		"-1\r\n", "0\r\nA: b\n\r\n", "0\r\nno colon\r\n\r\n",
		"0\r\n: b\r\n\r\n", "0\r\nA : b\r\n\r\n", "0\r\nA: b\r\n c\r\n\r\n", "0\r\nA: b\x00\r\n\r\n",
		"0\r\n\rx", "1;" + strings.Repeat("x", maxChunkLine+1),
	} {
		var r chunkReader
		rest, refused := []byte(text), false
		for len(rest) > 0 && !r.done() && !refused {
			n, _, p := r.read(rest)
			rest, refused = rest[n:], p.status != 0
		}
		if !refused {
			t.Errorf("%.40q was taken", text)
		}
	}
}

func TestParseOverride(t *testing.T) {
	for target, want := range map[string]override{
		"/":                           {},
		"/status":                     {},
		"/stat/us":                    {},
		"/status/404?x=/bytes/1":      {status: 404},
		"/bytes/1KiB/":                {bytes: 1024, hasBytes: true},
		"/chunked/3000":               {bytes: 3000, hasBytes: true, framing: ByChunks},
		"/close/1000/status/503":      {bytes: 1000, hasBytes: true, framing: ByClose, status: 503},
		"/delay/50ms/bytes/0":         {delay: 50e6, hasDelay: true, hasBytes: true},
		"/delay/0/echo":               {hasDelay: true, echo: true},
		"/interim/20/status/404":      {interim: 20, status: 404},
		"/echo":                       {echo: true},
		"/echoes/of/status/past/long": {},
	} {
		o, p := parseOverride([]byte(target))
		if p.status != 0 || o != want {
			t.Errorf("%s: %+v, %v, want %+v", target, o, p, want)
		}
		if want != (override{}) && !overrides([]byte(target)) {
			t.Errorf("%s is not looked at", target)
		}
	}
	for _, target := range []string{"/status/99", "/status/abc", "/bytes/-1", "/delay/5", "/bytes/1/what/2", "/bytes/1/status", "/interim/x", "/interim/100001"} {
		if _, p := parseOverride([]byte(target)); p.status != 400 {
			t.Errorf("%s: problem %v", target, p)
		}
	}
}

func TestParseStatuses(t *testing.T) {
	s, err := ParseStatuses("200=98, 404=1, 503=1")
	if err != nil {
		t.Fatal(err)
	}
	for u, want := range map[float64]int{0: 200, 0.979: 200, 0.985: 404, 0.995: 503, 0.9999999: 503} {
		if got := s.pick(u); got != want {
			t.Errorf("%v picks %d, want %d", u, got, want)
		}
	}
	for _, text := range []string{"", "99", "600", "200,404", "200=0,404=1", "200=-1", "200=x"} {
		if _, err := ParseStatuses(text); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever came before, a head is read as it would be alone.
func TestHeadReader(t *testing.T) {
	heads := []string{
		"GET /a HTTP/1.1\r\nHost: a\r\nX-Bench-Id: web.000000000001\r\nUser-Agent: probe\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\nX-Bench-Id: web.000000000002\r\nUser-Agent: probe\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\nX-Bench-Id: web.0000x0000003\r\nUser-Agent: probe\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\nX-Bench-Id: web.0000\r\n000004\r\nUser-Agent: probe\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\nX-Bench-Id: web.000000000001\r\nUser-Agent: probf\r\n\r\n",
		"GET /b HTTP/1.1\r\nHost: a\r\nX-Bench-Id: web.000000000001\r\nUser-Agent: probf\r\n\r\n",
		"GET /b HTTP/1.1\r\nHost: a\r\nX-Bench-Id: web\r\n\r\n",
		"GET /b HTTP/1.1\r\nHost: a\r\nX-Bench-Id: 12\r\n\r\n",
		"GET /b HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
		"GET /b HTTP/1.1\r\n\r\n",
	}
	for i, before := range heads {
		for _, text := range heads {
			var r headReader
			scratch := make([]byte, 0, 1024)
			for _, one := range []string{heads[(i+3)%len(heads)], before, text} {
				scratch = append(scratch[:0], one+"rest"...)
				n, p := r.read(scratch)
				id := string(r.head.id)
				clear(scratch) // what is kept of it must not lie in it
				var h head
				m, q := parseHead([]byte(one+"rest"), &h)
				if n != m || p != q {
					t.Errorf("after %q, %q: length %d, problem %v, want %d, %v", before, one, n, p, m, q)
				}
				if p.status == 0 && (string(r.head.method) != string(h.method) || string(r.head.target) != string(h.target) ||
					string(r.head.agent) != string(h.agent) || id != string(h.id) || !sameHead(&r.head, &h)) {
					t.Errorf("after %q, %q: %+v, want %+v", before, one, r.head, h)
				}
			}
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, text := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n",
		"GET /status/503/bytes/10 HTTP/1.1\r\nHost: a\r\nX-Bench-Id: web.000000000001\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		f.Add([]byte(text), uint8(7))
	}
	f.Fuzz(func(t *testing.T, text []byte, step uint8) {
		whole := readAll(text, len(text))
		if pieces := readAll(text, int(step)+1); pieces != whole {
			t.Errorf("at once: %+v, in pieces of %d: %+v", whole, int(step)+1, pieces)
		}
	})
}

// outcome is what a parser made of a stream of requests.
type outcome struct {
	requests int
	used     int
	data     int64
	status   int
}

// readAll follows a stream as a connection does, its input arriving in pieces.
func readAll(text []byte, step int) (o outcome) {
	var heads headReader
	h := &heads.head
	var chunks chunkReader
	inBody, left := noBody, int64(0)
	for have := 0; ; {
		have = min(len(text), have+max(step, 1))
		for o.used < have {
			b := text[o.used:have]
			var n int
			var p problem
			switch inBody {
			case noBody:
				n, p = heads.read(b)
				if n > 0 && p.status == 0 {
					_, p = parseOverride(h.target)
					inBody, left, chunks = h.body, h.length, chunkReader{}
					o.requests++
				}
			case byLength:
				n = int(min(left, int64(len(b))))
				left -= int64(n)
				o.data += int64(n)
				if left == 0 {
					inBody = noBody
				}
			case byChunks:
				var data []byte
				n, data, p = chunks.read(b)
				o.data += int64(len(data))
				if chunks.done() {
					inBody = noBody
				}
			}
			if p.status != 0 {
				// How much was used when it went wrong depends on the pieces.
				o.status, o.used = p.status, 0
				return o
			}
			if n == 0 {
				break
			}
			o.used += n
		}
		if have == len(text) {
			return o
		}
	}
}

const benchHead = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: bench\r\nAccept: */*\r\nX-Bench-Id: web.000000012345\r\n\r\n"

func BenchmarkHeadAgain(b *testing.B) {
	text := []byte(benchHead)
	var r headReader
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if n, _ := r.read(text); n != len(text) {
			b.Fatal("not parsed")
		}
	}
}

func BenchmarkParseHead(b *testing.B) {
	text := []byte(benchHead)
	var h head
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if n, _ := parseHead(text, &h); n != len(text) {
			b.Fatal("not parsed")
		}
	}
}
