package engine_test

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const switchedConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 2
defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 5s
frontend fe
    bind unix@%[1]s/fe
    default_backend be
backend be
    default-server ssl verify none
    server s1 %[2]s no-ssl
`

// A server may be spoken to in TLS, or not, as an operator says, in both proxies: new
// connections follow, and old ones are not used again for the other manner.
func TestServerIsSwitchedToTLS(t *testing.T) {
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") }))
	origin.Config.ErrorLog = log.New(io.Discard, "", 0)
	origin.StartTLS()
	t.Cleanup(origin.Close)
	p := startPair(t, switchedConfig, strings.TrimPrefix(origin.URL, "https://"))
	for _, step := range []struct {
		command, answer string
		status          int
	}{
		{"show version", "", 400}, // Go's server says so to who speaks in clear
		{"set server be/s1 ssl x", "'set server <srv> ssl' expects 'on' or 'off'.", 400},
		{"set server be/s1 ssl on", "server ssl setting updated.", 200},
		{"set server be/s1 ssl on", "server ssl setting updated.", 200},
		{"set server be/s1 ssl off", "server ssl setting updated.", 400},
		{"set server be/s1 ssl on", "server ssl setting updated.", 200},
	} {
		for name, dir := range map[string]string{"the reference": p.theirs, "the engine": p.ours} {
			stats := filepath.Join(dir, "stats")
			if got := strings.TrimSpace(ask(t, stats, step.command)); step.answer != "" && got != step.answer {
				t.Errorf("%s: %s: %q, want %q", name, step.command, got, step.answer)
			}
			c, err := net.Dial("unix", filepath.Join(dir, "fe"))
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = c.Close()
			if resp.StatusCode != step.status || step.status == 200 && string(body) != "secret" {
				t.Errorf("%s: after %s: %d %q, want %d", name, step.command, resp.StatusCode, body, step.status)
			}
			use := "0"
			if step.status == 200 {
				use = "1"
			}
			line := strings.Fields(strings.Split(ask(t, stats, "show servers state be"), "\n")[2])
			if line[20] != use && (line[20] != "-1" || use != "0") { // the reference calls "no-ssl" that at first
				t.Errorf("%s: after %s the column of TLS is %s, want %s", name, step.command, line[20], use)
			}
		}
	}
}
