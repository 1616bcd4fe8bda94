package capacity

import "bench/internal/result"

// Times of a trial.
const (
	leastSeconds = 2.0
	// samples that a trial should have for the quantile that is judged most often, p99.
	samples = 1000
	// limits is how many times the limit a trial lasts: less would end before the
	// requests that break it.
	limits = 10
	// warmUp is the share of a trial that precedes it.
	warmUp = 0.25
)

// WarmUp is how many seconds precede a trial of a length.
func WarmUp(seconds float64) float64 { return warmUp * seconds }

// Length is how long a trial at a rate lasts, in seconds. An overload passes unnoticed
// where it is less than (X - s) / (WarmUp + 0.99 T), with the limit X and the service time
// s. The samples that the objectives need are those of all trials of a rate together.
func Length(rate float64, all []*Objective) float64 {
	seconds := max(leastSeconds, samples/rate)
	for _, o := range all {
		seconds = max(seconds, limits*o.limit, float64(o.needs)/(enough*rate))
	}
	return seconds
}

// needs is how many samples an objective needs beyond those of p99.
func needs(n uint64) uint64 {
	if n <= result.SamplesFor(0.99) {
		return 0
	}
	return n
}
