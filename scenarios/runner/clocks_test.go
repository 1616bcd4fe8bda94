package runner

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bench/internal/hosts/session"
	"bench/internal/result"
	"bench/scenarios/format"
)

// A clock that was set, or is not known well enough, is a doubt about times, which makes what
// needs them INVALID; one that is only off, or a little fast, is none.
func TestDoubtsAboutClocks(t *testing.T) {
	for _, c := range []struct {
		clocks session.Clocks
		apart  time.Duration
		want   string
		doubts string
	}{
		{session.Clocks{Offset: 250 * time.Millisecond, Rate: 50e-6, Bound: 60 * time.Microsecond}, 3 * time.Millisecond, "", ""},
		{session.Clocks{Err: errors.New("the clock was set")}, 0, "cannot be compared: the clock was set", result.ConcernsTimes},
		{session.Clocks{Bound: clockBound + 1}, 0, "are known to ±1ms only", result.ConcernsAxis},
		{session.Clocks{}, mostApart + time.Microsecond, "went 5.001ms away from those", result.ConcernsAxis},
	} {
		got := doubtOf("gen1", &c.clocks, c.apart)
		if c.want == "" {
			if len(got) > 0 {
				t.Errorf("%+v: %+v", c.clocks, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Concerns != c.doubts || !strings.Contains(got[0].Text, c.want) || !strings.Contains(got[0].Text, "gen1") {
			t.Errorf("%+v: %+v", c.clocks, got)
		}
	}
}

// What others do on the machine of the runner is no doubt about a run that is on other machines
// altogether, and one about every other run.
func TestOthersBesideTheRunner(t *testing.T) {
	all := &format.Scenario{
		Proxy: format.Proxy{OnHost: "box"}, Load: []format.Load{{OnHost: "box"}}, Backends: []format.Backend{{OnHost: "box"}},
	}
	some := *all
	some.Backends = []format.Backend{{}}
	for _, c := range []struct {
		scenario *format.Scenario
		machines *machines
		doubts   bool
	}{{all, &machines{}, false}, {all, nil, true}, {&some, &machines{}, true}} {
		u := newUsage([]int{0, 1})
		u.last = time.Now()
		u.began = u.last.Add(-10 * time.Second) // in which nothing was idle
		got := (&cell{scenario: c.scenario, machines: c.machines, usage: u, record: &result.Cell{}}).trust(nil)
		if (got.ForeignCPU > noisyShare) != c.doubts {
			t.Errorf("%+v: others used %v of the processors", c, got.ForeignCPU)
		}
	}
}
