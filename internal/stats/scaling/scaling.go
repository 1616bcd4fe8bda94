// Package scaling fits the Universal Scalability Law (Gunther 2007) to what was
// measured at several sizes, such as numbers of threads:
//
//	X(N) = gamma N / (1 + alpha (N-1) + beta N (N-1))
//
// gamma is the rate of one, alpha the contention (the share that only one can do at a
// time, as in Amdahl's law), beta the coherence (what each costs each other), by which
// more bring less beyond some size. It says how sure the law is, and refuses to say
// what was not measured well enough. Only arithmetic may enter.
package scaling

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"bench/internal/result"
	"bench/internal/units"
)

// What a fit needs.
const (
	leastPoints = 4
	leastRuns   = 3
	// reach is how many times the largest N the law is asked about.
	reach = 2
	// level of the intervals, and one minus that of the test against Amdahl's law.
	level = 0.95
	// doubtful is the p of the test of lack of fit below which the law is doubted.
	doubtful = 0.01
	// mostCurve bounds the points of a curve.
	mostCurve = 64
)

// Point is what was measured at one N.
type Point struct {
	N     float64   // from 1 on: threads, processes, servers
	Rates []float64 // of each run by itself, above 0
	// LoadLimited reports that the generator gave way before what was measured: the
	// rates are only the least it can do, and the point is left out.
	LoadLimited bool
}

// Law is a fitted law.
type Law struct {
	Gamma, Alpha, Beta float64
	// LeftOut are the N at which the generator was the limit.
	LeftOut []float64

	data   *data
	start  params
	least  float64 // sum of squares of the fit
	limit  float64 // up to which a law is as good as the fit
	amdahl float64 // least sum with beta 0
	curve  []result.ScalingPoint
}

// Estimate is a value and the interval it lies in with 95 %.
type Estimate struct{ Value, Low, High float64 }

// Fit fits the law by least squares of the logarithms, because runs differ by a share
// of their rate. It refuses fewer than four N, or three runs at one of them, and does
// not count points at which the generator was the limit.
func Fit(points []Point) (*Law, error) {
	l := &Law{}
	var used []Point
	for _, p := range points {
		switch i := slices.IndexFunc(used, func(u Point) bool { return u.N == p.N }); {
		case math.IsNaN(p.N) || math.IsInf(p.N, 0) || p.N < 1:
			return nil, fmt.Errorf("a point at N = %v: the law is of numbers from 1 on", p.N)
		case slices.ContainsFunc(p.Rates, func(r float64) bool { return !(r > 0) || math.IsInf(r, 0) }):
			return nil, fmt.Errorf("at N = %s a rate is not above 0", units.NumberTick(p.N))
		case p.LoadLimited:
			l.LeftOut = append(l.LeftOut, p.N)
		case i >= 0:
			used[i].Rates = append(slices.Clone(used[i].Rates), p.Rates...)
		default:
			used = append(used, p)
		}
	}
	slices.SortFunc(used, func(a, b Point) int { return cmp.Compare(a.N, b.N) })
	slices.Sort(l.LeftOut)
	if err := l.enough(used); err != nil {
		return nil, err
	}
	l.data = newData(used)
	l.start, l.least = l.data.fit()
	l.Alpha, l.Beta = l.start.alpha, l.start.beta
	l.Gamma = math.Exp(l.data.logGamma(l.Alpha, l.Beta))
	l.limit = l.least * (1 + distuv.F{D1: 1, D2: l.freedom()}.Quantile(level)/l.freedom())
	l.amdahl = math.Inf(1)
	for _, start := range []float64{l.Alpha, 0.01, 0.5} {
		_, sum := l.data.leastAlpha(func(a float64) float64 { return l.data.free(a, 0) }, start)
		l.amdahl = min(l.amdahl, sum)
	}
	return l, nil
}

// enough says why the points are too few.
func (l *Law) enough(used []Point) error {
	const unknown = "how much may be due to chance is not known"
	without := ""
	if len(l.LeftOut) > 0 {
		var left []string
		for _, n := range l.LeftOut {
			left = append(left, units.NumberTick(n))
		}
		without = " (without N = " + strings.Join(left, ", ") + ", where the generator was the limit)"
	}
	if len(used) < leastPoints {
		return fmt.Errorf("a scalability law needs %d different N, not %d%s: measure more of them", leastPoints, len(used), without)
	}
	for _, p := range used {
		if len(p.Rates) < leastRuns {
			return fmt.Errorf("a scalability law needs %d runs at each N, and N = %s has %d: %s", leastRuns, units.NumberTick(p.N), len(p.Rates), unknown)
		}
	}
	return nil
}

// freedom is the degrees of freedom that the three parameters leave.
func (l *Law) freedom() float64 { return float64(l.data.runs - 3) }

// Largest is the greatest N that counts; Reach is up to where the law may be asked.
func (l *Law) Largest() float64 { return l.data.largest }

// Reach is twice the largest N.
func (l *Law) Reach() float64 { return reach * l.data.largest }

// value is the curve itself.
func (l *Law) value(n float64) float64 { return l.Gamma * math.Exp(shape(n, l.Alpha, l.Beta)) }

// At is the curve at n with its interval, by the profile likelihood: all rates for
// which some law through them is about as good as the best.
func (l *Law) At(n float64) (Estimate, error) {
	if !(n >= 1 && n <= l.Reach()) {
		return Estimate{}, fmt.Errorf("nothing can be said of N = %s: the law was measured up to %s, and holds up to %s at most", units.NumberTick(n), units.NumberTick(l.Largest()), units.NumberTick(l.Reach()))
	}
	best := math.Log(l.value(n))
	// The start of a search is where the last one ended: neighbours are alike.
	start := l.start
	profile := func(logRate float64) float64 {
		var sum float64
		start, sum = l.data.least(func(alpha, beta float64) float64 {
			return l.data.squares(logRate-shape(n, alpha, beta), alpha, beta)
		}, start)
		return sum
	}
	e := Estimate{Value: math.Exp(best)}
	e.Low = math.Exp(l.bound(profile, best, -0.02, math.Inf(-1)))
	start = l.start
	e.High = math.Exp(l.bound(profile, best, 0.02, math.Inf(1)))
	return e, nil
}

// bound is where a profile passes the limit, sought from best in steps that double, up
// to an end; the end itself where it never does.
func (l *Law) bound(profile func(float64) float64, best, step, end float64) float64 {
	inside, outside := best, best
	for range 60 {
		outside += step
		step *= 2
		if step > 0 && outside >= end || step < 0 && outside <= end {
			outside = end
		}
		if profile(outside) > l.limit {
			return crossing(profile, inside, outside, l.limit)
		}
		if outside == end {
			return end
		}
		inside = outside
	}
	return outside
}

// GammaInterval, AlphaInterval and BetaInterval are the parameters with their profile
// likelihood intervals.
func (l *Law) GammaInterval() Estimate {
	best := math.Log(l.Gamma)
	profile := func(logGamma float64) float64 {
		_, sum := l.data.least(func(alpha, beta float64) float64 { return l.data.squares(logGamma, alpha, beta) }, l.start)
		return sum
	}
	return Estimate{l.Gamma, math.Exp(l.bound(profile, best, -0.02, math.Inf(-1))), math.Exp(l.bound(profile, best, 0.02, math.Inf(1)))}
}

// AlphaInterval is that of the contention, within 0 and 1.
func (l *Law) AlphaInterval() Estimate {
	profile := func(alpha float64) float64 {
		return l.data.leastBeta(func(beta float64) float64 { return l.data.free(alpha, beta) }, l.Beta)
	}
	return Estimate{l.Alpha, l.bound(profile, l.Alpha, -0.01, 0), l.bound(profile, l.Alpha, 0.01, 1)}
}

// BetaInterval is that of the coherence, from 0 on.
func (l *Law) BetaInterval() Estimate {
	profile := func(beta float64) float64 {
		_, sum := l.data.leastAlpha(func(alpha float64) float64 { return l.data.free(alpha, beta) }, l.Alpha)
		return sum
	}
	step := 0.01 / square(l.data.largest)
	return Estimate{l.Beta, l.bound(profile, l.Beta, -step, 0), l.bound(profile, l.Beta, step, math.Inf(1))}
}

// AmdahlP is the p of the F test against Amdahl's law, that is, beta 0.
func (l *Law) AmdahlP() float64 {
	if l.amdahl <= l.least {
		return 1
	}
	return survival((l.amdahl-l.least)*l.freedom()/l.least, 1, l.freedom())
}

// LackOfFitP is the p of the test of lack of fit: whether the points lie further from
// the curve than runs at one N from each other. ok is false where these do not differ
// at all.
func (l *Law) LackOfFitP() (p float64, ok bool) {
	between := float64(len(l.data.groups) - 3)
	within := float64(l.data.runs - len(l.data.groups))
	if l.data.pure <= 0 {
		return 0, false
	}
	return survival((l.least-l.data.pure)/between/(l.data.pure/within), between, within), true
}

// survival is the chance of an F at least as great. 1 minus the distribution function
// would be 0 for small ones.
func survival(f, d1, d2 float64) float64 {
	if !(f > 0) {
		return 1
	}
	return mathext.RegIncBeta(d2/2, d1/2, d2/(d2+d1*f))
}

// Peak is the N beyond which more bring less. It is said only where Amdahl's law, which
// has none, can be ruled out, and the interval ends within Reach; the error says why not.
func (l *Law) Peak() (Estimate, error) {
	p := l.AmdahlP()
	best := math.Inf(1)
	if l.Beta > 0 {
		best = math.Sqrt((1 - l.Alpha) / l.Beta)
	}
	none := "no peak within 1.." + units.NumberTick(l.Largest())
	if !(p < 1-level) || best > l.Reach() {
		return Estimate{}, fmt.Errorf("%s: a law without one (Amdahl's) describes the points as well (p = %s)", none, units.Number(p))
	}
	profile := func(logPeak float64) float64 {
		peak := math.Exp(logPeak)
		_, sum := l.data.leastAlpha(func(alpha float64) float64 { return l.data.free(alpha, (1-alpha)/square(peak)) }, l.Alpha)
		return sum
	}
	best = max(best, 1)
	end := math.Log(l.Reach())
	if profile(end) <= l.limit {
		return Estimate{}, fmt.Errorf("%s: it may as well lie beyond %s, about which nothing can be said", none, units.NumberTick(l.Reach()))
	}
	e := Estimate{Value: best, Low: 1}
	if best > 1 {
		e.Low = math.Exp(l.bound(profile, math.Log(best), -0.02, 0))
	}
	e.High = math.Exp(crossing(profile, math.Log(best), end, l.limit))
	return e, nil
}

// Curve is the fit with its bounds from 1 to Reach.
func (l *Law) Curve() []result.ScalingPoint {
	if l.curve == nil {
		top := int(l.Reach())
		step := (top + mostCurve - 1) / mostCurve
		for n := 1; ; n = min(n+step, top) {
			e, err := l.At(float64(n))
			if err != nil {
				panic("scaling: " + err.Error()) // n lies within
			}
			l.curve = append(l.curve, result.ScalingPoint{N: float64(n), Rate: e.Value, Low: e.Low, High: e.High})
			if n == top {
				break
			}
		}
	}
	return l.curve
}

// Record is the law as a record.
func (l *Law) Record() *result.Scaling {
	gamma, alpha, beta := l.GammaInterval(), l.AlphaInterval(), l.BetaInterval()
	r := &result.Scaling{
		Gamma: gamma.Value, GammaLow: gamma.Low, GammaHigh: gamma.High,
		Alpha: alpha.Value, AlphaLow: alpha.Low, AlphaHigh: alpha.High,
		Beta: beta.Value, BetaLow: beta.Low, BetaHigh: beta.High,
		Largest: l.Largest(), Curve: l.Curve(), LeftOut: l.LeftOut, AmdahlP: l.AmdahlP(),
	}
	peak, err := l.Peak()
	if err != nil {
		r.NoPeak = err.Error()
	} else {
		r.Peak, r.PeakLow, r.PeakHigh = &peak.Value, &peak.Low, &peak.High
	}
	if p, ok := l.LackOfFitP(); ok {
		r.LackOfFitP = &p
		if p < doubtful {
			r.Doubt = fmt.Sprintf("the points lie further from the curve than their runs from each other (p = %s): something other than contention and coherence decides", units.Number(p))
		}
	}
	return r
}

// errNever says that no number carries a rate.
var errNever = errors.New("cannot be reached")

// Need answers how many it takes for a rate: by the curve, at least and at most by its
// bounds, and with one to spare.
func (l *Law) Need(rate float64) (*result.ScalingNeed, error) {
	if !(rate > 0) || math.IsInf(rate, 0) {
		return nil, fmt.Errorf("a rate is above 0, not %v", rate)
	}
	top := int(l.Reach())
	peak, at := 0.0, 1
	for n := 1; n <= top; n++ {
		if v := l.value(float64(n)); v > peak {
			peak, at = v, n
		}
	}
	if peak < rate {
		if at < top {
			return nil, fmt.Errorf("%s/s %w: the curve has its top, %s/s, at N = %d, and more bring less", units.Rate(rate), errNever, units.Rate(peak), at)
		}
		return nil, fmt.Errorf("%s/s %w up to N = %d, where the curve is at %s/s; it was measured up to %s, and says nothing beyond",
			units.Rate(rate), errNever, top, units.Rate(peak), units.NumberTick(l.Largest()))
	}
	need := &result.ScalingNeed{Rate: rate}
	need.N, _ = l.first(rate, func(p result.ScalingPoint) float64 { return p.Rate })
	need.Low, _ = l.first(rate, func(p result.ScalingPoint) float64 { return p.High })
	need.Low = min(need.Low, need.N)
	high, ok := l.first(rate, func(p result.ScalingPoint) float64 { return p.Low })
	if !ok {
		need.Reason = "the lower bound of the curve stays below that rate: more runs, or a larger N, would tell"
		return need, nil
	}
	need.High = &high
	switch spare := high + 1; {
	case spare > top:
		need.Reason = fmt.Sprintf("one to spare would be N = %d, about which nothing can be said", spare)
	case l.value(float64(spare)) < rate:
		need.Reason = "one to spare would be beyond the top of the curve, and carry less"
	default:
		need.Spare = &spare
	}
	return need, nil
}

// first is the least whole N at which some value of the curve reaches the rate.
func (l *Law) first(rate float64, of func(result.ScalingPoint) float64) (n int, ok bool) {
	curve := l.Curve()
	i := slices.IndexFunc(curve, func(p result.ScalingPoint) bool { return of(p) >= rate })
	switch {
	case i < 0:
		return 0, false
	case i == 0:
		return int(curve[0].N), true
	}
	low, high := int(curve[i-1].N), int(curve[i].N) // below, and reached
	for high-low > 1 {
		mid := (low + high) / 2
		e, err := l.At(float64(mid))
		if err != nil {
			panic("scaling: " + err.Error()) // mid lies within
		}
		if of(result.ScalingPoint{N: float64(mid), Rate: e.Value, Low: e.Low, High: e.High}) >= rate {
			high = mid
		} else {
			low = mid
		}
	}
	return high, true
}
