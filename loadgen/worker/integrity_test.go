package worker

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/backends/httporigin"
	"bench/backends/origintest"
	"bench/internal/dist"
	"bench/internal/result"
	"bench/internal/testserver"
	"bench/loadgen/codec"
	"bench/loadgen/http1"
	"bench/loadgen/workload"
)

// liar is a relay between clients and one origin that reads whole messages and may
// change them on the way.
type liar struct {
	origin   string
	request  func(text []byte, n int) []byte // n counts messages from 0; nil leaves them
	response func(text []byte, n int) []byte
	mu       sync.Mutex
	requests int
	answers  int
	swap     chan []byte // answers go to whom the next one belongs to
}

func (r *liar) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	origin, err := net.Dial("tcp", r.origin)
	if err != nil {
		return
	}
	defer func() { _ = origin.Close() }()
	from, back := bufio.NewReader(client), bufio.NewReader(origin)
	for {
		text, err := readMessage(from, false)
		if err != nil {
			return
		}
		_, _ = origin.Write(r.bend(text, &r.requests, r.request))
		head := bytes.HasPrefix(text, []byte("HEAD "))
		if text, err = readMessage(back, head); err != nil {
			return
		}
		text = r.bend(text, &r.answers, r.response)
		if r.swap != nil {
			text = r.swapped(text)
		}
		_, _ = client.Write(text)
	}
}

func (r *liar) bend(text []byte, count *int, by func([]byte, int) []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := *count
	*count++
	if by == nil {
		return text
	}
	return by(text, n)
}

// swapped gives an answer away for the one another client waits for.
func (r *liar) swapped(text []byte) []byte {
	select {
	case r.swap <- text:
		return <-r.swap
	case other := <-r.swap:
		r.swap <- text
		return other
	case <-time.After(100 * time.Millisecond):
		return text
	}
}

// readMessage reads a message as it stands on the wire.
func readMessage(r *bufio.Reader, headOnly bool) (text []byte, err error) {
	length, chunked := 0, false
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		text = append(text, line...)
		name, value, _ := strings.Cut(string(line), ":")
		switch strings.ToLower(name) {
		case "content-length":
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		case "transfer-encoding":
			chunked = true
		}
		if len(line) == 2 {
			break
		}
	}
	for chunked && !headOnly {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		text = append(text, line...)
		n, _ := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 64)
		rest := make([]byte, n+2)
		if _, err := io.ReadFull(r, rest); err != nil {
			return nil, err
		}
		if text = append(text, rest...); n == 0 {
			return text, nil
		}
	}
	if headOnly {
		length = 0
	}
	rest := make([]byte, length)
	_, err = io.ReadFull(r, rest)
	return append(text, rest...), err
}

// checkedSpec is a load of 40 requests with the check on.
func checkedSpec(addr string) *workload.Spec {
	return &workload.Spec{
		Name: "clients", Targets: []string{addr}, Integrity: &codec.Integrity{}, Seed: 1,
		HTTP:        http1.Spec{Host: "shop.example", Requests: []http1.Request{{Path: "/list?page=1", Headers: []http1.Header{{Name: "Accept", Value: "text/html"}, {Name: "Cookie", Value: "me=AAAA"}}}}},
		Phases:      []workload.Phase{{Name: "steady", From: 400, To: 400, LengthUs: 100_000, Measure: true}},
		Connections: workload.Connections{Pool: 2},
		TimeoutUs:   3_000_000,
	}
}

func posting(s *workload.Spec) {
	s.HTTP.Requests[0].Method, s.HTTP.Requests[0].Body = "POST", http1.Body{Size: 900}
}

func chunking(s *workload.Spec) {
	s.HTTP.Requests[0].Method, s.HTTP.Requests[0].Body = "POST", http1.Body{Size: 900, ChunkBytes: 300}
}

func runChecked(t *testing.T, s *workload.Spec) *result.Load {
	t.Helper()
	load, err := Run(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	i := load.Integrity
	if i == nil {
		t.Fatal("nothing was checked")
	}
	if i.Checked+i.Unchecked != load.Requests {
		t.Errorf("%d checked and %d unchecked of %d requests", i.Checked, i.Unchecked, load.Requests)
	}
	return load
}

func serveHTTP(t *testing.T, a httporigin.Answer) string {
	t.Helper()
	cfg, err := httporigin.NewConfig(httporigin.Options{Answer: a})
	if err != nil {
		t.Fatal(err)
	}
	addr := origintest.Serve(t, cfg)
	return addr.String()
}

func replaceFirst(old, with string) func([]byte, int) []byte {
	return func(p []byte, n int) []byte {
		if n != 20 {
			return p
		}
		return bytes.Replace(p, []byte(old), []byte(with), 1)
	}
}

// TestLiesAreNoticed lets a relay change one message of 40 and wants it named.
func TestLiesAreNoticed(t *testing.T) {
	kib := dist.FixedSize(1024)
	for _, lie := range []struct {
		name              string
		spec              func(*workload.Spec)
		answer            httporigin.Answer
		request, response func([]byte, int) []byte
		direction, part   string
		expected, got     string
	}{
		{name: "method", request: replaceFirst("GET", "PUT"), direction: "request", part: "request line", expected: "GET /list", got: "PUT /list"},
		{name: "path", request: replaceFirst("page=1", "page=2"), direction: "request", part: "request line", expected: "page=1", got: "page=2"},
		{name: "another client's cookie", request: replaceFirst("me=AAAA", "me=BAAA"), direction: "request", part: "field cookie", expected: "me=AAAA", got: "me=BAAA"},
		{name: "lost field", request: replaceFirst("Accept: text/html\r\n", ""), direction: "request", part: "field cookie", expected: "accept: text/html", got: "cookie: "},
		{name: "added field", request: replaceFirst("\r\nHost", "\r\nX-New: 1\r\nHost"), direction: "request", part: "field x-new", expected: "000020", got: "x-new: 1"},
		{name: "field twice", request: replaceFirst("\r\nHost", "\r\nAccept: a\r\nHost"), direction: "request", part: "field accept", expected: "accept: text/html", got: "accept: a, text/html"},
		{name: "another id", request: func(p []byte, n int) []byte {
			if n != 20 {
				return p
			}
			return bytes.Replace(p, []byte("X-Bench-Id: clients.0"), []byte("X-Bench-Id: clients.9"), 1)
		}, direction: "request", part: "field x-bench-id", expected: "clients.0", got: "clients.9"},
		{name: "digest lost", request: replaceFirst("X-Bench-Integrity", "X-Other"), direction: "answer", part: "no digest"},
		{name: "digest unreadable", request: replaceFirst("X-Bench-Integrity: ", "X-Bench-Integrity: !"), direction: "request", part: "head"},
		{name: "head garbled", request: replaceFirst("\r\nHost:", "\r\n: "), direction: "request", part: "not a request that can be read", got: "GET /list"},
		{name: "body of a request", spec: posting, request: func(p []byte, n int) []byte {
			if n == 20 {
				p[len(p)-100] ^= 1
			}
			return p
		}, direction: "request", part: "body: 900 bytes arrived of 900 sent", expected: "xxxx", got: "xyx"},
		{name: "chunk of a request twice", spec: chunking, request: replaceFirst("12c\r\n", "12c\r\n"+strings.Repeat("x", 300)+"\r\n12c\r\n"), direction: "request", part: "body: 1200 bytes arrived of 900 sent", expected: "x", got: "xxx"},
		{name: "status", response: replaceFirst("200 OK", "201 OK"), direction: "answer", part: "status", expected: "status 200", got: "status 201"},
		{name: "field of an answer", response: replaceFirst("text/plain", "text/pl4in"), direction: "answer", part: "field content-type", expected: "text/plain", got: "text/pl4in"},
		{name: "lost field of an answer", response: replaceFirst("Content-Type: text/plain\r\n", ""), direction: "answer", part: "field x-bench-origin", expected: "content-type", got: "x-bench-origin"},
		{name: "body of an answer", response: func(p []byte, n int) []byte {
			if n == 20 {
				p[len(p)-200] ^= 4
			}
			return p
		}, direction: "answer", part: "body: 1024 bytes arrived of 1024 sent", expected: "abcdef", got: "abcdef"},
		{name: "truncated body", response: func(p []byte, n int) []byte {
			if n != 20 {
				return p
			}
			p = bytes.Replace(p, []byte("Content-Length: 1024"), []byte("Content-Length: 1000"), 1)
			return p[:len(p)-24]
		}, direction: "answer", part: "body: 1000 bytes arrived of 1024 sent"},
		{
			name: "chunk twice", answer: httporigin.Answer{Body: kib, Framing: httporigin.ByChunks},
			response: func(p []byte, n int) []byte {
				if n != 20 {
					return p
				}
				end := bytes.Index(p, []byte("\r\n\r\n")) + 4
				chunk := bytes.Clone(p[end : len(p)-5])
				return append(append(p[:end:end], append(chunk, chunk...)...), "0\r\n\r\n"...)
			}, direction: "answer", part: "body: 2048 bytes arrived of 1024 sent",
		},
		{name: "more than the answer", response: func(p []byte, n int) []byte {
			if n == 20 {
				p = append(p, "HTTP/1.1 200 OK\r\n"...)
			}
			return p
		}, direction: "answer", part: "data after the end of the response", got: "HTTP/1.1 200"},
		{name: "answer garbled", response: replaceFirst("HTTP/1.1 200", "HTTP/1.1 2a0"), direction: "answer", part: "invalid status line", got: "HTTP/1.1 2a0"},
	} {
		t.Run(lie.name, func(t *testing.T) {
			if lie.answer.Framing == httporigin.ByLength {
				lie.answer.Body = kib
			}
			r := &liar{origin: serveHTTP(t, lie.answer), request: lie.request, response: lie.response}
			s := checkedSpec(testserver.TCP(t, r.serve))
			if lie.spec != nil {
				lie.spec(s)
			}
			i := runChecked(t, s).Integrity
			if i.Mismatch() != 1 || i.Checked < 38 || len(i.Differences) != 1 {
				t.Fatalf("%+v: want one mismatch", i)
			}
			d := i.Differences[0]
			if d.Direction != lie.direction || !strings.HasPrefix(d.Part, lie.part) ||
				!strings.Contains(d.Expected, lie.expected) || !strings.Contains(d.Got, lie.got) {
				t.Errorf("%+v", d)
			}
			if lie.expected != "" && (d.Offset < 0 || d.Expected == d.Got) {
				t.Errorf("%+v: the bytes that differ are not shown", d)
			}
		})
	}
}

// TestSwappedAnswersAreNoticed gives each client the answer to the other one's
// request, perfectly formed.
func TestSwappedAnswersAreNoticed(t *testing.T) {
	r := &liar{origin: serveHTTP(t, httporigin.Answer{Body: dist.FixedSize(100)}), swap: make(chan []byte)}
	s := checkedSpec(testserver.TCP(t, r.serve))
	s.Arrival, s.Phases[0] = workload.Closed, workload.Phase{Name: "steady", LengthUs: 100_000, Measure: true}
	i := runChecked(t, s).Integrity
	if i.Answers < 2 || i.Requests != 0 {
		t.Fatalf("%+v: want answers that are wrong", i)
	}
	if d := i.Differences[0]; d.Part != "the answer to another request" || !strings.HasPrefix(d.Expected, "clients.") || !strings.HasPrefix(d.Got, "clients.") || d.Expected == d.Got {
		t.Errorf("%+v", d)
	}
}

// TestSwappedRequestsAreNoticed sends an earlier request in place of one, perfectly
// formed and with a digest that fits.
func TestSwappedRequestsAreNoticed(t *testing.T) {
	var earlier []byte
	r := &liar{origin: serveHTTP(t, httporigin.Answer{}), request: func(p []byte, n int) []byte {
		switch n {
		case 10:
			earlier = bytes.Clone(p)
		case 20:
			return earlier
		}
		return p
	}}
	i := runChecked(t, checkedSpec(testserver.TCP(t, r.serve))).Integrity
	if i.Mismatch() != 1 || i.Differences[0].Part != "the answer to another request" {
		t.Fatalf("%+v", i)
	}
}

// rewrite is what a proxy may do: other order, other case, more and less white space,
// its own fields, another framing.
func rewrite(text []byte, answer bool) []byte {
	head, body, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	out := []string{lines[0]}
	if answer {
		out = []string{"HTTP/1.1 200 Fine", "Server: liar", "Date: today"}
	}
	for i := len(lines) - 1; i > 0; i-- {
		name, value, _ := strings.Cut(lines[i], ":")
		if strings.EqualFold(name, "Content-Length") {
			continue
		}
		out = append(out, strings.ToUpper(name)+":\t "+strings.TrimSpace(value)+" ")
	}
	out = append(out, "Via: 1.1 liar", "x-forwarded-for: 127.0.0.1", "Forwarded: for=_a", "Connection: keep-alive", "Keep-Alive: timeout=5")
	if len(body) > 0 {
		out = append(out, "Transfer-Encoding: chunked")
		half := len(body) / 2
		body = fmt.Appendf(nil, "%x\r\n%s\r\n%x;a=b\r\n%s\r\n0\r\n\r\n", half, body[:half], len(body)-half, body[half:])
	} else if answer {
		out = append(out, "content-length: 0")
	}
	return append([]byte(strings.Join(out, "\r\n")+"\r\n\r\n"), body...)
}

// TestPermittedChangesAreNone runs all kinds of requests through a relay that changes
// what proxies may change.
func TestPermittedChangesAreNone(t *testing.T) {
	for name, change := range map[string]func(*workload.Spec){
		"get":  func(*workload.Spec) {},
		"post": posting,
		"varied": func(s *workload.Spec) {
			s.HTTP.Requests[0].Path, s.HTTP.Requests[0].Headers[0].Value = "/{{seq}}", "{{letters 5}}"
		},
		"template": func(s *workload.Spec) {
			posting(s)
			s.HTTP.Requests[0].Body = http1.Body{Text: "{{hex 20}} {{seq}}", Template: true}
		},
		"cookies": func(s *workload.Spec) { s.HTTP.Cookies = true; s.HTTP.Requests[0].Headers = nil },
		"large": func(s *workload.Spec) {
			posting(s)
			s.HTTP.Requests[0].Body.Size = 40_000
		},
		"one request a connection": func(s *workload.Spec) { s.Connections.RequestsPerConnection = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			r := &liar{
				origin:   serveHTTP(t, httporigin.Answer{Body: dist.FixedSize(1024), Headers: []httporigin.Header{{Name: "Set-Cookie", Value: "a=b"}, {Name: "Set-Cookie", Value: "c=d"}}}),
				request:  func(p []byte, _ int) []byte { return rewrite(p, false) },
				response: func(p []byte, _ int) []byte { return rewrite(p, true) },
			}
			s := checkedSpec(testserver.TCP(t, r.serve))
			change(s)
			// The order of fields of one name is not the relay's to change.
			if i := runChecked(t, s).Integrity; name != "cookies" && i.Answers != i.Checked {
				t.Errorf("%+v: want the order of two cookies to be noticed", i)
			}
			kept := &liar{origin: r.origin, request: r.request, response: func(p []byte, _ int) []byte {
				return rewrite(bytes.Replace(p, []byte("Set-Cookie: a=b\r\nSet-Cookie: c=d"), []byte("Set-Cookie: c=d\r\nSet-Cookie: a=b"), 1), true)
			}}
			s.Targets = []string{testserver.TCP(t, kept.serve)}
			if load := runChecked(t, s); load.Integrity.Mismatch() != 0 || load.Integrity.Unchecked != 0 || load.Failed != 0 {
				t.Errorf("%+v, %v", load.Integrity, load.FailuresByCause)
			}
		})
	}
}

// TestExceptionsAreLeftOut runs a relay that rewrites, with and without naming it.
func TestExceptionsAreLeftOut(t *testing.T) {
	r := &liar{
		origin: serveHTTP(t, httporigin.Answer{Body: dist.FixedSize(64)}),
		request: func(p []byte, _ int) []byte {
			p = bytes.Replace(p, []byte("/list?page=1"), []byte("/api/list"), 1)
			return bytes.Replace(p, []byte("me=AAAA"), []byte("SRV=web1; me=AAAA"), 1)
		},
		response: func(p []byte, _ int) []byte {
			return bytes.Replace(p, []byte("\r\nContent-Type"), []byte("\r\nSet-Cookie: SRV=web1; path=/\r\nX-Frame-Options: DENY\r\nContent-Type"), 1)
		},
	}
	addr := testserver.TCP(t, r.serve)
	for _, except := range [][]string{nil, {"path", "cookie:SRV"}, {"path", "x-frame-*"}, {"cookie:SRV", "X-Frame-Options"}} {
		s := checkedSpec(addr)
		s.Integrity.Except = except
		if i := runChecked(t, s).Integrity; i.Mismatch() != i.Checked {
			t.Errorf("except %q: %+v, want nothing to fit", except, i)
		}
	}
	s := checkedSpec(addr)
	s.Integrity.Except = []string{"path", "cookie:SRV", "X-Frame-Options"}
	if i := runChecked(t, s).Integrity; i.Mismatch() != 0 || i.Checked != 40 {
		t.Errorf("%+v", i)
	}
}

// TestForeignAnswersAreUnchecked runs against a server that knows nothing of digests.
func TestForeignAnswersAreUnchecked(t *testing.T) {
	if i := runChecked(t, checkedSpec(testserver.HTTP(t, http.NotFound))).Integrity; i.Checked != 0 || i.Unchecked != 40 {
		t.Errorf("%+v", i)
	}
}

// TestCheckWithEveryAnswer runs the check against what origins answer in all ways.
func TestCheckWithEveryAnswer(t *testing.T) {
	sizes, err := dist.ParseSize("uniform(0B, 60KiB)")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		answer httporigin.Answer
		change func(*workload.Spec)
	}{
		"empty":    {},
		"ready":    {answer: httporigin.Answer{Body: dist.FixedSize(30_000)}},
		"drawn":    {answer: httporigin.Answer{Body: sizes}},
		"chunks":   {answer: httporigin.Answer{Body: sizes, Framing: httporigin.ByChunks}},
		"close":    {answer: httporigin.Answer{Body: sizes, Framing: httporigin.ByClose}},
		"trailers": {answer: httporigin.Answer{Body: dist.FixedSize(99), Framing: httporigin.ByChunks, Trailers: []httporigin.Header{{Name: "X-Sum", Value: "1"}}}},
		"gzip": {answer: httporigin.Answer{Body: dist.FixedSize(9000), Gzip: true}, change: func(s *workload.Spec) {
			s.HTTP.Requests[0].Headers = []http1.Header{{Name: "Accept-Encoding", Value: "gzip"}}
		}},
		"head":       {answer: httporigin.Answer{Body: dist.FixedSize(9000)}, change: func(s *workload.Spec) { s.HTTP.Requests[0].Method = "HEAD" }},
		"bulk":       {change: func(s *workload.Spec) { s.HTTP.Requests[0].Path = "/bytes/3000001" }},
		"bulk chunk": {change: func(s *workload.Spec) { s.HTTP.Requests[0].Path = "/chunked/3000001" }},
		"status":     {change: func(s *workload.Spec) { s.HTTP.Requests[0].Path = "/status/204" }},
		"echo":       {change: func(s *workload.Spec) { posting(s); s.HTTP.Requests[0].Path = "/echo" }},
		"delay":      {change: func(s *workload.Spec) { s.HTTP.Requests[0].Path = "/delay/3ms" }},
		"pipelined":  {answer: httporigin.Answer{Body: sizes}, change: func(s *workload.Spec) { s.Connections = workload.Connections{Pool: 1, Pipeline: 5} }},
		"threads":    {answer: httporigin.Answer{Body: sizes}, change: func(s *workload.Spec) { s.Threads = 2 }},
		"excepted":   {change: func(s *workload.Spec) { s.Integrity.Except = []string{"body", "status", "request", "x-a-*"} }},
	} {
		t.Run(name, func(t *testing.T) {
			s := checkedSpec(serveHTTP(t, c.answer))
			if c.change != nil {
				c.change(s)
			}
			if load := runChecked(t, s); load.Integrity.Checked != load.Requests || load.Integrity.Mismatch() != 0 || load.Failed != 0 {
				t.Errorf("%+v, %v", load.Integrity, load.FailuresByCause)
			}
		})
	}
}

// TestRefusedRequestsAreIntact sends what the origin refuses although it arrived as it
// was sent.
func TestRefusedRequestsAreIntact(t *testing.T) {
	s := checkedSpec(serveHTTP(t, httporigin.Answer{}))
	s.HTTP.Requests[0].Path = "/status/none"
	if load := runChecked(t, s); load.Integrity.Checked != 40 || load.Integrity.Mismatch() != 0 || load.FailuresByCause["4xx"] != 40 {
		t.Errorf("%+v, %v", load.Integrity, load.FailuresByCause)
	}
}
