package series

import (
	"cmp"
	"slices"

	"bench/internal/result"
)

// Limit is one limit of a scenario over all the cells that it was judged in.
type Limit struct {
	// Worst is the outcome in the cell that fared worst, and Cell is that cell.
	Worst result.Objective
	Cell  *result.Cell
	// Verdicts counts the cells by verdict.
	Verdicts map[string]int
}

// Cells is the number of cells that the limit was judged in.
func (l *Limit) Cells() int {
	n := 0
	for _, k := range l.Verdicts {
		n += k
	}
	return n
}

// Limits gathers the limits of all cells, the steady state among them: each once,
// with its worst outcome. Broken ones come first, then those that could not be
// judged; within a rank they keep the scenario's order.
func Limits(cells []*result.Cell) []Limit {
	type key struct{ expr, window, metric string }
	var all []Limit
	at := make(map[key]int)
	for _, c := range cells {
		for _, o := range Objectives(c) {
			k := key{o.Expr, o.Window, o.Metric}
			i, ok := at[k]
			if !ok {
				i = len(all)
				at[k] = i
				all = append(all, Limit{Worst: o, Cell: c, Verdicts: make(map[string]int)})
			}
			l := &all[i]
			l.Verdicts[o.Verdict]++
			if worse(&o, &l.Worst) {
				l.Worst, l.Cell = o, c
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Limit) int { return cmp.Compare(Rank(a.Worst.Verdict), Rank(b.Worst.Verdict)) })
	return all
}

// Objectives are a cell's limits in the scenario's order, and the steady state
// if there is one.
func Objectives(c *result.Cell) []result.Objective {
	list := slices.Clone(c.Objectives)
	if c.SteadyState != nil {
		steady := *c.SteadyState
		steady.Metric = "steady state: " + steady.Expr
		list = append(list, steady)
	}
	return list
}

// Rank orders verdicts: broken first, then what could not be judged, then what held.
func Rank(verdict string) int {
	switch verdict {
	case result.Fail:
		return 0
	case result.Pass:
		return 2
	default:
		return 1
	}
}

// worse reports whether a is a worse outcome of the same limit than b.
func worse(a, b *result.Objective) bool {
	if ra, rb := Rank(a.Verdict), Rank(b.Verdict); ra != rb {
		return ra < rb
	}
	if a.Known != b.Known {
		return a.Known
	}
	return result.Beyond(a.Op, a.Got, a.Wanted) > result.Beyond(b.Op, b.Got, b.Wanted)
}
