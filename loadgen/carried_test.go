package loadgen

import (
	"strings"
	"testing"

	"bench/internal/result"
)

// An open loop whose target carries less than nearly all of what it offers says so, and
// what became of the rest. What ends by its time-out was not carried.
func TestNotCarried(t *testing.T) {
	for _, c := range []struct {
		name                                   string
		arrival                                Arrival
		requests, within, timeouts, afterwards uint64
		want                                   []string // parts of the sentence; none: nothing is said
	}{
		{"all", Constant, 1000, 1000, 0, 0, nil},
		{"nearly all", Constant, 1000, 950, 0, 50, nil},
		{"too few", Poisson, 1000, 949, 0, 51, []string{"load web offered 100/s, but only 94.9/s were carried", "51 requests ended after the end"}},
		{"by time-outs", Constant, 1000, 1000, 60, 0, []string{"only 94.0/s were carried", "60 timed out"}},
		{"few time-outs", Constant, 1000, 1000, 50, 0, nil},
		{"time-outs after the end", Constant, 1000, 10, 20, 990, []string{"only 0/s", "990 requests", "20 timed out"}},
		{"a closed loop offers what is carried", Closed, 1000, 500, 0, 500, nil},
	} {
		l := &result.Load{Name: "web", Arrival: string(c.arrival), DurationSeconds: 10}
		l.Requests, l.EndedWithin, l.AfterEnd.Ended = c.requests, c.within, c.afterwards
		l.FailuresByCause = map[string]uint64{result.CauseTimeout: c.timeouts}
		got := notCarried(l)
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

// The members of a load wait at the same time: together they have waited as long as the
// one that waited longest.
func TestMembersWaitSideBySide(t *testing.T) {
	host := func(waited float64) *result.Load {
		return &result.Load{Host: &result.LoadHost{WaitedSeconds: waited, StolenSeconds: waited / 2}}
	}
	enc := &encoder{}
	sum, err := mergeHosts([]*result.Load{host(0.2), host(0.6), host(0.4)}, enc)
	if err != nil || sum.WaitedSeconds != 0.6 || sum.StolenSeconds != 0.3 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// However many members have found differences, a load shows the first few and counts
// all.
func TestMergedDifferencesAreBounded(t *testing.T) {
	member := func(shown int) *result.Load {
		return &result.Load{Integrity: &result.Integrity{Checked: 100, Answers: 20, Differences: make([]result.Difference, shown)}}
	}
	got := mergeChecks([]*result.Load{member(maxMismatches - 1), {}, member(maxMismatches)})
	if got.Checked != 200 || got.Answers != 40 || len(got.Differences) != maxMismatches {
		t.Errorf("%d checked, %d altered, %d shown", got.Checked, got.Answers, len(got.Differences))
	}
	if got := mergeChecks([]*result.Load{{}, {}}); got != nil {
		t.Errorf("%+v of loads that check nothing", got)
	}
}
