package difftest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// Clients of every kind use a proxy beside each other, with all that makes requests and
// responses wait, keeps pieces of them, and writes them elsewhere. Each client marks all
// that it sends; whatever comes out anywhere must have the marks of one client only.
//
// HAProxy plays too: it says whether the test asks for what can be had.

const identityConf = `global
    nbthread 1
    maxconn 400
    stats socket DIR/stats level admin
    log stdout format raw local0
    %s
defaults
    mode http
    timeout connect LIMIT
    timeout client LIMIT
    timeout server LIMIT
    timeout queue LIMIT
    timeout tarpit 20ms
    http-reuse always
    retries 2
frontend ready
    bind fd@4
    monitor-uri /ready
frontend fe
    bind fd@3
    bind fd@5 ssl crt DIR/site alpn h2,http/1.1
    bind fd@6 accept-proxy
    log global
    unique-id-format %%[req.hdr(me)]-%%[path]
    declare capture request len 64
    log-format "%%ID|%%[capture.req.hdr(0)]|%%[var(txn.me)]|%%[var(sess.me)]|%%[capture.req.uri]|%%r"
    tcp-request inspect-delay LIMIT
    tcp-request content accept if { req.hdr(me) -m found }
    http-request set-var(txn.me) req.hdr(me)
    http-request set-var(sess.me) req.hdr(me)
    http-request capture req.hdr(me) id 0
    http-request wait-for-body time LIMIT if { path_beg /wait }
    http-request set-header X-Body %%[req.body,bytes(0,32)] if { path_beg /wait }
    http-request tarpit deny_status 429 if { path_beg /tarpit }
    http-request return status 200 content-type text/plain hdr X-Body %%[req.body,bytes(0,32)] lf-string "%%[req.hdr(me)]" if { path_beg /own }
    http-request redirect location /there/%%[req.hdr(me)] if { path_beg /redirect }
    http-request set-header X-Var %%[var(txn.me)]
    http-request set-header X-Map %%[path,map_beg(DIR/map,none)]
    http-request set-header X-Src %%[src]
    http-request replace-path /rewrite/(.*) /new/\1
    http-response set-header X-Back %%[var(txn.me)]
    http-response wait-for-body time LIMIT if { var(txn.me) -m end 2z 5z }
    http-after-response set-header X-After %%[var(txn.me)]/%%[capture.req.hdr(0)]
    use_backend buffered if { path_beg /buffer }
    default_backend be
backend be
    cookie SRV prefix
    compression algo gzip
    server s1 127.0.0.1:PORT cookie one
    server s2 127.0.0.1:PORT cookie two
backend buffered
    option http-buffer-request
    server s1 127.0.0.1:PORT maxconn 2
`

const (
	markedClients  = 24
	markedRequests = 20
)

var markPattern = regexp.MustCompile(`q\d{5}z`)

func mark(k int) string { return fmt.Sprintf("q%05dz", k) }

// strangers are the marks in a text that are not the one it should have.
func strangers(text, own string) string {
	for _, m := range markPattern.FindAllString(text, -1) {
		if m != own {
			return m
		}
	}
	if i := strings.IndexByte(text, 1); i >= 0 {
		return fmt.Sprintf("memory that nobody owns, at %d", i)
	}
	return ""
}

// marked is n bytes of a client's content.
func marked(own string, n int) []byte {
	return []byte(strings.Repeat(own, n/len(own)+1))[:n]
}

// identityOrigin sees to it that each request is of one client, and answers with as much
// as that wants.
func identityOrigin(t *testing.T, seen *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := r.Header.Get("Me")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // a client that has left
		}
		seen.Add(1)
		var head bytes.Buffer
		fmt.Fprintf(&head, "%s %s %s\n", r.Method, r.RequestURI, r.Host)
		_ = r.Header.Write(&head)
		if s := strangers(head.String(), own); s != "" || own == "" {
			t.Errorf("a request of %q has %s:\n%s", own, s, head.String())
		}
		if !bytes.Equal(body, marked(own, len(body))) {
			t.Errorf("a request of %s has another body: %.200q", own, body)
		}
		want := own
		if r.Header.Get("X-Var") != want || !strings.HasSuffix(r.Header.Get("X-Map"), want) || !strings.HasPrefix(r.URL.Path, "/new/") && strings.HasPrefix(r.RequestURI, "/rewrite") {
			t.Errorf("a request of %s:\n%s", own, head.String())
		}
		size := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("n"), &size)
		w.Header().Set("X-Path", r.URL.Path)
		w.Header().Set("X-Sent", fmt.Sprint(len(body)))
		w.Header().Set("X-Src", r.Header.Get("X-Src"))
		w.Header().Set("X-Body", r.Header.Get("X-Body"))
		http.SetCookie(w, &http.Cookie{Name: "SRV", Value: own, Path: "/"})
		if size%2 == 0 {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		answer := marked(own, size)
		half := len(answer) / 2
		_, _ = w.Write(answer[:half])
		if size%3 == 0 {
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
		_, _ = w.Write(answer[half:])
	})
}

// shredder is a connection whose writes leave in pieces.
type shredder struct {
	net.Conn
	mu  sync.Mutex
	rng *rand.Rand
}

func (c *shredder) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := 0; n < len(p); {
		most := 40
		if n > headEnd {
			most = 30000
		}
		k := min(1+c.rng.IntN(most), len(p)-n)
		if _, err := c.Conn.Write(p[n : n+k]); err != nil {
			return n, err
		}
		n += k
	}
	return len(p), nil
}

// identityClient makes client k: in clear, in TLS or behind another proxy, with either version of
// HTTP.
func identityClient(r *running, k int, rng *rand.Rand) (client *http.Client, base, src string) {
	addr, scheme, src := r.addr, "http", "127.0.0.1"
	kind := k % 5
	switch kind {
	case 2, 3:
		addr, scheme = r.more[0], "https"
	case 4:
		addr, src = r.more[1], fmt.Sprintf("10.1.%d.%d", k/250, k%250)
	}
	dial := func(context.Context, string, string) (net.Conn, error) {
		c, err := net.Dial("tcp4", addr)
		if err != nil {
			return nil, err
		}
		s := &shredder{Conn: c, rng: rand.New(rand.NewPCG(rng.Uint64(), 1))}
		if kind == 4 {
			_, err = fmt.Fprintf(s, "PROXY TCP4 %s 10.0.0.1 %d 80\r\n", src, 1000+k)
		}
		return s, err
	}
	tr := &http.Transport{DisableCompression: true, DialContext: dial, Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "site.test"}} //nolint:gosec // nobody else is here
	switch kind {
	case 1:
		tr.Protocols.SetUnencryptedHTTP2(true)
	case 3:
		tr.Protocols.SetHTTP2(true)
	default:
		tr.Protocols.SetHTTP1(true)
	}
	return &http.Client{Transport: tr, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, scheme + "://" + addr, src
}

// lost is an answer that has not come.
type lost struct{ error }

// identityRequest sends one request and looks at what comes back.
func identityRequest(client *http.Client, base, src string, k int, rng *rand.Rand) error {
	own := mark(k)
	kind := []string{"plain", "wait", "own", "redirect", "rewrite", "buffer", "tarpit", "plain", "wait", "buffer"}[rng.IntN(10)]
	sent, size := rng.IntN(3)*rng.IntN(40_000), rng.IntN(3)*rng.IntN(60_000)
	var body io.Reader
	method := "GET"
	if sent > 0 {
		method, body = "POST", bytes.NewReader(marked(own, sent))
		if rng.IntN(2) == 0 {
			body = io.MultiReader(body) // of unknown length
		}
	}
	ctx := context.Background()
	leaves := rng.IntN(8) == 0
	if leaves {
		short, cancel := context.WithTimeout(ctx, time.Duration(rng.IntN(8000))*time.Microsecond)
		defer cancel()
		ctx = short
	}
	req, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("%s/%s/%s?n=%d&m=%s", base, kind, own, size, own), body)
	if err != nil {
		return err
	}
	req.Header = http.Header{"Me": {own}, "X-More": {string(marked(own, rng.IntN(1500)))}, "User-Agent": {own}}
	if rng.IntN(3) == 0 {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	req.AddCookie(&http.Cookie{Name: "SRV", Value: "one~" + own})
	// Who is answered before all was sent may find the connection closed.
	early := sent > 0 && (kind == "own" || kind == "redirect" || kind == "tarpit")
	resp, err := client.Do(req)
	if err == nil {
		defer resp.Body.Close()
	}
	var got []byte
	if err == nil {
		got, err = io.ReadAll(resp.Body)
	}
	switch {
	case err != nil && (leaves || early):
		return nil
	case err != nil:
		return lost{fmt.Errorf("%s: %w", kind, err)}
	}
	if resp.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(got))
		if err == nil {
			got, err = io.ReadAll(z)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	var head bytes.Buffer
	_ = resp.Header.Write(&head)
	if s := strangers(head.String(), own); s != "" {
		return fmt.Errorf("%s: the answer has %s:\n%s", kind, s, head.String())
	}
	want := map[string]string{"X-After": own + "/" + own}
	status, content := 200, marked(own, size)
	switch kind {
	case "own":
		content = []byte(own)
	case "redirect":
		status, content, want["Location"] = 302, nil, "/there/"+own
	case "tarpit":
		status, content = 429, nil
	default:
		want["X-Back"], want["X-Sent"], want["X-Src"] = own, fmt.Sprint(sent), src
		want["X-Path"] = "/" + strings.Replace(kind, "rewrite", "new", 1) + "/" + own
	}
	if kind == "wait" {
		want["X-Body"] = string(marked(own, min(sent, 32)))
	}
	if resp.StatusCode != status && resp.StatusCode >= 400 {
		return lost{fmt.Errorf("%s: status %d, want %d", kind, resp.StatusCode, status)}
	}
	for name, value := range want {
		if got := resp.Header.Get(name); got != value {
			return fmt.Errorf("%s: %s is %q, want %q", kind, name, got, value)
		}
	}
	if resp.StatusCode != status || kind != "tarpit" && !bytes.Equal(got, content) {
		return fmt.Errorf("%s: status %d with %d bytes, want %d with %d: %.100q", kind, resp.StatusCode, len(got), status, len(content), got)
	}
	return nil
}

// vandal sends beginnings of requests, and leaves in one way or another.
func vandal(addr string, k int, rng *rand.Rand) {
	c, err := net.Dial("tcp4", addr)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	own := mark(k)
	text := fmt.Sprintf("POST /%s/%s HTTP/1.1\r\nHost: x\r\nMe: %s\r\nContent-Length: 20000\r\n\r\n%s", []string{"wait", "buffer", "plain", "own"}[rng.IntN(4)], own, own, marked(own, 19000))
	s := &shredder{Conn: c, rng: rng}
	_, _ = s.Write([]byte(text[:rng.IntN(len(text))]))
	if rng.IntN(2) == 0 {
		_ = c.(*net.TCPConn).SetLinger(0)
	}
}

// renameMap changes the values of a map as long as the others are at work.
func renameMap(path, name string, done <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		c, err := net.Dial("unix", path)
		if err != nil {
			return
		}
		own := mark(i % markedClients)
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(c, "set map %s /plain/%s v%d-%s\n", name, own, i, own)
		_, _ = io.Copy(io.Discard, c)
		c.Close()
		time.Sleep(time.Millisecond)
	}
}

func TestIdentities(t *testing.T) {
	subjects := []struct {
		subject
		global string
		limit  string // of time: where nothing may be lost, more than a busy machine takes
	}{
		{subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}, "", "1s"},
		{subject{"builtin", []string{build(t), "proxy"}}, "", "30s"},
	}
	subjects = append(subjects, subjects[1])
	subjects[2].name, subjects[2].global = "builtin on io_uring", "tune.poller io_uring" // where it is refused, epoll takes its place
	drawSeed(t)
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			var seen atomic.Int64
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{Handler: identityOrigin(t, &seen), ReadHeaderTimeout: time.Minute}
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { server.Close() })
			dir := t.TempDir()
			makeCert(t, dir, "site", []string{"site.test"}, nil, nil)
			var names bytes.Buffer
			for k := range markedClients {
				for _, kind := range []string{"plain", "wait", "rewrite", "new", "buffer"} {
					fmt.Fprintf(&names, "/%s/%s v-%s\n", kind, mark(k), mark(k))
				}
			}
			writeFile(t, dir, "map", names.Bytes())
			port := l.Addr().(*net.TCPAddr).Port
			conf := strings.NewReplacer("LIMIT", s.limit, "DIR", dir, "PORT", fmt.Sprint(port)).Replace(fmt.Sprintf(identityConf, s.global))
			r, err := s.startWith(dir, conf, port, 2)
			if err != nil {
				t.Fatal(err)
			}
			var clients sync.WaitGroup
			for k := range markedClients {
				clients.Go(func() {
					rng := rand.New(rand.NewPCG(*seed, uint64(k)))
					client, base, src := identityClient(r, k, rng)
					defer client.CloseIdleConnections()
					for i := range markedRequests {
						if i%5 == 0 {
							vandal(r.addr, k, rng)
						}
						err := identityRequest(client, base, src, k, rng)
						if _, ok := errors.AsType[lost](err); ok && s.name == "haproxy" {
							return // where it closes while something comes it resets the connection
						}
						if err != nil {
							t.Errorf("client %d, request %d: %v", k, i, err)
							return
						}
					}
				})
			}
			done := make(chan struct{})
			var others sync.WaitGroup
			others.Go(func() { renameMap(filepath.Join(dir, "stats"), filepath.Join(dir, "map"), done) })
			clients.Wait()
			close(done)
			others.Wait()
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			lines := 0
			for in := bufio.NewScanner(strings.NewReader(r.output.String())); in.Scan(); {
				if own := markPattern.FindString(in.Text()); own != "" {
					lines++
					if s := strangers(in.Text(), own); s != "" {
						t.Errorf("a line of the log is of %s and has %s: %s", own, s, in.Text())
					}
				}
			}
			if s.name != "haproxy" && (seen.Load() == 0 || lines < markedClients*markedRequests/4) {
				t.Errorf("%d requests, %d lines of the log", seen.Load(), lines)
			}
		})
	}
}
