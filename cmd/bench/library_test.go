package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// A run that cannot be trusted is made again, and the table has one row of it.
func TestLibraryTriesAgain(t *testing.T) {
	testpeer.Need(t, "haproxy")
	dir := t.TempDir()
	scenario := filepath.Join(dir, "s.yaml")
	text := shortRun + "events: [{at: steady+500ms, do: backend.start, args: {name: web.1}}]\n" // it is running already
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(mainVariable, "1") // for agents
	code, out, stderr := command(t, "", "library", scenario, "--driver", "haproxy", "--tries", "2", "-o", filepath.Join(dir, "r"))
	if code != exitPass {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, name := range []string{"short-haproxy", "short-haproxy-2"} {
		if _, err := os.Stat(filepath.Join(dir, "r", name, "run.json")); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "r", "short-haproxy-3")); err == nil {
		t.Error("there is a third run")
	}
	if n := strings.Count(out, "| INVALID |"); n != 1 {
		t.Errorf("%d rows that are INVALID, want 1:\n%s", n, out)
	}
}
