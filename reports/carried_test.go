package reports

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
)

// A load whose rate was not carried says so first, and what ended after the end has
// a row of its own, on every surface.
func TestWhatWasNotCarriedIsToldFirst(t *testing.T) {
	dir := folder(t, "stop")
	path := filepath.Join(dir, "run.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	run := new(result.Run)
	if err := json.Unmarshal(raw, run); err != nil {
		t.Fatal(err)
	}
	const text = "load clients offered 300/s, but only 100/s were carried within the measured time"
	l := &run.Cells[0].Loads[0]
	l.NotCarried = text
	l.AfterEnd = result.AfterEnd{Ended: l.Requests / 2, Good: l.Requests/2 - 7}
	if raw, err = json.Marshal(run); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Render(dir, nil); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]string{"report.html": "of these after the end", "report.md": "of these after the end"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		told, first := bytes.Index(b, []byte(text)), bytes.Index(b, []byte("p99.9"))
		if told < 0 || told > first || !bytes.Contains(b, []byte(row)) {
			t.Errorf("%s: told at %d, the first percentile at %d, a row %q: %v", name, told, first, row, bytes.Contains(b, []byte(row)))
		}
	}
	if err := Complete(dir, run); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(Summary(run, SummaryOptions{}), "\n")
	if !strings.HasPrefix(lines[1], "      load clients offered 300/s") || !strings.Contains(strings.Join(lines, "\n"), "\n· after the end") {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
}
