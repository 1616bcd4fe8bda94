package reports

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"bench/internal/result"
	"bench/reports/internal/fixture"
)

// completed is a fixture's record with what Complete derives.
func completed(t *testing.T, name string) *result.Run {
	t.Helper()
	dir := folder(t, name)
	raw, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	run := new(result.Run)
	if err := json.Unmarshal(raw, run); err != nil {
		t.Fatal(err)
	}
	if err := Complete(dir, run); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestSummary(t *testing.T) {
	for _, name := range fixture.Names() {
		if name == "hour" {
			continue // as stop, and slow to make
		}
		run := completed(t, name)
		sizes := map[string]int64{"report.html": 123_456, "run.json": 1}
		text := Summary(run, SummaryOptions{FileSizes: sizes})
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) > summaryLines {
			t.Errorf("%s: %d lines", name, len(lines))
		}
		for _, l := range lines {
			if textWidth(l) > summaryWidth || strings.ContainsAny(l, "\x1b\x07\u202e") || strings.Contains(l, "NaN") {
				t.Errorf("%s: %q", name, l)
			}
		}
		if !strings.HasPrefix(lines[0], run.Verdict+"  ") {
			t.Errorf("%s: the first line is %q, not the verdict %s", name, lines[0], run.Verdict)
		}
		if !strings.HasPrefix(lines[len(lines)-1], "files  report.html 123 kB") {
			t.Errorf("%s: the last line is %q", name, lines[len(lines)-1])
		}
		golden(t, "summary-"+name+".txt", text)
		ascii := Summary(run, SummaryOptions{ASCII: true})
		if strings.IndexFunc(ascii, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
			t.Errorf("%s: not ASCII: %q", name, ascii)
		}
	}
}

func TestSummaryColours(t *testing.T) {
	run := &result.Run{Verdict: result.Invalid, Reason: "driver late", Scenario: "x"}
	text := Summary(run, SummaryOptions{Color: true})
	if !strings.HasPrefix(text, ansiUnsure+"INVALID"+ansiReset+"  x") {
		t.Errorf("%q", text)
	}
	if strings.Contains(Summary(run, SummaryOptions{}), "\x1b") {
		t.Error("colour without being asked for")
	}
}
