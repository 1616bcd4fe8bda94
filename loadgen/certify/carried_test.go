package certify

import (
	"strings"
	"testing"

	"bench/internal/result"
	"bench/loadgen/workload"
)

// An open loop whose target carries less than nearly all of what it offers says so, and
// what became of the rest. What ends by its time-out was not carried.
func TestNotCarried(t *testing.T) {
	for _, c := range []struct {
		name                                   string
		arrival                                workload.Arrival
		requests, within, timeouts, afterwards uint64
		want                                   []string // parts of the sentence; none: nothing is said
	}{
		{"all", workload.Constant, 1000, 1000, 0, 0, nil},
		{"nearly all", workload.Constant, 1000, 950, 0, 50, nil},
		{"too few", workload.Poisson, 1000, 949, 0, 51, []string{"load web offered 100/s, but only 94.9/s were carried", "51 requests ended after the end"}},
		{"by time-outs", workload.Constant, 1000, 1000, 60, 0, []string{"only 94.0/s were carried", "60 timed out"}},
		{"few time-outs", workload.Constant, 1000, 1000, 50, 0, nil},
		{"time-outs after the end", workload.Constant, 1000, 10, 20, 990, []string{"only 0/s", "990 requests", "20 timed out"}},
		{"a closed loop offers what is carried", workload.Closed, 1000, 500, 0, 500, nil},
	} {
		l := &result.Load{Name: "web", Arrival: string(c.arrival), DurationSeconds: 10}
		l.Requests, l.EndedWithin, l.AfterEnd.Ended = c.requests, c.within, c.afterwards
		l.FailuresByCause = map[string]uint64{result.CauseTimeout: c.timeouts}
		got := NotCarried(l)
		if (got != "") != (c.want != nil) {
			t.Errorf("%s: %q", c.name, got)
		}
		for _, part := range c.want {
			if !strings.Contains(strings.NewReplacer("\u202f", " ", "\u00a0", " ").Replace(got), part) {
				t.Errorf("%s: %q is not in %q", c.name, part, got)
			}
		}
	}
}
