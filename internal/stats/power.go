package stats

import "math"

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
const TooMany = 10_000

// Look tells whether a comparison is looked at after n pairs.
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

// Reach is the least difference, in standard deviations of a pair, that n pairs find
// with probability Power at the threshold. It is +Inf where so few pairs find nothing.
func Reach(n int, threshold float64) float64 {
	enough := func(distance float64) bool {
		found := 0.0
		decisions(above(distance), threshold, n, func(_ int, decided float64) bool {
			found = decided
			return true
		})
		return found >= Power
	}
	low, high := 0.0, 16.0
	if !enough(high) {
		return math.Inf(1)
	}
	for range 40 {
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// Floor is the least change, 0.05 for five percent, that n pairs can tell where the
// logarithms of their ratios have standard deviation sd: Reach, as a share.
func Floor(n int, sd, threshold float64) float64 {
	if sd == 0 {
		return 0
	}
	return math.Expm1(sd * Reach(n, threshold))
}

// NoiseSD is the standard deviation of differences as their middle shows it: the width
// of the 95 % signed-rank interval times √n/3.92. Outliers widen it by as much as they
// widen the interval, and not by their size. ok is false of fewer than six differences.
func NoiseSD(d []float64) (sd float64, ok bool) {
	low, high, ok := SignedRankInterval(d, 0.025)
	return (high - low) * math.Sqrt(float64(len(d))) / (2 * 1.96), ok
}
