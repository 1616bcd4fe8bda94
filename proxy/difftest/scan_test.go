package difftest

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

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
	scanner := testpeer.Need(t, "sslscan")
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
			conf := scannedConf(strings.ReplaceAll(bind, "DIR", certs))
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

// finding is what testssl.sh says about one thing.
type finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Finding  string `json:"finding"`
}

// probed is what testssl.sh finds at an address: the versions, and of the vulnerabilities that
// it knows which there are.
func probed(t *testing.T, prober, addr string) map[string]finding {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "found.json")
	cmd := exec.CommandContext(ctx, prober, "--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "--jsonfile", file, "--protocols", "--vulnerable", addr)
	if out, err := cmd.CombinedOutput(); ctx.Err() != nil || len(out) == 0 { // its status says how many remarks there are
		t.Errorf("%v\n%s", err, out)
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return nil
	}
	var list []finding
	if err := json.Unmarshal(text, &list); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	found := map[string]finding{}
	for _, f := range list {
		if !slices.Contains([]string{"scanTime", "service", "engine_problem"}, f.ID) {
			found[f.ID] = f
		}
	}
	return found
}

// testssl.sh finds none of the vulnerabilities at the engine that it looks for, but for suites
// with CBC, which clients of TLS 1.2 may need.
func TestNotVulnerable(t *testing.T) {
	prober := testpeer.Need(t, "testssl")
	certs := t.TempDir()
	makeFiles(t, certs)
	engine := &subject{"builtin", []string{build(t), "proxy"}}
	r, err := engine.start(t.TempDir(), scannedConf("crt "+certs+"/rsa crt "+certs+"/site alpn h2,http/1.1"), 0)
	if err != nil {
		t.Fatal(err)
	}
	found := probed(t, prober, r.addr)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"SSLv2", "SSLv3", "TLS1_2", "TLS1_3", "heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego", "CRIME_TLS", "POODLE_SSL", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "RC4"} {
		if f := found[id]; f.Severity != "OK" {
			t.Errorf("%s: %q", id, f)
		}
	}
	for id, f := range found {
		if f.Severity != "OK" && f.Severity != "INFO" && id != "LUCKY13" {
			t.Errorf("%s: %q", id, f)
		}
	}
}

// scannedConf is a configuration with a bind line in TLS.
func scannedConf(bind string) string {
	return "global\n    nbthread 1\ndefaults\n    mode http\n    timeout connect 1s\n    timeout client 5s\n    timeout server 5s\nfrontend ready\n    bind fd@4\n    monitor-uri /ready\nfrontend fe\n    bind fd@3 ssl " + bind + "\n    http-request return status 200\n"
}
