package server

import (
	"errors"
	"time"

	"bench/proxy/spec"
	"bench/proxy/state"
)

// Why a server cannot be removed.
var (
	ErrNotMaint = errors.New("the server is not in maintenance")
	ErrBusy     = errors.New("the server has sessions or connections")
)

// NewDynamic makes a server that is to be added at run time; nobody knows it before
// Add. It starts in maintenance unless it is enabled.
func (b *Backend) NewDynamic(sp *spec.Server, slot int, enabled bool) *Server {
	s := b.newServer(sp, slot, !enabled || sp.Unresolved)
	s.Dynamic = true
	return s
}

func (b *Backend) newServer(sp *spec.Server, slot int, maint bool) *Server {
	s := &Server{Spec: sp, Backend: b, Slot: slot, changed: time.Now(), counted: b.Spec.Hash.Factor > 0, ordered: b.Spec.Balance == spec.LeastConn}
	src := s.Source()
	s.introduces = sp.Proxy.Sends() || sp.ClientsNamespace || src != nil && src.As > spec.AsOther
	s.weight.Store(int32(sp.Weight))
	s.max.Store(int32(sp.MaxConn))
	s.ramp.Store(100)
	addr := sp.Addr
	s.addr.Store(&addr)
	s.FixPort()
	if sp.MapPort {
		s.FollowPort(sp.PortOffset)
	}
	s.nameCookie()
	s.SetHost(sp.Host)
	s.Clear.Store(sp.Clear)
	s.unresolved.Store(sp.Unresolved)
	if maint {
		s.orders.Own = state.OrderMaint
	}
	s.admin.Store(uint32(s.held().All().Admin()))
	s.everMaint = s.Admin() == state.Maint
	return s
}

// Add makes a server known to the threads, each of which has made its part for the
// server's slot before. It reports false if the backend has a server of that name.
func (b *Backend) Add(s *Server) bool {
	if !b.servers.Add(s.Spec.Name, s) {
		return false
	}
	if s.Usable() {
		b.changed(s)
		b.dequeueAll()
	}
	return true
}

// Retire has nobody go to a server that is in maintenance any more, as it is to be removed:
// some are sent to such servers, too ("force-persist", "option persist"). Threads whose next
// handler begins after it follow it. Without on they may again.
func (s *Server) Retire(on bool) { s.retiring.Store(on) }

// Retiring tells whether nobody may go to the server any more.
func (s *Server) Retiring() bool { return s.retiring.Load() }

// Remove takes a server that nobody uses out of the backend. It must be in
// maintenance and retiring, and since it is every thread must have been between two handlers
// once: then none of them goes to it any more. Whoever holds a slot of it, or a connection to
// it, or waits on for it (Waiter.Stays), makes it stay (ErrBusy).
func (b *Backend) Remove(s *Server) error {
	b.mu.Lock()
	switch {
	case s.Admin() != state.Maint:
		b.mu.Unlock()
		return ErrNotMaint
	case s.Cur.Load() > 0 || s.Queued.Load() > 0 || s.Conns.Used() > 0 || s.Conns.Idle() > 0:
		b.mu.Unlock()
		return ErrBusy
	}
	s.stopRamp()
	s.removed = true
	b.mu.Unlock()
	b.servers.Remove(s.Spec.Name)
	return nil
}

// Removed tells whether the server has been taken out of its backend.
func (s *Server) Removed() bool {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	return s.removed
}

// ServerByID is the server with a number, nil if there is none.
func (b *Backend) ServerByID(id int) *Server {
	for _, s := range b.Servers() {
		if s.Spec.ID == id {
			return s
		}
	}
	return nil
}

// FreeID is the lowest number that no server of the backend has, from 1.
func (b *Backend) FreeID() int {
	servers := b.Servers()
	used := make(map[int]bool, len(servers))
	for _, s := range servers {
		used[s.Spec.ID] = true
	}
	id := 1
	for used[id] {
		id++
	}
	return id
}
