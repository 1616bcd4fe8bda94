package engine_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
	"bench/proxy/engine"
)

// world is an engine with all around it that makes its fields move.
type world struct {
	t      *testing.T
	dir    string
	engine *engine.Engine
	own    string // where peers and lines of other programs come in
	there  string // where the other peer is
	talk   func(command string) string
	// sessions are those that the client of TLS may go on with.
	sessions tls.ClientSessionCache

	sick, unfit atomic.Bool // what checks and the agent are told
	arrived     atomic.Int64

	mu   sync.Mutex
	gate chan struct{} // what requests for /hang wait for
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), own: testpeer.FreeAddr(t), there: testpeer.FreeAddr(t), gate: make(chan struct{})}
	w.fresh()
	origin := testserver.HTTP(t, w.serve)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(w.serve))
	secure.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		time.Sleep(pause)
		return nil, nil
	}}
	secure.Config.SetKeepAlivesEnabled(false) // a handshake for each request
	secure.StartTLS()
	t.Cleanup(secure.Close)
	agent := testserver.TCP(t, func(c net.Conn) {
		defer c.Close()
		answer := "up\n"
		if w.unfit.Load() {
			time.Sleep(pause)
			answer = "down # not fit\n"
		}
		_, _ = io.WriteString(c, answer)
	})
	_, agentPort, _ := net.SplitHostPort(agent)
	certs, _ := certFiles(t)
	w.engine = startConfig(t, fmt.Sprintf(movesConfig, w.dir, origin, secure.Listener.Addr(), w.own, w.there, certs, agentPort, strings.Repeat("x", 1500)))
	w.talk = func(command string) string { return ask(t, filepath.Join(w.dir, "stats"), command) }
	for _, s := range []string{"checked/c1 check_status L7OK", "agent/a1 agent_status L7OK"} { // from which they move
		f := strings.Fields(s)
		waitFor(t, s, func() bool { return fieldsNow(w.ask)[f[0]+" "+f[1]] == f[2] })
	}
	return w
}

// pause is what takes long enough to be counted, in milliseconds.
const pause = 20 * time.Millisecond

// big is much more than sockets and pipes hold.
const big = 8 << 20

func (w *world) ask(command string) string { return w.talk(command) }

// serve is an origin that answers by the path.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	gate := w.gate
	w.mu.Unlock()
	w.arrived.Add(1)
	var status int
	switch _, err := fmt.Sscanf(r.URL.Path, "/%d", &status); {
	case status == 103:
		rw.WriteHeader(status)
	case err == nil:
		rw.WriteHeader(status)
		return
	}
	switch r.URL.Path {
	case "/hang":
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	case "/slow":
		time.Sleep(pause)
	case "/big":
		_, _ = rw.Write(make([]byte, big))
	case "/text":
		_, _ = io.WriteString(rw, strings.Repeat("text", 16<<10))
	case "/cached":
		rw.Header().Set("Cache-Control", "max-age=60")
	case "/xdeny":
		rw.Header().Set("X-Deny", "1")
	case "/health":
		if w.sick.Load() {
			time.Sleep(pause)
			rw.WriteHeader(503)
		}
	case "/closed", "/partial":
		c, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		if r.URL.Path == "/partial" {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		}
		_ = c.Close()
		return
	}
	_, _ = io.WriteString(rw, "hello")
}

// open lets those go on that wait.
func (w *world) open() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.gate)
	w.gate = make(chan struct{})
}

func (w *world) dial(frontend string) net.Conn {
	w.t.Helper()
	c, err := net.Dial("unix", filepath.Join(w.dir, frontend))
	if err != nil {
		w.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// say sends a text and reads what there is to read.
func (w *world) say(frontend, text string) {
	w.t.Helper()
	c := w.dial(frontend)
	defer c.Close()
	_, _ = io.WriteString(c, text)
	_, _ = io.Copy(io.Discard, c)
}

func request(path string) string {
	padding := ""
	if path == "/rewrite" {
		padding = "X-Large: " + strings.Repeat("x", 15000) + "\r\n"
	}
	return "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + padding + "\r\n"
}

func (w *world) get(frontend, path string) {
	w.t.Helper()
	w.say(frontend, request(path))
}

func (w *world) compressed() {
	w.t.Helper()
	w.say("fe", strings.Replace(request("/text"), "\r\n", "\r\nAccept-Encoding: gzip\r\n", 1))
}

// hold sends a request that waits; over lets it go on, until its answer has come.
func (w *world) hold(frontend, path string) (over func()) {
	w.t.Helper()
	c := w.dial(frontend)
	_, _ = io.WriteString(c, request(path))
	return func() {
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.Copy(io.Discard, c) }()
		for {
			w.open()
			select {
			case <-done:
				_ = c.Close()
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
}

// leave hangs up while the server works on a request.
func (w *world) leave(frontend, path string) {
	w.t.Helper()
	c, before := w.dial(frontend), w.arrived.Load()
	_, _ = io.WriteString(c, request(path))
	waitFor(w.t, "the request", func() bool { return w.arrived.Load() > before })
	_ = c.Close()
}

// unread asks for what it reads only half of.
func (w *world) unread(frontend, path string) (over func()) {
	w.t.Helper()
	c := w.dial(frontend)
	_, _ = io.WriteString(c, request(path))
	_, _ = io.CopyN(io.Discard, c, big/2)
	return func() { _ = c.Close() }
}

// fresh forgets the sessions of TLS.
func (w *world) fresh() { w.sessions = tls.NewLRUClientSessionCache(4) }

// secure opens a connection in TLS and has a request answered over it.
func (w *world) secure() (over func()) {
	w.t.Helper()
	c := tls.Client(w.dial("tls"), &tls.Config{InsecureSkipVerify: true, ServerName: "a.test", ClientSessionCache: w.sessions})
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return func() { _ = c.Close() }
}

// frame is a frame of HTTP/2.
func frame(kind, flags byte, stream uint32, content string) []byte {
	b := []byte{byte(len(content) >> 16), byte(len(content) >> 8), byte(len(content)), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), content...)
}

// http2 sends a request over HTTP/2, and frames after it. A request with a content is a POST.
func (w *world) http2(method, path string, then ...[]byte) (over func()) {
	w.t.Helper()
	c := w.dial("h2")
	flags, head := byte(5), "\x82\x86"
	if method == "POST" {
		flags, head = 4, "\x83\x86"
	}
	head += "\x04" + string(rune(len(path))) + path + "\x01\x01a"
	_, _ = c.Write(bytes.Join(append([][]byte{[]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0, ""), frame(1, flags, 1, head)}, then...), nil))
	go func() { _, _ = io.Copy(io.Discard, c) }()
	return func() { _ = c.Close() }
}

// peer starts the other process that shares tables.
func (w *world) peer() {
	startConfig(w.t, fmt.Sprintf(`global
    stats socket %s/there
    localpeer there
peers all
    peer here %s
    peer there %s
`, w.dir, w.own, w.there))
}

// line logs a line as another program.
func (w *world) line() {
	w.t.Helper()
	c, err := net.Dial("udp", w.own)
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "<13>Nov 30 00:00:00 host program: text\n")
}

// fill has the process use memory, this test being part of it.
func (w *world) fill() (over func()) {
	b := make([]byte, 96<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return func() { runtime.KeepAlive(b) }
}

// stay opens a connection to the runtime API that takes commands to the end.
func (w *world) stay() (talk func(command string) string) {
	w.t.Helper()
	c := w.dial("stats")
	w.t.Cleanup(func() { _ = c.Close() })
	r := bufio.NewReader(c)
	answer := func() string {
		var b strings.Builder
		for !strings.HasSuffix(b.String(), "\n> ") {
			x, err := r.ReadByte()
			if err != nil {
				w.t.Error(err)
				break
			}
			b.WriteByte(x)
		}
		return strings.TrimSuffix(b.String(), "> ")
	}
	_, _ = io.WriteString(c, "prompt\n")
	answer()
	return func(command string) string {
		_, _ = io.WriteString(c, command+"\n")
		return answer()
	}
}
