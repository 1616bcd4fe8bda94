package series

import (
	"fmt"
	"testing"

	"bench/internal/result"
)

func limit(expr, op string, got, wanted float64, verdict string) result.Objective {
	return result.Objective{Expr: expr, Metric: expr, Op: op, Got: got, Wanted: wanted, Known: verdict != result.Unclear, Verdict: verdict}
}

// A matrix shows each limit once, by the cell in which it fared worst.
func TestLimitsShowTheWorstCell(t *testing.T) {
	cells := []*result.Cell{
		{Name: "a", Objectives: []result.Objective{
			limit("p99", "<", 10, 50, result.Pass), limit("rate", ">=", 90, 80, result.Pass), limit("errors", "<", 0, 1, result.Pass),
		}},
		{Name: "b", Objectives: []result.Objective{
			limit("p99", "<", 60, 50, result.Fail), limit("rate", ">=", 85, 80, result.Pass), limit("errors", "<", 0, 1, result.Unclear),
		}},
		{Name: "c", Objectives: []result.Objective{
			limit("p99", "<", 70, 50, result.Fail), limit("rate", ">=", 99, 80, result.Pass), limit("errors", "<", 0.5, 1, result.Pass),
		}},
	}
	got := Limits(cells)
	want := []struct {
		metric, cell string
		fail, pass   int
	}{{"p99", "c", 2, 1}, {"errors", "b", 0, 2}, {"rate", "b", 0, 3}}
	if len(got) != len(want) {
		t.Fatalf("%d limits", len(got))
	}
	for i, w := range want {
		l := &got[i]
		if l.Worst.Metric != w.metric || l.Cell.Name != w.cell || l.Verdicts[result.Fail] != w.fail || l.Verdicts[result.Pass] != w.pass || l.Cells() != 3 {
			t.Errorf("limit %d is %s of cell %s, %v; want %+v", i, l.Worst.Metric, l.Cell.Name, l.Verdicts, w)
		}
	}
}

// Of cells that fared alike the first one is shown.
func TestLimitsShowTheFirstOfEqualCells(t *testing.T) {
	one := func(name string, got float64) *result.Cell {
		return &result.Cell{Name: name, Objectives: []result.Objective{limit("p99", "<", got, 50, result.Pass)}}
	}
	if got := Limits([]*result.Cell{one("a", 1), one("b", 2), one("c", 2)}); len(got) != 1 || got[0].Cell.Name != "b" {
		t.Errorf("%+v", got)
	}
}

// The same comparison over two windows is two limits, of which one may hold and the
// other not; the steady state is another one again.
func TestLimitsOfWindowsAreLimitsOfTheirOwn(t *testing.T) {
	in := func(window string, got float64, verdict string) result.Objective {
		o := limit("p99 < 50", "<", got, 50, verdict)
		o.Window = window
		return o
	}
	steady := limit("p99 < 50", "<", 3, 50, result.Pass)
	got := Limits([]*result.Cell{{
		Name: "a", SteadyState: &steady,
		Objectives: []result.Objective{in("", 10, result.Pass), in("proxy.reload", 60, result.Fail), in("steady", 20, result.Pass)},
	}})
	var names []string
	for i := range got {
		names = append(names, got[i].Worst.Window+"/"+got[i].Worst.Metric)
		if got[i].Cells() != 1 {
			t.Errorf("%s was judged in %d cells", names[i], got[i].Cells())
		}
	}
	if want := "[proxy.reload/p99 < 50 /p99 < 50 steady/p99 < 50 /steady state: p99 < 50]"; fmt.Sprint(names) != want {
		t.Errorf("%v, want %s", names, want)
	}
}

// A value that is known says more than one that is not.
func TestLimitsPreferWhatIsKnown(t *testing.T) {
	unknown, undecided := limit("p99", "<", 0, 50, result.Unclear), limit("p99", "<", 60, 50, result.Invalid)
	a, b := &result.Cell{Name: "a", Objectives: []result.Objective{unknown}}, &result.Cell{Name: "b", Objectives: []result.Objective{undecided}}
	for _, cells := range [][]*result.Cell{{a, b}, {b, a}} {
		if got := Limits(cells); got[0].Cell != b {
			t.Errorf("%s is shown of %s and %s", got[0].Cell.Name, cells[0].Name, cells[1].Name)
		}
	}
}
