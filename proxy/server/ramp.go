package server

import (
	"time"

	"bench/internal/owned"
)

// A server that comes up again with "slowstart" takes up its weight and its
// maxconn little by little (configuration manual, "slowstart"). How far it has
// come is kept as a percentage that a timer of the control plane raises, so that
// whoever chooses servers reads no clock.

// rampSteps is the number of changes on the way to the full weight.
const rampSteps = 20

// ShareScale is what Share gives for each unit of weight in full.
const ShareScale = 16

// Share is the weight in force in sixteenths: less than the weight as set while
// the server starts slowly, but never nothing unless the weight is 0. Static algorithms
// know no such thing.
func (s *Server) Share() int {
	if s.Backend.Spec.FixedWeights() {
		return s.Weight() * ShareScale
	}
	return s.Weight() * min(1+ShareScale*int(s.ramp.Load())/100, ShareScale)
}

// Effective is Share in units of weight, rounded up.
func (s *Server) Effective() int { return (s.Share() + ShareScale - 1) / ShareScale }

// Warming tells whether the server starts slowly and has not come to its full weight.
func (s *Server) Warming() bool { return s.ramp.Load() < 100 }

// Limit is the number of concurrent sessions allowed now; 0 is no limit. With
// "minconn" it grows with the load of the backend, up to maxconn at "fullconn"
// sessions; while the server starts slowly it is that part of it.
func (s *Server) Limit() int64 {
	limit := int64(s.max.Load())
	if limit == 0 {
		return 0
	}
	b := s.Backend
	if least, full := int64(s.Spec.MinConn), int64(b.Spec.FullConn); least > 0 && full > 0 {
		if load := b.Cur.Load(); load < full {
			limit = max(min(least, limit), limit*load/full)
		}
	}
	if r := int64(s.ramp.Load()); r < 100 {
		limit = max(1, limit*r/100)
	}
	return limit
}

// startSlowly begins a ramp; a later one or stopRamp ends it. The backend's lock
// must be held.
func (s *Server) startSlowly() {
	owned.Held(&s.Backend.mu)
	s.stopRamp()
	if s.Spec.SlowStart <= 0 {
		return
	}
	s.ramp.Store(0)
	b := s.Backend
	this, began, step := s.ramps, b.Clock.Now(), max(s.Spec.SlowStart/rampSteps, time.Millisecond)
	var raise func()
	raise = func() {
		b.mu.Lock()
		if s.ramps != this {
			b.mu.Unlock()
			return // another state meanwhile
		}
		percent := min(int32(100*b.Clock.Now().Sub(began)/s.Spec.SlowStart), 100)
		s.ramp.Store(percent)
		if percent < 100 {
			b.Clock.After(step, raise)
		}
		b.mu.Unlock()
		s.note()
		b.Dequeue(s)
	}
	b.Clock.After(step, raise)
}

// stopRamp gives the server its full weight. The backend's lock must be held.
func (s *Server) stopRamp() {
	owned.Held(&s.Backend.mu)
	s.ramps++
	s.ramp.Store(100)
}

// Clock is what ramps go by.
type Clock interface {
	Now() time.Time
	// After has fn called when d has passed, on any goroutine.
	After(d time.Duration, fn func())
}

// systemClock is that of the system.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) After(d time.Duration, fn func()) { time.AfterFunc(d, fn) }
