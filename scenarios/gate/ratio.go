package gate

import (
	"math"

	"bench/internal/stats"
)

// subject is something that is gated. A side is 1 where it is about being worse, and -1
// where it is about being better.
type subject interface {
	st() *state
	// add takes what a pair says of it.
	add(p *Pair)
	// excess is how doubtful it is that it differs to that side at all, by the pairs
	// from the marked one on, or by all.
	excess(side int, fresh bool) float64
	// within is how doubtful it is that it differs to that side by less than the limit.
	within(side int, fresh bool) float64
	// beyond reports whether the estimate, of all pairs, exceeds the least effect.
	beyond(side int) bool
	// mark is where fresh pairs begin.
	mark()
	// lasting reports whether what has been shown by some pairs stays so, whatever comes.
	lasting() bool
	// hopeless says why pairs, as many as are allowed, will not clear it, or "".
	hopeless() string
	// line is what is known of it; its verdict follows from the state.
	line() Line
	// needed is how many pairs would decide it, more than there are.
	needed() Needed
}

// state is what has been decided of a subject.
type state struct {
	name string
	// cleared of being worse, or better, by the limit.
	clearedWorse, clearedBetter bool
	worse, better               bool
	suspect                     bool // is being confirmed, or was
	confirming                  bool
	upheld                      bool // was confirmed
	refuted                     bool // was cleared by the pairs that should have confirmed it
	// gaveUp says why it will not be cleared. It may still be found worse, for which it
	// is looked at as long as it looks so.
	gaveUp string
}

func (s *state) st() *state { return s }

// settled reports that nothing more is to be found out.
func (s *state) settled(oneSided bool) bool {
	return s.worse || s.better || s.clearedWorse && (oneSided || s.clearedBetter)
}

// ratio is a measure that is gated by the ratio of its values.
type ratio struct {
	state
	g     *Gate
	index int
	sign  float64
	noise float64
	d     []float64 // of the pairs in which it is known; above 0 is worse
	seen  int       // pairs
	fresh int       // index into d
}

func (r *ratio) add(p *Pair) {
	r.seen++
	if v := r.sign * p.Ratios[r.index]; !math.IsNaN(v) && !math.IsInf(v, 0) {
		r.d = append(r.d, v)
	}
}

func (r *ratio) lasting() bool { return true }

func (r *ratio) mark() { r.fresh = len(r.d) }

func (r *ratio) of(fresh bool) []float64 {
	if fresh {
		return r.d[r.fresh:]
	}
	return r.d
}

func (r *ratio) excess(side int, fresh bool) float64 {
	return r.g.method.doubt(r.of(fresh), 0, side)
}

// within never clears what is not known in at least half of the pairs: that it is not
// may be what has changed.
func (r *ratio) within(side int, fresh bool) float64 {
	if r.seldom() {
		return 1
	}
	return r.g.method.doubt(r.of(fresh), float64(side)*r.g.levels.limit, -side)
}

func (r *ratio) seldom() bool { return 2*len(r.d) < r.seen }

func (r *ratio) beyond(side int) bool {
	return float64(side)*stats.HodgesLehmann(r.d) > r.g.levels.least
}

// When it is asked whether going on has any sense: from firstDoubt pairs on, after every
// doubtEvery.
const (
	firstDoubt = 20
	doubtEvery = 20
)

// hopeless never goes by where the differences lie, only by how much they spread and how
// many are known: else a program that is worse could end in a better verdict, because
// others of its pairs were looked at.
func (r *ratio) hopeless() string {
	g := r.g
	most := len(r.d) * g.c.MostPairs / r.seen
	if 1/stats.EValue(most, most) > g.levels.clear || r.seen >= firstDoubt && r.seldom() {
		return knownThen(len(r.d), r.seen)
	}
	if r.seen < firstDoubt || (r.seen-firstDoubt)%doubtEvery != 0 {
		return ""
	}
	sd, ok := stats.NoiseSD(r.d)
	if !ok {
		return ""
	}
	// Only where even the least noise that is compatible with the pairs would leave it
	// open more likely than not.
	if stats.Decided(most, g.levels.limit, sd/stats.NoiseMargin(len(r.d)), 1/g.levels.clear) >= 0.5 {
		return ""
	}
	return noisy(sd)
}

// tail is the probability with which either bound of the interval may err.
func (r *ratio) tail() float64 { return r.g.levels.worse / float64(len(r.g.c.Measures)) }

func (r *ratio) line() Line {
	l := Line{Name: r.name, Known: len(r.d)}
	if len(r.d) == 0 {
		return l
	}
	l.Change = math.Expm1(r.sign * stats.HodgesLehmann(r.d))
	if low, high, ok := r.g.method.interval(r.d, r.tail()); ok {
		low, high = r.sign*low, r.sign*high
		if low > high {
			low, high = high, low
		}
		low, high = math.Expm1(low), math.Expm1(high)
		l.Low, l.High = &low, &high
	}
	return l
}

// needed goes by where the differences lie and how much they spread, as they show it and
// as it may be without showing.
func (r *ratio) needed() Needed {
	n := len(r.d)
	sd, ok := stats.NoiseSD(r.d)
	if n < leastToEstimate || !ok {
		return Needed{}
	}
	middle := stats.HodgesLehmann(r.d)
	margin := stats.MiddleMargin(sd, n)
	least, most := stats.NoiseBounds(sd, n)
	low, high := middle-margin, middle+margin
	// Between being cleared and being found worse lies what takes longest.
	hardest := min(max(r.g.levels.limit/2, low), high)
	return among(r.seen+1, r.neededFor(middle, sd), []int{
		r.neededFor(low, least), r.neededFor(high, least),
		r.neededFor(low, most), r.neededFor(high, most), r.neededFor(hardest, most),
	})
}

// neededFor is the number of pairs for differences with this middle and spread.
func (r *ratio) neededFor(middle, sd float64) int {
	lv, n := &r.g.levels, len(r.d)
	var pairs int
	if r.confirming {
		pairs = r.seen - (n - r.fresh) + r.g.c.pairsFor(middle, sd, lv.confirm/float64(len(r.g.round)))
	} else {
		pairs = r.g.c.pairsFor(lv.limit-middle, sd, lv.clear)
		if middle > lv.least {
			pairs = min(pairs, r.g.c.pairsFor(middle, sd, r.tail()))
		}
	}
	return pairs * r.seen / n
}
