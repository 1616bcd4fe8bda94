package runner

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bench/internal/hosts/session"
	"bench/internal/result"
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
