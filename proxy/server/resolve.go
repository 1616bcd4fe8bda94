package server

import "bench/proxy/state"

// LoseAddr makes the server wait in maintenance for an address: its name leads nowhere.
// It reports whether that changed anything, and how many waiting streams had to choose
// again. A server that is kept in maintenance stays as it is.
func (s *Server) LoseAddr() (changed bool, requeued int) {
	s.Backend.mu.Lock()
	if s.Admin() != state.Maint {
		s.unresolved.Store(true)
	}
	return s.follow()
}

// Readmit lets a server take part again that has an address now, as far as nothing else keeps
// it from that.
func (s *Server) Readmit() (changed bool, requeued int) {
	s.Backend.mu.Lock()
	return s.follow()
}

// Host is the host name that the server's address was looked up by, "" if none was.
func (s *Server) Host() string { return *s.host.Load() }

// SetHost sets it.
func (s *Server) SetHost(name string) { s.host.Store(&name) }
