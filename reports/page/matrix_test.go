package page

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/reports/series"
)

// A combination that could not be run keeps its place, with the reason.
func TestMatrixLeftOut(t *testing.T) {
	run := &result.Run{
		Axes:    []result.Axis{{Name: "poller", Values: []string{"io_uring"}}},
		LeftOut: []result.LeftOut{{Name: "poller=io_uring", Vars: map[string]string{"poller": "io_uring"}, Reason: "this kernel has none"}},
	}
	m := newMatrix(run, nil, nil)
	if len(m.Rows) != 1 || m.Rows[0].Name != "poller io_uring" || m.Rows[0].Cells[0].Missing != "left out: this kernel has none" {
		t.Errorf("%+v", m.Rows)
	}
}

// runOf is a run with 20,000 answers of about the same time.
func runOf(vars map[string]string, us float64, errors uint64) *series.Analysis {
	s := series.Segment{Name: "measured", LengthUs: 10_000_000, Good: 20_000, OK: hdr.Dist{{Value: uint32(us), Count: 20_000}}}
	s.Errors[series.Timeout] = errors
	cell := &result.Cell{Name: "run", Vars: vars, Verdict: result.Pass}
	return &series.Analysis{Cell: &series.Cell{Cell: cell}, Segments: []series.Segment{s}}
}

// matrixOf lays out combinations a and b of some runs each.
func matrixOf(a, b []*series.Analysis) *matrixView {
	run := &result.Run{Axes: []result.Axis{{Name: "name", Values: []string{"a", "b"}}, {Name: result.RepeatAxis}}}
	var cells []*series.Analysis
	var views []*cellView
	for name, runs := range map[string][]*series.Analysis{"a": a, "b": b} {
		for i, c := range runs {
			c.Vars = map[string]string{"name": name, result.RepeatAxis: strconv.Itoa(i + 1)}
			cells, views = append(cells, c), append(views, &cellView{ID: name})
		}
	}
	return newMatrix(run, cells, views)
}

// standings are the words of a measure for a and b.
func standings(m *matrixView, measure string) (words [2]string) {
	at := slices.Index(m.Measures, measure)
	for _, r := range m.Rows {
		words[strings.Index("ab", strings.TrimPrefix(r.Name, "name "))] = r.Cells[0].Ratios[at]
	}
	return words
}

// Repeats are pooled, and what they differ by decides whether one is the best: of one
// run nothing is said, however many requests it had.
func TestMatrixComparesByRuns(t *testing.T) {
	runs := func(us ...float64) (all []*series.Analysis) {
		for _, v := range us {
			all = append(all, runOf(nil, v, uint64(v)/100))
		}
		return all
	}
	for _, c := range []struct {
		name string
		a, b []*series.Analysis
		want [2]string // of p99
	}{
		{"one run each", runs(1000), runs(16_400), [2]string{"", ""}},
		{"one run of one", runs(1000, 1010, 990), runs(16_400), [2]string{"", ""}},
		{"clear", runs(1000, 1010, 990), runs(16_000, 16_400, 17_000), [2]string{"best", "16.4×"}},
		{"the other", runs(16_000, 16_400, 17_000), runs(1000, 1010, 990), [2]string{"16.4×", "best"}},
		{"a run of the same is an outlier", runs(1000, 1010, 990), runs(1005, 16_400, 1010), [2]string{"=", "="}},
		{"apart by chance", runs(1000, 1100, 1200), runs(1210, 1300, 1500), [2]string{"=", "="}},
	} {
		m := matrixOf(c.a, c.b)
		if got := standings(m, "p99"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if len(m.Rows) != 2 || len(m.Columns) != 1 || len(m.Rows[0].Cells) != 1 {
			t.Errorf("%s: %d rows of %d columns: repeats are not pooled", c.name, len(m.Rows), len(m.Columns))
		}
		if single := len(c.a) == 1 && len(c.b) == 1; (m.Note == noteSingle) != single || (m.Rows[0].Cells[0].Runs == "") != (single || m.Rows[0].Name == "name b" && len(c.b) == 1) {
			t.Errorf("%s: %q, note %q", c.name, m.Rows[0].Cells[0].Runs, m.Note)
		}
	}
}

// The same thing under two names is not better than itself, in as many repeats as
// people make, for any measure; not even where runs differ by a lot, or by nothing.
func TestMatrixOfTheSameHasNoBest(t *testing.T) {
	const tries = 2000
	for _, repeats := range []int{2, 3, 5} {
		for name, spread := range map[string]float64{"alike": 0.01, "noisy": 0.3, "wild": 1.5} {
			rng := rand.New(rand.NewPCG(uint64(repeats), 1))
			best := map[string]int{}
			for range tries {
				draw := func() (all []*series.Analysis) {
					for range repeats {
						v := math.Exp(math.Log(5000) + spread*rng.NormFloat64())
						all = append(all, runOf(nil, v, uint64(v/500)))
					}
					return all
				}
				m := matrixOf(draw(), draw())
				for _, measure := range m.Measures {
					if words := standings(m, measure); words[0] == "best" || words[1] == "best" {
						best[measure]++
					}
				}
			}
			for measure, n := range best {
				if n > tries/100 {
					t.Errorf("%d repeats, %s: %s of the same was best %d times of %d", repeats, name, measure, n, tries)
				}
			}
		}
	}
}

// A combination of which a run has no value is not compared.
func TestMatrixWithAnUnknownRun(t *testing.T) {
	few := runOf(nil, 10, 0)
	few.Segments[0].OK = hdr.Dist{{Value: 10, Count: 5}}
	a := []*series.Analysis{runOf(nil, 10, 0), runOf(nil, 10, 0), few}
	b := []*series.Analysis{runOf(nil, 1000, 0), runOf(nil, 1010, 0), runOf(nil, 990, 0)}
	m := matrixOf(a, b)
	if got := standings(m, "p99"); got != [2]string{} {
		t.Errorf("%q", got)
	}
	at := slices.Index(m.Measures, "p99")
	for _, r := range m.Rows {
		if r.Name == "name a" && !strings.Contains(r.Cells[0].Values[at], "2 of 3 runs") {
			t.Errorf("%q", r.Cells[0].Values[at])
		}
	}
}
