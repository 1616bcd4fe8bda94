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

// lagLimit is the most lag that a load of this response p99 may have.
func lagLimit(responseP99 float64) float64 {
	if responseP99 <= 0 {
		return maxLagUs
	}
	return min(maxLagUs, responseP99*maxLagShare)
}

// Certify returns why the figures of a load cannot be trusted, one sentence
// for each reason; none means that the generator kept its schedule.
func Certify(l *result.Load) (problems []string) {
	if limit := lagLimit(l.Response.P99); l.Lag.Count > 0 && l.Lag.P99 > limit {
		problems = append(problems, fmt.Sprintf("load %s: the generator was late by %s (p99), more than %s, in %s",
			l.Name, units.Latency(l.Lag.P99), units.Latency(limit), secondsList(l.LateSeconds)))
	}
	if l.Arrival != string(Closed) && l.BusyShare > maxBusy {
		problems = append(problems, fmt.Sprintf("load %s: the generator was busy %s of the time, more than %s",
			l.Name, units.Percent(l.BusyShare), units.Percent(maxBusy)))
	}
	return problems
}

// lateSeconds picks the seconds whose lag is over the limit, if the load as a
// whole is: a single late start in a quiet second says nothing.
func lateSeconds(lagP99, responseP99 float64, perSecondUs []uint32) (late []int) {
	limit := lagLimit(responseP99)
	if lagP99 <= limit {
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
