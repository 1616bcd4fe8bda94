// Package server holds the runtime side of backends: servers with their state,
// weight, slots and queue. It is shared by all threads, so everything here is
// atomic or behind the backend's lock, and the lock is only taken where a
// server is full or its state changes. Connections and protocols may not enter.
package server

import (
	"sync/atomic"
	"time"

	"bench/internal/sock"
	"bench/proxy/spec"
	"bench/proxy/stats"
)

// Admin is the administrative part of a server's state.
type Admin uint32

// Administrative states (management manual, "set server").
const (
	Ready Admin = iota
	Drain       // no new sessions but persistent ones
	Maint       // no sessions, no checks
)

// Health is the operational part of a server's state.
type Health uint32

// Operational states.
const (
	Up       Health = iota
	Stopping        // soft-stopped by a check ("NOLB")
	Down
)

// Server is one server of a backend at run time.
type Server struct {
	Spec    *spec.Server
	Backend *Backend
	Index   int // within the backend
	// Slot is the position in tables of per-thread data over all servers.
	Slot int

	admin  atomic.Uint32
	health atomic.Uint32
	weight atomic.Int32 // as set, 0 to 256
	max    atomic.Int32 // maxconn as set; 0: no limit
	ramp   atomic.Int32 // percentage of a slow start, 100 when it is over
	addr   atomic.Pointer[sock.Addr]
	// unresolved: the server waits in maintenance for an address.
	unresolved atomic.Bool
	// ports counts what was taken of a range of source ports.
	ports atomic.Uint32

	// Cur counts the sessions assigned to the server, in all threads.
	Cur stats.Gauge
	// Queued counts the streams waiting for this very server.
	Queued stats.Gauge
	// Conns counts the connections to the server.
	Conns Conns

	// The following belong to the backend's lock.
	queue       list
	changed     time.Time // of the last change of state
	downTime    time.Duration
	transitions uint64 // times it went down
	rampTimer   *time.Timer
}

// Admin is the administrative state.
func (s *Server) Admin() Admin { return Admin(s.admin.Load()) }

// Health is the operational state.
func (s *Server) Health() Health { return Health(s.health.Load()) }

// Weight is the weight as set, 0 to 256.
func (s *Server) Weight() int { return int(s.weight.Load()) }

// MaxConn is the number of concurrent sessions as set; 0 is no limit. Limit is
// what is in force.
func (s *Server) MaxConn() int { return int(s.max.Load()) }

// Addr is where to connect to.
func (s *Server) Addr() *sock.Addr { return s.addr.Load() }

// FollowsClient tells whether where to connect to depends on where the client came.
func (s *Server) FollowsClient() bool {
	if s.Spec.MapPort {
		return true
	}
	a := s.Addr()
	return !a.IsUnix() && a.AddrPort().Addr().IsUnspecified()
}

// Unresolved tells whether the server has no address yet; until SetAddr it stays in
// maintenance.
func (s *Server) Unresolved() bool { return s.unresolved.Load() }

// NextPort counts up, for the choice of a source port.
func (s *Server) NextPort() uint32 { return s.ports.Add(1) - 1 }

// Usable tells whether the server may get new sessions by load balancing.
func (s *Server) Usable() bool {
	return s.admin.Load() == uint32(Ready) && s.health.Load() == uint32(Up) && s.weight.Load() > 0
}

// Running tells whether the server may take a session at all: it is not down
// and not in maintenance.
func (s *Server) Running() bool {
	return s.admin.Load() != uint32(Maint) && s.health.Load() != uint32(Down)
}

// Full tells whether all slots are taken.
func (s *Server) Full() bool {
	m := s.Limit()
	return m > 0 && s.Cur.Load() >= m
}

// TryAcquire takes a slot, and reports false if the server is full.
func (s *Server) TryAcquire() bool {
	m := s.Limit()
	if m == 0 {
		s.Cur.Inc()
		return true
	}
	return s.Cur.TryInc(m)
}

// Since is when the state last changed.
func (s *Server) Since() time.Time {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	return s.changed
}

// Downtime is the time spent down and how often the server went down.
func (s *Server) Downtime(now time.Time) (total time.Duration, times uint64) {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	total = s.downTime
	if s.Health() == Down {
		total += now.Sub(s.changed)
	}
	return total, s.transitions
}

// SetAddr changes where to connect to, from the next connection on.
func (s *Server) SetAddr(a sock.Addr) {
	s.addr.Store(&a)
	s.unresolved.Store(false)
}

// SetMaxConn changes the number of slots and lets waiting streams in.
func (s *Server) SetMaxConn(n int) {
	s.max.Store(int32(n))
	s.Backend.Dequeue(s)
}

// SetWeight changes the weight, 0 to 256.
func (s *Server) SetWeight(n int) {
	s.weight.Store(int32(n))
	s.Backend.changed()
	s.Backend.Dequeue(s)
}

// SetAdmin changes the administrative state. It reports whether it was another,
// and how many waiting streams had to choose again.
func (s *Server) SetAdmin(a Admin) (changed bool, requeued int) {
	b := s.Backend
	b.mu.Lock()
	if s.Admin() == a || s.Unresolved() {
		b.mu.Unlock()
		return false, 0
	}
	if s.Admin() == Maint && s.Health() != Down {
		s.startSlowly()
	}
	s.admin.Store(uint32(a))
	s.changed = time.Now()
	b.mu.Unlock()
	b.changed()
	if a == Maint {
		requeued = b.redistribute(s)
	}
	b.Dequeue(s)
	return true, requeued
}

// SetHealth is SetAdmin for the operational state.
func (s *Server) SetHealth(h Health) (changed bool, requeued int) {
	b := s.Backend
	b.mu.Lock()
	old := s.Health()
	if old == h {
		b.mu.Unlock()
		return false, 0
	}
	now := time.Now()
	if old == Down {
		s.downTime += now.Sub(s.changed)
		s.startSlowly()
	}
	if h == Down {
		s.transitions++
		s.stopRamp()
	}
	s.health.Store(uint32(h))
	s.changed = now
	b.mu.Unlock()
	b.changed()
	if h == Down {
		requeued = b.redistribute(s)
	}
	b.Dequeue(s)
	return true, requeued
}
