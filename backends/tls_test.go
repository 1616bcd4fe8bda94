package backends_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bench/backends/httporigin"
	"bench/backends/origintest"
	"bench/backends/redisorigin"
	"bench/backends/tcporigin"
	"bench/internal/dist"
	"bench/internal/sock"
)

// secret is the certificate of an origin.
func secret(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"origin.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// TCP and Redis origins say the same in TLS: answers, what comes unasked, and long pieces, which
// are read slowly.
func TestOthersOverTLS(t *testing.T) {
	cfg := secret(t)
	dial := func(addr sock.Addr) *tls.Conn {
		t.Helper()
		c, err := tls.Dial("tcp", addr.String(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test's own
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		t.Cleanup(func() { c.Close() })
		return c
	}
	t.Run("echo", func(t *testing.T) {
		kind, err := tcporigin.NewConfig(tcporigin.Options{TLS: cfg})
		if err != nil {
			t.Fatal(err)
		}
		c := dial(origintest.Serve(t, kind))
		sent := []byte(content(1 << 20))
		done := make(chan error, 1)
		go func() {
			_, err := c.Write(sent)
			done <- errors.Join(err, c.CloseWrite())
		}()
		got, err := io.ReadAll(c)
		if err := errors.Join(err, <-done); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes of %d came back, or others: %v", len(got), len(sent), err)
		}
	})
	t.Run("source", func(t *testing.T) {
		kind, err := tcporigin.NewConfig(tcporigin.Options{TLS: cfg, Mode: tcporigin.Source, Bytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(dial(origintest.Serve(t, kind)))
		if err != nil || len(got) != 1<<20 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	t.Run("redis", func(t *testing.T) {
		kind, err := redisorigin.NewConfig(redisorigin.Options{TLS: cfg, Keys: map[string]string{"k": "v"}})
		if err != nil {
			t.Fatal(err)
		}
		addr := origintest.Serve(t, kind)
		c := dial(addr)
		for range 3 {
			if _, err := io.WriteString(c, "PING\r\nGET k\r\n"); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len("+PONG\r\n$1\r\nv\r\n"))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != "+PONG\r\n$1\r\nv\r\n" {
				t.Fatalf("%q, %v", got, err)
			}
		}
		// A client that speaks no TLS, or goes away within the handshake, leaves nothing.
		for _, text := range []string{"PING\r\n", "\x16\x03"} {
			raw, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(raw, text)
			_ = raw.(*net.TCPConn).CloseWrite()
			_ = raw.SetDeadline(time.Now().Add(10 * time.Second))
			if got, _ := io.ReadAll(raw); bytes.Contains(got, []byte("PONG")) {
				t.Errorf("answered in clear: %q", got)
			}
			raw.Close()
		}
	})
}

// An origin in TLS gives the same answers, whatever their size and framing, and ends
// connections in order.
func TestHTTPOverTLS(t *testing.T) {
	o := httporigin.Options{TLS: secret(t)}
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
