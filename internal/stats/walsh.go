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
	s := len(w) - sort.Search(len(w), func(i int) bool { return w[i] > limit })
	n := len(d)
	if n > exactRanks {
		mean, sd := rankMoments(n)
		return math.Erfc((float64(s)-0.5-mean)/sd/math.Sqrt2) / 2
	}
	tail := 0.0
	p := rankDistribution(n)
	for i := len(w); i >= s; i-- {
		tail += p[i]
	}
	return min(tail, 1)
}

// SignedRankInterval bounds the middle of symmetric differences: on either side it errs
// with at most the probability tail. ok is false where there are too few differences
// for that.
func SignedRankInterval(d []float64, tail float64) (low, high float64, ok bool) {
	least := leastRanks(len(d), tail)
	w := walsh(d)
	n := len(w)
	if least > n {
		return 0, 0, false
	}
	return w[n-least], w[least-1], true
}

// leastRanks is the least number of Walsh averages above a limit that refutes it with
// probability tail; more than there are where none does.
func leastRanks(n int, tail float64) int {
	if n > exactRanks {
		mean, sd := rankMoments(n)
		return int(math.Ceil(mean + 0.5 + sd*math.Sqrt2*math.Erfinv(1-2*tail)))
	}
	p := rankDistribution(n)
	least, sum := len(p), 0.0
	for ; least > 1 && sum+p[least-1] <= tail; least-- {
		sum += p[least-1]
	}
	return least
}

// rankMoments are the mean and the standard deviation of the signed-rank statistic.
func rankMoments(n int) (mean, sd float64) {
	m := float64(n)
	return m * (m + 1) / 4, math.Sqrt(m * (m + 1) * (2*m + 1) / 24)
}

// rankDistribution are the probabilities of all values of the signed-rank statistic,
// from 0 to n(n+1)/2, of differences that are symmetric around 0: each rank counts with
// probability one half.
func rankDistribution(n int) []float64 {
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
	return p
}
