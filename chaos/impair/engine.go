package impair

import (
	"errors"
	"fmt"
)

// Engine holds the impairments of a link. It belongs to one goroutine.
type Engine struct {
	active [Slots]*impairment
	epochs uint32
	flows  *table
}

// NewEngine returns an engine without impairments.
func NewEngine() *Engine { return &Engine{flows: newTable(perGeneration)} }

// Add puts an impairment to work at the time now, in nanoseconds.
func (e *Engine) Add(s Spec, now int64) error {
	if err := s.Check(); err != nil {
		return err
	}
	if e.find(s.ID) != nil {
		return fmt.Errorf("an impairment %q is at work already", s.ID)
	}
	for i := range e.active {
		if e.active[i] == nil {
			e.epochs++
			e.active[i] = newImpairment(s, e.epochs, now)
			return nil
		}
	}
	return fmt.Errorf("%d impairments are at work on the link: no room for %q", Slots, s.ID)
}

// Remove ends an impairment and returns the truth about it.
func (e *Engine) Remove(id string, now int64) (*Truth, error) {
	for i, m := range e.active {
		if m != nil && m.ID == id {
			e.active[i] = nil
			m.truth.Ended = now
			return &m.truth, nil
		}
	}
	return nil, errUnknown(id)
}

// Truth returns what an impairment did so far.
func (e *Engine) Truth(id string) (*Truth, error) {
	if m := e.find(id); m != nil {
		return &m.truth, nil
	}
	return nil, errUnknown(id)
}

// IDs lists the impairments at work.
func (e *Engine) IDs() []string {
	ids := []string{}
	for _, m := range e.active {
		if m != nil {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// Segments reports whether one of the impairments must see the packets of the wire.
func (e *Engine) Segments() bool {
	for _, m := range e.active {
		if m != nil && m.Spec.Segments() {
			return true
		}
	}
	return false
}

func (e *Engine) find(id string) *impairment {
	for _, m := range e.active {
		if m != nil && m.ID == id {
			return m
		}
	}
	return nil
}

type errUnknown string

func (e errUnknown) Error() string { return fmt.Sprintf("no impairment %q is at work", string(e)) }

// ErrUnknown reports whether err says that an impairment is not at work.
func ErrUnknown(err error) bool {
	_, ok := errors.AsType[errUnknown](err)
	return ok
}
