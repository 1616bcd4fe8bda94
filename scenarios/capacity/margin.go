package capacity

import "math"

// What a capacity is known to: half of the precision for the bracket, and twice the
// spread of the trials for chance.
const (
	bracketShare = 0.5
	spreads      = 2
	// near the capacity are trials within this share of it.
	near = 0.25
	// carried less than this share of its rate, a trial shows what the system can do.
	overloaded = 0.98
	leastKnown = 3 // trials that make a spread
)

// margin is how far the capacity may lie from the rate that was found, as a share of it.
func margin(rate, precision float64, trials []*Outcome) float64 {
	return bracketShare*precision + spreads*spread(rate, trials)
}

// spread is the coefficient of variation of the capacity between trials, by two signs
// of it: how much trials that offered too much have carried, and how far trials that
// held and trials that did not overlap. The greater one counts: where a limit is broken
// long before the system is full the first one shows nothing, and where it breaks
// steeply the second.
func spread(rate float64, trials []*Outcome) float64 {
	var sum, squares, n float64
	held, broken := 0.0, math.Inf(1)
	for _, o := range trials {
		r := &o.Record
		if r.Invalid != "" || o.Saturated != "" || math.Abs(math.Log(r.Rate/rate)) > near {
			continue
		}
		switch {
		case r.Held:
			held = max(held, r.Rate)
		case r.Doubt == "": // what else broke may be the machine's doing
			broken = min(broken, r.Rate)
		}
		if r.Got < overloaded*r.Rate && r.Failed == 0 {
			n++
			sum += r.Got
			squares += r.Got * r.Got
		}
	}
	carried := 0.0
	if n >= leastKnown {
		mean := sum / n
		carried = math.Sqrt(max(0, squares/n-mean*mean)*n/(n-1)) / mean
	}
	overlap := 0.0
	if held > broken {
		overlap = math.Log(held/broken) / 2
	}
	return max(carried, overlap)
}
