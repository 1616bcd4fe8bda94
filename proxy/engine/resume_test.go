package engine_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/testserver"
	"bench/proxy/stats"
)

// A process goes on from the counters that one before has dumped: what is found by its
// identifier, wherever it stands and however it is called in the new configuration.
func TestCountersGoOnFromAFile(t *testing.T) {
	origin := testserver.HTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "yes")
	})
	dir := t.TempDir()
	file := filepath.Join(dir, "counters")
	config := func(order string) string {
		head := fmt.Sprintf(`
global
    stats socket %s/stats-%s mode 600 level admin
    stats-file %s
    nbthread 2
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 10s
`, dir, order, file)
		front := fmt.Sprintf(`
frontend fe-%s
    guid the-front
    option socket-stats
    bind unix@%s/fe-%s guid-prefix the-socket
    default_backend be-%s
`, order, dir, order, order)
		back := fmt.Sprintf(`
backend be-%s
    guid the-back
    server other-%s 127.0.0.1:1 backup
    server s-%s %s guid the-server
`, order, order, order, origin)
		if order == "first" {
			return head + front + back
		}
		return head + back + front
	}
	get := func(order, path string) {
		c, err := net.Dial("unix", filepath.Join(dir, "fe-"+order))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if got, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(got), "yes") {
			t.Fatalf("answered %q, %v", got, err)
		}
	}
	startConfig(t, config("first"))
	get("first", "/")
	get("first", "/")
	get("first", "/no")
	before := ask(t, filepath.Join(dir, "stats-first"), "dump stats-file")
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	startConfig(t, config("second"))
	after := ask(t, filepath.Join(dir, "stats-second"), "dump stats-file")
	guids := []string{"the-front", "the-socket-0", "the-back", "the-server"}
	for _, guid := range guids {
		was, is := saved(t, before, guid), saved(t, after, guid)
		for _, column := range []string{"stot", "bin", "bout", "hrsp_2xx", "hrsp_4xx", "req_tot", "conn_tot", "lbtot", "connect"} {
			if was[column] != is[column] {
				t.Errorf("%s of %s was %d and is %d", column, guid, was[column], is[column])
			}
		}
	}
	get("second", "/")
	after = ask(t, filepath.Join(dir, "stats-second"), "dump stats-file")
	for _, guid := range guids {
		if got := saved(t, after, guid)["stot"]; got != 4 {
			t.Errorf("%s has %d sessions after one more", guid, got)
		}
	}
}

// saved are the counters of a dump for one identifier.
func saved(t *testing.T, dump, guid string) stats.Saved {
	t.Helper()
	f, ok := stats.ReadSaved(dump, func(n int, what string) { t.Errorf("%s %d is refused", what, n) })
	if !ok {
		t.Fatalf("dumped %q", dump)
	}
	for _, section := range []map[string]stats.Saved{f.Front, f.Back} {
		if s := section[guid]; s != nil {
			return s
		}
	}
	t.Fatalf("no %s in %q", guid, dump)
	return nil
}
