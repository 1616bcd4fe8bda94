package page

import (
	"bytes"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/internal/fixture"
)

func TestHistoryPage(t *testing.T) {
	page, err := History(fixture.History())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/history.html", page)
	again, err := History(fixture.History())
	if err != nil || !bytes.Equal(page, again) {
		t.Error("the same history gives other bytes")
	}
	for _, bad := range []string{"NaN", "Inf", "ZgotmplZ", "<script", "no value"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if page, err := History(&result.History{Version: 1}); err != nil || !bytes.Contains(page, []byte("no run counts")) {
		t.Errorf("nothing to show: %v", err)
	}
}

// Names come from files that anybody may have written.
func TestHistoryPageIsSafe(t *testing.T) {
	h := fixture.History()
	g := &h.Groups[0]
	const bad = "</p><script>alert(1)</script>\x1b[31m\u202e"
	g.Scenario, g.Host, g.CPU, g.Work, g.Runs[8].Label, g.Runs[8].Dir, g.Runs[8].Verdict = bad, bad, bad, bad, bad, bad, bad
	g.Runs[8].StartedAt, g.Runs[8].Facts = bad, map[string]string{"kernel": bad, "proxy": bad, "bench": bad}
	m := &g.Measures[1]
	m.Name, m.Cell, m.Unknown, m.Refused, m.Changes[0].Label, m.Changes[0].With = bad, bad, bad, bad, bad, []string{bad}
	h.Warnings, h.Reference, h.Command, h.Tool.Version = []string{bad}, bad, bad, bad
	h.LeftOut[0] = result.HistoryLeftOut{Dir: bad, Verdict: bad, Reason: bad}
	page, err := History(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script>", "\x1b", "\u202e"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("%q got through", bad)
		}
	}
}

// Marks of changes stand where the change is; chips are kept apart.
func TestHistoryMarks(t *testing.T) {
	g := &fixture.History().Groups[0]
	m := &g.Measures[1]
	p := newHistoryPlot(g, m, newRunAxis(g))
	if len(p.Marks) != 2 || p.Marks[0].At != 33.33 || p.Marks[0].Number != "9" || p.Marks[0].Class != "fail" || p.Marks[1].Class != "pass" {
		t.Errorf("%+v", p.Marks)
	}
	// Three levels, joined to nothing, over the whole width.
	if n := strings.Count(p.Levels, "M"); n != 3 || !strings.HasPrefix(p.Levels, "M0 ") {
		t.Errorf("levels %s", p.Levels)
	}
	if n := strings.Count(p.Dots, "h0"); n != len(g.Runs) || p.Gaps != "" {
		t.Errorf("%d dots, gaps %q", n, p.Gaps)
	}
	gaps := newHistoryPlot(g, &g.Measures[2], newRunAxis(g))
	if n, k := strings.Count(gaps.Dots, "h0"), strings.Count(gaps.Gaps, "M"); n != 19 || k != 5 || gaps.Levels != "" {
		t.Errorf("%d dots and %d gaps, levels %q", n, k, gaps.Levels)
	}
	marks := []historyMark{{At: 1}, {At: 2}, {At: 50}, {At: 97}, {At: 99}}
	placeChips(marks)
	for i := range marks {
		if marks[i].Chip < chipShare/2-1e-9 || marks[i].Chip > 100-chipShare/2+1e-9 || i > 0 && marks[i].Chip < marks[i-1].Chip+chipShare-1e-3 {
			t.Errorf("chips %+v", marks)
			break
		}
	}
}

// Scales hold all that is shown, with round ends; rates and counts begin at 0.
func TestHistoryScales(t *testing.T) {
	g := &fixture.History().Groups[0]
	for i := range g.Measures {
		m := &g.Measures[i]
		if m.Known() == 0 {
			continue
		}
		s := newRangeScale(m)
		for _, v := range m.Values {
			if v != nil && (*v < s.low || *v > s.high) {
				t.Errorf("%s: %v is outside %v to %v", m.Name, *v, s.low, s.high)
			}
		}
		if n := len(s.ticks(m.Unit)); n < 2 || n > 6 {
			t.Errorf("%s: %d ticks", m.Name, n)
		}
		if (m.Unit == "1" || m.Unit == "/s") && s.low != 0 {
			t.Errorf("%s begins at %v", m.Name, s.low)
		}
	}
	for runs, want := range map[int]string{1: "1", 2: "1 2", 7: "2 4 6 7", 24: "5 10 15 20 24", 1000: "200 400 600 800 1000"} {
		var got []string
		for _, x := range (runAxis{runs}).ticks() {
			got = append(got, x.Text)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("ticks of %d runs: %s, want %s", runs, text, want)
		}
	}
}
