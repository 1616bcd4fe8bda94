package fleet

import (
	"bench/internal/proc"
	"bench/internal/result"
)

// Times of processes on other machines come by the clocks of those. They are put on the axis
// of the run by whoever knows when enough is known of these clocks: the later, the better.

// Elsewhere reports whether a process is on another machine.
func (f *Fleet) Elsewhere() bool {
	for _, p := range f.processes {
		if p.Elsewhere() != nil {
			return true
		}
	}
	return false
}

// Place puts a slice of the timeline where it was on the axis of the run, in the middle of
// where it was by the clock of each process. It may be called again.
func (f *Fleet) Place(s *result.Interval) {
	slot := s.SlotUs()
	s.StartUs = f.middle(slot)
	s.ShiftUs = s.StartUs - slot
}

// PlaceFailure gives a failed request the times that it had on the axis of the run. It must be
// called once.
func (f *Fleet) PlaceFailure(l *result.Failure) {
	l.AtUs, l.EndedUs = f.onAxis(l.Member, l.AtUs), f.onAxis(l.Member, l.EndedUs)
}

// Apart is how far the processes of a host were, us after the start by the clock of each, from
// where the slice that began then is put.
func (f *Fleet) Apart(on proc.Host, us int64) (furthest int64) {
	middle := f.middle(us)
	for i, p := range f.processes {
		if p.Elsewhere() == on {
			away := f.onAxis(i, us) - middle
			furthest = max(furthest, away, -away)
		}
	}
	return furthest
}

// middle is the mean of the times of the run at which the processes were us after the start,
// each by its own clock.
func (f *Fleet) middle(us int64) int64 {
	var away int64 // small numbers, whose sum is exact
	for i := range f.processes {
		away += f.onAxis(i, us) - us
	}
	return us + away/int64(len(f.processes))
}

// onAxis is the time of the run at which process i was us after its start: the clock of
// another machine may have gone on at another pace since.
func (f *Fleet) onAxis(i int, us int64) int64 {
	on := f.processes[i].Elsewhere()
	if on == nil {
		return us
	}
	f.mu.Lock()
	here, there := f.here, f.there[i]
	f.mu.Unlock()
	return (on.Here(there+us*1000) - here) / 1000
}
