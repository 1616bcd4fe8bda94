package server

import (
	"time"

	"bench/proxy/state"
)

// Restored is the state of a server that a former process has left.
type Restored struct {
	Orders state.Orders // about the server itself
	Health state.Health
	Weight int
	Since  time.Time // of the last change
	// Starting: it was taking up its weight little by little.
	Starting bool
}

// Restore gives the server a state, before anybody uses it.
func (s *Server) Restore(r Restored) {
	b := s.Backend
	b.mu.Lock()
	s.orders.Own = r.Orders
	admin := s.held().All().Admin()
	if r.Health == state.Down || admin == state.Maint && s.Admin() != state.Maint {
		s.transitions++
	}
	s.everMaint = admin == state.Maint
	s.restored = true
	s.admin.Store(uint32(admin))
	s.health.Store(uint32(r.Health))
	s.weight.Store(int32(r.Weight))
	s.changed = r.Since
	if r.Starting {
		s.startSlowly()
	}
	b.mu.Unlock()
	b.changed(s)
}

// WasRestored tells whether the server has begun with the state of a former process.
func (s *Server) WasRestored() bool {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	return s.restored
}

// Resume makes the server go on with the times it was down in a former process, and the
// last change of its state there; the zero time leaves that as it is.
func (s *Server) Resume(downs uint64, since time.Time) {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	s.transitions += downs
	if !since.IsZero() {
		s.changed = since
	}
}

// Resume is that of a server for the backend as a whole.
func (b *Backend) Resume(downs uint64, since time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.downs += downs
	if !since.IsZero() {
		b.lastEvent = since
	}
}
