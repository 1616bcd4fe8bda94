package server

// What a server gets of the requests depends on what happened to the servers of its
// backend, and in which order. Threads look at a farm only when they choose the next
// server, by when several things may have happened; so each server keeps when it last
// changed, in versions of its backend.

// Moved is the version of the backend as of which the server's share of the requests is
// what it is.
func (s *Server) Moved() uint64 { return s.moved.Load() }

// Left is the version of the backend with which the server last ceased to be usable.
func (s *Server) Left() uint64 { return s.left.Load() }

// note makes threads look at the farm again, after a change of the server's share.
func (s *Server) note() {
	v := s.Backend.version.Add(1)
	s.moved.Store(v)
	if !s.Usable() {
		s.left.Store(v)
	}
	s.arrange()
}

// Order is the place of the server among those of its backend that have as many sessions
// for their weight: who has waited longest for a change of that number has the lowest. It
// is kept where an algorithm needs it ("leastconn").
func (s *Server) Order() uint64 { return s.order.Load() }

// arrange puts the server behind those that have as many sessions for their weight.
func (s *Server) arrange() {
	if s.ordered {
		s.order.Store(s.Backend.arranged.Add(1))
	}
}
