package backends_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"bench/backends/httporigin"
	"bench/backends/origintest"
	"bench/internal/dist"
)

// An origin in TLS gives the same answers, whatever their size and framing, and ends
// connections in order.
func TestHTTPOverTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"origin.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	o := httporigin.Options{TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}}
	o.Answer.Body, _ = dist.ParseSize("700000")
	kind, err := httporigin.NewConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	addr := origintest.Serve(t, kind)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: version}} //nolint:gosec // the test's own
		client := &http.Client{Transport: tr, Timeout: 10 * time.Second}
		for path, size := range map[string]int{"/": 700_000, "/bytes/10": 10, "/chunked/300000": 300_000, "/close/300000": 300_000, "/interim/20/bytes/5": 5, "/status/404/bytes/3": 3} {
			body := strings.Repeat("b", 200_000)
			resp, err := client.Post("https://"+addr.String()+path, "text/plain", strings.NewReader(body))
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || len(got) != size || !bytes.Equal(got[:min(10, size)], []byte(content(int64(min(10, size))))) {
				t.Errorf("%s: %d bytes, %v", path, len(got), err)
			}
		}
		tr.CloseIdleConnections()
	}
	// One that does not speak TLS is no client.
	if resp, err := http.Get("http://" + addr.String() + "/"); err == nil {
		resp.Body.Close()
		t.Errorf("answered in clear: %s", resp.Status)
	}
}
