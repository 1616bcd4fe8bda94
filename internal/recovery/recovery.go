// Package recovery says when a system has recovered from a fault. Objectives, reports
// and comparisons all go by it. Reading results may not enter.
package recovery

import (
	"math"

	"bench/internal/hdr"
	"bench/internal/result"
)

const (
	// HoldUs is how long the system must be well to count as recovered, in microseconds.
	HoldUs = 3_000_000
	// LeastUs is what must be left of that when the next event or the end of the run
	// cuts it short.
	LeastUs = 1_000_000
)

// baseQuantile is the quantile of response times that base line and recovery go by.
const baseQuantile = 0.99

// FirstEvent is when the first event that was carried out began, after which there is
// no base line any longer, and whether there was one. Events that were only seen are none.
func FirstEvent(events []result.Event) (us int64, ok bool) {
	us = math.MaxInt64
	for i := range events {
		if e := &events[i]; e.Applied && e.Class != "seen" {
			us, ok = min(us, e.BeginUs), true
		}
	}
	return us, ok
}

// BaseP99 is the p99 of a base line, given that of its n samples: 0, which is unknown,
// if they are too few to state it.
func BaseP99(p99 float64, n uint64) float64 {
	if !result.Enough(baseQuantile, n) {
		return 0
	}
	return p99
}

// Slow is the greatest p99 with which the system counts as well: twice the base line's,
// or the limit that the scenario sets if that is more. Either is 0 where it is not known;
// without both only failures count.
func Slow(baseP99, limit float64) float64 {
	if slow := max(2*baseP99, limit); slow > 0 {
		return slow
	}
	return math.Inf(1)
}

// Stretch is what the requests that were due in a stretch of time came to.
type Stretch struct {
	Offered, Failed uint64
	Good            uint64 // ended well, so that there are as many response times
	// Slow reports whether their p99 is more than what Slow gives.
	Slow bool
}

// Well reports whether the system was well: none failed, the p99 is not slow, and some
// ended well if any were due.
func (s *Stretch) Well() bool {
	return s.Failed == 0 && (s.Good == 0 && s.Offered == 0 || s.Good > 0 && !s.Slow)
}

// TooMany reports whether the p99 of n response times is slow, of which so many are.
func TooMany(slow, n uint64) bool { return n > 0 && slow > n-hdr.Rank(baseQuantile, n) }
