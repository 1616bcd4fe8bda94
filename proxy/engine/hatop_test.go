package engine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// HATop, a monitor for terminals, reads every field of the answers that it shows, and
// ends when one is missing. The configuration names nothing that has a default.
func TestHATopShowsTheEngine(t *testing.T) {
	hatop, tmux := testpeer.Need(t, "hatop"), testpeer.Need(t, "tmux")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	startConfig(t, fmt.Sprintf(`global
    stats socket %[1]s/stats mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend sesame
    bind unix@%[1]s/fe
    default_backend barley
backend barley
    server oats 127.0.0.1:1
`, dir))
	run := func(args ...string) (string, error) {
		cmd := exec.Command(tmux, append([]string{"-S", filepath.Join(dir, "tmux"), "-f", "/dev/null"}, args...)...)
		cmd.Env = append(os.Environ(), "TERM=xterm", "LC_ALL=C.UTF-8")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	// What HATop says when it ends stays on the screen.
	command := fmt.Sprintf("%s -s %s; sleep 60", hatop, filepath.Join(dir, "stats"))
	if out, err := run("new-session", "-d", "-x", "140", "-y", "40", command); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	defer func() { _, _ = run("kill-server") }()
	var screen string
	for range 3000 {
		if screen, err = run("capture-pane", "-p"); err != nil {
			t.Fatalf("%v: %s", err, screen)
		}
		shown := true
		for _, part := range []string{"HATop", "Node: " + host, "sesame", "barley", "oats"} {
			shown = shown && strings.Contains(screen, part)
		}
		if shown {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("HATop shows\n%s", screen)
}
