// Package evidence judges whether a fault acted as it was asked to: it makes
// claims of what was counted, with bounds that follow from chance or from what is
// tolerable. Counting may not enter.
package evidence

import (
	"math"
	"time"

	"bench/internal/result"
)

// deviate is the normal deviate of the bounds where chance plays a part: an honest
// fault exceeds them once in 1,000 times.
const deviate = 3.2905 // 99.9 %

// Share judges a share of packets or connections that chance decided about, k of
// n. effective is how many of them stand for themselves: fewer than n when
// neighbours share their fate.
func Share(what string, asked float64, k, n uint64, effective float64) result.Claim {
	c := result.Claim{What: what, Unit: "%", Asked: asked, Low: asked, High: asked, Samples: n}
	if n > 0 {
		c.Got = float64(k) / float64(n)
	}
	need := 1.0
	if asked < 1 && effective > 0 {
		half := deviate*math.Sqrt(asked*(1-asked)/effective) + 0.5/float64(n)
		c.Low, c.High = max(0, asked-half), min(1, asked+half)
		// Enough for a fault of twice the share, or none, to be told apart.
		need = 2 * deviate * deviate * (1 - asked) / asked * float64(n) / effective
	}
	c.Judge(uint64(math.Ceil(need)))
	return c
}

// All judges what must have happened to everything concerned.
func All(what string, k, n uint64) result.Claim { return Share(what, 1, k, n, float64(n)) }

// Some judges what must have happened at least once, if its occasion came: without
// any the claim is inconclusive.
func Some(what string, n uint64) result.Claim {
	c := result.Claim{What: what, Unit: "1", Asked: 1, Got: float64(n), Low: 1, High: float64(max(1, n)), Samples: n}
	c.Judge(1)
	return c
}

// Exactly judges a number that must be met.
func Exactly(what string, asked, got uint64) result.Claim {
	c := result.Claim{What: what, Unit: "1", Asked: float64(asked), Got: float64(got), Low: float64(asked), High: float64(asked), Samples: asked}
	c.Judge(1)
	return c
}

// Near judges a figure that must lie within a tolerance, given as a share of it.
func Near(what, unit string, asked, got, tolerance float64, samples uint64) result.Claim {
	c := result.Claim{
		What: what, Unit: unit, Asked: asked, Got: got,
		Low: asked * (1 - tolerance), High: asked * (1 + tolerance), Samples: samples,
	}
	c.Judge(1)
	return c
}

// AtMost judges a figure that should be 0 and is tolerable up to a limit.
func AtMost(what, unit string, limit, got float64, samples, need uint64) result.Claim {
	c := result.Claim{What: what, Unit: unit, Got: got, High: limit, Samples: samples}
	c.Judge(need)
	return c
}

// Micros is a time as claims have it.
func Micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
