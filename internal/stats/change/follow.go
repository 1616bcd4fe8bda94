package change

import (
	"math"
	"slices"
)

// What is believed of how much a value follows the one before it.
const (
	// mostDependence bounds it: short series show more than there is.
	mostDependence = 0.95
	// mostFollows bounds it as told by differences.
	mostFollows = 0.8
	// trimmed is the share of the greatest differences that is left out: outliers, and
	// steps from level to level.
	trimmed = 0.2
	// leastToFollow is how many values it takes: fewer are taken to be independent.
	leastToFollow = 20
)

// follows is how much a value follows the one before it, by the sizes of differences
// between neighbours and between values two apart (the variogram; Matheron 1963): a step
// from one level to another one enters few of them. In a series of which each value is
// phi times the one before and noise, their squares are as 1 to 1 + phi.
func follows(values []float64) float64 {
	size := func(lag int) float64 {
		var all []float64
		for i := lag; i < len(values); i++ {
			all = append(all, math.Abs(values[i]-values[i-lag]))
		}
		slices.Sort(all)
		all = all[:len(all)-int(trimmed*float64(len(all)))]
		sum := 0.0
		for _, d := range all {
			sum += d
		}
		return square(sum / float64(len(all)))
	}
	near := size(1)
	if near == 0 {
		return 0
	}
	return min(max(size(2)/near-1, 0), mostFollows)
}

// dependence is the same when the values between some places have one level each: the
// correlation of neighbours, by ranks, so that outliers do not hide it.
func (s *series) dependence(at []int) float64 {
	n := len(s.values)
	rest := make([]float64, 0, n)
	from := 0
	for _, to := range append(slices.Clone(at), n) {
		part := s.values[from:to]
		level := median(part)
		for _, v := range part {
			rest = append(rest, v-level)
		}
		from = to
	}
	sorted := slices.Sorted(slices.Values(rest))
	ranks := make([]float64, n)
	for i, v := range rest {
		low, _ := slices.BinarySearch(sorted, v)
		high := low
		for high < n && sorted[high] == v {
			high++
		}
		ranks[i] = float64(low+high-1)/2 - float64(n-1)/2
	}
	product, squares := 0.0, 0.0
	for i, r := range ranks {
		squares += r * r
		if i > 0 {
			product += r * ranks[i-1]
		}
	}
	if squares == 0 {
		return 0
	}
	// From ranks to values (Pearson 1907).
	phi := 2 * math.Sin(math.Pi/6*product/squares)
	// In a short series the correlation is too small by about (1 + 3 phi)/n for each
	// level that was taken off (Marriott and Pope 1954).
	if k := float64(len(at) + 1); float64(n) > 3*k {
		phi = (phi*float64(n) + k) / (float64(n) - 3*k)
	}
	return min(max(phi, 0), mostDependence)
}

func square(v float64) float64 { return v * v }
