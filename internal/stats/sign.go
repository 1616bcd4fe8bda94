// Package stats holds the statistics of comparisons: pure functions of numbers, which
// know no measure, no run and no verdict. Every one of them has its source and the
// reason for it in docs/METHODOLOGY.md. Clocks, files and random numbers may not enter.
//
// Differences are those of pairs: positive where the second of a pair is greater. A
// difference that is not a number must have been left out before.
package stats

import (
	"math"
	"slices"
	"sort"
)

// EValue is the evidence that more than half of all differences lie above a limit,
// where k of n do: a bet against "at most half of them", which multiplies the stake by
// EValue, and by more than x no oftener than once in x times if there is nothing to
// find, however often one looks and whenever one stops (Ville 1939). It averages the
// likelihood ratios of all shares between one half and one, each against one half. It
// wants 0 ≤ k ≤ n, and is +Inf where it exceeds all numbers.
func EValue(k, n int) float64 { return EShareBelow(n-k, n, 0.5) }

// EShareBelow is the evidence that the share of something is below q, 0 < q < 1, where
// it was seen k times in n, as EValue is: the average of the likelihood ratios of all
// shares from 0 to q, each against q.
func EShareBelow(k, n int, q float64) float64 {
	// The integral of p^k (1-p)^(n-k) from 0 to q is a tail of the binomial
	// distribution. As a sum of positive terms nothing cancels.
	odds := q / (1 - q)
	term := 1 / float64(k+1)
	sum := term
	for j := k + 1; j <= n; j++ {
		term *= float64(n+1-j) / float64(j+1) * odds
		sum += term
		if term < sum*1e-17 {
			break
		}
	}
	return sum
}

// EValueNever is the evidence that something happens on one side only, where it
// happened k times there and n-k times on the other: half of the stake on EValue, half
// on "never on the other side", which doubles each time and is lost with the first
// that happens there. A side that fails where the other never does is found after
// fewer pairs than by EValue alone.
func EValueNever(k, n int) float64 {
	e := EValue(k, n) / 2
	if k == n {
		e += math.Exp2(float64(n)) / 2
	}
	return e
}

// LeastWins is the least k of n for which EValue reaches the threshold, and n+1 if
// none does.
func LeastWins(n int, threshold float64) int {
	return sort.Search(n+1, func(k int) bool { return EValue(k, n) >= threshold })
}

// SignInterval bounds the median of differences: what it leaves out on either side is
// refuted by EValue at the threshold, so that it holds at whatever pair one stops. ok is
// false where there are too few differences to refute anything.
func SignInterval(d []float64, threshold float64) (low, high float64, ok bool) {
	n := len(d)
	k := LeastWins(n, threshold)
	if k > n {
		return 0, 0, false
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[n-k], sorted[k-1], true
}

// Count counts the differences above and below a limit. Those that equal it are in
// neither: they speak for no side.
func Count(d []float64, limit float64) (above, below int) {
	for _, v := range d {
		switch {
		case v > limit:
			above++
		case v < limit:
			below++
		}
	}
	return above, below
}

// Median is the middle of the values, the mean of the two in the middle where their
// number is even, and NaN of none.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
