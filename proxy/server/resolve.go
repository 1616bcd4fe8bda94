package server

import "bench/proxy/state"

// LoseAddr makes the server wait in maintenance for an address: its name leads nowhere.
// It reports whether that changed anything, and how many waiting streams had to choose
// again. A server that somebody keeps in maintenance stays as it is.
func (s *Server) LoseAddr() (changed bool, requeued int) {
	if changed, requeued = s.SetAdmin(state.Maint); changed {
		s.unresolved.Store(true)
	}
	return changed, requeued
}

// Host is the host name that the server's address was looked up by, "" if none was.
func (s *Server) Host() string { return *s.host.Load() }

// SetHost sets it.
func (s *Server) SetHost(name string) { s.host.Store(&name) }
