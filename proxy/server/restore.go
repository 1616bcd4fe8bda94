package server

import (
	"time"

	"bench/proxy/state"
)

// Restored is the state of a server that a former process has left.
type Restored struct {
	Admin  state.Admin
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
	if r.Health == state.Down || r.Admin == state.Maint && s.Admin() != state.Maint {
		s.transitions++
	}
	s.everMaint = r.Admin == state.Maint
	s.restored = true
	s.admin.Store(uint32(r.Admin))
	s.health.Store(uint32(r.Health))
	s.weight.Store(int32(r.Weight))
	s.changed = r.Since
	if r.Starting {
		s.startSlowly()
	}
	b.mu.Unlock()
	b.changed()
}

// WasRestored tells whether the server has begun with the state of a former process.
func (s *Server) WasRestored() bool {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	return s.restored
}
