package engine_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// Listeners are told by the names that clients know, not by those that their sockets were
// bound under.
func TestListenersHaveTheirNames(t *testing.T) {
	dir := t.TempDir()
	startConfig(t, fmt.Sprintf(clearConfig, dir))
	c, err := net.Dial("unix", filepath.Join(dir, "fe"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte("GET / HTTP/1.1\r\n"))
	stats := filepath.Join(dir, "stats")
	waitFor(t, "the session", func() bool { return strings.Contains(ask(t, stats, "show sess all"), "frontend=fe") })
	for command, want := range map[string]string{"show sess all": "addr=unix@" + dir + "/fe\n", "show fd": "listener fe=fe addr=unix@" + dir + "/fe\n"} {
		if got := ask(t, stats, command); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", command, want, got)
		}
	}
}
