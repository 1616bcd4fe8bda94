package reports

import (
	"bytes"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/internal/fixture"
)

// TestDifferencesAreShown looks for the bytes that differ in everything that is
// rendered.
func TestDifferencesAreShown(t *testing.T) {
	dir := t.TempDir()
	if err := fixture.Write("stop", dir); err != nil {
		t.Fatal(err)
	}
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	cell := r.Cells[0].Cell.Cell
	cell.Loads[0].Integrity = &result.Integrity{Checked: 500, Unchecked: 3, Requests: 1, Differences: []result.Difference{{
		Load: "clients", ID: 7, AtUs: 3_000_000, Direction: result.DirectionRequest, Part: "field cookie", Offset: 12, Expected: "me=AAAA", Got: "me=BAAA",
	}}}
	cell.AlteredUnreported = 2
	cell.Objectives = append(cell.Objectives, result.Objective{
		Expr: "integrity.mismatch == 0", Metric: "integrity.mismatch", Op: "==", Unit: "1", Got: 3, Known: true, WorstUs: -1, Verdict: result.Fail,
	})
	for _, format := range []string{"html", "md", "junit"} {
		text := renderedAs(t, r, format)
		for _, want := range []string{"me=AAAA", "me=BAAA", "field cookie"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not have %q", format, want)
			}
		}
		if format != "junit" && !strings.Contains(text, "origins alone know of") {
			t.Errorf("%s does not tell of requests that origins alone know of", format)
		}
	}
	summary := Summary(r.Data.Run, SummaryOptions{ASCII: true})
	for _, want := range []string{"diff   request of clients 7: field cookie, at byte 12", "me=BAAA"} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary does not have %q:\n%s", want, summary)
		}
	}
	if lines := strings.Count(summary, "\n"); lines > summaryLines {
		t.Errorf("the summary has %d lines", lines)
	}
	cell.Loads[0].Integrity = nil
	cell.AlteredUnreported = 0
	if text := renderedAs(t, r, "md"); strings.Contains(text, "altered") {
		t.Error("integrity is reported though it was not checked")
	}
}

// What clients and origins count differently is told even where no limit asks for it.
func TestCountsThatDifferAreShown(t *testing.T) {
	dir := t.TempDir()
	if err := fixture.Write("stop", dir); err != nil {
		t.Fatal(err)
	}
	r, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	const lost, repeated = "40 were answered successfully though no origin received them", "7 reached origins more than once"
	for _, c := range []struct {
		row  result.ConservationRow
		want []string
	}{
		{result.ConservationRow{Class: "clients", Completed: 400, Lost: 40}, []string{"of 400 requests of load clients " + lost}},
		{result.ConservationRow{Class: "clients", Completed: 400, Lost: 40, Repeated: 7}, []string{lost + ", " + repeated}},
		{result.ConservationRow{Class: "clients", Completed: 400, Lost: 40, Repeated: 7, Incomplete: true}, []string{"of 400 requests of load clients " + repeated}},
		{result.ConservationRow{Class: "clients", Completed: 400}, nil},
	} {
		r.Cells[0].Cell.Cell.Conservation = &result.Conservation{Exact: true, Rows: []result.ConservationRow{c.row}}
		summary := strings.Join(strings.Fields(Summary(r.Data.Run, SummaryOptions{ASCII: true})), " ")
		for _, text := range []string{summary, renderedAs(t, r, "md")} {
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%+v: no %q in\n%s", c.row, want, text)
				}
			}
			for _, none := range []string{lost, repeated} {
				if strings.Contains(text, none) && !strings.Contains(strings.Join(c.want, " "), none) {
					t.Errorf("%+v: %q in\n%s", c.row, none, text)
				}
			}
		}
	}
}

func renderedAs(t *testing.T, r *Report, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.render(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
