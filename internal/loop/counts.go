package loop

import (
	"reflect"
	"time"

	"bench/internal/poller"
)

// Counts are what a loop has done since it was made.
type Counts struct {
	Events uint64 // handled
	Stale  uint64 // of descriptors that are somebody else's by now, and dropped
	Tasks  uint64 // run
}

// Counts is what the loop has done. Like all that follows it is asked on the loop.
func (l *Loop) Counts() Counts { return l.counts }

// Queued calls fn for each task that waits for its turn.
func (l *Loop) Queued(fn func(Runner)) {
	for _, t := range l.runq {
		fn(t.R)
	}
}

// Profile is how long the handlers of one kind have taken.
type Profile struct {
	Calls uint64
	Time  time.Duration
}

// SetProfile begins to measure how long handlers and tasks take, or ends it; what was
// measured is forgotten when it begins.
func (l *Loop) SetProfile(on bool) {
	switch {
	case !on:
		l.profiling = false
	case !l.profiling:
		l.profiling, l.profiles = true, map[reflect.Type]*Profile{}
	}
}

// Profiling tells whether the loop measures.
func (l *Loop) Profiling() bool { return l.profiling }

// Profiles calls fn for each kind of handler that was measured, by its type.
func (l *Loop) Profiles(fn func(kind string, p Profile)) {
	for t, p := range l.profiles {
		fn(t.String(), *p)
	}
}

// measured adds a call to what was measured of its kind.
func (l *Loop) measured(handler any, began int64) {
	t := reflect.TypeOf(handler)
	p := l.profiles[t]
	if p == nil {
		p = &Profile{}
		l.profiles[t] = p
	}
	p.Calls++
	p.Time += time.Duration(Nanotime() - began)
}

// ready runs a handler, run a task, and measure it if that is asked for.
func (l *Loop) ready(s *slot, ev poller.Events) {
	if !l.profiling {
		s.h.Ready(ev)
		return
	}
	h, began := s.h, Nanotime()
	h.Ready(ev)
	if l.profiling {
		l.measured(h, began)
	}
}

func (l *Loop) run(t *Task) {
	l.counts.Tasks++
	if !l.profiling {
		t.R.Run()
		return
	}
	r, began := t.R, Nanotime()
	r.Run()
	if l.profiling {
		l.measured(r, began)
	}
}
