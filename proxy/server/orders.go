package server

import (
	"bench/internal/owned"
	"bench/proxy/state"
)

// Orders are all that operators have decided about a server, by whom it is about.
type Orders struct {
	// Own are about the server itself, Inherited about the one that it follows. Both are
	// kept while it has no address.
	Own, Inherited state.Orders
	// Unresolved: it waits in maintenance for an address.
	Unresolved bool
}

// All are those that are in force.
func (o Orders) All() state.Orders {
	all := o.Own | o.Inherited
	if o.Unresolved {
		all |= state.OrderMaint
	}
	return all
}

// Orders are what has been decided about the server.
func (s *Server) Orders() Orders {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	return s.held()
}

// held is Orders for who has the backend's lock.
func (s *Server) held() Orders {
	o := s.orders
	o.Unresolved = s.Unresolved()
	return o
}

// Decide gives an order about the server, or takes it back. It reports whether the
// administrative state was another, and how many waiting streams had to choose again.
// Threads whose next choice comes after it follow it.
func (s *Server) Decide(what state.Orders, on bool) (changed bool, requeued int) {
	s.Backend.mu.Lock()
	switch {
	case s.removed:
	case on:
		s.orders.Own |= what
	default:
		s.orders.Own &^= what
	}
	return s.follow()
}

// Inherit replaces the orders about the server that this one follows.
func (s *Server) Inherit(o state.Orders) (changed bool, requeued int) {
	s.Backend.mu.Lock()
	if !s.removed {
		s.orders.Inherited = o
	}
	return s.follow()
}

// follow brings into force what was decided. The backend's lock must be held, and is let go.
func (s *Server) follow() (changed bool, requeued int) {
	b := s.Backend
	owned.Held(&b.mu)
	a := s.held().All().Admin()
	if s.removed || s.Admin() == a {
		b.mu.Unlock()
		return false, 0
	}
	if s.Admin() == state.Maint && s.Health() != state.Down {
		s.startSlowly()
	}
	s.noteDowntime()
	if a == state.Maint {
		s.everMaint = true
		if s.Health() != state.Down {
			s.transitions++
		}
	}
	s.admin.Store(uint32(a))
	b.mu.Unlock()
	b.changed(s)
	if a == state.Maint {
		requeued = b.redistribute(s)
	}
	b.dequeueAll()
	return true, requeued
}
