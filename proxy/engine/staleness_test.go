package engine_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is deleted while somebody reads a long list slowly is not in the rest of it, and not
// counted there.
func TestDeletedIsNotListed(t *testing.T) {
	const many, some = 6000, 400 // lists are longer than what a socket has room for
	dir := t.TempDir()
	file := filepath.Join(dir, "map")
	var entries strings.Builder
	for i := range many {
		fmt.Fprintf(&entries, "key%d %s\n", i+1, strings.Repeat("v", 40))
	}
	if err := os.WriteFile(file, []byte(entries.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	startConfig(t, fmt.Sprintf(`
global
    stats socket %[1]s/stats mode 600 level admin
    maxconn 100
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend fe
    bind unix@%[1]s/fe
    http-request deny if { path,map(%[1]s/map) -m found }
    default_backend be
backend be
    server-template s 1-%[2]d 127.0.0.1:9 disabled
backend few
    server-template s 1-%[3]d 127.0.0.1:9
`, dir, many, some))
	stats := filepath.Join(dir, "stats")
	for _, c := range []struct {
		list, deletion string
		first, gone    string // what lines of the list begin or end with
		last           string // and one of its last
	}{
		{"show servers state be", "del server be/s5998", " s1 ", " s5998 ", " s5999 "},
		{"show servers conn be", "del server be/s5999", "/s1 ", "/s5999 ", "/s6000 "},
		{"show stat few 6 -1 typed no-maint", "disable server few/s399; del server few/s399", ":s1\n", ":s399\n", ":UP (399/399)\n"},
		{"show map " + file, "del map " + file + " key5999", " key1 ", " key5999 ", " key6000 "},
	} {
		conn, err := net.Dial("unix", stats)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		if _, err := fmt.Fprintln(conn, c.list); err != nil {
			t.Fatal(err)
		}
		var begun [1]byte
		if _, err := io.ReadFull(conn, begun[:]); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(ask(t, stats, c.deletion)); got != "" && got != "Server deleted." {
			t.Fatalf("%s: %q", c.deletion, got)
		}
		rest, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		list := string(begun[:]) + string(rest)
		if !strings.Contains(list, c.first) || !strings.Contains(list, c.last) {
			t.Errorf("%s: not all is there; it ends in %q", c.list, list[max(0, len(list)-200):])
		}
		if strings.Contains(list, c.gone) {
			t.Errorf("%s: what was deleted is listed", c.list)
		}
	}
}
