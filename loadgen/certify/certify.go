// Package certify says what the generator does not vouch for in the outcome of a load, and
// what of it was not carried.
package certify

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/internal/units"
	"bench/loadgen/workload"
)

// Limits beyond which the generator says that its figures are to be read with care.
const (
	maxLagUs    = 1000 // p99 of the lag, or what there are samples for
	maxLagShare = 0.1  // of the p99 it reports
	maxBusy     = 0.85 // of its thread's time, in an open loop
)

// shareSamples is how many responses it takes for their p99 to be a measure.
const shareSamples = 1000

// lagLimit is the most lag (p99) of a load with these responses that goes without saying.
func lagLimit(response *result.Latency) float64 {
	if response.Count < shareSamples {
		return maxLagUs
	}
	return min(maxLagUs, response.P99*maxLagShare)
}

// sureLag is the lag in microseconds at the highest percentile, up to p99, that has
// ten samples beyond it, and the name of that; 0 with too few for a median. The p99
// of twenty requests would be their maximum: one late wake-up would speak for all.
func sureLag(lag *result.Latency) (us float64, name string) {
	switch {
	case !result.Enough(0.5, lag.Count):
		return 0, ""
	case result.Enough(0.99, lag.Count):
		return lag.P99, "p99"
	}
	var h *hdrhistogram.Histogram
	if err := hdr.Add(&h, lag.HDR); err != nil || h == nil {
		return 0, ""
	}
	percent := 100 - (100*result.SamplesFor(0)+lag.Count-1)/lag.Count // whole, rounded down
	return float64(h.ValueAtQuantile(float64(percent))), fmt.Sprintf("p%d", percent)
}

// MaxWaited is the share of its time in which a part of a measurement may be ready to
// run without a processor. Beyond it, what it does next depends on what else runs: no
// bound of its times holds.
const MaxWaited = 0.1

// Doubts returns what the generator does not vouch for, the gravest first; nothing
// means that it kept its schedule. That it was late makes no time worthless: it bounds
// how well times are known, and each limit is judged by that. A closed loop has no
// schedule to keep: it is as slow as its slowest part, and it says how busy the
// generator was.
func Doubts(l *result.Load) (doubts []result.Doubt) {
	doubt := func(concerns, remedy, format string, args ...any) {
		doubts = append(doubts, result.Doubt{Concerns: concerns, Load: l.Name, Text: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	if n := l.FailuresByCause[result.CauseLocal] - l.Interrupted; n > 0 {
		doubt(result.ConcernsLoad, "raise the limits that bench doctor names, or use fewer connections",
			"%s could not start %s requests: out of ports, descriptors or memory here", titled(l), units.Count(n))
	}
	if l.Arrival == string(workload.Closed) {
		return doubts
	}
	if h := l.Host; h != nil && l.DurationSeconds > 0 {
		if share := h.WaitedSeconds / l.DurationSeconds; share > MaxWaited {
			doubt(result.ConcernsTimes, "stop what else runs here",
				"%s was ready but had no processor %s of the time", titled(l), units.Percent(share))
		}
	}
	if l.BusyShare > maxBusy {
		doubt(result.ConcernsTimes, "use a lower rate, or more processes for the load",
			"%s was busy %s of the time, more than %s", titled(l), units.Percent(l.BusyShare), units.Percent(maxBusy))
	}
	limit := lagLimit(&l.Response)
	if us, name := sureLag(&l.Lag); us > limit {
		why := "more than " + units.Latency(limit)
		if limit < maxLagUs {
			why = fmt.Sprintf("over a tenth of the p99 it reports, %s", units.Latency(l.Response.P99))
		}
		doubt(result.ConcernsBounds, "", "%s was late: %s of its start lag is %s, %s; %s",
			titled(l), name, units.Latency(us), why, SecondsList(l.LateSeconds))
	}
	return doubts
}

// LateSeconds picks the seconds whose lag is over the limit, if the load as a
// whole is: a single late start in a quiet second says nothing.
func LateSeconds(l *result.Load, perSecondUs []uint32) (late []int) {
	limit := lagLimit(&l.Response)
	if us, _ := sureLag(&l.Lag); us <= limit || l.Arrival == string(workload.Closed) {
		return nil
	}
	for second, us := range perSecondUs {
		if float64(us) > limit {
			late = append(late, second)
		}
	}
	return late
}

// maxSpans bounds the list of seconds in a sentence.
const maxSpans = 8

// SecondsList names seconds, runs of them as ranges.
func SecondsList(s []int) string {
	var spans []string
	for i := 0; i < len(s); {
		if len(spans) == maxSpans {
			spans = append(spans, fmt.Sprintf("%d more", len(s)-i))
			break
		}
		j := i
		for j+1 < len(s) && s[j+1] == s[j]+1 {
			j++
		}
		if j > i {
			spans = append(spans, fmt.Sprintf("%d-%d", s[i], s[j]))
		} else {
			spans = append(spans, strconv.Itoa(s[i]))
		}
		i = j + 1
	}
	if len(spans) == 0 {
		return "no second in particular"
	}
	return "second " + strings.Join(spans, ", ")
}
