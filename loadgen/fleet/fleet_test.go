package fleet

import (
	"errors"
	"io"
	"testing"

	"bench/internal/proc"
	"bench/internal/result"
)

// quick is a machine whose clock is ahead, and runs fast.
type quick struct{}

func (quick) Launch(*proc.Spec, io.Writer) (proc.Remote, error) { return nil, errors.New("not here") }

// A quarter of a second ahead at 10 s, and 50 ppm fast.
func (quick) Clock(at int64) int64 { return at + 250_000_000 + (at-10_000_000_000)/20_000 }

func (quick) Here(at int64) int64 {
	ahead := at - 250_000_000 - 10_000_000_000
	return 10_000_000_000 + ahead - ahead/20_001
}

// Times that another machine tells are those of the run, however its clock goes on.
func TestTimesOfOtherMachines(t *testing.T) {
	f := &Fleet{here: 10_000_000_000, there: []int64{quick{}.Clock(10_000_000_000)}}
	near := func(got, want int64) bool { return got >= want-1 && got <= want+1 }
	for _, us := range []int64{0, 1_000_000, 600_000_000} {
		local := (quick{}.Clock(f.here+us*1000) - f.there[0]) / 1000
		l := &result.AgentLine{Failure: &result.Failure{AtUs: local, EndedUs: local + 100}}
		f.moveTimes(0, quick{}, l)
		if !near(l.Failure.AtUs, us) || !near(l.Failure.EndedUs, us+100) {
			t.Errorf("%d µs of the run are taken for %d, and 100 later for %d", us, l.Failure.AtUs, l.Failure.EndedUs)
		}
		l = &result.AgentLine{Interval: &result.Interval{StartUs: local}}
		f.moveTimes(0, quick{}, l)
		if l.Interval.StartUs != local || !near(l.Interval.ShiftUs, us-local) {
			t.Errorf("a slice that began at %d µs: %d, and %d later", us, l.Interval.StartUs, l.Interval.ShiftUs)
		}
	}
}
