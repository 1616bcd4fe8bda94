package backends_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/backends/control"
	"bench/backends/httporigin"
	"bench/backends/mysqlorigin"
	"bench/backends/tcporigin"
	"bench/internal/dist"
)

// startSecure runs an origin of HTTP in TLS whose answers have 100,000 bytes.
func startSecure(t *testing.T, http2 bool) *rig {
	t.Helper()
	o := httporigin.Options{TLS: secret(t), HTTP2: http2}
	o.Answer.Body = dist.FixedSize(100_000)
	kind, err := httporigin.NewConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	opts := defaults()
	opts.Kind = kind
	return startProcess(t, &opts)
}

// recorder keeps what is read.
type recorder struct {
	net.Conn
	mu  sync.Mutex
	all []byte
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, p[:n]...)
	return n, err
}

// missing is how many bytes the last record lacks.
func (r *recorder) missing() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.all
	for len(b) >= 5 {
		n := 5 + int(b[3])<<8 + int(b[4])
		if len(b) < n {
			return n - len(b)
		}
		b = b[n:]
	}
	return 0
}

// visit shakes hands and asks for a page; the certificate is of no concern.
func visit(c net.Conn, cfg *tls.Config) (state tls.ConnectionState, body []byte, err error) {
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.InsecureSkipVerify = true //nolint:gosec // the test's own
	s := tls.Client(c, cfg)
	if err := s.Handshake(); err != nil {
		return state, nil, err
	}
	if _, err := io.WriteString(s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return state, nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(s), nil)
	if err != nil {
		return state, nil, err
	}
	body, err = io.ReadAll(answer.Body)
	return s.ConnectionState(), body, err
}

func (r *rig) spoilt() uint64 {
	r.t.Helper()
	c, err := r.control.Counters(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Replicas[0].Connections.Spoilt
}

// Handshakes that were held up go on when the fault is over; connections that were open
// are served all the time.
func TestHandshakesStall(t *testing.T) {
	r := startSecure(t, false)
	open := tls.Client(r.dial(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test's own
	if err := open.Handshake(); err != nil {
		t.Fatal(err)
	}
	a := r.apply(control.Fault{Kind: control.TLSStall, For: "1m"})
	c := r.dial()
	done := make(chan error, 1)
	go func() {
		_, body, err := visit(c, nil)
		if err == nil && len(body) != 100_000 {
			err = io.ErrUnexpectedEOF
		}
		done <- err
	}()
	for end := time.Now().Add(20 * time.Second); r.spoilt() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the handshake was not met")
		}
	}
	if _, err := io.WriteString(open, "GET /bytes/3 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := http.ReadResponse(bufio.NewReader(open), nil); err != nil || answer.StatusCode != 200 {
		t.Errorf("a connection that is open: %v, %v", answer, err)
	}
	select {
	case err := <-done:
		t.Errorf("the handshake ended meanwhile: %v", err)
	default:
	}
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: a.ID}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || r.spoilt() != 1 {
		t.Errorf("behind the fault: %v, %d handshakes met", err, r.spoilt())
	}
	// One that goes away meanwhile leaves nothing.
	r.apply(control.Fault{Kind: control.TLSStall, For: "100ms"})
	gone := r.dial()
	_, _ = io.WriteString(gone, "\x16\x03\x01")
	gone.Close()
	c.Close()
	open.Close()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n, err := r.control.Counters(t.Context())
		if err == nil && n.Replicas[0].Connections.Active == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("connections are left: %+v, %v", n, err)
		}
	}
}

// The handshake of MySQL is held up where it is asked for, behind the greeting.
func TestHandshakesStallBehindGreeting(t *testing.T) {
	r := startMySQL(t, mysqlorigin.Options{TLS: secret(t)})
	a := r.apply(control.Fault{Kind: control.TLSStall, For: "1m"})
	secured := r.open("app@ADDR/?tls=skip-verify")
	done := make(chan error, 1)
	go func() { done <- secured.PingContext(t.Context()) }()
	for end := time.Now().Add(20 * time.Second); r.spoilt() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the handshake was not met")
		}
	}
	if err := r.open("app@ADDR/").PingContext(t.Context()); err != nil {
		t.Errorf("in clear: %v", err)
	}
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: a.ID}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// pemOf is a certificate with its key as an order carries it.
func pemOf(t *testing.T, c *tls.Certificate) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}

// The certificate of the fault is shown as long as it lasts, also to who would go on with
// a session.
func TestAnotherCertificate(t *testing.T) {
	r := startSecure(t, false)
	cfg := &tls.Config{ServerName: "origin.test", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	shown := func() (cert string, resumed bool) {
		t.Helper()
		state, body, err := visit(r.dial(), cfg)
		if err != nil || len(body) != 100_000 {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
		return string(state.PeerCertificates[0].Raw), state.DidResume
	}
	own, _ := shown()
	if again, resumed := shown(); again != own || !resumed {
		t.Fatalf("no session: %v", resumed)
	}
	other := secret(t).Certificates[0]
	a := r.apply(control.Fault{Kind: control.Certificate, For: "1m", Certificate: pemOf(t, &other)})
	if got, resumed := shown(); got != string(other.Certificate[0]) || resumed {
		t.Errorf("not the certificate of the fault, resumed: %v", resumed)
	}
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: a.ID}); err != nil {
		t.Fatal(err)
	}
	if got, _ := shown(); got != own || r.spoilt() != 1 {
		t.Errorf("not its own certificate behind the fault; %d handshakes met", r.spoilt())
	}
}

// Answers end within a record, and nothing says that this is the end.
func TestRecordsCut(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		r := startSecure(t, false)
		r.apply(control.Fault{Kind: control.TLSTruncate, For: "1m"})
		c := &recorder{Conn: r.dial()}
		_, body, err := visit(c, &tls.Config{MaxVersion: version})
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 || len(body) >= 100_000 || c.missing() == 0 {
			t.Errorf("%d bytes, %v; the last record lacks %d bytes", len(body), err, c.missing())
		}
		if k := r.class("-"); k.Cut != 1 {
			t.Errorf("counted %+v", k)
		}
	}
	// In HTTP/2 the connection ends, with whatever else is on it.
	r := startSecure(t, true)
	r.apply(control.Fault{Kind: control.TLSTruncate, For: "1m"})
	var c *recorder
	tr := &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}, //nolint:gosec // the test's own
		Dial: func(string, string) (net.Conn, error) { c = &recorder{Conn: r.dial()}; return c, nil }, //nolint:staticcheck // no context is wanted
	}
	answer, err := tr.RoundTrip(func() *http.Request { q, _ := http.NewRequest(http.MethodGet, "https://x/", nil); return q }())
	if err == nil {
		_, err = io.ReadAll(answer.Body)
		answer.Body.Close()
	}
	if err == nil {
		t.Error("an answer of HTTP/2 was complete")
	}
	for end := time.Now().Add(4 * time.Second); c.missing() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("HTTP/2: no record was cut")
		}
	}
	tr.CloseIdleConnections()
}

// A client of TLS 1.2 is asked to shake hands again, and one that refuses says so.
func TestRenegotiationWanted(t *testing.T) {
	r := startSecure(t, true)
	r.apply(control.Fault{Kind: control.Renegotiation, For: "1m"})
	var err error
	for range 5 { // one that is too slow finds the connection closed
		if _, _, err = visit(r.dial(), nil); err == nil || strings.Contains(err.Error(), "no renegotiation") {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "no renegotiation") {
		t.Errorf("a client that refuses: %v", err)
	}
	c := &recorder{Conn: r.dial()}
	if _, _, err := visit(c, &tls.Config{Renegotiation: tls.RenegotiateFreelyAsClient}); err == nil || strings.Contains(err.Error(), "no renegotiation") || strings.Contains(err.Error(), "MAC") {
		t.Errorf("a client that would: %v", err)
	}
	if _, _, err := visit(r.dial(), &tls.Config{MinVersion: tls.VersionTLS13}); err == nil {
		t.Error("TLS 1.3 knows no renegotiation")
	}
	if r.spoilt() < 3 {
		t.Errorf("%d handshakes met", r.spoilt())
	}
}

// Faults of TLS are refused where nobody speaks it, and where they are incomplete.
func TestFaultsOfTLSRefused(t *testing.T) {
	kind, err := tcporigin.NewConfig(tcporigin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	opts := defaults()
	opts.Kind = kind
	plain, secured := startProcess(t, &opts), startSecure(t, false)
	for _, c := range []struct {
		r    *rig
		f    control.Fault
		want string
	}{
		{plain, control.Fault{Kind: control.TLSStall}, "this one has no certificate"},
		{plain, control.Fault{Kind: control.TLSTruncate}, "this one has no certificate"},
		{plain, control.Fault{Kind: control.Renegotiation}, "this one has no certificate"},
		{secured, control.Fault{Kind: control.Certificate}, "want \"certificate\""},
		{secured, control.Fault{Kind: control.Certificate, Certificate: "x"}, "PEM"},
		{secured, control.Fault{Kind: control.TLSStall, Certificate: "x"}, "takes no certificate"},
	} {
		c.f.For = "1s"
		if _, err := c.r.control.Apply(t.Context(), c.f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.f, err, c.want)
		}
	}
}
