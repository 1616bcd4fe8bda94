package stats

import (
	"math"
	"slices"
	"sort"
)

// walsh are the means of all pairs of differences, each with itself included, sorted.
func walsh(d []float64) []float64 {
	all := make([]float64, 0, len(d)*(len(d)+1)/2)
	for i, a := range d {
		for _, b := range d[i:] {
			// Halves first: the sum of two great numbers might overflow.
			all = append(all, a/2+b/2)
		}
	}
	slices.Sort(all)
	return all
}

// HodgesLehmann is the median of the Walsh averages, the estimate of a shift that
// belongs to the signed-rank test (Hodges and Lehmann 1963). Almost a third of all
// differences may be arbitrarily wrong without carrying it away. It is NaN of none.
func HodgesLehmann(d []float64) float64 {
	if len(d) == 0 {
		return math.NaN()
	}
	w := walsh(d)
	n := len(w)
	return w[(n-1)/2]/2 + w[n/2]/2
}

// exactRanks is the greatest number of differences for which the distribution of the
// signed-rank statistic is counted out; with more the normal distribution takes its
// place.
const exactRanks = 50

// SignedRank is the one-sided signed-rank test of "the differences are symmetric around
// limit, or around something less": the probability of as many Walsh averages above
// limit as there are (Wilcoxon 1945). Averages that equal limit do not count, so that
// ties speak for no side and the test is at most too careful. It is 1 of no differences.
func SignedRank(d []float64, limit float64) float64 {
	w := walsh(d)
	return rankTail(len(d), len(w)-sort.Search(len(w), func(i int) bool { return w[i] > limit }))
}

// SignedRankInterval bounds the middle of symmetric differences: on either side it errs
// with at most the probability tail. ok is false where there are too few differences
// for that.
func SignedRankInterval(d []float64, tail float64) (low, high float64, ok bool) {
	w := walsh(d)
	n := len(w)
	// The least statistic that is refuted; what leaves fewer averages above is not.
	least := sort.Search(n+1, func(s int) bool { return rankTail(len(d), s) <= tail })
	if n == 0 || least > n {
		return 0, 0, false
	}
	return w[n-least], w[least-1], true
}

// rankTail is the probability that the signed-rank statistic of n differences is at
// least s, if they are symmetric around 0.
func rankTail(n, s int) float64 {
	if s <= 0 {
		return 1
	}
	if n > exactRanks {
		m := float64(n)
		mean, sd := m*(m+1)/4, math.Sqrt(m*(m+1)*(2*m+1)/24)
		return math.Erfc((float64(s)-0.5-mean)/sd/math.Sqrt2) / 2
	}
	// p[i] is the probability that the ranks of the positive ones add up to i.
	p := make([]float64, n*(n+1)/2+1)
	p[0] = 1
	for rank, top := 1, 0; rank <= n; rank++ {
		top += rank
		for i := top; i >= 0; i-- {
			p[i] /= 2
			if i >= rank {
				p[i] += p[i-rank] / 2
			}
		}
	}
	tail := 0.0
	for i := len(p) - 1; i >= s; i-- {
		tail += p[i]
	}
	return min(tail, 1)
}
