package stream_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/poller"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// site is a certificate for localhost with its key, in PEM.
var site = sync.OnceValue(func() []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost", "other.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})...)
})

func siteFile(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "site.pem")
	if err := os.WriteFile(file, site(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// secured makes the rig's clients speak TLS.
func secured(t testing.TB, more ...func(*spec.Proxy)) func(*spec.Proxy) {
	file := siteFile(t)
	return func(p *spec.Proxy) {
		p.Binds = []*spec.Bind{{ID: 7, TLS: &spec.BindTLS{TLS: spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}, Certs: []string{file}}}}
		for _, fn := range more {
			fn(p)
		}
	}
}

// toSecure makes the rig's servers speak TLS.
func toSecure(s *spec.ServerTLS) func(*spec.Proxy) {
	return func(p *spec.Proxy) {
		for _, srv := range p.Servers {
			srv.TLS = s
		}
	}
}

// secureOrigin is origin in TLS; names takes the names that were asked for.
func secureOrigin(t *testing.T, names chan<- string, fn func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	pair, err := tls.X509KeyPair(site(), site())
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}}
	return origin(t, func(c net.Conn, _ *bufio.Reader) {
		s := tls.Server(c, cfg)
		if s.Handshake() != nil {
			return
		}
		if names != nil {
			names <- s.ConnectionState().ServerName
		}
		fn(s, bufio.NewReader(s))
	})
}

// secureDial is a connection to the rig, in TLS.
func (r *rig) secureDial(name string) *tls.Conn {
	r.t.Helper()
	c, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true, ServerName: name}) //nolint:gosec // it is the rig
	if err != nil {
		r.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	r.t.Cleanup(func() { c.Close() })
	return c
}

// settledTLS checks that nothing of TLS is left when nobody is connected.
func (r *rig) settledTLS() {
	r.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		var made, idle, clients int
		r.loop.Call(func() { made, idle = r.thread.TLS.Coroutines(); clients = r.thread.Clients() })
		if made == idle && clients == 0 {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("%d of %d coroutines are idle, there are %d clients", idle, made, clients)
		}
	}
}

// Requests pass through TLS on either side, and connections to servers are used again.
func TestTLSOnBothSides(t *testing.T) {
	names := make(chan string, 10)
	addr := secureOrigin(t, names, echoHTTP)
	expr, err := sample.Compile("ssl_fc_sni", &sample.Env{Names: &txn.Names{}, At: txn.Between(0, txn.StepLog)})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, spec.ModeHTTP, secured(t, toSecure(&spec.ServerTLS{TLS: spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}, SNI: expr}), func(p *spec.Proxy) { p.HTTPReuse = spec.ReuseAlways }), addr)
	ask := func(c *tls.Conn, body string) {
		t.Helper()
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || !strings.HasSuffix(string(got), fmt.Sprintf("body=%d", len(body))) {
			t.Fatalf("%q, %v", got, err)
		}
	}
	c := r.secureDial("localhost")
	for i := range 3 {
		ask(c, fmt.Sprintf("number %d", i))
	}
	ask(c, strings.Repeat("x", 200_000))
	rec := <-r.lines
	if !rec.TLS || rec.TLSVersion != "TLSv1.3" || !strings.HasPrefix(rec.TLSCipher, "TLS_") || rec.Status != 200 {
		t.Errorf("logged %+v", rec)
	}
	ask(r.secureDial("other.test"), "another name is another connection")
	ask(r.secureDial("localhost"), "the same name is the same connection")
	close(names)
	var asked []string
	for n := range names {
		asked = append(asked, n)
	}
	if got := strings.Join(asked, " "); got != "localhost other.test" {
		t.Errorf("the server was asked for %q", got)
	}
}

// What a server says with the end of its handshake, or behind it, is read whatever way the
// poller has to report it: some report it again, some only when they are asked to.
func TestTLSOnEveryPoller(t *testing.T) {
	defer func(was string) { *pollerName = was }(*pollerName)
	for _, *pollerName = range poller.Names() {
		p, err := poller.New(*pollerName, 64)
		if err != nil {
			continue // not on this machine
		}
		p.Close()
		t.Run(*pollerName, func(t *testing.T) {
			addr := secureOrigin(t, nil, echoHTTP)
			r := newRig(t, spec.ModeHTTP, secured(t, toSecure(&spec.ServerTLS{TLS: spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}})), addr)
			c := r.secureDial("localhost")
			in := bufio.NewReader(c)
			for i := range 3 {
				fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
					t.Fatalf("answer %d is %d, %v", i, resp.StatusCode, err)
				}
			}
		})
	}
}

// The end of a message shows: one that is complete ends in order, one that is not does
// not look like it.
func TestTLSEndsInOrderOrNotAtAll(t *testing.T) {
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if req.URL.Path == "/cut" {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
			time.Sleep(50 * time.Millisecond)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\nall there is")
	})
	r := newRig(t, spec.ModeHTTP, secured(t), addr)
	for path, complete := range map[string]bool{"/whole": true, "/cut": false} {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		var raw bytes.Buffer
		// Up to TLS 1.2 an alert is to be seen from outside.
		c := tls.Client(tapped{conn, &raw}, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}) //nolint:gosec // it is the rig
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
		got, _ := io.ReadAll(c)
		if ended := lastRecord(raw.Bytes()) == 21; ended != complete || !bytes.Contains(got, []byte("200 OK")) {
			t.Errorf("%s: %q, ended in order: %v", path, got, ended)
		}
	}
	r.settledTLS()
}

// tapped keeps what is read from a connection.
type tapped struct {
	net.Conn
	to io.Writer
}

func (c tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	_, _ = c.to.Write(p[:n])
	return n, err
}

// lastRecord is the type of the last of some records of TLS.
func lastRecord(b []byte) (kind byte) {
	for len(b) >= 5 {
		kind = b[0]
		b = b[min(len(b), 5+int(b[3])<<8+int(b[4])):]
	}
	return kind
}

// Bulk passes both ways through TLS, whatever the pace of either end.
func TestTLSBulk(t *testing.T) {
	for _, mode := range []spec.Mode{spec.ModeHTTP, spec.ModeTCP} {
		const size = 3 << 20
		addr := secureOrigin(t, nil, func(c net.Conn, br *bufio.Reader) {
			if mode == spec.ModeTCP {
				_, _ = io.Copy(c, br)
				_ = c.(*tls.Conn).CloseWrite()
				return
			}
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(req.Body)
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
			_, _ = c.Write(body)
		})
		r := newRig(t, mode, secured(t, toSecure(&spec.ServerTLS{TLS: spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}}), splicing), addr)
		data := make([]byte, size)
		_, _ = rand.Read(data)
		c := r.secureDial("localhost")
		sent := make(chan error, 1)
		go func() {
			if mode == spec.ModeHTTP {
				fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
			}
			_, err := c.Write(data)
			if err == nil && mode == spec.ModeTCP {
				err = c.CloseWrite()
			}
			sent <- err
		}()
		time.Sleep(50 * time.Millisecond) // buffers fill
		var got []byte
		var err error
		if br := bufio.NewReader(c); mode == spec.ModeTCP {
			got, err = io.ReadAll(br)
		} else {
			var resp *http.Response
			if resp, err = http.ReadResponse(br, nil); err == nil {
				got, err = io.ReadAll(resp.Body)
			}
		}
		if err := errors.Join(err, <-sent); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("mode %v: %d bytes of %d, error %v", mode, len(got), size, err)
		}
		c.Close()
		r.settledTLS()
		r.nothingHeld()
	}
}

// oneByOne writes one byte at a time, in segments of their own.
type oneByOne struct{ net.Conn }

func (c oneByOne) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// A client whose bytes come one by one is served like any other, pipelined requests
// included.
func TestTLSInPieces(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, secured(t), origin(t, echoHTTP))
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	c := tls.Client(oneByOne{conn}, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}) //nolint:gosec // it is the rig
	const many = 5
	if _, err := io.WriteString(c, strings.Repeat("GET /a HTTP/1.1\r\nHost: a\r\n\r\n", many)); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(c)
	for i := range many {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	}
}

// Connections that never become streams end, and are logged with the reason.
func TestTLSHandshakeFailures(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, secured(t, func(p *spec.Proxy) { p.Timeouts.Client = 300 * time.Millisecond }), origin(t, echoHTTP))
	for _, c := range []struct {
		name, why string
		do        func(net.Conn)
	}{
		{"no TLS", "SSL handshake failure", func(c net.Conn) { _, _ = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n") }},
		{"closed", "Connection closed during SSL handshake", func(c net.Conn) { _, _ = c.Write([]byte{22, 3, 1}); _ = c.(*net.TCPConn).CloseWrite() }},
		{"silent", "Timeout during SSL handshake", func(c net.Conn) { _, _ = c.Write([]byte{22, 3, 1}) }},
		{"says nothing", "Timeout during SSL handshake", func(net.Conn) {}},
	} {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		c.do(conn)
		_, _ = io.ReadAll(conn)
		conn.Close()
		if rec := <-r.lines; string(rec.URI) != c.why {
			t.Errorf("%s: logged %q, want %q", c.name, rec.URI, c.why)
		}
	}
	r.settledTLS()
}

// A server whose handshake fails, or whose certificate is not to be trusted, is one
// that cannot be connected to.
func TestTLSServerRefused(t *testing.T) {
	plain := origin(t, echoHTTP)
	secure := secureOrigin(t, nil, echoHTTP)
	file := siteFile(t)
	asked, err := sample.Compile("str(wrong.test)", &sample.Env{Names: &txn.Names{}, At: txn.Between(0, txn.StepLog)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, addr      string
		tls             spec.ServerTLS
		status, retries int
	}{
		{"in clear", plain, spec.ServerTLS{}, 503, 1},
		{"name that it is not for", secure, spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: file}, VerifyHost: "wrong.test"}, 503, 1},
		{"name asked for that it is not for", secure, spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: file}, SNI: asked}, 503, 0}, // it will not have one
		{"its own authority", secure, spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: file}, VerifyHost: "other.test"}, 200, 0},
		{"not verified", secure, spec.ServerTLS{}, 200, 0},
	} {
		c.tls.MinVersion, c.tls.MaxVersion = tls.VersionTLS12, tls.VersionTLS13
		r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) { toSecure(&c.tls)(p); p.Retries = 1; p.Timeouts.Connect = 200 * time.Millisecond }, c.addr)
		cl := r.dial()
		cl.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(cl.r, nil)
		if err != nil || resp.StatusCode != c.status {
			t.Errorf("%s: %v, %v", c.name, resp, err)
		}
		if rec := <-r.lines; c.status == 503 && rec.Flags != [2]byte{'S', 'C'} && rec.Flags != [2]byte{'s', 'C'} {
			t.Errorf("%s: flags %s", c.name, rec.Flags[:])
		}
		if n := r.counted().Retries; int(n) != c.retries {
			t.Errorf("%s: %d retries, want %d", c.name, n, c.retries)
		}
	}
}

// A client that leaves before it has shaken hands is logged unless "option dontlognull" is set; one
// that does not speak TLS always is.
func TestTLSNothingIsLogged(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		r := newRig(t, spec.ModeHTTP, secured(t, func(p *spec.Proxy) { p.Options.DontLogNull = quiet }))
		c := r.dial()
		c.send("\x16\x03\x01")
		c.Close()
		r.settledTLS()
		r.dial().send("no TLS at all, and enough of it\r\n")
		want := []string{txn.TLSClosed.String(), txn.TLSHandshake.String()}
		if quiet {
			want = want[1:]
		}
		for _, w := range want {
			if rec := <-r.lines; string(rec.URI) != w {
				t.Errorf("dontlognull %v: %q, want %q", quiet, rec.URI, w)
			}
		}
	}
}

// BenchmarkTLSKeepAlive is BenchmarkKeepAlive with a client in TLS.
func BenchmarkTLSKeepAlive(b *testing.B) {
	resp := "HTTP/1.1 200 OK\r\ncontent-length: 128\r\ncontent-type: text/plain\r\n\r\n" + strings.Repeat("x", 128)
	r := newRigRuled(b, spec.ModeHTTP, secured(b), stream.Rules{}, discard{}, startCanned(b, resp))
	c := r.secureDial("localhost")
	_ = c.SetDeadline(time.Now().Add(time.Hour))
	req, in := []byte("GET /some/path?x=1 HTTP/1.1\r\nHost: example.org\r\n\r\n"), make([]byte, len(resp))
	b.ReportAllocs()
	for range b.N {
		if _, err := c.Write(req); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, in); err != nil {
			b.Fatal(err)
		}
	}
}

// A connection in TLS beyond "maxsslconn" ends at once, and there is room again when another
// one has ended, however it did.
func TestTLSConnectionsAreLimited(t *testing.T) {
	r := newRig(t, spec.ModeHTTP, secured(t), origin(t, echoHTTP))
	r.loop.Call(func() { r.thread.Shared.Config.Global.TLS.MaxConns = 1 })
	open := func() (net.Conn, error) {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		t.Cleanup(func() { conn.Close() })
		return conn, tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).Handshake() //nolint:gosec // it is the rig
	}
	left := func() {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); r.thread.Shared.TLSConns.Load() != 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d connections in TLS are counted, and there is none", r.thread.Shared.TLSConns.Load())
			}
		}
	}
	for _, end := range []string{"closed", "within the handshake"} {
		var first net.Conn
		if end == "closed" {
			var err error
			if first, err = open(); err != nil {
				t.Fatal(err)
			}
		} else {
			var err error
			if first, err = net.Dial("tcp", r.addr); err != nil {
				t.Fatal(err)
			}
			_, _ = first.Write([]byte{22, 3, 1})
			for stop := time.Now().Add(20 * time.Second); r.thread.Shared.TLSConns.Load() == 0 && time.Now().Before(stop); {
				time.Sleep(time.Millisecond)
			}
		}
		if _, err := open(); err == nil {
			t.Errorf("%s: there is one more than may be", end)
		}
		first.Close()
		left()
	}
	if _, err := open(); err != nil {
		t.Errorf("there is no room although all have ended: %v", err)
	}
}
