package abuse_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bench/internal/result"
	"bench/internal/testpeer"
)

// haproxy answers 200 to what is good on two ports, of which the second expects
// headers of the PROXY protocol.
func haproxy(t *testing.T) (plain, proxied string) {
	t.Helper()
	program := testpeer.Need(t, "haproxy")
	addrs := [2]string{testpeer.FreeAddr(t), testpeer.FreeAddr(t)}
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := fmt.Sprintf(`global
    maxconn 500
defaults
    mode http
    timeout client 5s
    timeout http-request 300ms
    timeout http-keep-alive 100ms
frontend plain
    bind %s
    http-request return status 200
frontend proxied
    bind %s accept-proxy
    http-request return status 200
`, addrs[0], addrs[1])
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-db", "-f", config)
	testpeer.Start(t, cmd)
	for range 300 {
		if c, err := net.Dial("tcp", addrs[1]); err == nil {
			c.Close()
			return addrs[0], addrs[1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("haproxy does not answer")
	return "", ""
}

func TestAgainstHAProxy(t *testing.T) {
	plain, proxied := haproxy(t)
	for _, c := range []struct {
		kind, addr string
		check      func(*result.Abuse) bool
	}{
		// HAProxy 2.6 lets requests without a Host and NUL bytes in values pass.
		{"malformed", plain, func(a *result.Abuse) bool {
			return answeredBut(a, "200", "no-host", "null-in-value") && answered(a, "400") == len(a.Variants)-2
		}},
		// It answers by itself before it has read bodies.
		{"oversized", plain, func(a *result.Abuse) bool {
			return answeredBut(a, "200", "long-trailer", "long-chunk-extension") && answered(a, "400") == len(a.Variants)-2
		}},
		{"half-close", plain, func(a *result.Abuse) bool { return most(a.Statuses["200"], a.Opened) }},
		{"half-request", plain, func(a *result.Abuse) bool { return most(a.Statuses["400"], a.Opened) }},
		{"idle", plain, func(a *result.Abuse) bool { return a.Statuses["408"] > 0 && a.Statuses["408"] >= a.Closed }},
		{"proxy-header", proxied, func(a *result.Abuse) bool {
			for i := range a.Variants {
				v := &a.Variants[i]
				switch v.Name {
				case "v1-good", "v1-unknown", "v2-good", "v2-local":
					if v.Statuses["200"] == 0 {
						return false
					}
				case "none", "v1-bad-family", "v1-too-long", "v2-bad-version", "v2-bad-command", "v2-huge":
					if v.Answered > 0 {
						return false
					}
				}
			}
			return len(a.Variants) == 20
		}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			s := spec(c.kind, c.addr)
			s.LengthUs = 600_000
			if a := carryOut(t, s); !c.check(a) {
				t.Errorf("counted %+v", a.AbuseCounts)
				for i := range a.Variants {
					t.Errorf("%s: %v", a.Variants[i].Name, a.Variants[i].Statuses)
				}
			}
		})
	}
}

// answered is the number of variants that were answered with a status.
func answered(a *result.Abuse, status string) (n int) {
	for i := range a.Variants {
		if a.Variants[i].Statuses[status] > 0 {
			n++
		}
	}
	return n
}

// answeredBut reports whether only these variants were answered with a status.
func answeredBut(a *result.Abuse, status string, but ...string) bool {
	for i := range a.Variants {
		if v := &a.Variants[i]; v.Statuses[status] > 0 != slices.Contains(but, v.Name) {
			return false
		}
	}
	return true
}
