package words

import (
	"bench/internal/result"
	"bench/reports/series"
)

// NotCarried says for each open loop that offered more than was carried what it
// was, in the order of the loads.
func NotCarried(loads []result.Load) (all []string) {
	for i := range loads {
		if text := loads[i].NotCarried; text != "" {
			all = append(all, series.OneLine(text))
		}
	}
	return all
}

// AfterEndName is how tables name the row of AfterEnd.
const AfterEndName = "after the end"

// AfterEnd adds up what ended after the end of the loads, and reports whether tables
// have a row of it. That row repeats what the rows above it hold: a request belongs
// to the time in which it was due.
func AfterEnd(loads []result.Load) (sum result.AfterEnd, matters bool) {
	var requests uint64
	for i := range loads {
		l := &loads[i]
		requests += l.Requests
		sum.Ended += l.AfterEnd.Ended
		sum.Good += l.AfterEnd.Good
	}
	return sum, sum.Matters(requests)
}
