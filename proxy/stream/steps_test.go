package stream_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// ruleFunc is a list of rules made of one function.
type ruleFunc func(x *txn.Txn, out *txn.Outcome) txn.Verdict

func (f ruleFunc) Run(x *txn.Txn, out *txn.Outcome) txn.Verdict { return f(x, out) }

// waitForBody waits for n bytes of the body, or for all of it, at most for d.
func waitForBody(n int, d time.Duration) ruleFunc {
	return func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
		if len(x.Body) >= n || x.BodyEnd || x.Final {
			return txn.Next
		}
		out.Need = txn.Need{Body: n, For: d}
		return txn.Wait
	}
}

// inOrder runs one list after the other.
func inOrder(lists ...ruleFunc) ruleFunc {
	return func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
		for x.Rule < len(lists) {
			if v := lists[x.Rule](x, out); v != txn.Next {
				if v != txn.Wait {
					x.Rule = 0
				}
				return v
			}
			x.Rule++
		}
		x.Rule = 0
		return txn.Next
	}
}

// denied answers with a status.
func denied(status int) ruleFunc {
	return func(_ *txn.Txn, out *txn.Outcome) txn.Verdict {
		out.Status, out.Denied = status, true
		return txn.Answered
	}
}

// held spends d before the rules behind it are run.
func held(d time.Duration) ruleFunc {
	return func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
		x.Rule++
		out.Need = txn.Need{For: d, Tarpit: true}
		return txn.Wait
	}
}

// content waits until the client has sent want, at most for d, and ends the connection
// if it has not.
func content(want string, d time.Duration) ruleFunc {
	return func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
		switch {
		case bytes.HasPrefix(x.Content, []byte(want)):
			return txn.Next
		case x.Final:
			return txn.Gone
		}
		out.Need = txn.Need{Content: true, For: d}
		return txn.Wait
	}
}

const forever = time.Minute

// ruled is a rig whose log lines are recorded.
func ruled(t *testing.T, mode spec.Mode, change func(*spec.Proxy), rules stream.Rules, servers ...string) *rig {
	t.Helper()
	lines := make(chan txn.Record, 1000)
	r := newRigRuled(t, mode, change, rules, recorder{lines}, servers...)
	r.lines = lines
	return r
}

// nothingHeld waits until the thread has everything back.
func (r *rig) nothingHeld() {
	r.t.Helper()
	var left string
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		left = ""
		r.loop.Call(func() {
			for _, p := range r.thread.Pools() {
				if p.Made != p.Free && p.Name != "srvconn" && p.Name != "client" {
					left += fmt.Sprintf(" %s: %d of %d", p.Name, p.Made-p.Free, p.Made)
				}
			}
		})
		if left == "" {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("still in use:%s", left)
		}
	}
}

// What rules have waited for is forwarded as if they had not, however it was cut.
func TestMessagesThatWaitArriveWhole(t *testing.T) {
	const clients, each = 8, 30
	var v verifier
	seed := uint64(time.Now().UnixNano())
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 9))
	waits := ruleFunc(func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
		mu.Lock()
		n := rng.IntN(300)
		mu.Unlock()
		return waitForBody(n, forever)(x, out)
	})
	pause := ruleFunc(func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
		return held(time.Duration(1+len(x.Body)%3)*time.Millisecond)(x, out)
	})
	list := inOrder(waits, pause, waits)
	r := newRigRuled(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.HTTPReuse = spec.ReuseAlways
		p.ForwardFor = &spec.ForwardFor{}
		p.Servers[0].MaxConn = 3 // some wait for a slot, too
	}, stream.Rules{Request: list, Response: inOrder(waits)}, discard{}, origin(t, v.serve(seed)))
	errs := make([]error, clients)
	var asking sync.WaitGroup
	for i := range clients {
		c := r.dial()
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		asking.Go(func() { errs[i] = v.ask(c, rand.New(rand.NewPCG(seed+2, uint64(i))), each) })
	}
	asking.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if n := v.wrong.Load(); n != 0 {
		t.Errorf("seed %d: %d of %d messages arrived other than they were sent; the first: %s", seed, n, v.seen.Load(), v.example)
	}
	if n := v.seen.Load(); n < 2*clients*each && !t.Failed() {
		t.Errorf("%d messages arrived, want %d", n, 2*clients*each)
	}
	r.nothingHeld()
}

// Rules see the content of a body without its framing, as much as they have asked for.
func TestRulesSeeTheBody(t *testing.T) {
	type look struct {
		body string
		end  bool
	}
	for _, c := range []struct {
		name, head string
		pieces     []string
		at         int // least bytes
		want       look
	}{
		{"length", "Content-Length: 10\r\n", []string{"01234", "56789"}, 100, look{"0123456789", true}},
		{"length, enough", "Content-Length: 10\r\n", []string{"01234", "5", "6789"}, 6, look{"012345", false}},
		{"chunks", "Transfer-Encoding: chunked\r\n", []string{"3;a=b\r\n01", "2\r", "\n7\r\n3456789\r\n0\r\n\r\n"}, 100, look{"0123456789", true}},
		{"chunks, enough", "Transfer-Encoding: chunked\r\n", []string{"3\r\n012\r\n7\r\n34", "5", "6789\r\n0\r\n\r\n"}, 6, look{"012345", false}},
		{"none", "", nil, 100, look{"", true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen, asked := make(chan look, 1), make(chan struct{}, 10)
			wait := waitForBody(c.at, forever)
			r := ruled(t, spec.ModeHTTP, nil, stream.Rules{Request: ruleFunc(func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
				v := wait(x, out)
				if v == txn.Next {
					seen <- look{string(x.Body), x.BodyEnd}
				} else {
					asked <- struct{}{}
				}
				return v
			})}, origin(t, echoHTTP))
			conn := r.dial()
			conn.send("POST /a HTTP/1.1\r\nHost: x\r\n" + c.head + "\r\n")
			var got look
			for i, p := range c.pieces {
				switch {
				case i < 2:
					<-asked // the rule waits
				case !c.want.end:
					got = <-seen
				}
				conn.send(p)
			}
			if c.want.end {
				got = <-seen
			}
			if got != c.want {
				t.Errorf("saw %+v, want %+v", got, c.want)
			}
			size := 10
			if c.head == "" {
				size = 0
			}
			if resp, body := conn.response("POST"); resp.StatusCode != 200 || !strings.HasSuffix(body, fmt.Sprintf("body=%d", size)) {
				t.Errorf("status %d, %q", resp.StatusCode, body)
			}
			r.nothingHeld()
		})
	}
}

// What rules change after a wait is what is sent, like what they change before it.
func TestRulesChangeTheRequest(t *testing.T) {
	got := make(chan http.Header, 1)
	r := ruled(t, spec.ModeHTTP, nil, stream.Rules{
		Request: inOrder(
			func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
				x.Req.Set([]byte("x-before"), []byte("1"))
				return txn.Next
			},
			held(20*time.Millisecond),
			func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
				x.Req.Set([]byte("x-after"), x.Req.Arena.CopyString("2"))
				x.Req.Del("x-own")
				return txn.Next
			}),
		Response: inOrder(held(20*time.Millisecond), func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
			x.Res.Set([]byte("x-answer"), []byte("3"))
			return txn.Next
		}),
		AfterResponse: ruleFunc(func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
			x.Res.Set([]byte("x-last"), []byte("4"))
			return txn.Next
		}),
	}, origin(t, func(c net.Conn, br *bufio.Reader) {
		if req, err := http.ReadRequest(br); err == nil {
			got <- req.Header
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}))
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\nX-Own: 0\r\nX-Kept: 5\r\n\r\n")
	resp, body := c.response("GET")
	if resp.Header.Get("X-Answer") != "3" || resp.Header.Get("X-Last") != "4" || body != "ok" {
		t.Errorf("the client got %v and %q", resp.Header, body)
	}
	if h := <-got; h.Get("X-Before") != "1" || h.Get("X-After") != "2" || h.Get("X-Kept") != "5" || h.Get("X-Own") != "" {
		t.Errorf("the server got %v", h)
	}
}

// Answers of rules leave the connection as it should be, and pass the rules about
// responses that are the last.
func TestRulesAnswer(t *testing.T) {
	reply := &message.Response{Version: message.HTTP11, Status: 302, Reason: []byte("Found"), KeepAlive: true, Body: message.Body{Kind: message.BodyLength}}
	reply.Add([]byte("location"), []byte("/elsewhere"))
	reply.AddID(message.ContentLength, []byte("0"))
	r := ruled(t, spec.ModeHTTP, nil, stream.Rules{
		Request: ruleFunc(func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
			switch string(x.Req.Path()) {
			case "/denied":
				return denied(403)(x, out)
			case "/moved":
				// Of memory that the request lies in.
				reply.Set([]byte("x-path"), x.Req.Path())
				out.Status, out.Reply = 302, reply
				return txn.Answered
			case "/closed":
				out.Close = true
				return denied(403)(x, out)
			case "/gone":
				return txn.Gone
			}
			return txn.Next
		}),
		AfterResponse: ruleFunc(func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
			x.Res.Set([]byte("x-status"), fmt.Appendf(nil, "%d", x.Status))
			return txn.Next
		}),
	}, origin(t, echoHTTP))
	c := r.dial()
	for _, want := range []struct {
		path   string
		status int
		close  bool
		flags  string
	}{
		{"/denied", 403, false, "PR"}, {"/moved", 302, false, "LR"}, {"/", 200, false, "--"}, {"/closed", 403, true, "PR"},
	} {
		c.send("GET " + want.path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, _ := c.response("GET")
		if resp.StatusCode != want.status || resp.Close != want.close || resp.Header.Get("X-Status") != fmt.Sprint(want.status) {
			t.Errorf("%s: status %d (%s), close %v; want %+v", want.path, resp.StatusCode, resp.Header.Get("X-Status"), resp.Close, want)
		}
		if want.path == "/moved" && (resp.Header.Get("Location") != "/elsewhere" || resp.Header.Get("X-Path") != "/moved") {
			t.Errorf("moved: %v", resp.Header)
		}
		if rec := r.ended(); string(rec.Flags[:]) != want.flags || rec.Status != want.status {
			t.Errorf("%s: flags %s, status %d", want.path, rec.Flags, rec.Status)
		}
	}
	c = r.dial()
	c.send("GET /gone HTTP/1.1\r\nHost: x\r\n\r\n")
	if b, _ := io.ReadAll(c.r); len(b) > 0 {
		t.Errorf("gone, with %q", b)
	}
	if rec := r.ended(); rec.Flags != [2]byte{'P', 'R'} {
		t.Errorf("gone: flags %s", rec.Flags)
	}
	var front uint64
	r.loop.Call(func() { front = r.thread.Fronts[0].C.DeniedReq })
	if front != 3 {
		t.Errorf("%d requests counted as denied, want 3", front)
	}
	r.nothingHeld()
}

// A field that says which server a request is for is written when it is known, and
// again where that changes.
func TestServerNameFollowsTheServer(t *testing.T) {
	got := make(chan string, 10)
	live := origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			b, _ := io.ReadAll(req.Body)
			got <- strings.Join(req.Header["X-Server"], ",") + " " + string(b)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Redispatch, p.ServerNameHeader = 1, "X-Server"
		p.Servers[0].Name, p.Servers[1].Name, p.Servers[2].Name = "a-server-of-another-name", "the-server-with-the-longest-name-of-all", "s3"
		p.Retries = 5
	}, testpeer.Refusing(t), testpeer.Refusing(t), live)
	for i := range 4 {
		c := r.dial()
		c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nX-Server: mine\r\nContent-Length: 5\r\n\r\nbody%d", i))
		if resp, _ := c.response("POST"); resp.StatusCode != 200 {
			t.Fatalf("status %d", resp.StatusCode)
		}
		if s, want := <-got, fmt.Sprintf("s3 body%d", i); s != want {
			t.Errorf("the server got %q, want %q", s, want)
		}
	}
	r.nothingHeld()
}

// With "option http-buffer-request" a request is sent in one piece with its body.
func TestRequestIsBuffered(t *testing.T) {
	first := make(chan string, 1)
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		b := make([]byte, 4096)
		n, _ := br.Read(b)
		first <- string(b[:n])
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Options.HTTPBufferRequest = true }, addr)
	c := r.dial()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	if line, err := c.r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("%q, %v; want to be asked for the body", line, err)
	}
	_, _ = c.r.ReadString('\n')
	for _, b := range []string{"01", "234", "56789"} {
		c.send(b)
		time.Sleep(10 * time.Millisecond)
		if b != "56789" && len(first) > 0 {
			t.Fatal("something was sent before all had come")
		}
	}
	if resp, _ := c.response("POST"); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
	if b := <-first; !strings.HasSuffix(b, "\r\n\r\n0123456789") || strings.Contains(b, "expect") {
		t.Errorf("the server got %q first", b)
	}
	r.nothingHeld()
}

// Of a body larger than a buffer no more is waited for than a buffer holds.
func TestBufferedRequestLargerThanABuffer(t *testing.T) {
	begun := make(chan struct{}, 1)
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { p.Options.HTTPBufferRequest = true }, origin(t, func(c net.Conn, br *bufio.Reader) {
		for _, err := br.Peek(1); err == nil; _, err = br.Peek(1) {
			begun <- struct{}{}
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			n, _ := io.Copy(io.Discard, req.Body)
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Size: %d\r\nContent-Length: 0\r\n\r\n", n)
		}
	}))
	c := r.dial()
	const size = 200_000
	for _, first := range []int{20_000, size} {
		c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
		for n := 0; n < first; n += 5000 {
			c.send(strings.Repeat("x", 5000))
			time.Sleep(time.Millisecond)
		}
		<-begun
		c.send(strings.Repeat("x", size-first))
		if resp, _ := c.response("POST"); resp.StatusCode != 200 || resp.Header.Get("X-Size") != fmt.Sprint(size) {
			t.Errorf("status %d, the server got %s bytes", resp.StatusCode, resp.Header.Get("X-Size"))
		}
	}
	r.nothingHeld()
}

// A proxy that is frontend and backend in one has its rules run once.
func TestRulesOfAListenSectionRunOnce(t *testing.T) {
	var requests, responses, contents int
	count := func(n *int) ruleFunc {
		return func(*txn.Txn, *txn.Outcome) txn.Verdict { *n++; return txn.Next }
	}
	r := ruled(t, spec.ModeHTTP, nil, stream.Rules{Content: count(&contents), Request: count(&requests), Response: count(&responses)}, origin(t, echoHTTP))
	c := r.dial()
	for range 3 {
		c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		c.response("GET")
	}
	r.loop.Call(func() {
		if contents != 3 || requests != 3 || responses != 3 {
			t.Errorf("ran %d times for contents, %d for requests and %d for responses, want 3 each", contents, requests, responses)
		}
	})
}
