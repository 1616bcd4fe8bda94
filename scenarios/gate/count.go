package gate

import (
	"math"

	"bench/internal/stats"
)

// Of what is counted: how much more counts as much more, and in which share of the
// pairs it may be so of what usually does not happen at all.
const (
	muchMore   = 1.5
	rareShare  = 0.2
	usualShare = 0.5
)

// count is something that is gated by exact numbers. Pairs are what is compared, not
// requests: a stall fails hundreds of requests at once, and requests that share a cause
// are no evidence of their own.
type count struct {
	state
	g     *Gate
	index int
	pairs []Count // in which it is known
	seen  int
	fresh int
}

func (c *count) add(p *Pair) {
	c.seen++
	if n := p.Counts[c.index]; n.BaseAll > 0 && n.NewAll > 0 {
		c.pairs = append(c.pairs, n)
	}
}

func (c *count) lasting() bool { return false }

func (c *count) mark() { c.fresh = len(c.pairs) }

func (c *count) of(fresh bool) []Count {
	if fresh {
		return c.pairs[c.fresh:]
	}
	return c.pairs
}

// shares are the shares that went wrong: of the side that would be worse, and of the
// other. Products of whole numbers would say the same, but could overflow.
func (n Count) shares(side int) (worse, other float64) {
	before, now := float64(n.Base)/float64(n.BaseAll), float64(n.New)/float64(n.NewAll)
	if side < 0 {
		return before, now
	}
	return now, before
}

// turns counts the pairs in which more went wrong on one side, and those on the other.
// Pairs in which as much did on both speak for neither.
func turns(pairs []Count, side int) (more, fewer int) {
	for _, n := range pairs {
		switch worse, other := n.shares(side); {
		case worse > other:
			more++
		case worse < other:
			fewer++
		}
	}
	return more, fewer
}

// much counts the pairs in which much more went wrong on one side, and those in which
// anything did on the other.
func much(pairs []Count, side int) (above, usual int) {
	for _, n := range pairs {
		worse, other := n.shares(side)
		if worse > muchMore*other {
			above++
		}
		if other > 0 {
			usual++
		}
	}
	return above, usual
}

func (c *count) excess(side int, fresh bool) float64 {
	more, fewer := turns(c.of(fresh), side)
	if c.g.method.sequential {
		return 1 / stats.EValueNever(more, more+fewer)
	}
	return stats.SignTest(more, more+fewer)
}

// within: where the other side usually has some, in most pairs this one has not much
// more; where it usually has none, there are few pairs in which this one has. Where
// there was none at all, nothing has to be shown, except by pairs that should confirm.
func (c *count) within(side int, fresh bool) float64 {
	if 2*len(c.pairs) < c.seen || len(c.pairs) == 0 {
		return 1
	}
	pairs := c.of(fresh)
	above, usual := much(pairs, side)
	switch n := len(pairs); {
	case above == 0 && !fresh:
		return 0
	case float64(usual) > usualShare*float64(n):
		if c.g.method.sequential {
			return 1 / stats.EValue(n-above, n)
		}
		return stats.SignTest(n-above, n)
	default:
		return 1 / stats.EShareBelow(above, n, rareShare)
	}
}

// totals are the shares over all pairs.
func (c *count) totals(side int) (worse, other float64) {
	var sum Count
	for _, n := range c.pairs {
		sum.Base += n.Base
		sum.BaseAll += n.BaseAll
		sum.New += n.New
		sum.NewAll += n.NewAll
	}
	if len(c.pairs) == 0 {
		return 0, 0
	}
	return sum.shares(side)
}

func (c *count) beyond(side int) bool {
	worse, other := c.totals(side)
	return worse > other*math.Exp(c.g.levels.least)
}

func (c *count) hopeless() string {
	if most := len(c.pairs) * c.g.c.MostPairs / c.seen; most == 0 || c.seen >= firstDoubt && 2*len(c.pairs) < c.seen {
		return knownThen(len(c.pairs), c.seen)
	}
	return ""
}

func (c *count) line() Line {
	l := Line{Name: c.name, Known: len(c.pairs)}
	worse, other := c.totals(1)
	l.Change = worse - other
	return l
}

// needed goes by the shares of the pairs in which more and much more went wrong, as the
// pairs show them and as they may be without showing.
func (c *count) needed() Needed {
	pairs := c.of(c.confirming)
	n := float64(len(pairs))
	if len(pairs) < leastToEstimate {
		return Needed{}
	}
	more, fewer := turns(pairs, 1)
	above, _ := much(pairs, 1)
	least := c.seen + 1
	if above == 0 && !c.confirming {
		return among(least, least, nil)
	}
	shift := func(k int, by float64) float64 {
		share := (float64(k) + 0.5) / (n + 1)
		return min(1, max(0, float64(k)/n+by*math.Sqrt(share*(1-share)/n)))
	}
	const once = 1.645 // in twenty times it is further away
	var all []int
	for _, by := range []float64{-once, -once / 2, once / 2, once} {
		all = append(all, c.neededFor(len(pairs), shift(more, by), shift(fewer, -by), shift(above, by)))
	}
	return among(least, c.neededFor(len(pairs), shift(more, 0), shift(fewer, 0), shift(above, 0)), all)
}

// neededFor is the number of pairs, if more and fewer go wrong in such shares of them, and
// much more in a share of above.
func (c *count) neededFor(now int, more, fewer, above float64) int {
	level := c.g.levels.counted / float64(len(c.g.c.Counted))
	if c.confirming {
		level = c.g.levels.confirm / float64(len(c.g.round))
	}
	for at := now + 1; at < stats.TooMany; at += 1 + at/50 {
		grown := func(share float64) int { return int(share*float64(at) + 1e-9) }
		found := more > fewer && 1/stats.EValueNever(grown(more), grown(more)+grown(fewer)) <= level
		if found || 1/stats.EShareBelow(grown(above), at, rareShare) <= c.g.levels.clear {
			return c.seen - now + at
		}
	}
	return stats.TooMany
}
