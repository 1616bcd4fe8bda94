package difftest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// firstSession remembers the first session that it is given, and no other.
type firstSession struct {
	mu      sync.Mutex
	session *tls.ClientSessionState
}

func (f *firstSession) Get(string) (*tls.ClientSessionState, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.session, f.session != nil
}

func (f *firstSession) Put(_ string, s *tls.ClientSessionState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.session == nil {
		f.session = s
	}
}

// resumes tells whether the session is taken back.
func (f *firstSession) resumes(addr string, version uint16) string {
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, ClientSessionCache: f}) //nolint:gosec // it is the test's own
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	if _, err := io.ReadAll(c); err != nil { // tickets come before the answer
		return err.Error()
	}
	return fmt.Sprint(c.ConnectionState().DidResume)
}

// A session is taken back as long as the key that it was sealed with is one of the last three, and
// those that are given then are sealed with the last key but one.
func TestTicketsOfEarlierKeysLikeReference(t *testing.T) {
	certs := t.TempDir()
	makeFiles(t, certs)
	key := func(n byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{n}, 48)) }
	writeFile(t, certs, "keys", []byte(key(1)+"\n"+key(2)+"\n"+key(3)+"\n"))
	var seen [2]string
	var both sync.WaitGroup
	for i, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
		both.Go(func() {
			own := t.TempDir()
			socket := filepath.Join(own, "stats")
			conf := strings.Replace(scannedConf("crt "+certs+"/site tls-ticket-keys "+certs+"/keys"), "global\n", "global\n    stats socket "+socket+" level admin\n", 1)
			r, err := s.start(own, conf, 0)
			if err != nil {
				t.Error(err)
				return
			}
			var kept []*firstSession
			for n := range byte(6) {
				for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
					one := &firstSession{}
					seen[i] += fmt.Sprintf("%x first %s, ", version, one.resumes(r.addr, version))
					kept = append(kept, one)
				}
				for k, one := range kept { // those of 1.2 and of 1.3 take turns
					seen[i] += one.resumes(r.addr, tls.VersionTLS12+uint16(k%2)) + " "
				}
				seen[i] += "\n"
				c, err := net.Dial("unix", socket)
				if err != nil {
					t.Error(err)
					break
				}
				_, _ = fmt.Fprintf(c, "set ssl tls-key %s %s\n", certs+"/keys", key(4+n))
				said, _ := io.ReadAll(c)
				c.Close()
				seen[i] += strings.TrimSpace(string(said)) + "\n"
			}
			if err := r.stop(); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		})
	}
	both.Wait()
	if seen[0] != seen[1] || !strings.Contains(seen[1], "true") || !strings.Contains(seen[1], "\nTLS ticket key updated!\n") {
		t.Errorf("--- haproxy\n%s--- builtin\n%s", seen[0], seen[1])
	}
}

// openSSLTells are the beginnings of the lines in which OpenSSL's client says what has been agreed.
var openSSLTells = []string{"Protocol", "Cipher", "New, ", "Reused, ", "ALPN protocol", "No ALPN", "Server Temp Key", "Peer signing digest", "Peer signature type", "Secure Renegotiation", "Early data was", "Extended master secret", "subject=", "Max Early Data", "Compression", "HTTP/1.", "OCSP response"}

// OpenSSL's own client agrees on the same with the engine as with the reference.
func TestOpenSSLClientLikeReference(t *testing.T) {
	client := testpeer.Need(t, "openssl")
	certs := t.TempDir()
	makeFiles(t, certs)
	cases := [][]string{{"-tls1_2"}, {"-tls1_3"}, {"-tls1_1"}, {"-tls1_2", "-reconnect"}, {"-alpn", "h2,http/1.1", "-tls1_3"}, {"-alpn", "spdy/3", "-tls1_2"}, {"-status", "-tls1_2"}, {"-noservername", "-tls1_2"}, {"-servername", "unknown.test", "-tls1_2"}, {"-no_ticket", "-tls1_2"}, {"-no_etm", "-tls1_2"}}
	for _, group := range []string{"X25519", "P-256", "P-384", "P-521"} {
		cases = append(cases, []string{"-groups", group, "-tls1_2"}, []string{"-groups", group, "-tls1_3"})
	}
	for _, suite := range []string{"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256", "AES256-SHA"} {
		cases = append(cases, []string{"-tls1_2", "-cipher", suite, "-servername", "rsa.example"})
	}
	for _, suite := range []string{"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"} {
		cases = append(cases, []string{"-tls1_3", "-ciphersuites", suite})
	}
	for n, args := range cases { // which of those that both sides have is taken differs on purpose
		if !slices.Contains(args, "-cipher") && !slices.Contains(args, "-ciphersuites") {
			cases[n] = append(args, "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256", "-ciphersuites", "TLS_AES_128_GCM_SHA256")
		}
	}
	said := [2][]string{make([]string, len(cases)), make([]string, len(cases))}
	var both sync.WaitGroup
	for i, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
		both.Go(func() {
			r, err := s.start(t.TempDir(), scannedConf("crt "+certs+"/rsa crt "+certs+"/site alpn http/1.1"), 0)
			if err != nil {
				t.Error(err)
				return
			}
			for n, args := range cases {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				cmd := exec.CommandContext(ctx, client, append([]string{"s_client", "-connect", r.addr, "-ign_eof"}, args...)...)
				cmd.Stdin = strings.NewReader("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
				out, _ := cmd.CombinedOutput() // it may be refused
				cancel()
				for line := range strings.Lines(string(out)) {
					line = strings.Join(strings.Fields(line), " ")
					for _, begin := range openSSLTells {
						again := !strings.HasPrefix(line, "Reused") && strings.Contains(said[i][n], line+"\n") // of another ticket
						if strings.HasPrefix(line, begin) && !again {
							said[i][n] += line + "\n"
						}
					}
				}
			}
			if err := r.stop(); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		})
	}
	both.Wait()
	for n, args := range cases {
		if said[0][n] != said[1][n] || said[1][n] == "" {
			t.Errorf("%q:\n--- haproxy\n%s--- builtin\n%s", args, said[0][n], said[1][n])
		}
	}
}
