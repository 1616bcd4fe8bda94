package stream_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/proxy/message"
	"bench/proxy/service"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// served is a rig whose requests below /service go to a service.
func served(t *testing.T, serve func(r *service.Request, w service.Writer)) *rig {
	t.Helper()
	return servedWith(t, stream.Rules{}, serve)
}

func servedWith(t *testing.T, rules stream.Rules, serve func(r *service.Request, w service.Writer)) *rig {
	t.Helper()
	rules.Request = ruleFunc(func(x *txn.Txn, out *txn.Outcome) txn.Verdict {
		if bytes.HasPrefix(x.Req.Path(), []byte("/service")) {
			out.Service = "test"
			return txn.Answered
		}
		return txn.Next
	})
	r := ruled(t, spec.ModeHTTP, nil, rules, origin(t, echoHTTP))
	r.loop.Call(func() {
		r.thread.Shared.Services = map[string]*service.Service{"test": {Name: "<TEST>", Serve: serve}}
	})
	return r
}

// An answer is framed as its reader understands it, and the connection goes on behind it
// where it can.
func TestAnswersOfServicesAreFramed(t *testing.T) {
	serve := func(r *service.Request, w service.Writer) {
		h := service.Head{Status: 200, Reason: "OK", Fields: [][2]string{{"x-target", string(r.Target)}}}
		if string(r.Query()) == "known" {
			h.Known, h.Length = true, 3
		}
		w.Begin(h)
		_, _ = io.WriteString(w, "ab")
		_, _ = io.WriteString(w, "c")
	}
	for _, c := range []struct {
		request, framing string
		content          string
		goesOn           bool
	}{
		{"GET /service HTTP/1.1\r\nHost: a\r\n\r\n", "transfer-encoding: chunked", "abc", true},
		{"GET /service?known HTTP/1.1\r\nHost: a\r\n\r\n", "content-length: 3", "abc", true},
		{"HEAD /service HTTP/1.1\r\nHost: a\r\n\r\n", "", "", true},
		{"HEAD /service?known HTTP/1.1\r\nHost: a\r\n\r\n", "content-length: 3", "", true},
		{"GET /service HTTP/1.0\r\n\r\n", "connection: close", "abc", false},
		{"GET /service?known HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "content-length: 3", "abc", true},
		{"GET /service HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "transfer-encoding: chunked", "abc", false},
		{"POST /service HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "transfer-encoding: chunked", "abc", true},
		{"POST /service HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbody", "transfer-encoding: chunked", "abc", false},
	} {
		t.Run(strings.ReplaceAll(c.request[:strings.Index(c.request, "\r")]+" "+c.framing, "/", "_"), func(t *testing.T) {
			r := served(t, serve)
			conn := r.dial()
			method, _, _ := strings.Cut(c.request, " ")
			conn.send(c.request)
			var raw bytes.Buffer
			conn.r.Reset(io.TeeReader(conn.Conn, &raw))
			resp, body := conn.response(method)
			head, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
			if resp.StatusCode != 200 || body != c.content || !strings.Contains(head, "x-target: /service") || !strings.Contains(head, c.framing) {
				t.Errorf("%s\n%q", head, body)
			}
			line := <-r.lines
			if line.Server != "<TEST>" || line.Flags != [2]byte{'L', 'R'} || line.Status != 200 {
				t.Errorf("logged as %s, %d, %s", line.Server, line.Status, line.Flags)
			}
			if line.Request != 0 || line.Queue != 0 || line.Connect != 0 || line.Response < 0 || line.Data < 0 {
				t.Errorf("times %d/%d/%d/%d/%d", line.Request, line.Queue, line.Connect, line.Response, line.Data)
			}
			if c.goesOn {
				conn.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
				if _, body := conn.response("GET"); !strings.HasPrefix(body, "GET /next") {
					t.Errorf("the next answer is %q", body)
				}
			} else if _, err := conn.r.ReadByte(); !errors.Is(err, io.EOF) {
				t.Errorf("the connection goes on: %v", err)
			}
			conn.Close()
			r.nothingHeld()
		})
	}
}

// Requests that were sent behind one for a service are answered in order.
func TestServicesInAPipeline(t *testing.T) {
	r := served(t, func(_ *service.Request, w service.Writer) { _, _ = io.WriteString(w, "service") })
	c := r.dial()
	c.send(strings.Repeat("GET /service HTTP/1.1\r\nHost: a\r\n\r\nGET /other HTTP/1.1\r\nHost: a\r\n\r\n", 20))
	for i := range 40 {
		want := "service"
		if i%2 == 1 {
			want = "GET /other"
		}
		if _, body := c.response("GET"); !strings.HasPrefix(body, want) {
			t.Fatalf("answer %d is %q", i, body)
		}
	}
}

// A service that has more to say than its client reads waits, and nothing of it piles up.
func TestServicesWaitForSlowReaders(t *testing.T) {
	const size = 64 << 20
	var written atomic.Int64
	piece := bytes.Repeat([]byte("0123456789abcdef"), 1<<10)
	r := served(t, func(_ *service.Request, w service.Writer) {
		for range size / len(piece) {
			if _, err := w.Write(piece); err != nil {
				return
			}
			written.Add(int64(len(piece)))
		}
	})
	c := r.dial()
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	c.send("GET /service HTTP/1.1\r\nHost: a\r\n\r\n")
	// It stops once the sockets are full.
	for last := int64(-1); last != written.Load(); time.Sleep(50 * time.Millisecond) {
		last = written.Load()
	}
	if n := written.Load(); n == 0 || n > size/4 {
		t.Fatalf("%d bytes were written that nobody reads", n)
	}
	_, body := c.response("GET")
	if len(body) != size || strings.Count(body, "0123456789abcdef") != size/16 {
		t.Errorf("%d bytes came, or others", len(body))
	}
}

// A client that leaves ends the service, whether it waits or works.
func TestServicesLearnThatNobodyIsThere(t *testing.T) {
	ended := make(chan error, 1)
	r := served(t, func(req *service.Request, w service.Writer) {
		piece := make([]byte, 1<<16)
		for {
			if string(req.Query()) == "slow" {
				time.Sleep(time.Millisecond)
			}
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return
			}
		}
	})
	for _, target := range []string{"/service", "/service?slow"} {
		c := r.dial()
		c.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := c.r.ReadByte(); err != nil {
			t.Fatal(err)
		}
		c.Close()
		select {
		case err := <-ended:
			if !errors.Is(err, service.ErrGone) {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the service still writes")
		}
		if line := <-r.lines; line.Server != "<TEST>" || line.Flags != [2]byte{'L', 'R'} {
			t.Errorf("logged as %s, %s", line.Server, line.Flags)
		}
	}
	r.nothingHeld()
}

// What a service does wrong is an internal error, and nobody else's business.
func TestServicesThatFail(t *testing.T) {
	r := served(t, func(req *service.Request, w service.Writer) {
		switch string(req.Query()) {
		case "panic":
			panic("a mistake")
		case "late":
			_, _ = w.Write(make([]byte, 1<<20))
			panic("a mistake")
		}
	})
	other := r.dial()
	for _, query := range []string{"panic", "silence"} {
		c := r.dial()
		c.send("GET /service?" + query + " HTTP/1.1\r\nHost: a\r\n\r\n")
		if resp, _ := c.response("GET"); resp.StatusCode != 500 {
			t.Errorf("%s: status %d", query, resp.StatusCode)
		}
		if line := <-r.lines; line.Status != 500 || line.Flags != [2]byte{'I', 'R'} {
			t.Errorf("%s: logged as %d, %s", query, line.Status, line.Flags)
		}
	}
	c := r.dial()
	c.send("GET /service?late HTTP/1.1\r\nHost: a\r\n\r\n")
	if b, err := io.ReadAll(c.r); err == nil && bytes.HasSuffix(b, []byte("0\r\n\r\n")) {
		t.Error("half an answer was ended as if it were whole")
	}
	other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp, _ := other.response("GET"); resp.StatusCode != 200 {
		t.Errorf("another client: status %d", resp.StatusCode)
	}
	r.nothingHeld()
}

// Rules about responses see the answers of services, unless these are plain; those that
// come last see all.
func TestRulesAboutAnswersOfServices(t *testing.T) {
	add := func(name string) ruleFunc {
		return func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
			x.Res.Add([]byte(name), []byte("1"))
			return txn.Next
		}
	}
	r := servedWith(t, stream.Rules{Response: add("x-response"), AfterResponse: add("x-after")}, func(_ *service.Request, w service.Writer) { _, _ = io.WriteString(w, "x") })
	for _, plain := range []bool{false, true} {
		r.loop.Call(func() { r.thread.Shared.Services["test"].Plain = plain })
		c := r.dial()
		c.send("GET /service HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, _ := c.response("GET")
		if (resp.Header.Get("x-response") == "") != plain || resp.Header.Get("x-after") != "1" {
			t.Errorf("plain %v: %v", plain, resp.Header)
		}
	}
}

// A rule that makes an answer one without a body makes it so.
func TestRulesTakeTheBodyOfAService(t *testing.T) {
	r := servedWith(t, stream.Rules{AfterResponse: ruleFunc(func(x *txn.Txn, _ *txn.Outcome) txn.Verdict {
		x.Res.Status, x.Res.Reason = 204, []byte("No Content")
		return txn.Next
	})}, func(_ *service.Request, w service.Writer) { _, _ = w.Write(make([]byte, 100_000)) })
	c := r.dial()
	c.send("GET /service HTTP/1.1\r\nHost: a\r\n\r\nGET /service HTTP/1.1\r\nHost: a\r\n\r\n")
	for range 2 {
		if resp, body := c.response("GET"); resp.StatusCode != 204 || body != "" || resp.Header.Get("transfer-encoding") != "" {
			t.Fatalf("status %d, %d bytes, %v", resp.StatusCode, len(body), resp.Header)
		}
	}
}

// A service has the request to itself, with what has come of its body.
func TestServicesHaveTheRequest(t *testing.T) {
	got := make(chan string, 1)
	r := served(t, func(req *service.Request, w service.Writer) {
		time.Sleep(20 * time.Millisecond) // the buffer it came in serves others meanwhile
		got <- fmt.Sprintf("%s %s %s %q %v %d", req.Method, req.PathAndQuery(), req.GetID(message.Host), req.Content, req.Complete, req.Proxy)
		_, _ = io.WriteString(w, "x")
	})
	c, other := r.dial(), r.dial()
	c.send("POST http://h/service/a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	for range 5 {
		other.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
		other.response("GET")
	}
	if text, want := <-got, `POST /service/a?b h "abc" true 0`; text != want {
		t.Errorf("%s, want %s", text, want)
	}
}
