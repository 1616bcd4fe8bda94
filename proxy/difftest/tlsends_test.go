package difftest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// endCase is how a client, or a server, ends its side of a connection in TLS.
type endCase struct {
	name string
	// asked is what a client says before it ends, by do.
	asked string
	do    func(c *tls.Conn, raw *net.TCPConn)
}

// endsUnlike are the cases that differ: an end within a record is an error of the connection, as a
// reset is, and an alert is looked at although it is in clear.
var endsUnlike = map[string]string{
	"client of 1.2: nothing, then FIN within a record":           "last record 22",
	"client of 1.3: nothing, then FIN within a record":           "end",
	"client of 1.2: half a head, then FIN within a record":       "last record 22",
	"client of 1.3: half a head, then FIN within a record":       "end",
	"client of 1.2: a request, then FIN within a record":         "200 with 5 bytes, last record 23",
	"client of 1.2: a request of much, then FIN within a record": "200 with 15000 bytes, last record 23",
	"client of 1.2: two requests, then FIN within a record":      "200 with 5 bytes, 200 with 5 bytes, last record 23",
	"server: up to the end, then FIN within a record":            `"hello" 200 SD`,
	"server: half a head, then an alert in clear":                "502 502 SH",
}

// Ways of ending.
func endNotified(c *tls.Conn, _ *net.TCPConn) { _ = c.CloseWrite() }
func endBare(_ *tls.Conn, raw *net.TCPConn)   { _ = raw.CloseWrite() }
func endStays(*tls.Conn, *net.TCPConn)        {}
func endBoth(c *tls.Conn, raw *net.TCPConn)   { _ = c.CloseWrite(); _ = raw.CloseWrite() }
func endWithin(_ *tls.Conn, raw *net.TCPConn) {
	_, _ = raw.Write([]byte{recordData, 3, 3, 0, 100, 1, 2, 3})
	_ = raw.CloseWrite()
}

func endFatal(_ *tls.Conn, raw *net.TCPConn) {
	_, _ = raw.Write([]byte{recordAlert, 3, 3, 0, 2, 2, 80})
	_ = raw.CloseWrite()
}

func endBehind(c *tls.Conn, raw *net.TCPConn) {
	_ = c.CloseWrite()
	_, _ = raw.Write([]byte("more"))
	_ = raw.CloseWrite()
}
func endHard(_ *tls.Conn, raw *net.TCPConn) { _ = raw.SetLinger(0); _ = raw.Close() }

// ways are all of them, by their names.
var ways = []struct {
	name string
	do   func(*tls.Conn, *net.TCPConn)
}{
	{"close_notify", endNotified},
	{"FIN", endBare},
	{"nothing", endStays},
	{"close_notify and FIN", endBoth},
	{"FIN within a record", endWithin},
	{"an alert in clear", endFatal},
	{"something in clear behind close_notify", endBehind},
}

func clientEnds() (list []endCase) {
	for asked, text := range map[string]string{
		"a request": "GET /short HTTP/1.1\r\nHost: a\r\n\r\n", "half a head": "GET / HTTP/1.1\r\nHo", "half a body": "POST /short HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
		"nothing": "", "two requests": "GET /short HTTP/1.1\r\nHost: a\r\n\r\nGET /short HTTP/1.1\r\nHost: a\r\n\r\n", "the last request": "GET /short HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"a request of much": "GET /long HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		for _, w := range ways {
			list = append(list, endCase{name: asked + ", then " + w.name, asked: text, do: w.do})
		}
	}
	return list
}

// play says what a client gets: statuses, lengths, and what the last record was.
func (k *endCase) play(addr string, version uint16) string {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(10 * time.Second))
	wire := &overhearing{Conn: raw}
	c := tls.Client(wire, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}) //nolint:gosec // it is the test's own
	if err := c.Handshake(); err != nil {
		return err.Error()
	}
	if k.asked != "" {
		if _, err := io.WriteString(c, k.asked); err != nil {
			return err.Error()
		}
	}
	time.Sleep(100 * time.Millisecond) // its end is another event
	k.do(c, raw.(*net.TCPConn))
	said := ""
	for r := bufio.NewReader(c); ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		n, err := io.Copy(io.Discard, resp.Body)
		said += fmt.Sprintf("%d with %d bytes", resp.StatusCode, n)
		if resp.StatusCode >= 400 {
			said = fmt.Sprint(resp.StatusCode) // in words of its own
		}
		if err != nil && n != resp.ContentLength { // crypto/tls says what comes behind along with the last bytes
			said += " cut"
		}
		said += ", "
	}
	if version == tls.VersionTLS13 {
		return said + "end" // the kind of the last record is sealed
	}
	kind := byte(0)
	for b := wire.came; len(b) >= 5; {
		kind = b[0]
		size := int(b[3])<<8 | int(b[4])
		b = b[min(len(b), 5+size):]
	}
	return fmt.Sprintf("%slast record %d", said, kind)
}

// serverEnds are servers that end a response in some way, by path.
func serverEnds() (list []endCase) {
	for said, text := range map[string]string{
		"up to the end": "HTTP/1.1 200 OK\r\n\r\nhello", "complete": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "too short": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
		"half a head": "HTTP/1.1 200 OK\r\nConte", "nothing": "", "in chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "all chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	} {
		for _, w := range append(ways, struct {
			name string
			do   func(*tls.Conn, *net.TCPConn)
		}{"RST", endHard}) {
			list = append(list, endCase{name: said + ", then " + w.name, asked: text, do: w.do})
		}
	}
	return list
}

// serveEnds is a server in TLS that does what the path asks for, by number.
func serveEnds(l net.Listener, cfg *tls.Config, cases []endCase) {
	for {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer raw.Close()
			_ = raw.SetDeadline(time.Now().Add(10 * time.Second))
			c := tls.Server(raw, cfg)
			for r := bufio.NewReader(c); ; {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				n := 0
				if _, err := fmt.Sscanf(req.URL.Path, "/%d", &n); err != nil {
					return
				}
				if cases[n].asked != "" {
					_, _ = io.WriteString(c, cases[n].asked)
				}
				time.Sleep(100 * time.Millisecond) // its end is another event
				cases[n].do(c, raw.(*net.TCPConn))
			}
		}()
	}
}

// playServer says what a client, in clear, gets of a server's response.
func (k *endCase) playServer(addr string, n int) string {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", n)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "nothing"
	}
	body, err := io.ReadAll(resp.Body)
	switch {
	case resp.StatusCode != http.StatusOK:
		return fmt.Sprint(resp.StatusCode)
	case err != nil:
		return fmt.Sprintf("%q, cut", body)
	}
	return fmt.Sprintf("%q", body)
}

// Clients and servers that end their side of a connection in TLS, in order or not, come to the
// same as with the reference.
func TestEndsOfTLSLikeReference(t *testing.T) {
	const conf = `global
    nbthread 1
    log stdout format raw local0
defaults
    mode http
    retries 0
    timeout connect 1s
    timeout client 1500ms
    timeout server 1500ms
    timeout http-keep-alive 700ms
frontend ready
    bind fd@4
    monitor-uri /ready
frontend fe
    bind fd@3 ssl crt CERTS/site
    http-request return status 200 content-type text/plain string hello if { path /short }
    http-request return status 200 content-type text/plain file CERTS/long
frontend through
    log global
    log-format "said %%HP %%ST %%ts"
    bind fd@5
    default_backend be
backend be
    server s 127.0.0.1:%d ssl verify none
`
	certs := t.TempDir()
	makeFiles(t, certs)
	writeFile(t, certs, "long", make([]byte, 15000))
	pair, err := tls.LoadX509KeyPair(filepath.Join(certs, "site"), filepath.Join(certs, "site"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	clients, servers := clientEnds(), serverEnds()
	go serveEnds(l, &tls.Config{Certificates: []tls.Certificate{pair}}, servers)
	results := [2]map[string]string{{}, {}}
	var both sync.WaitGroup
	for i, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
		both.Go(func() {
			port := l.Addr().(*net.TCPAddr).Port
			r, err := s.startWith(t.TempDir(), fmt.Sprintf(strings.ReplaceAll(conf, "CERTS", certs), port), port, 1)
			if err != nil {
				t.Error(err)
				return
			}
			var all sync.WaitGroup
			var mu sync.Mutex
			places := make(chan struct{}, 40)
			play := func(name string, fn func() string) {
				places <- struct{}{}
				all.Go(func() {
					defer func() { <-places }()
					said := fn()
					mu.Lock()
					defer mu.Unlock()
					results[i][name] = said
				})
			}
			for _, k := range clients {
				play("client of 1.2: "+k.name, func() string { return k.play(r.addr, tls.VersionTLS12) })
				play("client of 1.3: "+k.name, func() string { return k.play(r.addr, tls.VersionTLS13) })
			}
			for n, k := range servers {
				play("server: "+k.name, func() string { return k.playServer(r.more[0], n) })
			}
			all.Wait()
			for end := time.Now().Add(10 * time.Second); strings.Count(r.output.String(), "said /") < len(servers) && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond) // lines are on their way
			}
			if err := r.stop(); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
			for line := range strings.Lines(r.output.String()) {
				n := 0
				if _, err := fmt.Sscanf(line, "said /%d ", &n); err == nil {
					results[i]["server: "+servers[n].name] += " " + strings.Join(strings.Fields(line)[2:], " ")
				}
			}
		})
	}
	both.Wait()
	for name, want := range results[0] {
		got, differs := results[1][name], endsUnlike[name]
		switch {
		case differs == "" && got != want, differs != "" && (got != differs || got == want):
			t.Errorf("%s:\n\thaproxy: %s\n\tbuiltin: %s", name, want, got)
		}
	}
}
