package change

import (
	"math"
	"slices"
)

// series is a series with what its segments need.
type series struct {
	values []float64
	rank   []int // of each value among all of them, from 0; equal ones share one
	// phi is how much a value is taken to follow the one before it.
	phi float64
	// Room for split.
	left, within, back []float64
}

func newSeries(values []float64) *series {
	n := len(values)
	s := &series{values: values, rank: make([]int, n), left: make([]float64, n+1), within: make([]float64, n+1), back: make([]float64, n)}
	sorted := slices.Sorted(slices.Values(values))
	for i, v := range values {
		s.rank[i], _ = slices.BinarySearch(sorted, v)
	}
	return s
}

// split is where values differ most, and by how much: of the energy statistic with
// exponent 1,
//
//	nm/(n+m) (2/(nm) sum |x-y| - 1/C(n,2) sum |x-x'| - 1/C(m,2) sum |y-y'|)
//
// of the n values on one side of a place and m on the other. One side reaches to the end
// of the values, the other to any place that leaves a level beyond: a level that is left
// again would be lost among what comes after.
func (s *series) split(values []float64) (at int, most float64) {
	n := len(values)
	back := s.back[:n]
	for i, v := range values {
		back[n-1-i] = v
	}
	at, most = s.forwards(values)
	if i, q := s.forwards(back); q > most {
		at, most = n-i, q
	}
	return at, most
}

// mostEnds bounds the places up to which the other side may reach.
const mostEnds = 50

// forwards is the split whose first side begins with the values. The sums over the pairs
// of a stretch follow from those of the stretch that begins one later, by the distances
// of its first value: n² in all.
func (s *series) forwards(values []float64) (at int, most float64) {
	n := len(values)
	// left[i] is the sum over the pairs of the first i values, within[k] over those from
	// a place i to before k.
	left, within := s.left[:n+1], s.within[:n+1]
	clear(within)
	for i, v := range values {
		sum := 0.0
		for _, w := range values[:i] {
			sum += math.Abs(v - w)
		}
		left[i+1] = left[i] + sum
	}
	step := (n + mostEnds - 1) / mostEnds
	most = math.Inf(-1)
	for i := n - 1; i >= LeastSegment; i-- {
		v, sum := values[i], 0.0
		rest := within[i+2:]
		for k, w := range values[i+1:] {
			sum += math.Abs(v - w)
			rest[k] += sum
		}
		a := float64(i)
		x := 2 * left[i] / (a * (a - 1))
		for k := n; k-i >= LeastSegment; k -= step {
			if k < n && n-k < LeastSegment {
				continue // the rest would be no level
			}
			b := float64(k - i)
			between := left[k] - left[i] - within[k]
			if q := a * b / (a + b) * (2*between/(a*b) - x - 2*within[k]/(b*(b-1))); q > most {
				at, most = i, q
			}
		}
	}
	// What is left of nothing by rounding is nothing.
	if most <= 1e-9*left[n]/float64(n) {
		most = 0
	}
	return at, most
}
