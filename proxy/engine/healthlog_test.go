package engine_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testquiet"
)

// checkScript are the answers to one health check after the other; the last one is
// for all further ones.
var checkScript = []int{200, 200, 500, 503, 200, 500, 500, 500, 500, 200, 200, 500, 200, 200, 200, 404, 404, 200, 200}

// startReference runs HAProxy on a configuration until the test ends.
func startReference(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cfg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(testpeer.Need(t, "haproxy"), "-db", "-f", file))
}

// healthLines are the messages about checks and states of servers that a proxy sends
// while the script is played to it.
func healthLines(t *testing.T, option, server string, start func(text string)) []string {
	t.Helper()
	var checks atomic.Int32
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(checkScript[min(int(checks.Add(1)), len(checkScript))-1])
	}))
	defer origin.Close()
	logs, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	start(fmt.Sprintf(`global
    log %s local0
defaults
    mode http
    log global
    timeout connect 1s
    timeout client 1s
    timeout server 1s
    timeout check 1s # not inter, which a busy machine exceeds
frontend fe
    bind unix@%s/fe
    default_backend be
backend be
    %s
    option httpchk GET /
    http-check disable-on-404
    server s1 %s check inter 40ms rise 3 fall 3 %s
`, logs.LocalAddr(), t.TempDir(), option, strings.TrimPrefix(origin.URL, "http://"), server))

	about := regexp.MustCompile(`(?:Health check|(?:Backup )?Server be/).*`)
	took := regexp.MustCompile(`duration: \d+ms`)
	var lines []string
	b := make([]byte, 4096)
	for played := false; ; {
		_ = logs.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, _, err := logs.ReadFrom(b)
		if err != nil {
			if played {
				return lines
			}
			// What the last answers lead to is still to come.
			played = int(checks.Load()) >= len(checkScript)+3
			continue
		}
		if m := about.FindString(strings.TrimRight(string(b[:n]), "\n")); m != "" {
			lines = append(lines, took.ReplaceAllString(m, "duration: N"))
		}
	}
}

// What is said about health checks must be what the reference says: when, in which
// order, and how many checks are still to come.
func TestHealthLogsAreTheReferences(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	for _, c := range []struct{ option, server string }{
		{"option log-health-checks", ""},
		{"option log-health-checks", "weight 0"},
		{"option log-health-checks", "backup"},
		{"no option log-health-checks", ""},
		{"no option log-health-checks", "backup"},
	} {
		want := healthLines(t, c.option, c.server, func(text string) { startReference(t, text) })
		got := healthLines(t, c.option, c.server, func(text string) { startConfig(t, text) })
		if len(want) < 4 {
			t.Errorf("%v: the reference said only %q", c, want)
		}
		for i := range max(len(got), len(want)) {
			g, w := "nothing", "nothing"
			if i < len(got) {
				g = got[i]
			}
			if i < len(want) {
				w = want[i]
			}
			if g != w {
				t.Errorf("%v, line %d\ngot  %s\nwant %s", c, i+1, g, w)
			}
		}
	}
}
