package objective

import (
	"fmt"
	"slices"
	"strings"

	"bench/internal/units"
)

// Foreseen is what is known of a run before it begins.
type Foreseen struct {
	// Requests is the most that a load ("" for all) can bring within the phases or
	// the window of an objective; ok reports whether that is known.
	Requests func(load string) (n float64, ok bool)
	// Killed names an event that takes counters with it, "" if there is none.
	Killed string
	// Unmeasured is the phase of the window of an objective if no load measures it.
	Unmeasured string
	// Faults reports that there is an event to recover from.
	Faults bool
	// Followed reports whether a load ("" for any) follows its virtual users from one
	// origin to another; nil where that is not known.
	Followed func(load string) bool
	// NoOrigins reports that nobody counts what the proxy's servers receive, NoCounters
	// that the proxy does not count either.
	NoOrigins, NoCounters bool
}

// Undecidable says why a comparison will never be decided, "" if it may be.
func (e *Expr) Undecidable(f *Foreseen) string {
	for _, m := range e.right.metrics(e.left.metrics(nil)) {
		if strings.HasPrefix(m.base, "conservation.") && f.Killed != "" {
			return fmt.Sprintf("%s cannot be known: %s takes the counters of the killed process with it; "+
				"leave the objective out, or stop the process in another way (process.stop, backend.refuse)", m.name, f.Killed)
		}
		if m.base == "recovery" && !f.Faults {
			return "recovery is the time after a fault, and no event is a fault: add one, or leave the objective out"
		}
		if f.Unmeasured != "" && !m.ofWholeLoad() && !m.ofRun() {
			return fmt.Sprintf("nothing is measured in the phase %s: leave out its \"measure: false\", or choose another window", f.Unmeasured)
		}
		if strings.HasPrefix(m.base, "conservation.") && f.NoOrigins && (f.NoCounters || m.base != "conservation.delta") {
			return m.name + " cannot be known: there are no backends in the scenario to count what they receive"
		}
		if m.base == "moved" && f.Followed != nil && !f.Followed(m.load) {
			return m.name + " is known of loads that keep cookies: write \"cookies: true\", also where there are none to keep"
		}
		if m.ofOrigins() && f.NoOrigins {
			return m.name + " cannot be known: there are no backends in the scenario to count what they receive"
		}
		// That of the generator has a sample for each request, too.
		if !slices.Contains(latencies(), m.base) || m.quantile >= 1 {
			continue
		}
		if n, ok := f.Requests(m.load); ok && n < float64(m.needs()) {
			return fmt.Sprintf("%s needs %s samples, and there are at most %s: choose a lower quantile, a higher rate or a longer time",
				m.name, units.Count(m.needs()), units.Count(uint64(n)))
		}
	}
	return ""
}
