package compare

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/scenarios/runner"
)

// Bounds beyond which a run is made again. None of them looks at what was measured: a
// run that is repeated for its value would choose the outcome.
const (
	mostForeign = 0.10   // share of the run's processors that others used
	mostStolen  = 0.02   // of the measured time, taken by the host of a virtual machine
	mostLagUs   = 1000.0 // p99 of how late the generator was
)

// disturbed says what of the machine came in the way of a run, "" if nothing did. faulty
// reports that the scenario was not carried out as it is written: such a run cannot count.
func disturbed(run *result.Run) (why string, faulty bool) {
	for _, c := range run.Cells {
		t := &c.Trust
		for _, d := range t.Doubts {
			if d.Concerns == result.ConcernsRun || d.Concerns == result.ConcernsLoad {
				return d.Text, true
			}
		}
		if t.ForeignCPU > mostForeign {
			return fmt.Sprintf("other programs used %s of the processors", units.Percent(t.ForeignCPU)), false
		}
		for i := range c.Loads {
			l := &c.Loads[i]
			if h := l.Host; h != nil && l.DurationSeconds > 0 && h.StolenSeconds > mostStolen*l.DurationSeconds {
				return fmt.Sprintf("the host of this machine took %s of the time away", units.Percent(h.StolenSeconds/l.DurationSeconds)), false
			}
			if l.Arrival != "closed" && result.Enough(0.99, l.Lag.Count) && l.Lag.P99 > mostLagUs {
				return fmt.Sprintf("load %s was late: the p99 of its lag is %s", l.Name, units.Latency(l.Lag.P99)), false
			}
		}
		for _, d := range t.Doubts {
			if d.Concerns == result.ConcernsTimes {
				return d.Text, false
			}
		}
	}
	return "", false
}

// fate is what became of a run.
type fate int

const (
	whole       fate = iota // it was carried out to its end
	disturbance             // the machine came in the way; it may count if the user says so
	invalid                 // it cannot count
	crash                   // the proxy did not serve to the end
	fatal                   // the comparison cannot go on
)

// judge tells the fate of a run by its record and its error, and why.
func judge(ctx context.Context, run *result.Run, err error) (fate, string) {
	var origin *runner.OriginError
	switch {
	case ctx.Err() != nil:
		return fatal, interruptedReason
	case runner.Code(err) == exitProxy && !errors.As(err, &origin):
		return crash, firstLine(err.Error())
	case runner.Code(err) == exitUnclear:
		return invalid, firstLine(err.Error()) // the machine was too busy to begin, or the steady state did not hold
	case err != nil || run == nil:
		return fatal, ""
	}
	why, faulty := disturbed(run)
	switch {
	case faulty:
		return invalid, why
	case why != "":
		return disturbance, why
	}
	return whole, ""
}

// firstLine is that of an error, with the next one where it only leads to that.
func firstLine(text string) string {
	first, rest, _ := strings.Cut(text, "\n")
	if strings.HasSuffix(first, ":") && rest != "" {
		next, _, _ := strings.Cut(rest, "\n")
		first += " " + strings.TrimSpace(next)
	}
	return first
}
