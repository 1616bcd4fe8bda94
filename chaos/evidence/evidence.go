// Package evidence judges whether a fault acted as it was asked to: it holds what
// was counted against what was asked, with the uncertainty of the count. Counting
// may not enter.
package evidence

import (
	"fmt"
	"math"
	"slices"
	"time"

	"bench/internal/result"
	"bench/internal/units"
)

// sum is the verdict of all findings, which is the worst of them.
func sum(findings []result.Finding) string {
	if len(findings) == 0 {
		return result.Inconclusive
	}
	for _, verdict := range []string{result.Mismatch, result.NoEffect, result.Inconclusive} {
		if slices.ContainsFunc(findings, func(f result.Finding) bool { return f.Verdict == verdict }) {
			return verdict
		}
	}
	return result.Confirmed
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

// nothing is what was achieved where nothing came within reach of a fault.
const nothing = "nothing was affected"

// Share judges a share of packets or connections that chance decided about.
// effective is how many of them stand for themselves: less than n when
// neighbours share their fate.
func Share(what string, asked float64, k, n uint64, effective float64) result.Finding {
	f := result.Finding{What: what, Asked: units.Percent(asked), Achieved: nothing, Verdict: result.NoEffect}
	if n == 0 {
		return f
	}
	f.Achieved = fmt.Sprintf("%s (%d of %d)", units.Percent(float64(k)/float64(n)), k, n)
	if asked >= 1 {
		f.Verdict = result.Confirmed
		if k < n {
			f.Verdict = result.Mismatch
		}
		return f
	}
	scaled := float64(k) * effective / float64(n)
	low, high := wilson(scaled, effective, reported)
	f.Low, f.High = &low, &high
	least, most := wilson(scaled, effective, certain)
	switch {
	case asked < least || asked > most:
		f.Verdict = result.Mismatch
	case high-low > 2*asked:
		f.Verdict, f.Note = result.Inconclusive, fmt.Sprintf("%d are too few to tell: the share lies between %s and %s", n, units.Percent(low), units.Percent(high))
	default:
		f.Verdict = result.Confirmed
	}
	return f
}

// All judges what must have happened to everything concerned.
func All(what string, k, n uint64) result.Finding { return Share(what, 1, k, n, float64(n)) }

// Some judges what happens when its occasion comes. Without one the fault had no
// effect.
func Some(what string, n uint64, occasion string) result.Finding {
	f := result.Finding{What: what, Asked: occasion, Achieved: fmt.Sprint(n), Verdict: result.Confirmed}
	if n == 0 {
		f.Verdict, f.Note = result.NoEffect, "there was no occasion for it"
	}
	return f
}

// Near judges a figure that must lie within a tolerance, given as a share.
func Near(what string, asked, achieved, tolerance float64, show func(float64) string) result.Finding {
	f := result.Finding{What: what, Asked: show(asked), Achieved: show(achieved), Verdict: result.Confirmed}
	if math.Abs(achieved-asked) > tolerance*asked {
		f.Verdict = result.Mismatch
		f.Note = fmt.Sprintf("more than %s off", units.Percent(tolerance))
	}
	return f
}

// enough packets tell quantiles.
const enough = 100

// Lateness judges how far behind its own plan something was.
func Lateness(what string, count int64, p50, p99 time.Duration, limit50, limit99 time.Duration) result.Finding {
	us := func(d time.Duration) string { return units.Latency(float64(d) / float64(time.Microsecond)) }
	f := result.Finding{
		What: what, Verdict: result.Confirmed,
		Asked:    fmt.Sprintf("late by at most %s at p50 and %s at p99", us(limit50), us(limit99)),
		Achieved: fmt.Sprintf("%s at p50, %s at p99 (%d packets)", us(p50), us(p99), count),
	}
	switch {
	case count == 0:
		f.Verdict, f.Achieved = result.NoEffect, nothing
	case p50 <= limit50 && p99 <= limit99:
	case count < enough:
		f.Verdict, f.Note = result.Inconclusive, "these are too few packets to tell"
	default:
		f.Verdict, f.Note = result.Mismatch, "the processors were too busy for it to be on time"
	}
	return f
}
