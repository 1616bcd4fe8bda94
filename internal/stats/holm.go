package stats

import "sort"

// Holm says which of several hypotheses are refuted by their probabilities, such that
// even one of those that hold is refuted with at most the probability level (Holm
// 1979): the least probability is held against level divided by their number, the next
// by one fewer, until the first that is not refuted.
func Holm(p []float64, level float64) []bool {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return p[order[a]] < p[order[b]] })
	refuted := make([]bool, len(p))
	for i, o := range order {
		if p[o] > level/float64(len(p)-i) {
			break
		}
		refuted[o] = true
	}
	return refuted
}
