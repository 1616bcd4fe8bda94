package series

import (
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
