// Package evidence judges whether a fault acted as it was asked to: it holds what
// was counted against what was asked, with the uncertainty of the count. Counting
// may not enter.
package evidence

import (
	"fmt"
	"math"
	"time"

	"bench/internal/units"
)

// Outcome is the result of holding a fault's effect against its order.
type Outcome string

// The outcomes.
const (
	Confirmed    Outcome = "confirmed"
	Mismatch     Outcome = "mismatch"
	Inconclusive Outcome = "inconclusive" // too little was seen to tell
)

// Finding is one figure of a fault: what was asked, and what came of it.
type Finding struct {
	What     string  `json:"what"`
	Outcome  Outcome `json:"outcome"`
	Asked    string  `json:"asked"`
	Achieved string  `json:"achieved"`
	// Low and High bound the true share with 99 % confidence, where the figure is
	// a share.
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
	Note string   `json:"note,omitempty"`
}

// Sum is the outcome of all findings: a mismatch of one is one of all.
func Sum(findings []Finding) Outcome {
	sum := Confirmed
	if len(findings) == 0 {
		sum = Inconclusive
	}
	for _, f := range findings {
		switch {
		case f.Outcome == Mismatch:
			return Mismatch
		case f.Outcome == Inconclusive:
			sum = Inconclusive
		}
	}
	return sum
}

// The normal deviates of the confidence: what is reported, and what is called a
// mismatch. An honest fault is called one less than once in 10,000 times.
const (
	reported = 2.5758 // 99 %
	certain  = 5.0
)

// wilson is the score interval of a share of which k of n were seen.
func wilson(k, n, z float64) (low, high float64) {
	p := k / n
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

// Share judges a share of packets or connections that chance decided about.
// effective is how many of them stand for themselves: less than n when
// neighbours share their fate.
func Share(what string, asked float64, k, n uint64, effective float64) Finding {
	f := Finding{What: what, Asked: units.Percent(asked), Achieved: "nothing was concerned", Outcome: Inconclusive}
	if n == 0 {
		return f
	}
	f.Achieved = fmt.Sprintf("%s (%d of %d)", units.Percent(float64(k)/float64(n)), k, n)
	if asked >= 1 {
		f.Outcome = Confirmed
		if k < n {
			f.Outcome = Mismatch
		}
		return f
	}
	scaled := float64(k) * effective / float64(n)
	low, high := wilson(scaled, effective, reported)
	f.Low, f.High = &low, &high
	least, most := wilson(scaled, effective, certain)
	switch {
	case asked < least || asked > most:
		f.Outcome = Mismatch
	case high-low > 2*asked:
		f.Note = fmt.Sprintf("%d are too few to tell: the share lies between %s and %s", n, units.Percent(low), units.Percent(high))
	default:
		f.Outcome = Confirmed
	}
	return f
}

// All judges what must have happened to everything concerned.
func All(what string, k, n uint64) Finding { return Share(what, 1, k, n, float64(n)) }

// Some judges what happens when its occasion comes.
func Some(what string, n uint64, occasion string) Finding {
	f := Finding{What: what, Asked: occasion, Achieved: fmt.Sprint(n), Outcome: Confirmed}
	if n == 0 {
		f.Outcome, f.Note = Inconclusive, "the occasion did not come"
	}
	return f
}

// Near judges a figure that must lie within a tolerance, given as a share.
func Near(what string, asked, achieved, tolerance float64, show func(float64) string) Finding {
	f := Finding{What: what, Asked: show(asked), Achieved: show(achieved), Outcome: Confirmed}
	if math.Abs(achieved-asked) > tolerance*asked {
		f.Outcome = Mismatch
		f.Note = fmt.Sprintf("more than %s off", units.Percent(tolerance))
	}
	return f
}

// enough packets tell a median; of fewer, only the bound on all counts.
const enough = 100

// Lateness judges how far behind its own plan something was.
func Lateness(what string, count int64, p50, p99 time.Duration, limit50, limit99 time.Duration) Finding {
	if count < enough {
		limit50 = limit99
	}
	us := func(d time.Duration) string { return units.Latency(float64(d) / float64(time.Microsecond)) }
	f := Finding{
		What: what, Outcome: Confirmed,
		Asked:    fmt.Sprintf("late by at most %s at p50 and %s at p99", us(limit50), us(limit99)),
		Achieved: fmt.Sprintf("%s at p50, %s at p99 (%d packets)", us(p50), us(p99), count),
	}
	switch {
	case count == 0:
		f.Outcome, f.Achieved = Inconclusive, "nothing was concerned"
	case p50 > limit50 || p99 > limit99:
		f.Outcome, f.Note = Mismatch, "the processors were too busy for it to be on time"
	}
	return f
}
