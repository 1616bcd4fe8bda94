package gate

import (
	"math"

	"bench/internal/result"
	"bench/internal/stats"
)

// levels are the probabilities with which a gate may err, and the changes it tells
// apart. At alpha 0.01 they are those for which the tables of docs/METHODOLOGY.md hold.
type levels struct {
	worse   float64 // of all measures together, before anything is confirmed
	counted float64 // the same of all that is counted
	better  float64
	confirm float64 // of all that is confirmed together
	clear   float64 // of each measure: cleared although it is worse by the limit

	least, limit float64 // logarithms of the least effect, and of what is cleared
	share        float64 // limit as a share
}

// levels follows from the configuration. What is called worse after confirmation was
// called so twice, by pairs that have nothing to do with each other: measures with
// worse·confirm = alpha/8, counts with counted·confirm = alpha/4, together less than the
// half of alpha that belongs to this direction. Both grow with the root of alpha, so
// that their product grows with it.
func (c *Config) levels() levels {
	root := math.Sqrt(c.Alpha / DefaultAlpha)
	l := levels{
		worse: 0.025 * root, counted: 0.05 * root, confirm: 0.05 * root, clear: 0.025 * root,
		better: c.Alpha / 2,
		least:  math.Log1p(c.MinEffect),
		share:  result.Limit(c.MinEffect),
	}
	if !c.Confirm {
		l.worse, l.counted = c.Alpha/2, c.Alpha/2
	}
	l.limit = math.Log1p(l.share)
	return l
}

// method is how doubtful it is that differences lie above a limit, or below it.
type method struct {
	sequential bool
	ranks      bool // of fixed numbers: signed ranks, else Yuen's t
}

// method follows from the configuration, never from what was measured. Signed ranks
// need nothing but symmetry, but of a few pairs they refute nothing, whatever these are.
func (c *Config) method(l *levels) method {
	strictest := min(l.worse, l.better) / float64(max(1, len(c.Measures)))
	return method{sequential: c.Pairs == 0, ranks: math.Exp2(-float64(c.Pairs)) <= strictest}
}

// doubt is the probability, or what bounds it, of such differences if the middle of all
// lay at most at the limit; with side -1 at least there.
func (m method) doubt(d []float64, limit float64, side int) float64 {
	if m.sequential {
		above, below := stats.Count(d, limit)
		if side < 0 {
			above, below = below, above
		}
		return 1 / stats.EValue(above, above+below)
	}
	if side < 0 {
		d, limit = negated(d), -limit
	}
	if m.ranks {
		return stats.SignedRank(d, limit)
	}
	return stats.Yuen(d, limit)
}

// refuted says which doubts are small enough, all together erring with the probability
// level.
func (m method) refuted(doubts []float64, level float64) []bool {
	if !m.sequential {
		return stats.Holm(doubts, level)
	}
	// At every look the same thresholds, so that what is decided stays decided.
	all := make([]bool, len(doubts))
	for i, p := range doubts {
		all[i] = p <= level/float64(len(doubts))
	}
	return all
}

// interval bounds the middle of the differences, either side erring with the
// probability tail.
func (m method) interval(d []float64, tail float64) (low, high float64, ok bool) {
	switch {
	case m.sequential:
		return stats.SignInterval(d, 1/tail)
	case m.ranks:
		return stats.SignedRankInterval(d, tail)
	}
	return stats.YuenInterval(d, tail)
}

// reach is the least difference, in standard deviations, that n pairs tell, erring with
// the probability tail.
func (m method) reach(n int, tail float64) float64 {
	if m.sequential {
		return stats.Reach(n, 1/tail)
	}
	return stats.ReachFixed(n, tail, m.ranks)
}

func negated(d []float64) []float64 {
	n := make([]float64, len(d))
	for i, v := range d {
		n[i] = -v
	}
	return n
}
