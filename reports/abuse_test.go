package reports

import (
	"bytes"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/series"
)

func abusers() []result.Abuse {
	drip := result.Abuse{
		Name: "drip", Kind: "slowloris", Target: "proxy/web", EndUs: 10_000_000, Connections: 1000, Rate: 500, OpenMax: 1000,
		Held: result.Latency{Count: 2497, P50: 3_000_000, Max: 3_014_655},
		AbuseCounts: result.AbuseCounts{
			Attempts: 3498, Opened: 3496, Refused: 2, Closed: 2490, Reset: 7, Open: 999, Answered: 2498, Statuses: map[string]uint64{"408": 2498},
		},
	}
	bad := result.Abuse{
		Name: "bad", Kind: "malformed", Target: "proxy/web", AbuseCounts: result.AbuseCounts{
			Attempts: 3, Opened: 3, Closed: 1, TimedOut: 1, Left: 1, Answered: 2, Garbled: 1, Statuses: map[string]uint64{"400": 1, "200": 1},
		},
		Variants: []result.AbuseVariant{
			{Name: "no-host", AbuseCounts: result.AbuseCounts{Attempts: 2, Opened: 2, Closed: 1, Left: 1, Answered: 2, Statuses: map[string]uint64{"400": 1, "200": 1}}},
			{Name: "a|b", AbuseCounts: result.AbuseCounts{Attempts: 1, Opened: 1, TimedOut: 1, Garbled: 1}},
		},
	}
	return []result.Abuse{drip, bad}
}

// plainSpaces makes the thin spaces of numbers ordinary ones.
func plainSpaces(s string) string { return strings.ReplaceAll(s, "\u202f", " ") }

func TestAbuse(t *testing.T) {
	cell := &result.Cell{Name: "run", Abuse: abusers()}
	run := &result.Run{Verdict: result.Pass, Scenario: "abuse", Cells: []*result.Cell{cell}}
	text := plainSpaces(Summary(run, SummaryOptions{}))
	for _, line := range []string{
		"abuse  drip: 3 496 opened, 408 x 2 498, 2 refused, 2 490 closed, 7 reset, 999",
		"bad: 3 opened, 200 x 1, 400 x 1, no HTTP x 1, 1 closed, 1 timed out",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the summary has no %q:\n%s", line, text)
		}
	}
	cell.Abuse = append(abusers(), append(abusers(), abusers()...)...)
	if text := Summary(run, SummaryOptions{}); !strings.Contains(text, "and 3 more\n") || strings.Count(text, "\n") > summaryLines {
		t.Errorf("the summary of many:\n%s", text)
	}
	cell.Abuse = abusers()
	var b bytes.Buffer
	r := &Report{Data: &series.Data{Run: run}, Cells: []*series.Analysis{{Cell: &series.Cell{Cell: cell}}}}
	if err := writeMarkdown(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		"| drip: slowloris of proxy/web | 3 496 | 2 | 2 490 | 7 | 0 | 0 | 999 | 3.00 s | 3.01 s | 2 498 | 408 x 2 498 |",
		"| · no-host | 2 | 0 | 1 | 0 | 0 | 1 | 0 | - | - | 2 | 200 x 1, 400 x 1 |",
		`| · a\|b |`,
	} {
		if !strings.Contains(plainSpaces(b.String()), row) {
			t.Errorf("no row %s in\n%s", row, b.String())
		}
	}
}

func TestPrintAbuse(t *testing.T) {
	all := abusers()
	var b bytes.Buffer
	if err := PrintAbuse(&b, &all[1], []result.Doubt{{Text: "ports ran out"}}, true); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if lines[0] != "INVALID  ports ran out" || !strings.HasPrefix(lines[1], "proxy/web  malformed, at most 0 connections") {
		t.Errorf("begins with %q", lines[:2])
	}
	if last := lines[len(lines)-2]; !strings.HasPrefix(strings.TrimSpace(last), "all ") || !strings.HasSuffix(last, "  200 x 1, 400 x 1, no HTTP x 1") {
		t.Errorf("ends with %q", last)
	}
	b.Reset()
	if err := PrintAbuseProgress(&b, &all[0]); err != nil || b.String() != "attempts=3498 open=999 closed=2490 reset=7 timedout=0 left=0 refused=2 answered=2498\n" {
		t.Errorf("%v, %q", err, b.String())
	}
}
