// Package trace reports what the parts of the engine do, event by event, to whoever
// debugs: "trace" and "show trace" of the runtime API (management manual, section 9.3).
// As long as nobody asks for anything an event costs its part one look at a number.
package trace

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Level is how much there is to report: each one has what is before it, too.
type Level uint8

// The levels.
const (
	Error Level = iota
	User
	Proto
	State
	Data
	Developer
)

// Verbosity is how much is said of an event.
type Verbosity uint8

// The verbosities.
const (
	Quiet Verbosity = iota
	Clean
	Minimal
	Simple
	Advanced
	Complete
)

// Lock says what a trace keeps to once it has begun with an event.
type Lock uint8

// What there is to keep to.
const (
	Nothing Lock = iota
	Thread
	Listener
	Frontend
	Backend
	Server
	Session
	Connection
	Own // what only the source has, such as a stream
	numLocks
)

// Where is what an event has happened to. What there is none of is empty.
type Where struct {
	Thread                    int
	Frontend, Backend, Server string
	Listener, Session         any
	Connection, Own           any
}

// what is what a trace may keep to.
func (w *Where) what(l Lock) any {
	switch l {
	case Thread:
		return w.Thread
	case Listener:
		return w.Listener
	case Frontend:
		return w.Frontend
	case Backend:
		return w.Backend
	case Server:
		return w.Backend + "/" + w.Server
	case Session:
		return w.Session
	case Connection:
		return w.Connection
	case Own:
		return w.Own
	case Nothing, numLocks:
	}
	return nil
}

// Event is one kind of event of a source.
type Event struct{ Name, Doc string }

// Events are a set of them, a bit for each.
type Events uint64

// All are all events there may be.
const All Events = 1<<64 - 1

// Sink takes lines.
type Sink interface {
	Name() string
	// Put takes a line, or reports false.
	Put(line string) bool
}

// Action is what an event may lead to.
type Action uint8

// The actions.
const (
	Report Action = iota
	Start
	Pause
	Stop
	numActions
)

// Status is a source at one moment.
type Status struct {
	Running, Waiting bool
	Level            Level
	Verbosity        Verbosity
	Lock             Lock
	On               [numActions]Events // which events lead to what
	Sink             Sink               // nil: none
	Dropped          uint64
}

// Source is a part of the engine that can be traced. Its methods may be called from any
// goroutine.
type Source struct {
	// Constant.

	Name, Doc string
	Events    []Event
	Locks     []Lock // what it can keep to, in the order in which it is shown
	Own       Event  // how what only it has is called

	// Atomic.

	// threshold is one more than the level up to which events matter; 0: none does.
	threshold atomic.Uint32

	// Guarded by mu.

	mu     sync.Mutex
	status Status
	locked any // what the trace keeps to; nil: nothing yet
}

// On tells whether events of a level matter. It is for hot paths: whoever has an event asks
// before working out what to say.
func (s *Source) On(l Level) bool { return s.threshold.Load() > uint32(l) }

// Detailed tells whether details of events are wanted, such as the fields of messages.
func (s *Source) Detailed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.Verbosity >= Advanced
}

// Emit reports an event, by its place among those of the source. text says in words what
// happened.
func (s *Source) Emit(event int, l Level, w *Where, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, bit := &s.status, Events(1)<<event
	lock := w.what(st.Lock)
	switch {
	case !st.Running && !st.Waiting, l > st.Level:
		return
	case st.Lock != Nothing && s.locked != nil && s.locked != lock:
		return
	case !st.Running && st.On[Start]&bit == 0:
		return
	}
	st.Running, st.Waiting = true, false
	if st.Lock != Nothing && s.locked == nil {
		s.locked = lock
	}
	if st.On[Report]&bit != 0 && st.Sink != nil {
		line := fmt.Sprintf("[%02d|%s|%d|%s]", w.Thread, s.Name, l, s.Events[event].Name)
		if st.Verbosity >= Clean {
			line += " " + fmt.Sprintf(format, args...)
		}
		if st.Verbosity >= Minimal {
			line += w.describe()
		}
		if !st.Sink.Put(line) {
			st.Dropped++
		}
	}
	switch {
	case st.On[Stop]&bit != 0:
		st.Running, s.locked = false, nil
	case st.On[Pause]&bit != 0:
		st.Running, st.Waiting, s.locked = false, true, nil
	}
	s.settle()
}

// describe names what has a name.
func (w *Where) describe() (text string) {
	for _, n := range []struct{ key, name string }{{"fe", w.Frontend}, {"be", w.Backend}, {"srv", w.Server}} {
		if n.name != "" {
			text += " " + n.key + "=" + n.name
		}
	}
	return text
}

// settle makes the threshold follow the status; mu is held.
func (s *Source) settle() {
	n := uint32(0)
	if s.status.Running || s.status.Waiting {
		n = uint32(s.status.Level) + 1
	}
	s.threshold.Store(n)
}

// Status is the source as it is now.
func (s *Source) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Change changes the status by fn. What the trace keeps to is forgotten.
func (s *Source) Change(fn func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(&s.status)
	s.locked = nil
	s.settle()
}
