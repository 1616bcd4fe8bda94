package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// trim is the share that Yuen leaves out at either end.
const trim = 0.2

// trimmed are the trimmed mean of values, its standard error from the winsorized
// values, and its degrees of freedom (Yuen 1974).
func trimmed(values []float64) (mean, se, freedom float64) {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	cut := int(trim * float64(n))
	kept := sorted[cut : n-cut]
	for _, v := range kept {
		mean += v / float64(len(kept))
	}
	for i := range cut {
		sorted[i], sorted[n-1-i] = kept[0], kept[len(kept)-1]
	}
	middle, squares := 0.0, 0.0
	for _, v := range sorted {
		middle += v / float64(n)
	}
	for _, v := range sorted {
		squares += (v - middle) * (v - middle)
	}
	h := float64(len(kept))
	return mean, math.Sqrt(squares / (h * (h - 1))), h - 1
}

// Yuen is the one-sided t test of "the trimmed mean of the differences is at most
// limit": the probability of one as far above it. Where all differences that count are
// the same nothing is known of their spread, and only their signs speak: 1/2^n. It is 1
// of fewer than two differences.
func Yuen(d []float64, limit float64) float64 {
	if len(d) < 2 {
		return 1
	}
	mean, se, freedom := trimmed(d)
	switch {
	case se > 0:
		return distuv.StudentsT{Sigma: 1, Nu: freedom}.CDF((limit - mean) / se)
	case mean > limit:
		return math.Exp2(-float64(len(d)))
	}
	return 1
}

// YuenInterval bounds the trimmed mean: on either side it errs with the probability
// tail. ok is false of fewer than two differences, and where nothing is known of their
// spread.
func YuenInterval(d []float64, tail float64) (low, high float64, ok bool) {
	if len(d) < 2 {
		return 0, 0, false
	}
	mean, se, freedom := trimmed(d)
	if se == 0 {
		return 0, 0, false
	}
	reach := -se * distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(tail)
	return mean - reach, mean + reach, true
}

// SignTest is the probability that at least k of n differences lie above a limit where
// at most half of all do.
func SignTest(k, n int) float64 {
	// As many below as above are as probable, and a lower tail does not cancel.
	return distuv.Binomial{N: float64(n), P: 0.5}.CDF(float64(n - k))
}
