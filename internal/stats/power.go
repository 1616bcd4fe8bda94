package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// When a sequential comparison is looked at: from FirstLook pairs on, after every
// LookEvery. The evidence would hold at every pair; looking at even numbers only costs a
// pair now and then and spares work.
const (
	FirstLook = 6
	LookEvery = 2
)

// Power is the probability with which PairsFor and Reach promise a decision.
const Power = 0.95

// TooMany is what PairsFor says in place of this many pairs or more.
const TooMany = 2_000

// Look reports whether a comparison is looked at after n pairs.
func Look(n int) bool { return n >= FirstLook && (n-FirstLook)%LookEvery == 0 }

// decisions follows a sign test by EValue at the threshold, where each difference lies
// above the limit with probability p, from pair to pair up to most: at each look visit
// gets the probability that it has been decided by then, and ends it by false. The
// probabilities are exact: nothing is drawn.
func decisions(p, threshold float64, most int, visit func(n int, decided float64) bool) {
	// at[k] is the probability of k above and no decision yet; what is less than
	// nothing to speak of is left out at both ends.
	const nothing = 1e-16
	at := make([]float64, most+2)
	at[0] = 1
	low, high, least, decided := 0, 0, 1, 0.0
	for n := 1; n <= most; n++ {
		for k := high + 1; k > low; k-- {
			at[k] = at[k]*(1-p) + at[k-1]*p
		}
		at[low] *= 1 - p
		high++
		if !Look(n) {
			continue
		}
		for least <= n && EValue(least, n) < threshold {
			least++
		}
		for ; high >= least; high-- {
			decided += at[high]
			at[high] = 0
		}
		for low < high && at[low] < nothing {
			at[low] = 0
			low++
		}
		if !visit(n, decided) {
			return
		}
	}
}

// above is the probability that a difference lies above a limit which is so many
// standard deviations below its middle.
func above(distance float64) float64 { return math.Erfc(-distance/math.Sqrt2) / 2 }

// PairsFor is the number of pairs by which a sequential comparison at the threshold has
// been decided with probability Power, where differences lie delta above what is to be
// refuted, in the middle, with standard deviation sd: FirstLook to TooMany.
func PairsFor(delta, sd, threshold float64) int {
	pairs := TooMany
	if delta <= 0 {
		return pairs
	}
	decisions(above(delta/sd), threshold, TooMany, func(n int, decided float64) bool {
		if decided >= Power {
			pairs = n
		}
		return decided < Power
	})
	return pairs
}

// Decided is the probability with which a sequential comparison of at most n pairs is
// decided; its arguments are those of PairsFor.
func Decided(n int, delta, sd, threshold float64) (share float64) {
	decisions(above(delta/sd), threshold, n, func(_ int, decided float64) bool {
		share = decided
		return true
	})
	return share
}

// Reach is the least difference, in standard deviations of a pair, that n pairs find
// with probability Power at the threshold. It is +Inf where so few pairs find nothing.
func Reach(n int, threshold float64) float64 {
	low, high := 0.0, 16.0
	if Decided(n, high, 1, threshold) < Power {
		return math.Inf(1)
	}
	for range 40 {
		if middle := (low + high) / 2; Decided(n, middle, 1, threshold) >= Power {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// ReachFixed is Reach of a number of pairs that is fixed beforehand, where a test errs
// with the probability tail: of signed ranks, or of Yuen's t.
func ReachFixed(n int, tail float64, ranks bool) float64 {
	// How well the tests use normal differences: 3/π, and what trimming leaves.
	freedom, efficiency := float64(n-1), 3/math.Pi
	if !ranks {
		freedom -= 2 * math.Floor(trim*float64(n))
		efficiency = 0.8
	}
	if freedom < 1 {
		return math.Inf(1)
	}
	t := distuv.StudentsT{Sigma: 1, Nu: freedom}
	return (t.Quantile(Power) - t.Quantile(tail)) / math.Sqrt(efficiency*float64(n))
}

// Floor is the least change that can be told, 0.05 for five percent, where the
// logarithms of the ratios of pairs have standard deviation sd, of which reach is needed.
func Floor(sd, reach float64) float64 {
	if sd == 0 {
		return 0
	}
	return math.Expm1(sd * reach)
}

// NoiseSD is the standard deviation of differences as their middle shows it: the width
// of the 95 % signed-rank interval times √n/3.92. Outliers widen it by as much as they
// widen the interval, and not by their size. ok is false of fewer than six differences.
func NoiseSD(d []float64) (sd float64, ok bool) {
	low, high, ok := SignedRankInterval(d, 0.025)
	return (high - low) * math.Sqrt(float64(len(d))) / (2 * 1.96), ok
}

// NoiseBounds are the least and the greatest standard deviation that n differences with
// this one may have come from: each is passed once in twenty times.
func NoiseBounds(sd float64, n int) (low, high float64) {
	if n < 2 {
		return 0, math.Inf(1)
	}
	freedom := float64(n - 1)
	return sd * math.Sqrt(freedom/distuv.ChiSquared{K: freedom}.Quantile(0.95)), sd * NoiseMargin(n)
}

// MiddleMargin is how far the middle of n differences with this standard deviation may lie
// from the estimate that is made of them (HodgesLehmann), to either side once in twenty
// times.
func MiddleMargin(sd float64, n int) float64 {
	return 1.645 * sd / math.Sqrt(3/math.Pi*float64(n))
}

// NoiseMargin is by how much the standard deviation found in n differences may be too
// small, once in twenty times: 1.37 of 20.
func NoiseMargin(n int) float64 {
	if n < 2 {
		return math.Inf(1)
	}
	freedom := float64(n - 1)
	return math.Sqrt(freedom / distuv.ChiSquared{K: freedom}.Quantile(0.05))
}
