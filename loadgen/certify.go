package loadgen

import (
	"fmt"

	"bench/internal/result"
	"bench/internal/units"
)

// Limits beyond which the generator does not vouch for its figures.
const (
	maxLagUs    = 1000 // p99 of the lag
	maxLagShare = 0.1  // of the p99 it reports
	maxBusy     = 0.85 // of its thread's time, in an open loop
)

// shareSamples is how many responses it takes for their p99 to be a measure.
const shareSamples = 1000

// lagLimit is the most lag (p99) that a load with these responses may have.
func lagLimit(response *result.Latency) float64 {
	if response.Count < shareSamples {
		return maxLagUs
	}
	return min(maxLagUs, response.P99*maxLagShare)
}

// Certify returns why the figures of a load cannot be trusted, one sentence
// for each reason; none means that the generator kept its schedule. A closed
// loop has no schedule to keep: it is as slow as its slowest part, and it says
// how busy the generator was.
func Certify(l *result.Load) (problems []string) {
	if l.Arrival == string(Closed) {
		return nil
	}
	if limit := lagLimit(&l.Response); l.Lag.P99 > limit {
		why := "more than " + units.Latency(limit)
		if limit < maxLagUs {
			why = fmt.Sprintf("over a tenth of the p99 it reports, %s", units.Latency(l.Response.P99))
		}
		problems = append(problems, fmt.Sprintf("load %s was late: p99 of its start lag is %s, %s; %s",
			l.Name, units.Latency(l.Lag.P99), why, secondsList(l.LateSeconds)))
	}
	if l.BusyShare > maxBusy {
		problems = append(problems, fmt.Sprintf("load %s was busy %s of the time, more than %s",
			l.Name, units.Percent(l.BusyShare), units.Percent(maxBusy)))
	}
	return problems
}

// lateSeconds picks the seconds whose lag is over the limit, if the load as a
// whole is: a single late start in a quiet second says nothing.
func lateSeconds(l *result.Load, perSecondUs []uint32) (late []int) {
	limit := lagLimit(&l.Response)
	if l.Lag.P99 <= limit || l.Arrival == string(Closed) {
		return nil
	}
	for second, us := range perSecondUs {
		if float64(us) > limit {
			late = append(late, second)
		}
	}
	return late
}

// secondsList names seconds, runs of them as ranges.
func secondsList(s []int) string {
	out := ""
	for i := 0; i < len(s); {
		j := i
		for j+1 < len(s) && s[j+1] == s[j]+1 {
			j++
		}
		if out != "" {
			out += ", "
		}
		if out += fmt.Sprint(s[i]); j > i {
			out += fmt.Sprintf("-%d", s[j])
		}
		i = j + 1
	}
	if out == "" {
		return "no second in particular"
	}
	return "second " + out
}
