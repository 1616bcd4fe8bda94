package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// Commands for debugging are for administrators who have said that they know.
func TestDebugCommands(t *testing.T) {
	e := newFake()
	s, path := start(t, e, Options{}, Access{Level: AdminLevel})
	for line, want := range map[string]string{
		"debug dev log a b": `log "a b"`, "debug dev log": `log ""`, "debug dev exit": "exit 0", "debug dev exit 3": "exit 3", "debug dev exit x": "exit 0", "debug dev panic": "exit -1",
		"debug dev delay 5": "stall 5ms false", "debug dev delay -5": "stall 0s false", "debug dev loop 7": "stall 7ms true", "debug dev loop": "stall 0s true",
	} {
		for _, before := range []string{"", "expert-mode on; operator; "} {
			if got := ask(t, path, before+line); strings.TrimSpace(got) == "" || e.take() != "" {
				t.Errorf("%s%s: %q", before, line, got)
			}
		}
		if got := ask(t, path, "expert-mode on; "+line); strings.TrimSpace(got) != "" {
			t.Errorf("%s: %q", line, got)
		}
		if got := e.take(); got != want {
			t.Errorf("%s does %q, want %q", line, got, want)
		}
	}
	if s.Debugged() != 10 {
		t.Errorf("%d commands counted", s.Debugged())
	}
	for line, listed := range map[string]bool{"help": false, "help debug": false, "debug": false, "expert-mode on; help": true, "expert-mode on; help debug": true, "expert-mode on; debug dev": true, "expert-mode on; expert-mode off; help": false} {
		if got := ask(t, path, line); strings.Contains(got, "\n  debug dev exit ") != listed {
			t.Errorf("%s: listed: %v: %q", line, !listed, got)
		}
	}
}

// What is answered to them is what the reference answers.
func TestDebugAnswersAreTheReferences(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	dir := t.TempDir()
	cfg, err := os.ReadFile("testdata/reference.cfg")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "cfg")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(cfg), "@DIR@", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	theirs := filepath.Join(dir, "s")
	testpeer.Listening(t, theirs)
	_, ours := start(t, newFake(), Options{}, Access{Level: AdminLevel})
	for _, line := range []string{
		"debug dev write 1", "debug dev log x", "debug dev delay", "debug dev loop", "debug dev delay 1", "debug dev loop 1", "debug dev log", "debug dev log a b",
		"debug dev write", "debug dev write 0", "debug dev write 1", "debug dev write 2", "debug dev write 100", "debug dev write 5000", "debug dev write 65", "debug dev write 129", "debug dev write 16383", "debug dev write 16384", "debug dev write 0x10", "debug dev write 010", "debug dev write x", "debug dev write 99999999999999999999", "debug dev write 5 6",
	} {
		for _, before := range []string{"", "expert-mode on; ", "expert-mode on; operator; "} {
			if want, got := ask(t, theirs, before+line), ask(t, ours, before+line); got != want {
				t.Errorf("%s%s\n got  %.200q\n want %.200q", before, line, got, want)
			}
		}
	}
}
