package worker

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bench/loadgen/codec"
	"bench/loadgen/http1"
	"bench/loadgen/workload"
)

// secureOrigin is an HTTP server in TLS that counts handshakes.
type secureOrigin struct {
	*identity
	addr    string
	shown   atomic.Int64 // requests of clients that have shown that certificate, by the suite
	full    atomic.Int64
	resumed atomic.Int64
}

// identity is a certificate for identityName that has signed itself.
type identity struct {
	ca, pair string // files: the certificate, and with it its key
	own      tls.Certificate
}

const identityName = "origin.test"

func newIdentity(t *testing.T) *identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: identityName}, DNSNames: []string{identityName}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	id := &identity{ca: filepath.Join(t.TempDir(), "ca"), pair: filepath.Join(t.TempDir(), "pair"), own: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}
	if err := os.WriteFile(id.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(id.pair, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return id
}

// startSecure runs one until the end of the test.
func startSecure(t *testing.T, body string) *secureOrigin {
	t.Helper()
	o := &secureOrigin{identity: newIdentity(t)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = l.Addr().String()
	var seen sync.Map // connections whose handshake is counted
	srv := &http.Server{
		TLSConfig: &tls.Config{ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{o.own}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, known := seen.LoadOrStore(r.RemoteAddr, true); !known {
				if r.TLS.DidResume {
					o.resumed.Add(1)
				} else {
					o.full.Add(1)
				}
			}
			if p := r.TLS.PeerCertificates; len(p) == 1 && bytes.Equal(p[0].Raw, o.own.Certificate[0]) && r.TLS.CipherSuite == tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 {
				o.shown.Add(1)
			}
			_, _ = io.WriteString(w, body)
		}),
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
	}
	go func() { _ = srv.ServeTLS(l, "", "") }()
	t.Cleanup(func() { srv.Close() })
	return o
}

func secureSpec(o *secureOrigin, t *workload.TLS, n uint64, perConn int) *workload.Spec {
	return &workload.Spec{
		Name: "tls", Targets: []string{o.addr}, TLS: t, HTTP: http1.Spec{Host: "origin.test", Requests: []http1.Request{{Path: "/"}}},
		Arrival: workload.Closed, MaxRequests: n, Connections: workload.Connections{Pool: 4, RequestsPerConnection: perConn},
		Phases: []workload.Phase{{Name: "all", LengthUs: 20_000_000, Measure: true}}, TimeoutUs: 10_000_000, Seed: 1,
	}
}

// Requests pass through TLS, on connections that are kept or not, with sessions or without.
func TestSecure(t *testing.T) {
	const n = 60
	body := strings.Repeat("x", 100_000)
	for _, c := range []struct {
		name     string
		tls      workload.TLS
		perConn  int
		full     int64 // at most
		leastNew int64 // handshakes in all
	}{
		{"kept", workload.TLS{Name: "origin.test"}, 0, 4, 1},
		{"verified", workload.TLS{Name: "origin.test", CA: "ca"}, 0, 4, 1},
		{"resumed", workload.TLS{Name: "origin.test"}, 1, 4, n},
		{"resumed, 1.2", workload.TLS{MaxVersion: "1.2"}, 1, 4, n},
		{"full", workload.TLS{Name: "origin.test", Full: true}, 1, n, n},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := startSecure(t, body)
			if c.tls.CA != "" {
				c.tls.CA = o.ca
			}
			got, _ := load(t, secureSpec(o, &c.tls, n, c.perConn))
			p := got.Phases[0]
			full, resumed := o.full.Load(), o.resumed.Load()
			if p.Completed != n || p.Failed != 0 {
				t.Errorf("%d completed, %d failed", p.Completed, p.Failed)
			}
			if full > c.full || full+resumed < c.leastNew || c.tls.Full && resumed > 0 {
				t.Errorf("%d full handshakes and %d with a session", full, resumed)
			}
			if p.Handshake == nil || p.Handshake.Count != p.Handshakes || p.Handshake.Max <= 0 {
				t.Errorf("the times of %d handshakes are %+v", p.Handshakes, p.Handshake)
			}
			// A handshake may have led to nothing that the origin counts.
			if p.Handshakes < uint64(full+resumed) || p.Resumed < uint64(resumed) || p.Handshakes > p.ConnsOpened {
				t.Errorf("%d handshakes are noted, of which %d resumed, on %d connections; there were %d and %d", p.Handshakes, p.Resumed, p.ConnsOpened, full+resumed, resumed)
			}
		})
	}
}

// A certificate is shown to a server that asks for one, and the suite is the one that is
// wanted.
func TestSecureIdentity(t *testing.T) {
	o := startSecure(t, "x")
	wanted := &workload.TLS{Cert: o.pair, Ciphers: []string{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"}, MaxVersion: "1.2"}
	if got, _ := load(t, secureSpec(o, wanted, 20, 3)); got.Completed != 20 || o.shown.Load() != 20 {
		t.Errorf("%d completed, %d with the certificate and the suite; %v", got.Completed, o.shown.Load(), got.FailuresByCause)
	}
	for _, bad := range []workload.TLS{{Cert: o.ca}, {Cert: o.pair, Key: o.ca}, {Ciphers: []string{"RC5"}}, {Key: o.pair}} {
		if _, err := Run(t.Context(), secureSpec(o, &bad, 1, 1), nil); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// A target that does not speak TLS, or is not who it says it is, fails the request.
func TestSecureFailures(t *testing.T) {
	o := startSecure(t, "x")
	other := startSecure(t, "x")
	plain := startOrigin(t, &testOrigin{}, "")
	for name, s := range map[string]*workload.Spec{
		"in clear":          secureSpec(&secureOrigin{addr: plain.addr}, &workload.TLS{}, 3, 0),
		"another authority": secureSpec(o, &workload.TLS{Name: "origin.test", CA: other.ca}, 3, 0),
		"another name":      secureSpec(o, &workload.TLS{Name: "other.test", CA: o.ca}, 3, 0),
	} {
		s.TimeoutUs = 500_000 // one that speaks no TLS may say nothing at all
		got, l := load(t, s)
		if p := got.Phases[0]; p.Completed != 0 || p.Failed == 0 {
			t.Errorf("%s: %d completed, %d failed", name, p.Completed, p.Failed)
		}
		for _, f := range l.failures {
			if string(f.Cause) != codec.CauseConnect.String() || !strings.HasPrefix(f.Detail, "TLS: ") && !strings.HasPrefix(f.Detail, "handshake: ") {
				t.Errorf("%s: %s: %s", name, f.Cause, f.Detail)
			}
		}
	}
}
