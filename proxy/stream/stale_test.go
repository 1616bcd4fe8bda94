package stream_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"bench/proxy/logformat"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// identified are the identifiers of log lines, with what the client was given.
type identified chan string

func (c identified) Log(r *txn.Record, _ *sample.Context)               { c <- string(r.UniqueID) }
func (identified) Failure(*txn.Record, *sample.Context, string, string) {}

// onOrder answers a request when it is told to, with its content.
func onOrder(t *testing.T) (addr string, came chan<- chan struct{}) {
	orders := make(chan chan struct{}, 10)
	return origin(t, func(c net.Conn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			b, err := io.ReadAll(req.Body)
			if err != nil {
				return
			}
			<-<-orders
			if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(b), b); err != nil {
				return
			}
		}
	}), orders
}

func identifying(t *testing.T, text string) func(*spec.Proxy) {
	f, err := logformat.CompileLog(text, &sample.Env{Names: &txn.Names{}, At: txn.At(txn.StepRequest), Where: "tests"})
	if err != nil {
		t.Fatal(err)
	}
	return func(p *spec.Proxy) { p.UniqueID = f }
}

// A format that names the identifier which is made by it finds none.
func TestIdentifierOfItself(t *testing.T) {
	ids := make(identified, 1)
	r := newRigRuled(t, spec.ModeHTTP, identifying(t, "<%[unique-id]%ID>-%[path]"), stream.Rules{}, ids, origin(t, echoHTTP))
	c := r.dial()
	c.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
	c.response("GET")
	_ = c.Close()
	if got := <-ids; got != "<>-/a" {
		t.Errorf("%q", got)
	}
}

// The identifier that a line of the log has is that of its own request, however many
// others have come since.
func TestIdentifiersAreOfTheirOwnRequest(t *testing.T) {
	addr, orders := onOrder(t)
	ids := make(identified, 10)
	for _, rules := range []stream.Rules{{}, {Request: noRulesAtAll}, {Request: waitForBody(3, forever)}} {
		r := newRigRuled(t, spec.ModeHTTP, identifying(t, "%[req.hdr(me)]-%[path]-%[req.body]"), rules, ids, addr)
		first, second := make(chan struct{}), make(chan struct{})
		orders <- first
		a, b := r.dial(), r.dial()
		a.send("POST /first HTTP/1.1\r\nHost: x\r\nMe: aaaa\r\nContent-Length: 3\r\n\r\n")
		a.sendAtOnce(r, "AAA")
		orders <- second
		for r.backend.Cur.Load() < 1 {
			r.loop.Call(func() {})
		}
		b.send("POST /second HTTP/1.1\r\nHost: x\r\nMe: bbbb\r\nContent-Length: 3\r\n\r\nBBB")
		for r.backend.Cur.Load() < 2 {
			r.loop.Call(func() {})
		}
		close(first)
		close(second)
		a.response("POST")
		b.response("POST")
		for range 2 {
			id := <-ids
			if id != "aaaa-/first-" && id != "aaaa-/first-AAA" && !strings.HasPrefix(id, "bbbb-/second-") {
				t.Errorf("identifier %q", id)
			}
		}
	}
}

// noRulesAtAll makes a transaction, and nothing else.
var noRulesAtAll = ruleFunc(func(*txn.Txn, *txn.Outcome) txn.Verdict { return txn.Next })

// What rules see of a body is that of the message they are about, and nothing else if
// nothing of that has come.
func TestRulesSeeNoOtherBody(t *testing.T) {
	addr, orders := onOrder(t)
	after := rulesOf(t, rule.AfterResponse, "set-header X-Body %[res.body]")
	request := rulesOf(t, rule.Request, "set-var(txn.a) req.body", "return status 200 content-type text/plain string own if { path /own }")
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Rules[rule.AfterResponse], p.Rules[rule.Request] = after, request
	}, addr)
	a, b := r.dial(), r.dial()
	order := make(chan struct{})
	orders <- order
	a.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nAAAA")
	for r.backend.Cur.Load() < 1 {
		r.loop.Call(func() {})
	}
	b.send("POST /own HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nBBBB")
	if resp, _ := b.response("POST"); strings.ContainsAny(resp.Header.Get("X-Body"), "AB\x01") {
		t.Errorf("the proxy's own answer has %q", resp.Header.Get("X-Body"))
	}
	close(order)
	if resp, _ := a.response("POST"); resp.Header.Get("X-Body") != "AAAA" {
		t.Errorf("the answer has %q", resp.Header.Get("X-Body"))
	}
}

// What a client has not sent yet of a request that is answered already is not the next one.
func TestRestOfAnsweredRequests(t *testing.T) {
	underscores := func(p *spec.Proxy) { p.FieldNames = spec.RejectNames }
	monitored := func(p *spec.Proxy) { p.MonitorURI = "/alive" }
	for _, c := range []struct {
		name   string
		change func(*spec.Proxy)
		head   string
		status int
	}{
		{"monitor-uri", monitored, "POST /alive HTTP/1.1\r\nHost: x\r\n", 200},
		{"names", underscores, "POST / HTTP/1.1\r\nHost: x\r\nX_Y: 1\r\n", 403},
	} {
		for _, body := range []string{"Content-Length: 40\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n28\r\n"} {
			r := newRig(t, spec.ModeHTTP, c.change, origin(t, echoHTTP))
			conn := r.dial()
			conn.send(c.head + body)
			if resp, _ := conn.response("POST"); resp.StatusCode != c.status || !resp.Close {
				t.Errorf("%s: status %d, goes on: %v", c.name, resp.StatusCode, !resp.Close)
			}
			_, _ = io.WriteString(conn, "GET /smuggled HTTP/1.1\r\nHost: xxxxxx\r\n\r\n")
			if rest, _ := io.ReadAll(conn.r); bytes.Contains(rest, []byte("HTTP/1.1")) {
				t.Errorf("%s: the content was taken for a request: %q", c.name, rest)
			}
		}
	}
}

// A hash of the body is that of the body that came, however it came.
func TestHashOfTheBody(t *testing.T) {
	e, err := sample.Compile("req.body", &sample.Env{Names: &txn.Names{}, At: txn.At(txn.StepBackend), Where: "tests"})
	if err != nil {
		t.Fatal(err)
	}
	named := func(name string) string {
		return origin(t, func(c net.Conn, r *bufio.Reader) {
			for {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%s", name)
			}
		})
	}
	for _, rules := range []stream.Rules{{}, {Content: noRulesAtAll}} {
		r := ruled(t, spec.ModeHTTP, func(p *spec.Proxy) {
			p.Options.HTTPBufferRequest = true
			p.Balance, p.Hash = spec.ByExpr, spec.Hash{Expr: e}
		}, rules, named("a"), named("b"))
		got := [2]string{}
		for turn := range got {
			for i := range 16 {
				c := r.dial()
				body := fmt.Sprintf("body number %d", i)
				head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(body))
				if turn == 0 {
					c.send(head + body)
				} else {
					c.send(head)
					r.loop.Call(func() {})
					c.send(body)
				}
				_, name := c.response("POST")
				got[turn] += name
			}
		}
		if got[0] != got[1] || !strings.Contains(got[0], "a") || !strings.Contains(got[0], "b") {
			t.Errorf("at once %s, in pieces %s", got[0], got[1])
		}
	}
}

// Rules about an answer leave its content alone, whatever they make of its fields.
func TestLastRulesLeaveTheContent(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
		p.Rules[rule.Request] = rulesOf(t, rule.Request, "return status 200 content-type text/plain hdr X-A one,two lf-string the-content-of-%[path]")
		p.Rules[rule.AfterResponse] = rulesOf(t, rule.AfterResponse, `replace-header Content-Type ^(.*)/(.*)$ \2/\1-and-more`, `replace-value X-A (.*)o(.*) \2-\1`)
	}, origin(t, echoHTTP))
	c := r.dial()
	for range 2 {
		c.send("GET /path HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, body := c.response("GET")
		if body != "the-content-of-/path" || resp.Header.Get("Content-Type") != "plain/text-and-more" || resp.Header.Get("X-A") != "ne-,-tw" {
			t.Errorf("%q, %v", body, resp.Header)
		}
	}
}
