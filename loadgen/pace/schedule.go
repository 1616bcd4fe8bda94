package pace

import (
	"time"

	"bench/loadgen/trace"
	"bench/loadgen/workload"
)

// start is one intended start.
type start struct {
	at   int64 // ns after the run's origin
	item int   // of the trace; -1 without one
}

// schedule yields the intended starts of a whole open loop.
type schedule interface {
	// next returns the next one; ok is false at the end of the run.
	next() (s start, ok bool)
}

func newSchedule(spec *workload.Spec, t *trace.Trace) schedule {
	if t != nil {
		return &replay{entries: t.Entries, end: spec.LengthUs() * 1000}
	}
	return &pacedSchedule{spec: spec, phase: -1}
}

// pacedSchedule chains the pacers of all phases.
type pacedSchedule struct {
	spec  *workload.Spec
	phase int
	base  int64 // start of the phase
	pacer Pacer
}

func (s *pacedSchedule) next() (start, bool) {
	for {
		if s.pacer != nil {
			if at, ok := s.pacer.Next(); ok {
				return start{s.base + at, -1}, true
			}
		}
		if !s.enter() {
			return start{}, false
		}
	}
}

// enter goes on to the next phase.
func (s *pacedSchedule) enter() bool {
	if s.phase >= 0 && s.phase < len(s.spec.Phases) {
		s.base += s.spec.Phases[s.phase].LengthUs * 1000
	}
	s.phase++
	if s.phase >= len(s.spec.Phases) {
		s.pacer = nil
		return false
	}
	p := &s.spec.Phases[s.phase]
	shape := Shape{From: p.From, To: p.To, Length: time.Duration(p.LengthUs) * time.Microsecond, Steps: p.Steps, Burst: p.Burst}
	if s.spec.Arrival == workload.Poisson {
		s.pacer = NewPoisson(shape, s.spec.Seed, uint64(s.phase))
	} else {
		s.pacer = NewConstant(shape)
	}
	return true
}

// replay is the schedule of a trace, as far as the run goes.
type replay struct {
	entries []trace.Entry
	i       int
	end     int64
}

func (r *replay) next() (start, bool) {
	if r.i == len(r.entries) || r.entries[r.i].At >= r.end {
		return start{}, false
	}
	r.i++
	return start{r.entries[r.i-1].At, r.i - 1}, true
}
