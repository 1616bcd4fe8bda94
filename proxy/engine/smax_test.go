package engine_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The most connections that there were at once are those that there were: places that are
// taken while nobody has come yet do not count.
func TestMostSessionsAreThoseThatThereWere(t *testing.T) {
	dir := t.TempDir()
	startConfig(t, fmt.Sprintf(`
global
    stats socket %[1]s/stats mode 600 level admin
    nbthread 1
defaults
    mode http
    timeout client 1m
frontend fe
    bind unix@%[1]s/fe name li
    option socket-stats
    http-request return status 200
`, dir))
	for n := 1; n <= 3; n++ {
		c, err := net.Dial("unix", filepath.Join(dir, "fe"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		csv := ask(t, filepath.Join(dir, "stats"), "show stat")
		for _, row := range []string{"fe,FRONTEND,,,", "fe,li,,,"} {
			if want := fmt.Sprintf("\n%s%d,%d,", row, n, n); !strings.Contains("\n"+csv, want) {
				t.Errorf("with %d connections, no %q in\n%s", n, want, csv)
			}
		}
	}
}
