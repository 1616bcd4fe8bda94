package engine_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	mathbig "math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const rotationConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 2
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend fe
    bind unix@%[1]s/fe ssl crt-list %[2]s/list ca-file %[2]s/ca crl-file %[2]s/crl verify required
    http-request return status 200 content-type text/plain lf-string "%%[ssl_f_s_dn(CN)] %%[ssl_c_s_dn(CN)]"
`

// signer signs certificates for a test.
type signer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

// issue makes a certificate with its key, in PEM; the first one is that of the signer itself.
func (s *signer) issue(cn string, names ...string) (c *x509.Certificate, text []byte) {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	s.next++
	tmpl := &x509.Certificate{
		SerialNumber: mathbig.NewInt(s.next), Subject: pkix.Name{CommonName: cn}, DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: s.cert == nil, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if s.cert == nil {
		s.cert, s.key = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, s.cert, key.Public(), s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		s.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	return c, append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})...)
}

// revoke is a list that has these certificates, in PEM.
func (s *signer) revoke(list ...*x509.Certificate) []byte {
	s.t.Helper()
	s.next++
	tmpl := &x509.RevocationList{Number: mathbig.NewInt(s.next), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}
	for _, c := range list {
		tmpl.RevokedCertificateEntries = append(tmpl.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, tmpl, s.cert, s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// Certificates, authorities, revocations, lists and keys of tickets are exchanged, again and
// again, while clients shake hands: who is good by the old ones and the new ones is let in at any
// moment, who is not by the new ones is not any more once the answer has come.
func TestAllOfTLSIsExchangedUnderLoad(t *testing.T) {
	files, dir := t.TempDir(), t.TempDir()
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(files, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, second := &signer{t: t}, &signer{t: t}
	root, _ := first.issue("root")
	other, _ := second.issue("other root")
	first.cert, second.cert = root, other
	_, one := first.issue("one", "a.test")
	_, two := first.issue("two", "a.test")
	_, three := first.issue("three", "c.test")
	_, good := first.issue("good")
	_, foreign := second.issue("foreign")
	wrong, revoked := first.issue("revoked")
	plain := func(c *x509.Certificate) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	write("site", one)
	write("ca", []byte(plain(root)))
	write("crl", append(first.revoke(), second.revoke()...))
	write("list", []byte(files+"/site\n"))
	startConfig(t, fmt.Sprintf(rotationConfig, dir, files))
	get := func(name string, cert []byte, sessions tls.ClientSessionCache) (string, error) {
		pair, err := tls.X509KeyPair(cert, cert)
		if err != nil {
			return "", err
		}
		raw, err := net.Dial("unix", filepath.Join(dir, "fe"))
		if err != nil {
			return "", err
		}
		defer raw.Close()
		c := tls.Client(raw, &tls.Config{ //nolint:gosec // the certificate is looked at by the test
			InsecureSkipVerify: true, ServerName: name, ClientSessionCache: sessions,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
		})
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			return "", err
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	var stop atomic.Bool
	var shaken atomic.Int64
	var wg sync.WaitGroup
	for i, name := range []string{"a.test", "a.test", "c.test", ""} {
		wg.Go(func() {
			var sessions tls.ClientSessionCache
			if i == 1 {
				sessions = tls.NewLRUClientSessionCache(1)
			}
			for !stop.Load() && !t.Failed() {
				got, err := get(name, good, sessions)
				if server, client, _ := strings.Cut(got, " "); err != nil || client != "good" || server != "one" && server != "two" && (server != "three" || name != "c.test") {
					t.Errorf("%q: %q, %v", name, got, err)
				}
				shaken.Add(1)
			}
		})
	}
	do := func(command string) {
		t.Helper()
		if answer := ask(t, filepath.Join(dir, "stats"), strings.ReplaceAll(command, "DIR", files)); !strings.Contains(answer, "!") || strings.Contains(answer, "Can't") {
			t.Errorf("%.50q: %q", command, answer)
		}
	}
	exchange := func(kind, file, text string) {
		do("set ssl " + kind + " DIR/" + file + " <<\n" + text)
		do("commit ssl " + kind + " DIR/" + file)
	}
	for round := range 60 {
		is := round%2 == 1
		site, roots, lists := one, plain(root), append(first.revoke(), second.revoke()...)
		if is {
			site, roots, lists = two, plain(root)+plain(other), append(first.revoke(wrong), second.revoke()...)
		}
		exchange("cert", "site", string(site))
		exchange("ca-file", "ca", roots)
		exchange("crl-file", "crl", string(lists))
		for who, text := range map[string][]byte{"foreign": foreign, "revoked": revoked} {
			if _, err := get("a.test", text, nil); (err == nil) != (is == (who == "foreign")) {
				t.Errorf("round %d: %s: %v", round, who, err)
			}
		}
		do("new ssl cert DIR/three")
		exchange("cert", "three", string(three))
		do("add ssl crt-list DIR/list <<\nDIR/three [ssl-min-ver TLSv1.3] c.test\n")
		if got, err := get("c.test", good, nil); got != "three good" {
			t.Errorf("round %d: added: %q, %v", round, got, err)
		}
		do("del ssl crt-list DIR/list DIR/three")
		if got, err := get("c.test", good, nil); strings.HasPrefix(got, "three") {
			t.Errorf("round %d: deleted: %q, %v", round, got, err)
		}
		do("del ssl cert DIR/three")
	}
	stop.Store(true)
	wg.Wait()
	t.Logf("%d handshakes", shaken.Load())
}
