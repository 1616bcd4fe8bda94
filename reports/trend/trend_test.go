package trend

import (
	"flag"
	"math"
	"os"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/internal/fixture"
	"bench/reports/internal/tty"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestText(t *testing.T) {
	for file, o := range map[string]struct {
		style tty.Style
		width int
	}{
		"history.txt":       {},
		"history-100.txt":   {width: 100},
		"history-60.txt":    {width: 60},
		"history-ascii.txt": {style: tty.Style{ASCII: true}, width: 100},
	} {
		got := Text(fixture.History(), o.style, o.width)
		path := "testdata/" + file
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs (-update renews it):\n%s", file, got)
		}
		for line := range strings.Lines(got) {
			if n := tty.Width(strings.TrimRight(line, "\n")); o.width > 60 && n > o.width {
				t.Errorf("%s: a line of %d columns: %s", file, n, line)
			}
		}
		if o.style.ASCII {
			for _, r := range got {
				if r > 127 {
					t.Errorf("%s holds %q", file, r)
				}
			}
			if strings.Contains(got, "?") {
				t.Errorf("%s has characters that were not spelt in ASCII", file)
			}
		}
	}
}

// Names come from files that anybody may have written.
func TestTextIsSafe(t *testing.T) {
	h := fixture.History()
	g := &h.Groups[0]
	g.Scenario, g.Host, g.Runs[8].Label = "\x1b[31mred", "a\u202eb", "x\ny\x1b]0;z\a"
	g.Measures[1].Changes[0].With, g.Measures[1].Cell = []string{"\x1b[2J"}, "\x1b[1m"
	h.Warnings, h.Reference = []string{"\x1b[5m"}, "\x1b[7m"
	h.LeftOut[0].Verdict = "\x1b[8m"
	if got := Text(h, tty.Style{}, 0); strings.ContainsAny(got, "\x1b\u202e\a") {
		t.Errorf("%q", got)
	}
}

func values(v ...float64) *result.HistoryMeasure {
	m := &result.HistoryMeasure{Name: "response.p50", Unit: "us"}
	for i := range v {
		if math.IsNaN(v[i]) {
			m.Values = append(m.Values, nil)
		} else {
			m.Values = append(m.Values, &v[i])
		}
	}
	return m
}

func TestSpark(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		m       *result.HistoryMeasure
		columns int
		want    string
	}{
		{values(1, 2, 3, 4, 5, 6, 7, 8), 40, "▁▂▃▄▅▆▇█"},
		{values(100, 101, 99, 100), 40, "▅▅▄▅"}, // noise does not fill the height
		{values(100, nan, 200), 40, "▁·█"},
		{values(5, 5, 5), 40, "▅▅▅"},
		{values(0, 0, 0), 40, "▁▁▁"},
		{values(nan, nan), 40, "··"},
		{values(1, 1, 1, 9, 9, 9, nan, nan), 4, "▁▁█·"},
		{values(), 40, ""},
	} {
		if got := Spark(c.m, c.columns, false); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	if got := Spark(values(1, nan, 8), 40, true); got != "1.8" {
		t.Errorf("in ASCII %q", got)
	}
}

func TestSums(t *testing.T) {
	h := fixture.History()
	g := &h.Groups[0]
	if got := Sum(g); got != "3 changes in 2 of 6 measures: 2 worse, 1 better" {
		t.Errorf("%q", got)
	}
	if got := LeftOut(h); got != "1 INVALID, 1 PARTIAL, 1 unreadable" {
		t.Errorf("%q", got)
	}
	var order []int
	for _, c := range Changes(g) {
		order = append(order, c.Number)
	}
	if len(order) != 3 || order[0] != 18 || order[1] != 12 || order[2] != 9 {
		t.Errorf("changes of the runs %v", order)
	}
	for i := range g.Measures {
		g.Measures[i].Changes = nil
	}
	if got := Sum(g); got != "no change in 6 measures" {
		t.Errorf("%q", got)
	}
	for i := range g.Measures {
		g.Measures[i].Refused = "4 values; a change needs 10, 5 on either side"
	}
	if got := Sum(g); got != "no measure is known in enough runs to look for changes" {
		t.Errorf("%q", got)
	}
	if got := Gaps(g); len(got) != 2 || got[0][:7] != "p50 pol" {
		t.Errorf("%q", got)
	}
}
