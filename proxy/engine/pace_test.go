package engine_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A limit of new sessions holds the process, or one frontend, to a rate, and the
// statistics show it.
func TestRatesOfNewSessions(t *testing.T) {
	for _, tt := range []struct{ global, frontend, command, info, row string }{
		{global: "maxconnrate 5", info: "ConnRateLimit: 5"},
		{global: "maxsessrate 5", info: "SessRateLimit: 5"},
		{frontend: "rate-limit sessions 5", row: "5"},
		{command: "set rate-limit sessions global 5", info: "SessRateLimit: 5"},
	} {
		t.Run(tt.global+tt.frontend+tt.command, func(t *testing.T) {
			dir := t.TempDir()
			startConfig(t, fmt.Sprintf(`global
    nbthread 2
    stats socket %[1]s/stats level admin
    %[2]s
defaults
    mode http
    timeout client 5s
    timeout connect 1s
    timeout server 1s
frontend fe
    bind unix@%[1]s/fe
    http-request return status 200
    %[3]s
`, dir, tt.global, tt.frontend))
			if tt.command != "" {
				ask(t, filepath.Join(dir, "stats"), tt.command)
			}
			start := time.Now()
			const n = 12
			for range n {
				c, err := net.Dial("unix", filepath.Join(dir, "fe"))
				if err != nil {
					t.Fatal(err)
				}
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Read(make([]byte, 100)); err != nil {
					t.Fatalf("after %v: %v", time.Since(start), err)
				}
				_ = c.Close()
			}
			// Five at once, the others one by one: more than a second, less than three.
			if d := time.Since(start); d < time.Second {
				t.Errorf("%d sessions within %v at 5 a second", n, d)
			}
			if tt.command != "" {
				ask(t, filepath.Join(dir, "stats"), "set rate-limit ssl-sessions global 7")
				tt.info += "\nSslRateLimit: 7\n"
			}
			if got := rateLimits(ask(t, filepath.Join(dir, "stats"), "show info")); !strings.Contains(got, tt.info) {
				t.Errorf("show info lacks %q", tt.info)
			}
			if tt.row != "" {
				if got := cells(ask(t, filepath.Join(dir, "stats"), "show stat"))["fe/FRONTEND"]["rate_lim"]; got != tt.row {
					t.Errorf("rate_lim %q, want %q", got, tt.row)
				}
			}
		})
	}
}

// rateLimits are the lines of "show info" that say what may be in a second.
func rateLimits(info string) string {
	var list []string
	for line := range strings.Lines(info) {
		if strings.Contains(line, "RateLimit") {
			list = append(list, line)
		}
	}
	return strings.Join(list, "")
}
