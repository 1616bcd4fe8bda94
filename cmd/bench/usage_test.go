package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who uses a command wrongly is told how it is used, in one line, and what is wrong.
func TestUsageOnWrongUse(t *testing.T) {
	for _, c := range []struct{ args, usage, wrong string }{
		{"nonsense", "<command>", "nonsense"},
		{"load", "load <url>", "<url>"},
		{"load http://127.0.0.1:1/ --nonsense", "load <url>", "--nonsense"},
		{"chaos nonsense", "chaos <command>", "nonsense"},
		{"report", "report <dir>", "<dir>"},
	} {
		dir := t.TempDir()
		out, err := os.Create(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		errs, err := os.Create(filepath.Join(dir, "err"))
		if err != nil {
			t.Fatal(err)
		}
		code := run(strings.Fields(c.args), &streams{nil, out, errs})
		_, _ = out.Close(), errs.Close()
		said, err := os.ReadFile(errs.Name())
		if err != nil {
			t.Fatal(err)
		}
		usage, wrong, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
		if code != exitUsage || !strings.HasPrefix(usage, "Usage: bench "+c.usage) || !strings.HasPrefix(wrong, "bench: ") || !strings.Contains(wrong, c.wrong) || strings.Contains(wrong, "\n") {
			t.Errorf("%s: exit code %d\n%s", c.args, code, said)
		}
		if shown, err := os.ReadFile(out.Name()); err != nil || len(shown) > 0 {
			t.Errorf("%s: on standard output: %q, %v", c.args, shown, err)
		}
	}
}
