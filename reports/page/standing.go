package page

import (
	"bench/internal/units"
	"bench/reports/series"
)

// compare prints every measure of every combination, and how far each is from the
// best. Of one run nothing is said but its figure.
func compare(list []series.Measure, groups [][]*series.Analysis) (values, ratios [][]string) {
	values, ratios = make([][]string, len(groups)), make([][]string, len(groups))
	for i := range list {
		me := &list[i]
		all := make([]series.Estimate, len(groups))
		best := -1
		for j, runs := range groups {
			e := &all[j]
			*e = me.Over(runs)
			if e.Compares() && (best < 0 || me.Higher && e.V > all[best].V || !me.Higher && e.V < all[best].V) {
				best = j
			}
		}
		for j := range all {
			values[j] = append(values[j], estimateText(&all[j], me))
			ratios[j] = append(ratios[j], standing(all, j, best))
		}
	}
	return values, ratios
}

// standing is how a combination stands to the best, in a word: "best" only where the
// interval is clear of all others, whatever is known of them.
func standing(all []series.Estimate, i, best int) string {
	e := &all[i]
	if best < 0 || !e.Compares() {
		return ""
	}
	if i == best {
		word := "best"
		for j := range all {
			switch o := &all[j]; {
			case j == i || !o.OK():
			case !o.Compares():
				return "" // nobody knows how that one stands
			case e.Overlaps(o):
				word = "="
			}
		}
		if len(all) == 1 {
			return ""
		}
		return word
	}
	switch b := &all[best]; {
	case e.Overlaps(b):
		return "="
	case b.V > 0:
		return units.Number(e.V/b.V) + "×"
	}
	return ""
}

// estimateText is the figure, with the lowest and highest of the runs.
func estimateText(e *series.Estimate, me *series.Measure) string {
	switch {
	case !e.OK():
		return units.None
	case e.Known < e.Runs:
		return me.Format(e.V) + " (" + units.Count(uint64(e.Known)) + " of " + units.Count(uint64(e.Runs)) + " runs)"
	case e.Runs > 1 && e.Highest > e.Lowest:
		return me.Format(e.V) + " (" + me.Format(e.Lowest) + " to " + me.Format(e.Highest) + ")"
	}
	return me.Format(e.V)
}
