package difftest

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

var scan = flag.Bool("scan", false, "have sslscan look at both programs")

// scanned is what sslscan finds at an address: the suites that are agreed to, the versions, and
// the weaknesses that it looks for, a line each.
func scanned(t *testing.T, scanner, addr string) (suites, rest []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, scanner, "--no-colour", "--no-groups", "--no-check-certificate", addr).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		switch {
		case len(f) > 4 && (f[0] == "Accepted" || f[0] == "Preferred"):
			suites = append(suites, f[1]+" "+f[4])
		case len(f) > 1 && !strings.Contains(line, " on port ") && !strings.HasPrefix(line, "Version:") && !strings.HasPrefix(line, "OpenSSL"):
			rest = append(rest, strings.Join(f, " "))
		}
	}
	return suites, rest
}

// A scanner finds no version, suite or weakness at the engine that it does not find at the
// reference, and the strongest there are.
func TestScanned(t *testing.T) {
	if !*scan {
		t.Skip("it takes a minute: 'make scan' runs it")
	}
	scanner, err := exec.LookPath("sslscan")
	if err != nil {
		t.Fatal("sslscan is not installed")
	}
	certs := t.TempDir()
	makeFiles(t, certs)
	for name, bind := range map[string]string{
		"both kinds of keys": "crt DIR/rsa crt DIR/site alpn h2,http/1.1",
		"1.2 at most":        "crt DIR/site ssl-max-ver TLSv1.2",
		"1.3 only":           "crt DIR/site ssl-min-ver TLSv1.3",
		"client certificate": "crt DIR/site ca-file DIR/ca crl-file DIR/crl verify required",
		"some ciphers":       "crt DIR/rsa ciphers ECDHE+AESGCM:!AES128",
	} {
		t.Run(name, func(t *testing.T) {
			conf := "global\n    nbthread 1\ndefaults\n    mode http\n    timeout connect 1s\n    timeout client 5s\n    timeout server 5s\nfrontend ready\n    bind fd@4\n    monitor-uri /ready\nfrontend fe\n    bind fd@3 ssl " + strings.ReplaceAll(bind, "DIR", certs) + "\n    http-request return status 200\n"
			var suites, rest [2][]string
			for i, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
				own := filepath.Join(certs, s.name)
				if err := os.MkdirAll(own, 0o755); err != nil {
					t.Fatal(err)
				}
				r, err := s.start(own, conf, 0)
				if err != nil {
					t.Fatal(err)
				}
				suites[i], rest[i] = scanned(t, scanner, r.addr)
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			}
			if len(suites[1]) == 0 {
				t.Error("the engine agrees to nothing")
			}
			for _, x := range suites[1] {
				if !slices.Contains(suites[0], x) {
					t.Errorf("only the engine agrees to %s", x)
				}
			}
			if a, b := strings.Join(rest[0], "\n"), strings.Join(rest[1], "\n"); a != b {
				t.Errorf("--- haproxy\n%s\n--- builtin\n%s", a, b)
			}
		})
	}
}
