package series

import (
	"cmp"
	"math"
	"slices"

	"bench/internal/result"
)

// ChangeScale is the end of the axis of changes, in percent: round, the same at both
// sides of zero, and holding the band of the least effect and, of all measures that
// decide, every change and the intervals as far as they mean anything. The others may lie
// beyond, so that one of them that doubled does not make those that decide a dot; where
// none decides, all changes are held.
func ChangeScale(c *result.Comparison) float64 {
	// That of two pairs can reach beyond any number.
	const mostOfInterval = 200
	greatest := 150 * c.MinEffect
	take := func(v *float64) {
		if v != nil && !math.IsInf(*v, 0) && !math.IsNaN(*v) {
			greatest = max(greatest, math.Abs(*v))
		}
	}
	gates := slices.ContainsFunc(c.Measures, func(m result.ComparedMeasure) bool { return m.Known && m.Gated })
	for i := range c.Measures {
		m := &c.Measures[i]
		if !m.Known || m.Unit == "1" || m.Unit == "%" || gates && !m.Gated {
			continue
		}
		take(&m.ChangePercent)
		if m.Gated {
			for _, v := range []*float64{m.Low, m.High} {
				if v != nil {
					bound := min(math.Abs(*v), mostOfInterval)
					take(&bound)
				}
			}
		}
	}
	for _, top := range []float64{5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000} {
		if greatest <= top {
			return top
		}
	}
	return math.Pow(10, math.Ceil(math.Log10(greatest)))
}

// Counted are the runs of one side that count, in the order of their pairs.
func Counted(c *result.Comparison, side string) (runs []*result.ComparedRun) {
	for i := range c.Runs {
		if r := &c.Runs[i]; r.Side == side && !r.LeftOut {
			runs = append(runs, r)
		}
	}
	slices.SortStableFunc(runs, func(a, b *result.ComparedRun) int {
		if a.Confirm != b.Confirm {
			if a.Confirm {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Pair, b.Pair)
	})
	return runs
}

// Sides of a comparison.
const (
	SideBase = "base"
	SideNew  = "new"
)

// TypicalRun is the run that stands for its side in charts: the one whose p99 is the
// median of all that count (the lower one of two), else whose p50 is; where neither is
// known of each run, the first. by names the measure, "" for the first run. nil where
// no run counts.
func TypicalRun(c *result.Comparison, side string) (run *result.ComparedRun, by string) {
	runs := Counted(c, side)
	if len(runs) == 0 {
		return nil, ""
	}
	first := 0 // how many are not of the second look
	for _, r := range runs {
		if !r.Confirm {
			first++
		}
	}
	for _, name := range []string{"response.p99", "response.p50"} {
		for i := range c.Measures {
			m := &c.Measures[i]
			values := m.BaseValues
			if side == SideNew {
				values = m.NewValues
			}
			if m.Name != name || m.Load != "" || m.Class != "" || len(values) == 0 || len(values) != len(runs) && len(values) != first {
				continue
			}
			order := make([]int, len(values))
			for k := range order {
				order[k] = k
			}
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
			return runs[order[(len(order)-1)/2]], name
		}
	}
	return runs[0], ""
}
