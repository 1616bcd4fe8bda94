package series

import (
	"math"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/internal/units"
)

// Measure is a figure of a whole cell by which cells, or repetitions of one, are held
// against each other.
type Measure struct {
	Name   string
	Unit   string // as of objectives: "us", "/s", "1"
	Higher bool   // is better
	// Value of a run, the interval that this run by itself leaves, and whether it is
	// known.
	Value  func(*Analysis) (v, low, high float64, ok bool)
	Format func(float64) string
}

// Measures are the main figures, the most telling first.
func Measures() []Measure {
	return []Measure{
		{"p99", "us", false, quantileInterval(0.99), units.Latency},
		{"p50", "us", false, quantileInterval(0.5), units.Latency},
		{"p99.9", "us", false, quantileInterval(0.999), units.Latency},
		{"good/s", "/s", true, goodRate, units.Rate},
		{"errors", "1", false, errorCount, func(v float64) string { return units.Number(math.Round(v)) }},
		{"recovery", "us", false, longestRecovery, units.Latency},
		{"CPU per request", "us", false, CPUPerRequest, units.Latency},
	}
}

// measured merges the OK responses of the measured time.
func measured(a *Analysis) hdr.Dist {
	parts := make([]hdr.Dist, 0, len(a.Segments))
	for i := range a.Segments {
		parts = append(parts, a.Segments[i].OK)
	}
	return hdr.Merge(parts...)
}

// quantileInterval is a percentile with its 99 % interval by order statistics.
func quantileInterval(q float64) func(*Analysis) (v, low, high float64, ok bool) {
	return func(a *Analysis) (v, low, high float64, ok bool) {
		d := measured(a)
		n := float64(d.N())
		if !result.Enough(q, d.N()) {
			return 0, 0, 0, false
		}
		reach := 2.576 * math.Sqrt(q*(1-q)/n)
		return d.Quantile(q), d.Quantile(max(0, q-reach)), d.Quantile(min(1, q+reach)), true
	}
}

func goodRate(a *Analysis) (v, low, high float64, ok bool) {
	var good uint64
	var us int64
	for i := range a.Segments {
		good += a.Segments[i].Good
		us += a.Segments[i].LengthUs
	}
	if us == 0 {
		return 0, 0, 0, false
	}
	v = float64(good) * 1e6 / float64(us)
	spread := 2.576 * math.Sqrt(float64(good)) * 1e6 / float64(us)
	return v, v - spread, v + spread, true
}

func errorCount(a *Analysis) (v, low, high float64, ok bool) {
	for i := range a.Segments {
		v += float64(a.Segments[i].Errors.Total())
	}
	reach := 2.576 * math.Sqrt(v)
	return v, v - reach, v + reach, len(a.Segments) > 0
}

func longestRecovery(a *Analysis) (v, low, high float64, ok bool) {
	for i := range a.Windows {
		r := a.Windows[i].RecoveryUs()
		if r < 0 {
			return 0, 0, 0, false
		}
		v = max(v, float64(r))
	}
	return v, v - 100_000, v + 100_000, len(a.Windows) > 0
}

// CPUPerRequest is the proxy's CPU time per request that ended well, in µs.
func CPUPerRequest(a *Analysis) (v, low, high float64, ok bool) {
	good, _, _, known := goodRate(a)
	if !known || good == 0 || a.Trust.ProxyCPU == 0 {
		return 0, 0, 0, false
	}
	v = a.Trust.ProxyCPU * 1e6 / good
	return v, v * 0.97, v * 1.03, true
}
