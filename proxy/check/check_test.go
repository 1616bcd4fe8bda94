package check

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/internal/testpeer"
	"bench/internal/testserver"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/spec"
)

func TestHealthCountsRiseAndFall(t *testing.T) {
	cases := []struct {
		name       string
		rise, fall int
		begin      spec.InitState
		checks     string // + good, - bad
		changes    string // U came up, D went down, . nothing
	}{
		{"the first bad check takes a new server down", 2, 3, spec.InitUp, "-", "D"},
		{"after a good one it takes fall bad ones", 2, 3, spec.InitUp, "+---", "...D"},
		{"rise good ones bring it up", 2, 3, spec.InitUp, "-++", "D.U"},
		{"a bad one while rising starts over", 3, 2, spec.InitUp, "-++-+++", "D.....U"},
		{"a good one while falling restores all of it", 2, 3, spec.InitUp, "+--+---", "......D"},
		{"one and one", 1, 1, spec.InitUp, "-+-+", "DUDU"},
		{"trusted in full, it takes fall bad ones", 2, 3, spec.InitFullyUp, "---", "..D"},
		{"down, one good one is enough", 2, 3, spec.InitDown, "+---", "U..D"},
		{"down, a bad one makes it rise good ones", 2, 3, spec.InitDown, "-++", "..U"},
		{"fully down, it takes rise good ones", 2, 3, spec.InitFullyDown, "++", ".U"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := NewHealth(c.rise, c.fall, c.begin)
			var got []byte
			for _, k := range c.checks {
				mark := byte('.')
				switch {
				case k == '+' && h.Good():
					mark = 'U'
				case k == '-' && h.Bad():
					mark = 'D'
				}
				got = append(got, mark)
			}
			if string(got) != c.changes {
				t.Errorf("%s gave %s, want %s", c.checks, got, c.changes)
			}
		})
	}
}

func TestIntervalFollowsTheState(t *testing.T) {
	c := &Checker{script: &script{}, cfg: Config{Inter: 10, FastInter: 1, DownInter: 100}, health: NewHealth(2, 3, spec.InitUp)}
	steps := []struct {
		good bool
		want time.Duration
	}{{true, 10}, {false, 1}, {false, 1}, {false, 100}, {true, 1}, {true, 10}}
	for i, s := range steps {
		if s.good {
			c.health.Good()
		} else {
			c.health.Bad()
		}
		if got := c.interval(); got != s.want {
			t.Errorf("step %d: interval %d, want %d", i, got, s.want)
		}
	}
}

func TestRequest(t *testing.T) {
	cases := []struct {
		r    spec.CheckRequest
		want string
	}{
		{spec.CheckRequest{Method: "OPTIONS", URI: "/", Version: "HTTP/1.0"}, "OPTIONS / HTTP/1.0\r\n\r\n"},
		{
			spec.CheckRequest{Method: "GET", URI: "/x", Version: "HTTP/1.1", Headers: fields("Host", "foo", "X-A", "b"), Body: "hello"},
			"GET /x HTTP/1.1\r\nhost: foo\r\nx-a: b\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
		},
	}
	for _, c := range cases {
		if got := string((&Checker{}).request(&c.r, "")); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

// TestPauseCountsFromTheEnd: a slow server gets as long a pause as a quick one, as
// with the reference, and is not checked back to back.
func TestPauseCountsFromTheEnd(t *testing.T) {
	const slow, inter = 150 * time.Millisecond, 200 * time.Millisecond
	began := make(chan time.Time, 10)
	addr := listen(t, func(c *net.TCPConn) {
		began <- time.Now()
		_, _ = c.Read(make([]byte, 4096))
		time.Sleep(slow)
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
	})
	checking(t, Config{Check: get(), Inter: inter, Rise: 1, Fall: 1}, addr)
	first := <-began
	for range 2 {
		next := <-began
		if d := next.Sub(first); d < slow+inter-10*time.Millisecond {
			t.Errorf("the next check began %v after the former, want %v", d, slow+inter)
		}
		first = next
	}
}

// listen serves every connection with fn and returns the address.
func listen(t *testing.T, fn func(c *net.TCPConn)) string {
	t.Helper()
	return testserver.TCP(t, func(c net.Conn) { defer c.Close(); fn(c.(*net.TCPConn)) })
}

func answering(text string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, text)
	}
}

type heard struct {
	results chan Result
	changes chan bool
}

func (h *heard) Checked(r Result, _ Health) { h.results <- r }
func (h *heard) Changed(up bool, _ Result)  { h.changes <- up }

// checking checks a server until the test ends.
func checking(t *testing.T, cfg Config, addr string) *heard {
	t.Helper()
	l, err := loop.New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	a, err := sock.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	h := &heard{make(chan Result, 100), make(chan bool, 100)}
	c, err := New(cfg, l, a, h)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	l.Post(func() { c.Start(0) })
	t.Cleanup(func() {
		l.Call(c.Stop)
		l.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h
}

// next is the result of the check that ends next.
func (h *heard) next(t *testing.T) Result {
	t.Helper()
	select {
	case r := <-h.results:
		return r
	case <-time.After(5 * time.Second):
		t.Fatal("no result")
		return Result{}
	}
}

// once runs one check and returns its result.
func once(t *testing.T, cfg Config, addr string) Result {
	t.Helper()
	return checking(t, cfg, addr).next(t)
}

// TestFarewellOfADownServer: 404 takes a server out of balancing gently, but one that
// is down already does not come back by it.
func TestFarewellOfADownServer(t *testing.T) {
	var served atomic.Int32
	server := listen(t, func(c *net.TCPConn) {
		if served.Add(1) == 1 {
			answering("HTTP/1.0 500 Oops\r\n\r\n")(c)
			return
		}
		answering("HTTP/1.0 404 Nope\r\n\r\n")(c)
	})
	on404 := get()
	on404.DisableOn404 = true
	h := checking(t, Config{Check: on404, Inter: 20 * time.Millisecond, Timeout: 3 * time.Second, Rise: 1, Fall: 1}, server)
	for i, want := range []int{500, 404, 404} {
		if r := h.next(t); r.Status != L7Sts || r.Code != want {
			t.Errorf("check %d: %s %d, want %s %d", i, r.Status, r.Code, L7Sts, want)
		}
	}
}

// TestOutcomes holds the outcomes to what HAProxy 2.6 reports for the same
// answers of a server.
func TestOutcomes(t *testing.T) {
	get := httpCheck(&spec.CheckRequest{Method: "OPTIONS"})
	want := func(kind spec.ExpectKind, negate bool, pattern string) *spec.Check {
		return httpCheck(&spec.CheckRequest{}, expecting(kind, negate, pattern))
	}
	on404 := httpCheck(&spec.CheckRequest{Method: "HEAD"})
	on404.DisableOn404 = true
	closed := listen(t, func(*net.TCPConn) {})
	reset := func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 4096)); _ = c.SetLinger(0) }
	mute := func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }
	cases := []struct {
		name   string
		check  *spec.Check
		server string
		status string
		code   int
		output string
	}{
		{"connection", nil, closed, "L4OK", 0, ""},
		{"refused", nil, testpeer.Refusing(t), "L4CON", 0, "Connection refused"},
		{"200", get, listen(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")), "L7OK", 200, ""},
		{"301", get, listen(t, answering("HTTP/1.1 301 Moved\r\n\r\n")), "L7OK", 301, ""},
		{"200 with its body cut", get, listen(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok")), "L7OK", 200, ""},
		{"500", get, listen(t, answering("HTTP/1.1 500 Broken Thing\r\nContent-Length: 0\r\n\r\n")), "L7STS", 500, "Broken Thing"},
		{"404", get, listen(t, answering("HTTP/1.0 404 Nope\r\n\r\n")), "L7STS", 404, "Nope"},
		{"404 taken out", on404, listen(t, answering("HTTP/1.0 404 Nope\r\n\r\n")), "L7OKC", 404, ""},
		{"garbage", get, listen(t, answering("garbage\r\n\r\n")), "L7RSP", 0, ""},
		{"cut head", get, listen(t, answering("HTTP/1.1 2")), "L7RSP", 0, ""},
		{"closed after the request", get, listen(t, answering("")), "L7RSP", 0, ""},
		{"reset after the request", get, listen(t, reset), "SOCKERR", 0, "Connection reset by peer"},
		{"mute", get, listen(t, mute), "L7TOUT", 0, ""},
		{"string found", want(spec.ExpectString, false, "ok"), listen(t, answering("HTTP/1.1 200 OK\r\n\r\nis ok")), "L7OK", 200, ""},
		{"string missing", want(spec.ExpectString, false, "ok"), listen(t, answering("HTTP/1.1 200 OK\r\n\r\nno")), "L7RSP", 0, "HTTP content check did not match"},
		{"no body", want(spec.ExpectString, false, "ok"), listen(t, answering("HTTP/1.1 500 Broken Thing\r\nContent-Length: 0\r\n\r\n")), "L7RSP", 0, "HTTP content check could not find a response body"},
		{"status outside 5xx", want(spec.ExpectRStatus, true, "^5"), listen(t, answering("HTTP/1.1 404 Nope\r\n\r\n")), "L7OK", 404, ""},
		{"status within 5xx", want(spec.ExpectRStatus, true, "^5"), listen(t, answering("HTTP/1.1 500 Broken Thing\r\n\r\n")), "L7STS", 500, "Broken Thing"},
		{"status in ranges", want(spec.ExpectStatus, false, "200-204,418"), listen(t, answering("HTTP/1.1 418 Teapot\r\n\r\n")), "L7OK", 418, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := once(t, Config{Check: c.check, Inter: 150 * time.Millisecond, Rise: 2, Fall: 3}, c.server)
			if r.Status.String() != c.status || r.Code != c.code || r.Output != c.output {
				t.Errorf("got %s %d %q, want %s %d %q", r.Status, r.Code, r.Output, c.status, c.code, c.output)
			}
		})
	}
}

// TestAnswerInPieces cuts answers at every byte, and into single bytes: what is
// found must not depend on it, and is not known before the answer tells.
func TestAnswerInPieces(t *testing.T) {
	lim := h1.DefaultLimits()
	lim.MaxHead, lim.Relaxed = maxAnswer, true
	for _, c := range []struct {
		text, body string
		complete   bool
	}{
		{chunked + "4\r\nPATT\r\n3\r\nERN\r\n0\r\n\r\n", "PATTERN", true},
		{chunked + "4;e=PATTERN\r\nPATT\r\n0\r\nTrailer: PATTERN\r\n\r\n", "PATT", true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nPATTERN", "PATTERN", true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nPATTERN", "PATT", true},
		{"HTTP/1.0 200 OK\r\n\r\nPATTERN", "PATTERN", false},
		{"HTTP/1.1 204 No Content\r\n\r\nPATTERN", "", true},
	} {
		found := func(pieces ...string) string {
			var a answer
			a.reset()
			for _, p := range pieces {
				a.add([]byte(p), message.MethodGet, &lim)
			}
			return fmt.Sprintf("%d %q complete %v malformed %v", a.code, a.body, a.complete, a.malformed)
		}
		code := strings.Fields(c.text)[1]
		want := fmt.Sprintf("%s %q complete %v malformed false", code, c.body, c.complete)
		for i := range c.text {
			if got := found(c.text[:i], c.text[i:]); got != want {
				t.Errorf("%q cut at %d: %s, want %s", c.text, i, got, want)
			}
			var a answer
			a.add([]byte(c.text[:i]), message.MethodGet, &lim)
			if head := strings.Index(c.text, "\r\n\r\n") + 4; a.headed != (i >= head) {
				t.Errorf("%q: after %d bytes headed is %v", c.text, i, a.headed)
			}
		}
		if got := found(strings.Split(c.text, "")...); got != want {
			t.Errorf("%q byte by byte: %s, want %s", c.text, got, want)
		}
	}
}

func TestBadExpectationNamesItsPlace(t *testing.T) {
	bad := expecting(spec.ExpectStatus, false, "20x")
	bad.Pos = spec.Pos{File: "x.cfg", Line: 9}
	c := get(bad)
	_, err := New(Config{Check: c}, nil, sock.Addr{}, nil)
	if err == nil || err.Error() != `x.cfg:9: http-check expect: invalid status "20x": want numbers and ranges from 100 to 999, like 200-399,404` {
		t.Errorf("error %v", err)
	}
}
