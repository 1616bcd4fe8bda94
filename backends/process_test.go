package backends_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/backends"
	"bench/backends/control"
	"bench/backends/httporigin"
	"bench/internal/dist"
	"bench/internal/integrity"
	"bench/internal/poller"
	"bench/internal/testpeer"
)

// rig is a running process of origins and its control client.
type rig struct {
	*backends.Process
	t       *testing.T
	control *control.Client
	addr    []string
}

// options are those of a process of HTTP origins.
type options struct {
	backends.Options
	HTTP httporigin.Options
}

// start runs a process of HTTP origins.
func start(t *testing.T, change func(*options)) *rig {
	t.Helper()
	o := &options{Options: defaults()}
	if change != nil {
		change(o)
	}
	var err error
	if o.Kind, err = httporigin.NewConfig(o.HTTP); err != nil {
		t.Fatal(err)
	}
	return startProcess(t, &o.Options)
}

func defaults() backends.Options {
	return backends.Options{Name: "web", Listen: []string{"127.0.0.1:0"}, Control: "127.0.0.1:0", Seed: 1}
}

func startProcess(t *testing.T, o *backends.Options) *rig {
	t.Helper()
	p, err := backends.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	line := p.ReadyLine()
	r := &rig{Process: p, t: t, control: control.NewClient(line.Control)}
	t.Cleanup(r.control.Close)
	for _, b := range line.Origins {
		r.addr = append(r.addr, b.Addr)
	}
	if err := r.control.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// dial opens a connection to the first replica, bounded in time.
func (r *rig) dial() net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr[0])
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) apply(f control.Fault) *control.Applied {
	r.t.Helper()
	a, err := r.control.Apply(r.t.Context(), f)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// class reads the counters of a class of the first replica.
func (r *rig) class(name string) control.ClassCounters {
	r.t.Helper()
	c, err := r.control.Counters(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, k := range c.Replicas[0].Classes {
		if k.Name == name {
			return k
		}
	}
	return control.ClassCounters{Name: name}
}

// eventually waits for what another thread is about to do.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 3 s: %s", what)
		}
	}
}

func get(t *testing.T, url string) (*http.Response, []byte) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func checkPayload(t *testing.T, body []byte, size int) {
	t.Helper()
	if len(body) != size {
		t.Fatalf("%d bytes, want %d", len(body), size)
	}
	for i, c := range body {
		if c != integrity.PayloadByte(int64(i)) {
			t.Fatalf("byte %d is %q, want %q", i, c, integrity.PayloadByte(int64(i)))
		}
	}
}

func TestFramingsAndSizes(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		t.Run(m.Name, func(t *testing.T) {
			testpeer.Poller(t, &m)
			r := start(t, func(o *options) { o.Poller = m.Name })
			for _, size := range []int{0, 1, 1000, 16383, 16384, 16385, 100_000, 3 << 20} {
				for _, framing := range []string{"bytes", "chunked", "close"} {
					res, body := get(t, fmt.Sprintf("http://%s/%s/%d", r.addr[0], framing, size))
					checkPayload(t, body, size)
					if got := res.Header.Get("X-Bench-Origin"); got != "web" || res.StatusCode != 200 {
						t.Errorf("%s/%d: origin %q, status %d", framing, size, got, res.StatusCode)
					}
					known := res.ContentLength == int64(size)
					chunked := len(res.TransferEncoding) == 1
					if known != (framing == "bytes") || chunked != (framing == "chunked") || res.Close != (framing == "close") {
						t.Errorf("%s/%d: length %d, encoding %v, close %v", framing, size, res.ContentLength, res.TransferEncoding, res.Close)
					}
				}
			}
		})
	}
}

func TestConfiguredAnswer(t *testing.T) {
	r := start(t, func(o *options) {
		o.HTTP.Answer.Body = dist.FixedSize(5000)
		o.HTTP.Answer.Framing = httporigin.ByChunks
		o.HTTP.Answer.Latency = dist.FixedDuration(20 * time.Millisecond)
		o.HTTP.Answer.Headers = []httporigin.Header{{Name: "X-Extra", Value: "yes"}}
		o.HTTP.Answer.Status, _ = httporigin.ParseStatuses("404")
	})
	begin := time.Now()
	res, body := get(t, "http://"+r.addr[0]+"/")
	checkPayload(t, body, 5000)
	if took := time.Since(begin); took < 20*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	if res.StatusCode != 404 || res.Header.Get("X-Extra") != "yes" {
		t.Errorf("status %d, headers %v", res.StatusCode, res.Header)
	}
	if got := exchange(t, r.dial(), "GET / HTTP/1.0\r\n\r\n"); strings.Contains(got, "chunked") || !strings.HasSuffix(got, string(body)) {
		t.Errorf("HTTP/1.0 got %.200q", got)
	}
}

// exchange writes text and reads to the end of the stream.
func exchange(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestRequestsAsTheyCome(t *testing.T) {
	r := start(t, nil)
	const end = "GET /bytes/3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name, text string
		want       []string // in order
		answers    int
	}{
		{"pipelined", strings.Repeat("GET /bytes/2 HTTP/1.1\r\nHost: a\r\n\r\n", 20) + end, nil, 21},
		{"pipelined with delays", strings.Repeat("GET /delay/1ms HTTP/1.1\r\nHost: a\r\n\r\n", 20) + end, nil, 21},
		{"head request", "HEAD /bytes/900 HTTP/1.1\r\nHost: a\r\n\r\n" + end, []string{"Content-Length: 900\r\n\r\nHTTP/1.1 200"}, 2},
		{"no content", "GET /status/204 HTTP/1.1\r\nHost: a\r\n\r\n" + end, []string{"204 No Content", "text/plain\r\n\r\nHTTP/1.1 200"}, 2},
		{"body by length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /" + end, nil, 2},
		{"body in chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n" + end, nil, 2},
		{"expectation met by itself", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx" + end, nil, 2},
		{"malformed", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n" + end, []string{"400 Bad Request", "X-Bench-Origin: web", "close", "Content-Length is not a number"}, 1},
		{"long head", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 70_000), []string{"431 "}, 1},
		{"1.0 closes", "GET /bytes/3 HTTP/1.0\r\n\r\n", []string{"Connection: close"}, 1},
		{"1.0 persists", "GET /bytes/3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + end, []string{"Connection: keep-alive"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := exchange(t, r.dial(), c.text)
			if n := strings.Count(whole, "HTTP/1.1 "); n != c.answers {
				t.Errorf("%d answers, want %d: %.500q", n, c.answers, whole)
			}
			rest := whole
			for _, w := range c.want {
				_, after, ok := strings.Cut(rest, w)
				if !ok {
					t.Errorf("no %q in %.500q", w, rest)
				}
				rest = after
			}
			slow := r.dial()
			go func() {
				for i := range len(c.text) {
					if i%7 == 0 && i < 2000 {
						time.Sleep(50 * time.Microsecond)
					}
					if _, err := io.WriteString(slow, c.text[i:i+1]); err != nil {
						return
					}
				}
			}()
			drip, err := io.ReadAll(slow)
			if err != nil {
				t.Fatal(err)
			}
			if string(drip) != whole && c.name != "expectation met by itself" {
				t.Errorf("byte by byte gives %.300q, not %.300q", drip, whole)
			}
		})
	}
}

func TestContinueAndEcho(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	in := bufio.NewReader(c)
	fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: a\r\nX-Odd:  v \r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
	if line, err := in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "body")
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var e httporigin.Echo
	if err := json.NewDecoder(res.Body).Decode(&e); err != nil {
		t.Fatal(err)
	}
	if e.Method != "POST" || e.Body != "body" || e.BodyLength != 4 || e.Request != 1 || e.Headers[1] != [2]string{"X-Odd", "v"} || e.Peer != c.LocalAddr().String() {
		t.Errorf("echo %+v", e)
	}
}

func TestKeepAliveLimits(t *testing.T) {
	r := start(t, func(o *options) { o.HTTP.Limits = httporigin.Limits{Requests: 3, Idle: 50 * time.Millisecond} })
	got := exchange(t, r.dial(), strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 5))
	if n := strings.Count(got, "HTTP/1.1 200"); n != 3 || strings.Count(got, "Connection: close") != 1 {
		t.Errorf("%d answers: %q", n, got)
	}
	begin := time.Now()
	got = exchange(t, r.dial(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if took := time.Since(begin); strings.Contains(got, "close") || took < 45*time.Millisecond || took > time.Second {
		t.Errorf("idle connection ended after %v: %q", took, got)
	}
}

// The wait for a request is over when its head is there: a body may take longer,
// as long as some of it comes.
func TestIdleLimitLetsBodiesCome(t *testing.T) {
	r := start(t, func(o *options) { o.HTTP.Limits.Idle = 200 * time.Millisecond })
	c := r.dial()
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 25\r\n\r\n")
	for range 25 {
		fmt.Fprint(c, "x")
		time.Sleep(20 * time.Millisecond)
	}
	if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200") {
		t.Errorf("slow body: %q, %v", got, err)
	}
	for what, begin := range map[string]string{
		"a head that stops": "GET / HTTP/1.1\r\nHost: ",
		"a body that stops": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 25\r\n\r\nx",
	} {
		c, at := r.dial(), time.Now()
		fmt.Fprint(c, begin)
		if got, _ := io.ReadAll(c); len(got) > 0 || time.Since(at) > time.Second {
			t.Errorf("%s: %q after %v", what, got, time.Since(at))
		}
	}
}

func TestNoContinueForHTTP10(t *testing.T) {
	c := start(t, nil).dial()
	fmt.Fprint(c, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
	time.Sleep(20 * time.Millisecond) // an interim answer would come before the body
	fmt.Fprint(c, "x")
	if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestReplicasAndThreads(t *testing.T) {
	r := start(t, func(o *options) { o.Replicas, o.Threads = 3, 2 })
	for i, addr := range r.addr {
		for seq := range 40 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Close = true
			req.Header.Set("X-Bench-Id", fmt.Sprintf("c.%012d", seq/2))
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if want := fmt.Sprintf("web.%d", i+1); res.Header.Get("X-Bench-Origin") != want {
				t.Errorf("%s answers as %q, want %q", addr, res.Header.Get("X-Bench-Origin"), want)
			}
		}
	}
	counters, err := r.control.Counters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range counters.Replicas {
		c := k.Classes[0]
		// Each id went to the replica twice, on any thread.
		if c.Received != 40 || c.Answered != 40 || c.IDs != 20 || c.Repeated != 20 || c.AnsweredIDs != 20 {
			t.Errorf("%s: %+v", k.Name, c)
		}
	}
	// A refused replica is refused on both threads, and comes back on both.
	a := r.apply(control.Fault{Kind: control.Refuse, Target: "web.2", For: "1m"})
	for range 20 {
		if c, err := net.Dial("tcp", r.addr[1]); !errors.Is(err, syscall.ECONNREFUSED) {
			c.Close()
			t.Fatalf("not refused: %v", err)
		}
	}
	get(t, "http://"+r.addr[0]+"/")
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: a.ID}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		get(t, "http://"+r.addr[1]+"/")
	}
}

func TestUnixAddresses(t *testing.T) {
	dir := t.TempDir()
	r := start(t, func(o *options) { o.Listen, o.Control = []string{dir + "/web.sock"}, dir+"/control.sock" })
	dial := func() (string, error) {
		c, err := net.Dial("unix", dir+"/web.sock")
		if err != nil {
			return "", err
		}
		defer c.Close()
		return exchange(t, c, "GET /bytes/5 HTTP/1.0\r\n\r\n"), nil
	}
	if got, err := dial(); err != nil || !strings.HasSuffix(got, "0000 ") {
		t.Errorf("got %q, %v", got, err)
	}
	a := r.apply(control.Fault{Kind: control.Refuse, For: "1m"})
	if _, err := dial(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("not refused: %v", err)
	}
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: a.ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(); err != nil {
		t.Error(err)
	}
}

func TestCurl(t *testing.T) {
	curl := testpeer.Need(t, "curl")
	r := start(t, nil)
	run := func(args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, curl, append([]string{"-sS"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("curl %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	base := "http://" + r.addr[0]
	if got := run(base+"/bytes/10", base+"/chunked/20", base+"/close/30"); len(got) != 60 {
		t.Errorf("got %q", got)
	}
	if got := run("-I", base+"/bytes/12345"); !strings.Contains(got, "Content-Length: 12345") {
		t.Errorf("got %q", got)
	}
	big := bytes.Repeat([]byte("x"), 2<<20)
	cmd := exec.CommandContext(t.Context(), curl, "-sS", "--data-binary", "@-", "-H", "Expect: 100-continue", base+"/echo")
	cmd.Stdin = bytes.NewReader(big)
	out, err := cmd.Output()
	var e httporigin.Echo
	if err = errors.Join(err, json.Unmarshal(out, &e)); err != nil || e.BodyLength != int64(len(big)) {
		t.Errorf("upload: %v, %d bytes", err, e.BodyLength)
	}
	if got := run("--http1.0", base+"/status/404"); got != "" {
		t.Errorf("got %q", got)
	}
}
