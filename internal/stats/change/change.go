// Package change finds the places at which a series of figures takes another level, by
// E-divisive means (Matteson and James 2014; Daly et al. 2020): the series is split
// where both sides differ most by the energy statistic, the split counts if hardly any
// reordering of the series has one as great, and then both sides are split in turn. It
// assumes nothing of the distribution, and a single outlier is no level. Only
// arithmetic may enter: no clock, no random source but seeded ones.
package change

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// What makes a change.
const (
	// LeastSegment is how many values a level has at least.
	LeastSegment = 5
	// LeastValues is how many values it takes to look for a change.
	LeastValues = 2 * LeastSegment
	// orders is how many reorderings a split is compared with.
	orders = 199
	// greatestP is the p up to which a split counts.
	greatestP = 0.01
	// LeastChange is the share by which the level must change.
	LeastChange = 0.02
	// seed of the reorderings: the same series always has the same changes.
	seed = 0x5eed
)

// Point is a change of level.
type Point struct {
	Index         int     // of the first value of the new level
	Before, After float64 // medians of the levels on both sides
	P             float64 // share of reorderings with a split as great, itself included
}

// Share is the change as a share of the level before: 0.05 is five percent more;
// infinite where that was 0.
func (p Point) Share() float64 {
	if p.Before == 0 {
		return math.Inf(1)
	}
	return (p.After - p.Before) / math.Abs(p.Before)
}

// Find lists the changes in order. It refuses fewer than LeastValues values, and
// values that are no numbers.
func Find(values []float64) ([]Point, error) {
	if len(values) < LeastValues {
		what := "values"
		if len(values) == 1 {
			what = "value"
		}
		return nil, fmt.Errorf("%d %s; a change needs %d, %d on either side", len(values), what, LeastValues, LeastSegment)
	}
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("value %d is %v", i+1, v)
		}
	}
	s := newSeries(values)
	at, p := s.divide()
	// How much runs depend on each other shows best once the levels are known, and
	// which levels there are, once that is. Few values show neither.
	if len(at) > 0 && len(values) >= leastToFollow {
		if s.phi = s.dependence(at); s.phi > littlePhi {
			// Chance may have made these levels, and taking them off hides what did.
			s.phi = max(s.phi, (s.phi+follows(values))/2)
		}
		at, p = s.divide()
	}
	return levels(values, at, p), nil
}

// littlePhi is how much dependence is believed at once.
const littlePhi = 0.25

// segment is a part of the series that is not split yet.
type segment struct {
	from, to int
	at       int     // where it would be split
	most     float64 // the energy there; 0 where it is too short
	orders   *shuffle
}

func (s *series) segment(from, to int) *segment {
	g := &segment{from: from, to: to, orders: s.shuffle(from, to)}
	if to-from >= LeastValues {
		g.at, g.most = s.split(s.values[from:to])
		g.at += from
	}
	return g
}

// divide splits a series as long as a split counts. It gives the places, and the p of
// each.
func (s *series) divide() (at []int, p map[int]float64) {
	segments := []*segment{s.segment(0, len(s.values))}
	p = make(map[int]float64)
	for {
		best := slices.MaxFunc(segments, func(a, b *segment) int { return cmp.Compare(a.most, b.most) })
		if best.most <= 0 {
			break
		}
		chance := s.chance(segments, best.most)
		if chance > greatestP {
			break
		}
		p[best.at] = chance
		i := slices.Index(segments, best)
		segments = slices.Replace(segments, i, i+1, s.segment(best.from, best.at), s.segment(best.at, best.to))
	}
	for _, g := range segments[1:] {
		at = append(at, g.from)
	}
	return at, p
}

// chance is the share of orders, of every segment within itself, of which one has a
// split of at least the given energy; the series as it is counts as one. It is not told
// exactly once it is above greatestP.
func (s *series) chance(segments []*segment, most float64) float64 {
	hits := 1
	for r := range orders {
		if slices.ContainsFunc(segments, func(g *segment) bool { return s.energy(g.orders, r) >= most*(1-1e-9) }) {
			hits++
		}
		if float64(hits)/(orders+1) > greatestP {
			break
		}
	}
	return float64(hits) / (orders + 1)
}

// levels makes points of places, without those at which the level changes too little:
// of these the least goes first, and its neighbours are one level then.
func levels(values []float64, at []int, p map[int]float64) []Point {
	for {
		var points []Point
		from := 0
		for i, split := range at {
			to := len(values)
			if i+1 < len(at) {
				to = at[i+1]
			}
			points = append(points, Point{split, median(values[from:split]), median(values[split:to]), p[split]})
			from = split
		}
		least := -1
		for i := range points {
			share := math.Abs(points[i].Share())
			if !(share > LeastChange) && (least < 0 || share < math.Abs(points[least].Share())) {
				least = i
			}
		}
		if least < 0 {
			return points
		}
		at = slices.Delete(slices.Clone(at), least, least+1)
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
