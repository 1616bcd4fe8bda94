package fleet

import (
	"fmt"
	"slices"
	"time"

	"bench/internal/result"
	"bench/loadgen/workload"
)

// bounds are what a process on another machine can have to tell of a load. Whoever is let in as
// a host may say anything, and times become places in tables: one that is no time of the load
// would have them grow without end.
type bounds struct {
	name     string
	phases   int
	latestUs int64
}

// lateBy is how long after its last phase a load may still have something to tell, beyond what
// its time-out allows.
const lateBy = time.Hour

func boundsOf(s *workload.Spec) *bounds {
	b := &bounds{name: s.Name, phases: len(s.Phases), latestUs: s.TimeoutUs + lateBy.Microseconds()}
	for i := range s.Phases {
		b.latestUs += s.Phases[i].LengthUs
	}
	return b
}

// fits is an error where a line cannot be of the load.
func (b *bounds) fits(l *result.AgentLine) error {
	name, times := b.name, []int64{}
	switch {
	case l.Interval != nil:
		name, times = l.Interval.Load, []int64{l.Interval.StartUs, l.Interval.LengthUs}
	case l.Progress != nil:
		name, times = l.Progress.Load, []int64{l.Progress.AtUs, l.Progress.LengthUs}
	case l.Failure != nil:
		name, times = l.Failure.Load, []int64{l.Failure.AtUs, l.Failure.EndedUs}
	case l.Load != nil:
		name = l.Load.Name
		if len(l.Load.Phases) != b.phases {
			return fmt.Errorf("it tells of %d phases, and there are %d", len(l.Load.Phases), b.phases)
		}
		for i := range l.Load.Phases {
			times = append(times, l.Load.Phases[i].StartUs, l.Load.Phases[i].LengthUs)
		}
		late := b.latestUs / time.Second.Microseconds()
		if slices.ContainsFunc(l.Load.LateSeconds, func(s int) bool { return s < 0 || int64(s) > late }) {
			return fmt.Errorf("it tells of seconds that the load does not have")
		}
	}
	if name != b.name {
		return fmt.Errorf("it tells of load %.80q", name)
	}
	if slices.ContainsFunc(times, func(us int64) bool { return us < 0 || us > b.latestUs }) {
		return fmt.Errorf("it tells of a time that the load does not have: %v", times)
	}
	return nil
}
