package stream_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// waiting is a stream that waits at a step, for TestWaitsEnd.
type waiting struct {
	name  string
	mode  spec.Mode
	rules func(d time.Duration) stream.Rules
	// set makes the wait last for d, where that is no rule's.
	set  func(p *spec.Proxy, d time.Duration)
	send string
	// over is what comes of it when the time has passed: the status and the flags. left
	// and killed are the flags for a client that leaves, and a session that is shut down.
	status             int
	over, left, killed string
}

func waitings() []waiting {
	const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
	const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	return []waiting{
		{"body", spec.ModeHTTP, func(d time.Duration) stream.Rules {
			return stream.Rules{Request: inOrder(waitForBody(10, d))}
		}, nil, post, 408, "cR", "CR", "KR"},
		{"tarpit", spec.ModeHTTP, func(d time.Duration) stream.Rules {
			return stream.Rules{Request: inOrder(held(d), denied(500))}
		}, nil, get, 500, "PT", "PT", "KT"},
		{"content", spec.ModeTCP, func(d time.Duration) stream.Rules {
			return stream.Rules{Content: content("hello", d)}
		}, nil, "hel", 0, "PR", "CR", "KR"},
		{"queue", spec.ModeHTTP, func(time.Duration) stream.Rules { return stream.Rules{} }, func(p *spec.Proxy, d time.Duration) {
			p.Servers[0].MaxConn, p.Timeouts.Queue = 1, d
			p.Options.AbortOnClose = true
		}, get, 503, "sQ", "CQ", "KQ"},
		{"response", spec.ModeHTTP, func(d time.Duration) stream.Rules {
			return stream.Rules{Response: inOrder(waitForBody(10, d), denied(502))}
		}, func(p *spec.Proxy, _ time.Duration) { p.Options.AbortOnClose = true }, get, 504, "sH", "CD", "KH"},
	}
}

// waitingFor starts an engine in which a stream waits for d.
func waitingFor(t *testing.T, w waiting, d time.Duration) (*rig, *rawConn) {
	t.Helper()
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		if w.mode == spec.ModeHTTP {
			if _, err := http.ReadRequest(br); err != nil {
				return
			}
			if w.name == "response" {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
			}
		}
		_, _ = io.Copy(io.Discard, br)
	})
	r := ruled(t, w.mode, func(p *spec.Proxy) {
		if w.set != nil {
			w.set(p, d)
		}
	}, w.rules(d), addr)
	if w.name == "queue" { // somebody has the only slot
		r.dial().send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
		for r.backend.Cur.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	c := r.dial()
	c.send(w.send)
	state := "INI"
	if w.name == "queue" {
		state = "QUE"
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		found := false
		r.loop.Call(func() {
			r.thread.Describe(r.thread.Live(), func(s *stream.Session) { found = found || s.State == state })
		})
		if found || time.Now().After(end) {
			if !found {
				t.Fatal("no stream waits")
			}
			return r, c
		}
	}
}

// Every wait ends with its time, with a client that leaves, with a session that is
// shut down, and lasts through a soft stop; then nothing is left of it.
func TestWaitsEnd(t *testing.T) {
	for _, w := range waitings() {
		t.Run(w.name+"/time", func(t *testing.T) {
			r, c := waitingFor(t, w, 60*time.Millisecond)
			w.ends(t, r, c, w.status, w.over)
		})
		t.Run(w.name+"/soft stop", func(t *testing.T) {
			r, c := waitingFor(t, w, 100*time.Millisecond)
			r.loop.Call(func() {
				r.thread.Shared.StopTime.Store(r.loop.Now())
				r.thread.Shared.Stopping.Store(true)
				r.thread.Sweep()
			})
			w.ends(t, r, c, w.status, w.over)
		})
		t.Run(w.name+"/client", func(t *testing.T) {
			r, c := waitingFor(t, w, forever)
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
			w.ends(t, r, nil, 0, w.left)
		})
		t.Run(w.name+"/killed", func(t *testing.T) {
			r, c := waitingFor(t, w, forever)
			r.loop.Call(func() {
				var ids []uint64
				r.thread.Describe(r.thread.Live(), func(s *stream.Session) { ids = append(ids, s.ID) })
				r.thread.KillStream(ids[0]) // the last to come
			})
			w.ends(t, r, nil, 0, w.killed)
			_ = c
		})
	}
}

// ends checks what becomes of the stream.
func (w *waiting) ends(t *testing.T, r *rig, c *rawConn, status int, flags string) {
	t.Helper()
	if c != nil && status > 0 {
		if resp, _ := c.response("GET"); resp.StatusCode != status {
			t.Errorf("status %d, want %d", resp.StatusCode, status)
		}
	} else if c != nil {
		if b, _ := io.ReadAll(c.r); len(b) > 0 {
			t.Errorf("%q instead of nothing", b)
		}
	}
	if rec := r.ended(); string(rec.Flags[:]) != flags {
		t.Errorf("flags %s, want %s", rec.Flags, flags)
	}
	if w.name != "queue" {
		r.nothingHeld()
	}
	if w.name == "tarpit" {
		var denied uint64
		r.loop.Call(func() { denied = r.thread.Fronts[0].C.DeniedReq })
		if denied != 1 {
			t.Errorf("%d requests counted as denied, want the one", denied)
		}
	}
}

// What ends a body behind its content waits with it.
func TestTrailersWaitToo(t *testing.T) {
	got := make(chan http.Header, 1)
	r := ruled(t, spec.ModeHTTP, nil, stream.Rules{Request: inOrder(waitForBody(100, forever), held(time.Millisecond))}, origin(t, func(c net.Conn, br *bufio.Reader) {
		if req, err := http.ReadRequest(br); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			got <- req.Trailer
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}))
	const body = "3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n"
	for _, cut := range []int{0, 3, 10, 16, len(body)} {
		c := r.dial()
		c.send("POST / HTTP/1.1\r\nHost: x\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n" + body[:cut])
		time.Sleep(5 * time.Millisecond)
		c.send(body[cut:])
		if resp, _ := c.response("POST"); resp.StatusCode != 200 {
			t.Fatalf("cut at %d: status %d", cut, resp.StatusCode)
		}
		if h := <-got; h.Get("X-Sum") != "7" {
			t.Errorf("cut at %d: the trailer section was %v", cut, h)
		}
		_ = c.Close()
	}
}

// Waits that follow one another in a list have nothing of each other.
func TestWaitsFollowOneAnother(t *testing.T) {
	r := ruled(t, spec.ModeHTTP, nil, stream.Rules{Request: inOrder(held(20*time.Millisecond), waitForBody(10, forever), held(20*time.Millisecond), waitForBody(10, forever))}, origin(t, echoHTTP))
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	time.Sleep(60 * time.Millisecond)
	c.send("defghij")
	if resp, body := c.response("POST"); resp.StatusCode != 200 || body != "POST / xff= body=10" {
		t.Errorf("status %d, %q", resp.StatusCode, body)
	}
	if rec := r.ended(); rec.Flags != [2]byte{'-', '-'} {
		t.Errorf("flags %s", rec.Flags)
	}
}

// A client that has ended its stream, in the same moment or while rules wait, is not
// waited for; those who forward see the end too, whichever poller tells of it.
func TestWaitsSeeTheEnd(t *testing.T) {
	half := func(c *rawConn) { _ = c.Conn.(*net.TCPConn).CloseWrite() }
	defer func(was string) { *pollerName = was }(*pollerName)
	names := []string{*pollerName}
	if *pollerName == "" {
		names = []string{"epoll", "poll", "select"}
	}
	for _, *pollerName = range names {
		for _, at := range []string{"once", "later"} {
			t.Run(*pollerName+"/http, at "+at, func(t *testing.T) {
				r := ruled(t, spec.ModeHTTP, nil, stream.Rules{Request: waitForBody(100, forever)}, origin(t, echoHTTP))
				c := r.dial()
				if at == "once" {
					c.sendAtOnce(r, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
				} else {
					c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
					time.Sleep(10 * time.Millisecond)
					half(c)
				}
				if rec := r.ended(); rec.Flags != [2]byte{'C', 'R'} {
					t.Errorf("flags %s, want CR", rec.Flags)
				}
			})
			t.Run(*pollerName+"/tcp, at "+at, func(t *testing.T) {
				got := make(chan string, 1)
				r := ruled(t, spec.ModeTCP, nil, stream.Rules{Content: ruleFunc(func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
					if x.Final {
						return txn.Next
					}
					out.Need = txn.Need{Content: true, For: forever}
					return txn.Wait
				})}, origin(t, func(c net.Conn, br *bufio.Reader) {
					b, _ := io.ReadAll(br)
					got <- string(b)
					_, _ = io.WriteString(c, "bye")
				}))
				c := r.dial()
				if at == "once" {
					c.sendAtOnce(r, "hello")
				} else {
					c.send("hello")
					time.Sleep(10 * time.Millisecond)
					half(c)
				}
				if b, err := io.ReadAll(c.r); string(b) != "bye" || err != nil {
					t.Fatalf("%q, %v", b, err)
				}
				if s := <-got; s != "hello" {
					t.Errorf("the server got %q", s)
				}
			})
		}
	}
}

// sendAtOnce has the text and the end of the stream come before the engine looks.
func (c *rawConn) sendAtOnce(r *rig, text string) {
	c.t.Helper()
	sent := make(chan struct{})
	r.loop.Post(func() { <-sent })
	c.send(text)
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	time.Sleep(5 * time.Millisecond)
	close(sent)
}

// While a response waits, its request goes on as soon as the response has.
func TestRequestGoesOnBehindResponseThatWaited(t *testing.T) {
	got := make(chan string, 1)
	r := ruled(t, spec.ModeHTTP, nil, stream.Rules{Response: inOrder(held(50 * time.Millisecond))}, origin(t, func(c net.Conn, br *bufio.Reader) {
		if req, err := http.ReadRequest(br); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			b, _ := io.ReadAll(req.Body)
			got <- string(b)
		}
	}))
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	time.Sleep(20 * time.Millisecond)
	c.send("defghij")
	if resp, body := c.response("POST"); resp.StatusCode != 200 || body != "ok" {
		t.Errorf("status %d, %q", resp.StatusCode, body)
	}
	select {
	case s := <-got:
		if s != "abcdefghij" {
			t.Errorf("the server got %q", s)
		}
	case <-time.After(5 * time.Second):
		t.Error("the rest of the request has not come")
	}
}

// While rules wait for the body of a response, its request goes on: a server may send the
// one only when it has all of the other. A server that ends its side instead has wanted no
// more of it, and its response counts.
func TestRequestGoesOnWhileRulesWaitForTheResponse(t *testing.T) {
	body := func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
		if x.Final || x.BodyEnd {
			return txn.Next
		}
		out.Need = txn.Need{Body: 1 << 10, For: forever}
		return txn.Wait
	}
	const size = 3 << 20
	upload := strings.Repeat("0123456789abcdef", size/16)
	for _, whole := range []bool{true, false} {
		got := make(chan string, 1)
		r := ruled(t, spec.ModeHTTP, nil, stream.Rules{Response: inOrder(body)}, origin(t, func(c net.Conn, br *bufio.Reader) {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
			if !whole {
				_, _ = io.CopyN(io.Discard, req.Body, 100)
				_, _ = io.WriteString(c, "k")
				return
			}
			b, _ := io.ReadAll(req.Body)
			got <- string(b)
			_, _ = io.WriteString(c, "k")
		}))
		c := r.dial()
		c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(size) + "\r\n\r\n")
		go func() { _, _ = io.WriteString(c.Conn, upload) }()
		if resp, text := c.response("POST"); resp.StatusCode != 200 || text != "ok" {
			t.Errorf("whole upload %v: status %d, %q", whole, resp.StatusCode, text)
		}
		if whole {
			if s := <-got; s != upload {
				t.Errorf("the server got %d other bytes", len(s))
			}
		}
	}
}
