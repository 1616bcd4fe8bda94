package capacity

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"bench/internal/result"
	"bench/internal/units"
)

// Exit codes of a search, as of a run.
const (
	exitPass    = 0
	exitFail    = 1
	exitUnclear = 4
)

// Point is the record of what was found.
func (f *Found) Point() *result.CapacityPoint {
	p := &result.CapacityPoint{
		Rate: f.Rate, Low: f.Low, Known: f.Low > 0, Verdict: result.Pass, ExitCode: exitPass, Reason: f.Why, Doubt: f.Doubt,
		Trials: []result.Trial{},
	}
	if f.High > 0 {
		p.High = &f.High
	}
	for _, o := range f.Trials {
		p.Trials = append(p.Trials, o.Record)
	}
	switch f.Ended {
	case Precise, AtTo:
	case Below:
		p.Verdict, p.ExitCode = result.Fail, exitFail
	case OutOfTime, Doubtful:
		p.Verdict, p.ExitCode = result.Unclear, exitUnclear
		if p.Known && p.High != nil {
			p.Reason += fmt.Sprintf("; the capacity lies between %s and %s", perSecond(f.Low), perSecond(f.High))
		}
	case Generator:
		p.Verdict, p.ExitCode = result.Invalid, exitUnclear
		p.Reason = "the generator gave out before the proxy did: " + f.Why
		if p.Known {
			p.Reason += fmt.Sprintf("; the capacity is at least %s", perSecond(f.Low))
		}
	case Disturbed:
		p.Verdict, p.ExitCode = result.Invalid, exitUnclear
	}
	p.LimitedBy = f.limit()
	return p
}

// limit says what gave way first. Where a rate that is clearly too high was tried, its
// signs are the clearest.
func (f *Found) limit() *result.CapacityLimit {
	if f.Ended == Generator {
		return &result.CapacityLimit{What: GenLimit, Evidence: []string{f.Why}}
	}
	over := f.Over
	if len(over) == 0 {
		over = f.Broken
	}
	return Blame(lastSeen(f.Held), lastSeen(over))
}

func lastSeen(all []*Outcome) *Seen {
	for _, o := range slices.Backward(all) {
		if o.Seen != nil {
			return o.Seen
		}
	}
	return nil
}

// SideBySide answers how many equal systems side by side carry a rate, each with its
// share of it: by the capacity, by its bounds, and with one to spare.
func SideBySide(rate float64, p *result.CapacityPoint) (need *result.ScalingNeed, refused string) {
	if !p.Known || p.Rate <= 0 || p.Low <= 0 {
		return nil, "the capacity of one is not known"
	}
	count := func(each float64) int { return max(1, int(math.Ceil(rate/each-1e-9))) }
	high := count(p.Low)
	spare := high + 1
	need = &result.ScalingNeed{Rate: rate, N: count(p.Rate), Low: 1, High: &high, Spare: &spare}
	if p.High != nil {
		need.Low = count(*p.High)
	} else {
		need.Reason = "no rate was found that is too much for one: there may be fewer needed than " + units.Count(uint64(need.N))
	}
	return need, ""
}

// OfValues answers which of the values of an axis carries a rate, by what was measured at
// each: the law between them is not known. The values are numbers, in any order.
func OfValues(rate float64, all []result.CapacityPoint) (need *result.ScalingNeed, ok bool) {
	least := func(of func(p *result.CapacityPoint) float64) (best int, ok bool) {
		for i := range all {
			n, err := strconv.Atoi(all[i].Value)
			if err == nil && all[i].Known && of(&all[i]) >= rate && (!ok || n < best) {
				best, ok = n, true
			}
		}
		return best, ok
	}
	n, ok := least(func(p *result.CapacityPoint) float64 { return p.Rate })
	if !ok {
		return nil, false
	}
	need = &result.ScalingNeed{Rate: rate, N: n, Low: n, Reason: "by the values that were measured, of which this is the least that carries it"}
	if low, ok := least(func(p *result.CapacityPoint) float64 {
		if p.High == nil {
			return p.Rate
		}
		return *p.High
	}); ok {
		need.Low = min(low, n)
	}
	if high, ok := least(func(p *result.CapacityPoint) float64 { return p.Low }); ok {
		need.High = &high
	}
	return need, true
}
