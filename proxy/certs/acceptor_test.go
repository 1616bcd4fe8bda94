package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/proxy/spec"
)

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
	next int64
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir(), next: 1}
	a.cert, a.key = a.make("ca", nil, false)
	return a
}

// make writes NAME with a certificate for names and its key.
func (a *authority) make(name string, names []string, isRSA bool) (*x509.Certificate, crypto.Signer) {
	a.t.Helper()
	var key crypto.Signer
	var err error
	if isRSA {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: name}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: a.cert == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	a.next++
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})...)
	a.write(name, text)
	c, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return c, key
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(name string, text []byte) {
	a.t.Helper()
	if err := os.MkdirAll(filepath.Dir(a.path(name)), 0o755); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(a.path(name), text, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// shake connects a client to an acceptor, and returns the subject of the certificate
// that it got, and what was agreed on.
func shake(srv, cli *tls.Config) (subject string, st tls.ConnectionState, err error) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	_ = a.SetDeadline(time.Now().Add(5 * time.Second))
	_ = b.SetDeadline(time.Now().Add(5 * time.Second))
	s, c := tls.Server(a, srv), tls.Client(b, cli)
	done := make(chan error, 1)
	go func() {
		err := s.Handshake()
		if err != nil {
			a.Close()
		}
		done <- err
	}()
	err = c.Handshake()
	if err != nil {
		b.Close()
	}
	if own := <-done; err == nil {
		err = own
	}
	if err != nil {
		return "", st, err
	}
	st = c.ConnectionState()
	return st.PeerCertificates[0].Subject.CommonName, st, nil
}

func anyVersion(t spec.TLS) spec.TLS {
	t.MinVersion, t.MaxVersion = tls.VersionTLS12, tls.VersionTLS13
	return t
}

// Clients get the certificate that is for the name they ask for and for the algorithms
// they know; others the first one, or none.
func TestChoosing(t *testing.T) {
	a := newAuthority(t)
	a.make("first", []string{"first.test"}, true)
	a.make("dual.ecdsa", []string{"dual.test", "*.wild.test"}, false)
	a.make("dual.rsa", []string{"dual.test"}, true)
	a.make("dir/b", []string{"b.test", "first.test"}, false)
	a.make("dir/a", []string{"a.test"}, false)
	a.write("dir/.hidden", []byte("no certificate"))
	a.write("dir/x.ocsp", []byte("no certificate"))
	a.make("listed", []string{"in.the.certificate.test"}, false)
	b := &spec.BindTLS{
		TLS: anyVersion(spec.TLS{ALPN: []string{"one", "two"}}), Certs: []string{a.path("first"), a.path("dual"), a.path("dir")},
		Lists: []spec.CertList{{File: "list", Entries: []spec.CertEntry{{Line: 1, Cert: a.path("listed"), TLS: spec.TLS{MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS13}, Names: []string{"*.listed.test", "!not.listed.test"}}}}},
	}
	acc, notes, err := NewStore().Acceptor(b)
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	onlyRSA := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	for _, c := range []struct {
		name   string
		suites []uint16
		want   string
	}{
		{"first.test", onlyRSA, "first"},
		{"FIRST.test", onlyRSA, "first"},
		{"first.test", nil, "dir/b"},
		{"nobody.test", nil, "first"},
		{"", nil, "first"},
		{"dual.test", nil, "dual.ecdsa"},
		{"dual.test", onlyRSA, "dual.rsa"},
		{"x.wild.test", nil, "dual.ecdsa"},
		{"x.y.wild.test", nil, "first"},
		{"wild.test", nil, "first"},
		{"a.test", nil, "dir/a"},
		{"b.test", nil, "dir/b"},
		{"x.listed.test", nil, "listed"},
		{"not.listed.test", nil, "first"},
		{"in.the.certificate.test", nil, "first"},
	} {
		cfg := &tls.Config{InsecureSkipVerify: true, ServerName: c.name} //nolint:gosec // the certificate is looked at below
		if c.suites != nil {
			cfg.CipherSuites, cfg.MaxVersion = c.suites, tls.VersionTLS12
		}
		if got, _, err := shake(acc.Config(), cfg); err != nil || got != c.want {
			t.Errorf("%q (%x): got %q, want %q; %v", c.name, c.suites, got, c.want, err)
		}
	}
	t.Run("alpn", func(t *testing.T) {
		for offer, want := range map[string]string{"two": "two", "three two": "two", "three": "", "": ""} {
			_, st, err := shake(acc.Config(), &tls.Config{InsecureSkipVerify: true, NextProtos: strings.Fields(offer)}) //nolint:gosec // as above
			if err != nil || st.NegotiatedProtocol != want {
				t.Errorf("%q: agreed on %q, %v", offer, st.NegotiatedProtocol, err)
			}
		}
	})
	t.Run("what is no name", func(t *testing.T) {
		for name, want := range map[string]bool{strings.Repeat("a", 255): true, strings.Repeat("a", 256): false, "a.test\x00": false} {
			_, _, err := shake(acc.Config(), &tls.Config{InsecureSkipVerify: true, ServerName: name}) //nolint:gosec // as above
			if (err == nil) != want || !want && !strings.Contains(err.Error(), "unrecognized name") {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
	t.Run("options of a line", func(t *testing.T) {
		if _, _, err := shake(acc.Config(), &tls.Config{InsecureSkipVerify: true, ServerName: "x.listed.test", MaxVersion: tls.VersionTLS12}); err == nil { //nolint:gosec // as above
			t.Error("TLS 1.2 is served although the line wants TLS 1.3")
		}
	})
	t.Run("strict", func(t *testing.T) {
		b.StrictSNI = true
		acc, _, err := NewStore().Acceptor(b)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]bool{"a.test": true, "nobody.test": false, "": false} {
			_, _, err := shake(acc.Config(), &tls.Config{InsecureSkipVerify: true, ServerName: name}) //nolint:gosec // as above
			alert, alerted := errors.AsType[tls.AlertError](err)
			if (err == nil) != want || !want && !strings.Contains(err.Error(), "unrecognized name") {
				t.Errorf("%q: %v (%v, %v)", name, err, alert, alerted)
			}
		}
	})
}

// Where a key may be, and what is wrong with files.
func TestFiles(t *testing.T) {
	a := newAuthority(t)
	a.make("whole.pem", []string{"x.test"}, false)
	text, err := os.ReadFile(a.path("whole.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cert, key, _ := strings.Cut(string(text), "-----BEGIN PRIVATE")
	key = "-----BEGIN PRIVATE" + key
	a.write("split.crt", []byte(cert))
	a.write("split.crt.key", []byte(key))
	a.write("ext.crt", []byte(cert))
	a.write("ext.key", []byte(key))
	a.make("other.pem", nil, false)
	other, _ := os.ReadFile(a.path("other.pem"))
	_, otherKey, _ := strings.Cut(string(other), "-----BEGIN PRIVATE")
	a.write("mixed.pem", []byte(cert+"-----BEGIN PRIVATE"+otherKey))
	for _, c := range []struct {
		file  string
		files spec.ExtraFiles
		want  string // "" if it is good
	}{
		{"whole.pem", spec.ExtraFiles{}, ""},
		{"split.crt", spec.ExtraFiles{Key: true}, ""},
		{"split.crt", spec.ExtraFiles{}, "has no private key"},
		{"ext.crt", spec.ExtraFiles{Key: true, DeleteExt: true}, ""},
		{"ext.crt", spec.ExtraFiles{Key: true}, "has no private key, and there is none in"},
		{"mixed.pem", spec.ExtraFiles{}, "private key does not match"},
		{"absent.pem", spec.ExtraFiles{}, "cannot read the certificate"},
	} {
		_, err := NewStore().load(a.path(c.file), c.files)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %+v: %v, want %q", c.file, c.files, err, c.want)
		}
	}
}

// Certificates of clients and servers are verified as configured.
func TestVerifying(t *testing.T) {
	a := newAuthority(t)
	good, _ := a.make("server", []string{"server.test"}, false)
	a.make("client", nil, false)
	revoked, _ := a.make("revoked", nil, false)
	stranger := newAuthority(t)
	stranger.make("client", nil, false)
	crl, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: revoked.SerialNumber, RevocationTime: time.Now()}},
	}, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.write("crl", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl}))
	_ = good
	pair := func(a *authority, name string) []tls.Certificate {
		c, err := tls.LoadX509KeyPair(a.path(name), a.path(name))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{c}
	}
	for _, c := range []struct {
		name   string
		verify spec.Verify
		crl    string
		certs  []tls.Certificate
		want   bool
	}{
		{"none", spec.VerifyNone, "", nil, true},
		{"optional, none shown", spec.VerifyOptional, "", nil, true},
		{"optional, good", spec.VerifyOptional, "", pair(a, "client"), true},
		{"optional, foreign", spec.VerifyOptional, "", pair(stranger, "client"), false},
		{"required, none shown", spec.VerifyRequired, "", nil, false},
		{"required, good", spec.VerifyRequired, "", pair(a, "client"), true},
		{"required, not revoked", spec.VerifyRequired, a.path("crl"), pair(a, "client"), true},
		{"required, revoked", spec.VerifyRequired, a.path("crl"), pair(a, "revoked"), false},
	} {
		acc, _, err := NewStore().Acceptor(&spec.BindTLS{TLS: anyVersion(spec.TLS{Verify: c.verify, CAFile: a.path("ca"), CRLFile: c.crl}), Certs: []string{a.path("server")}})
		if err != nil {
			t.Fatal(err)
		}
		// In TLS 1.3 the client is through before the server has seen its certificate.
		cli := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12} //nolint:gosec // the server is not what is tested
		if c.certs != nil {                                                        // whichever authorities the server names
			cli.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.certs[0], nil }
		}
		_, _, err = shake(acc.Config(), cli)
		if (err == nil) != c.want {
			t.Errorf("client %s: %v", c.name, err)
		}
	}
	srv := &tls.Config{Certificates: pair(a, "server")}
	for _, c := range []struct {
		name, sni string
		tls       spec.ServerTLS
		want      bool
	}{
		{"not verified", "", spec.ServerTLS{}, true},
		{"verified, any name", "", spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: a.path("ca")}}, true},
		{"the name asked for", "server.test", spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: a.path("ca")}}, true},
		{"another name asked for", "else.test", spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: a.path("ca")}}, false},
		{"verifyhost, another name asked for", "else.test", spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: a.path("ca")}, VerifyHost: "SERVER.test"}, false},
		{"verifyhost, no name asked for", "", spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: a.path("ca")}, VerifyHost: "SERVER.test"}, true},
		{"verifyhost", "", spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: a.path("ca")}, VerifyHost: "else.test"}, false},
		{"foreign authority", "", spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: stranger.path("ca")}}, false},
	} {
		c.tls.TLS = anyVersion(c.tls.TLS)
		con, _, err := NewStore().Connector(&c.tls)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := shake(srv, con.To([]byte(c.sni)).Config()); (err == nil) != c.want {
			t.Errorf("server %s: %v", c.name, err)
		}
		x, again, y := con.To([]byte("x")), con.To([]byte("x")), con.To([]byte("y"))
		if x != again || con.To(nil) != con.To([]byte{}) || x == y {
			t.Errorf("server %s: names and peers do not go together", c.name)
		}
	}
}

// Names that requests make up do not keep those that come later from being remembered.
func TestManyNamesOfAServer(t *testing.T) {
	con, _, err := NewStore().Connector(&spec.ServerTLS{TLS: anyVersion(spec.TLS{})})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * maxPeers {
		con.To([]byte(fmt.Sprint("made-up-", i)))
	}
	if first, again := con.To([]byte("late")), con.To([]byte("late")); first != again {
		t.Error("a name that came late is not remembered")
	}
	if n := len(con.peers.Load().byName); n > maxPeers {
		t.Errorf("%d names are remembered", n)
	}
}

func TestNamesOfCertificates(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a.test", "a.test", true},
		{"a.test", "b.test", false},
		{"*.a.test", "x.a.test", true},
		{"*.a.test", "a.test", false},
		{"*.a.test", "x.y.a.test", false},
		{"*", "a", false},
		{"*", "a.", false},
		{"*.a.test", ".a.test", true},
		{"x*.a.test", "xy.a.test", true},
		{"x*.a.test", "x.a.test", true},
		{"x*.a.test", "yx.a.test", false},
		{"*y.a.test", "xy.a.test", true},
		{"*y.a.test", "yx.a.test", false},
		{"x*z.a.test", "xyz.a.test", true},
		{"x*z.a.test", "xz.a.test", true},
		{"xy*yz.a.test", "xyz.a.test", false},
		{"x*z.a.test", "xy.z.a.test", false},
		{"x**.a.test", "xy.a.test", false},
		{"*x*.a.test", "x.a.test", false},
		{"x.*.test", "x.a.test", false},
		{"x*", "xy", false},
		{"x*.a.test", "xy.b.test", false},
		{"x*.a.test", "x*.a.test", true},
	} {
		if matches(c.pattern, c.name) != c.want {
			t.Errorf("%s for %s: %v", c.pattern, c.name, !c.want)
		}
	}
}
