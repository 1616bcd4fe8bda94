package certify

import (
	"fmt"

	"bench/internal/result"
	"bench/internal/units"
	"bench/loadgen/workload"
)

// carriedShare of what an open loop offers within the measured time must end
// within it, not counting what ends by its time-out.
const carriedShare = 0.95

// NotCarried says what an open loop offered and what of it was carried; "" if
// that is nearly all, and for a closed loop, which offers what is carried.
func NotCarried(l *result.Load) string {
	timeouts := l.FailuresByCause[result.CauseTimeout]
	carried := l.EndedWithin - min(l.EndedWithin, timeouts)
	if l.Arrival == string(workload.Closed) || l.DurationSeconds <= 0 || float64(carried) >= carriedShare*float64(l.Requests) {
		return ""
	}
	perSecond := func(n uint64) string { return units.Rate(float64(n)/l.DurationSeconds) + "/s" }
	text := fmt.Sprintf("%s offered %s, but only %s were carried within the measured time", titled(l), perSecond(l.Requests), perSecond(carried))
	if n := l.AfterEnd.Ended; n > 0 {
		text += fmt.Sprintf("; %s requests ended after the end", units.Count(n))
	}
	if timeouts > 0 {
		text += fmt.Sprintf("; %s timed out", units.Count(timeouts))
	}
	return text
}

// titled is how sentences call a load: the one of `bench load` has no name of its own.
func titled(l *result.Load) string {
	if l.Name == "load" {
		return "the load"
	}
	return "load " + l.Name
}
