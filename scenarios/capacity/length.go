package capacity

import "math"

// Times of a trial.
const (
	leastSeconds = 2.0
	// samples that a trial has for p99, and where no quantile is judged.
	samples = 1000
	// limits is how many times the limit a trial lasts: less would end before the
	// requests that break it.
	limits = 10
	// chance is how many times the root of the samples a trial lasts longer: as requests come
	// by chance, half of the trials would have a few too few without it.
	chance = 4
	// warmUp is the share of a trial that precedes it.
	warmUp = 0.25
)

// WarmUp is how many seconds precede a trial of a length.
func WarmUp(seconds float64) float64 { return warmUp * seconds }

// Length is how long a trial at a rate lasts, in seconds. An overload passes unnoticed
// where it is less than (X - s) / (WarmUp + 0.99 T), with the limit X and the service time
// s. The samples of quantiles up to p99 are had in each trial, those of higher ones in all
// trials of a rate together.
func Length(rate float64, all []*Objective) float64 {
	seconds, wanted := leastSeconds, 0.0
	for _, o := range all {
		seconds = max(seconds, limits*o.limit)
		n := float64(o.needs)
		if n > samples {
			n = max(samples, n/enough)
		}
		wanted = max(wanted, n)
	}
	if wanted == 0 {
		wanted = samples
	} else {
		wanted += chance * math.Sqrt(wanted)
	}
	return max(seconds, wanted/rate)
}
