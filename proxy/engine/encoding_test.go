package engine_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/testserver"
)

const encodingConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
    %[3]s
defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 5s
frontend fe
    bind unix@%[1]s/fe
    compression algo gzip
    default_backend be
backend be
    server s1 %[2]s
`

// Responses stay as they are while encoders have had more than they may in a second, or the
// thread is too busy, in both proxies.
func TestEncodingHasLimits(t *testing.T) {
	origin := testserver.HTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("0123456789abcdef", 4<<10))
	})
	encoded := func(dir string) bool {
		c, err := net.Dial("unix", filepath.Join(dir, "fe"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.Header.Get("Content-Encoding") == "gzip"
	}
	for global, limit := range map[string]string{"maxcomprate 3": "3072", "maxcompcpuusage 0": "0"} {
		p := startPair(t, encodingConfig, origin, global)
		for name, dir := range map[string]string{"the reference": p.theirs, "the engine": p.ours} {
			stats := filepath.Join(dir, "stats")
			// How much passes within a second, and how busy a thread is, is up to the machine.
			for start := time.Now(); encoded(dir); {
				if time.Since(start) > 20*time.Second {
					t.Fatalf("%s: %s: everything is encoded", name, global)
				}
			}
			if got := ask(t, stats, "show info"); !strings.Contains(got, "CompressBpsRateLim: "+limit+"\n") {
				t.Errorf("%s: %s: no limit of %s", name, global, limit)
			}
			if limit == "0" {
				continue
			}
			if got := strings.TrimSpace(ask(t, stats, "set rate-limit http-compression global 0")); got != "" || !encoded(dir) {
				t.Errorf("%s: %q, and without a limit still as it is", name, got)
			}
			info := ask(t, stats, "show info")
			for _, field := range []string{"CompressBpsIn", "CompressBpsOut"} {
				for start := time.Now(); strings.Contains(info, field+": 0\n"); info = ask(t, stats, "show info") {
					if !encoded(dir) || time.Since(start) > 20*time.Second {
						t.Fatalf("%s: nothing counted in %s", name, field)
					}
				}
			}
			row := cells(ask(t, stats, "show stat"))["be/BACKEND"]
			t.Logf("%s: %s", name, fmt.Sprint(row["comp_in"], " ", row["comp_out"], " ", row["comp_byp"], " ", row["comp_rsp"]))
		}
	}
}
