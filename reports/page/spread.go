package page

import (
	"math"
	"slices"

	"bench/internal/units"
	"bench/reports/series"
)

// estimate is a measure over the runs of one combination of the matrix: runs of one
// scenario that differ in their seed only, repeat by repeat.
type estimate struct {
	v               float64 // median of the runs
	low, high       float64 // its interval; without bounds where there is one run
	lowest, highest float64 // of the runs
	known, runs     int     // runs with a value, and all
}

// ok tells whether there is a value at all.
func (e *estimate) ok() bool { return e.known > 0 }

// compares tells whether something can be said beside other combinations: every run
// has a value, and there are several to see how much they differ.
func (e *estimate) compares() bool { return e.known == e.runs && e.runs > 1 }

// overlaps tells whether two intervals have a point in common.
func (e *estimate) overlaps(o *estimate) bool { return e.low <= o.high && e.high >= o.low }

// over estimates a measure from runs. Runs differ by more than requests within one of
// them do: where memory lies, how processors are shared, what else goes on. So the
// interval comes from the spread between runs, and is only never narrower than what
// one run by itself leaves open.
func (me *measure) over(runs []*series.Analysis) (e estimate) {
	e.runs = len(runs)
	var all []float64
	within, sum := 0.0, 0.0
	for _, a := range runs {
		if v, low, high, ok := me.value(a); ok {
			all, sum, within = append(all, v), sum+v, max(within, (high-low)/2)
		}
	}
	n := len(all)
	if e.known = n; n == 0 {
		return e
	}
	slices.Sort(all)
	e.v, e.lowest, e.highest = (all[(n-1)/2]+all[n/2])/2, all[0], all[n-1]
	e.low, e.high = math.Inf(-1), math.Inf(1)
	if n == 1 {
		return e
	}
	mean, squares := sum/float64(n), 0.0
	for _, v := range all {
		squares += (v - mean) * (v - mean)
	}
	reach := max(within, student(n-1)*math.Sqrt(squares/float64(n-1)/float64(n)))
	e.low, e.high = mean-reach, mean+reach
	return e
}

// student is the 99.5 % quantile of Student's t distribution, for intervals of 99 %.
// Beyond twenty degrees of freedom it stays where it is, which is on the safe side.
func student(freedom int) float64 {
	t := [...]float64{
		63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169,
		3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845,
	}
	return t[min(freedom, len(t))-1]
}

// compare prints every measure of every combination, and how far each is from the
// best. Of one run nothing is said but its figure.
func compare(list []measure, groups [][]*series.Analysis) (values, ratios [][]string) {
	values, ratios = make([][]string, len(groups)), make([][]string, len(groups))
	for i := range list {
		me := &list[i]
		all := make([]estimate, len(groups))
		best := -1
		for j, runs := range groups {
			e := &all[j]
			*e = me.over(runs)
			if e.compares() && (best < 0 || me.higher && e.v > all[best].v || !me.higher && e.v < all[best].v) {
				best = j
			}
		}
		for j := range all {
			values[j] = append(values[j], all[j].text(me))
			ratios[j] = append(ratios[j], standing(all, j, best))
		}
	}
	return values, ratios
}

// standing is how a combination stands to the best, in a word: "best" only where the
// interval is clear of all others, whatever is known of them.
func standing(all []estimate, i, best int) string {
	e := &all[i]
	if best < 0 || !e.compares() {
		return ""
	}
	if i == best {
		word := "best"
		for j := range all {
			switch o := &all[j]; {
			case j == i || !o.ok():
			case !o.compares():
				return "" // nobody knows how that one stands
			case e.overlaps(o):
				word = "="
			}
		}
		if len(all) == 1 {
			return ""
		}
		return word
	}
	switch b := &all[best]; {
	case e.overlaps(b):
		return "="
	case b.v > 0:
		return units.Number(e.v/b.v) + "×"
	}
	return ""
}

// text is the figure, with the lowest and highest of the runs.
func (e *estimate) text(me *measure) string {
	switch {
	case !e.ok():
		return units.None
	case e.known < e.runs:
		return me.format(e.v) + " (" + units.Count(uint64(e.known)) + " of " + units.Count(uint64(e.runs)) + " runs)"
	case e.runs > 1 && e.highest > e.lowest:
		return me.format(e.v) + " (" + me.format(e.lowest) + " to " + me.format(e.highest) + ")"
	}
	return me.format(e.v)
}
