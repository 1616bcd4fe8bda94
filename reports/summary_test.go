package reports

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"bench/internal/result"
	"bench/reports/internal/fixture"
	"bench/reports/internal/tty"
	"bench/reports/series"
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
		text := Summary(run, SummaryOptions{FileSizes: sizes, Width: 80})
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) > summaryLines && name != "hostile" { // whose names take several lines
			t.Errorf("%s: %d lines", name, len(lines))
		}
		for _, l := range lines {
			if tty.Width(l) > 80 || strings.ContainsAny(l, "\x1b\x07\u202e") || strings.Contains(l, "NaN") {
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

// Whatever the width, no text is lost: not in a pipe, where no line is broken
// either, nor on a terminal, where it goes on below.
func TestSummaryCutsNothing(t *testing.T) {
	reason := "the driver was late: its starts lagged by 4.20 ms at p99, which is more than the limit of 2.00 ms could bear"
	why := "the objective needs 1,000 samples in each of its windows and the shortest one had no more than 12"
	run := &result.Run{Verdict: result.Invalid, Scenario: "a-scenario-with-quite-a-long-name-of-its-own", Reason: reason}
	for i := range 9 {
		c := &result.Cell{Name: "driver=builtin,poller=io_uring,threads=" + strings.Repeat("4", i+1), Verdict: result.Unclear}
		c.Objectives = []result.Objective{{
			Expr: "response.p99 < 50ms", Window: "network.partition -1s..+2s", Metric: "response.p99", Op: "<", Wanted: 50_000, Unit: "us",
			WorstUs: -1, Verdict: result.Unclear, Reason: why,
		}}
		run.Cells = append(run.Cells, c)
	}
	run.Cells[8].Trust.Doubts = []result.Doubt{
		{Text: reason}, {Text: "other programs used 91 % of processor 0 and 87 % of processor 1, which the proxy and its origins share"},
	}
	for _, width := range []int{0, 60, 80, 200} {
		text := Summary(run, SummaryOptions{Width: width})
		if strings.Contains(text, "~") {
			t.Errorf("%d: something was cut:\n%s", width, text)
		}
		for _, want := range []string{reason, why, run.Scenario, run.Cells[8].Trust.Doubts[1].Text, "p99 in network.partition -1s..+2s", run.Cells[0].Name} {
			// Broken lines are put together again: a word that starts anew counts.
			if !strings.Contains(letters(text), letters(want)) && (width == 0 || !inOrder(text, want)) {
				t.Errorf("%d: %q is not in\n%s", width, want, text)
			}
		}
		for l := range strings.Lines(text) {
			if width > 0 && tty.Width(strings.TrimSuffix(l, "\n")) > width {
				t.Errorf("%d: %q is wider", width, l)
			}
		}
	}
}

func letters(s string) string { return strings.Join(strings.Fields(s), " ") }

// inOrder reports whether the words of a text stand in another in their order, with
// those of other columns between.
func inOrder(text, want string) bool {
	for _, word := range strings.FieldsFunc(want, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",=.-_", r) }) {
		i := strings.Index(text, word)
		if i < 0 {
			return false
		}
		text = text[i+len(word):]
	}
	return true
}

// A run says how well its times are known, and what it does not vouch for even where
// that changed no limit.
func TestSummaryKnownTo(t *testing.T) {
	low, high := 14_100.0, 14_800.0
	c := &result.Cell{
		Name: "run", Verdict: result.Pass, Trust: result.Trust{SameHost: true},
		Objectives: []result.Objective{{
			Expr: "response.p99 < 500ms", Metric: "response.p99", Op: "<", Wanted: 500_000, Got: 14_800, Low: &low, High: &high,
			Unit: "us", Known: true, Verdict: result.Pass, WorstUs: -1,
		}},
	}
	run := &result.Run{Verdict: result.Pass, Scenario: "x", Cells: []*result.Cell{c}}
	if text := letters(Summary(run, SummaryOptions{})); !strings.Contains(text, "times known to ±700 µs") || !strings.Contains(text, "trust OK") {
		t.Errorf("%q", text)
	}
	c.Trust.Doubts = []result.Doubt{{Concerns: result.ConcernsBounds, Load: "web", Text: "load web was late"}}
	if text := letters(Summary(run, SummaryOptions{})); !strings.Contains(text, "1 doubt") || !strings.Contains(text, "load web was late; limits are judged by how well times are known") {
		t.Errorf("%q", text)
	}
}

func TestSummaryColours(t *testing.T) {
	run := &result.Run{Verdict: result.Invalid, Reason: "driver late", Scenario: "x"}
	text := Summary(run, SummaryOptions{Color: true})
	if !strings.HasPrefix(text, tty.Unsure+"INVALID"+tty.Reset+"  x") {
		t.Errorf("%q", text)
	}
	if strings.Contains(Summary(run, SummaryOptions{}), "\x1b") {
		t.Error("colour without being asked for")
	}
}

// What was left out must stand wherever the verdict does.
func TestLeftOutIsToldEverywhere(t *testing.T) {
	run := &result.Run{Scenario: "x", Verdict: result.Pass, Cells: []*result.Cell{{
		Name: "run", Verdict: result.Pass, LeftOut: []result.LeftOut{{Name: "network.partition front", Reason: "everything ran on the loopback"}},
	}}}
	if text := Summary(run, SummaryOptions{}); !strings.Contains(text, "left out  network.partition front: everything ran on the loopback") {
		t.Errorf("console:\n%s", text)
	}
	r := &Report{Data: &series.Data{Run: run}, Cells: []*series.Analysis{{Cell: &series.Cell{Cell: run.Cells[0]}}}}
	var markdown, junit strings.Builder
	if err := errors.Join(writeMarkdown(&markdown, r), writeJUnit(&junit, r)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(markdown.String(), "network.partition front LEFT OUT: everything ran on the loopback") {
		t.Errorf("Markdown:\n%s", markdown.String())
	}
	for _, want := range []string{`skipped="1"`, `name="event network.partition front"`, `<skipped message="everything ran on the loopback"`} {
		if !strings.Contains(junit.String(), want) {
			t.Errorf("JUnit has no %s:\n%s", want, junit.String())
		}
	}
}
