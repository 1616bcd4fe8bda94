// Package server holds the runtime side of backends: servers with their state,
// weight, slots and queue. It is shared by all threads, so everything here is
// atomic or behind the backend's lock, and the lock is only taken where a
// server is full or its state changes. Connections and protocols may not enter.
package server

import (
	"math"
	"sync/atomic"
	"time"

	"bench/internal/owned"
	"bench/internal/sock"
	"bench/proxy/certs"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/stats"
)

// Server is one server of a backend at run time.
type Server struct {
	// Constant.

	Spec    *spec.Server
	Backend *Backend
	// Slot is the position in tables of per-thread data over all servers. It is used
	// again once the server is gone.
	Slot int
	// Dynamic: it was added at run time.
	Dynamic bool
	// nameless: nobody is to see it (Backend.Direct).
	nameless bool
	// TLS is how it is connected to, unless Clear is set; nil: in clear.
	TLS *certs.Connector
	// Distrust is called by any thread when traffic has met too many errors in a row; nil:
	// nobody minds.
	Distrust func(why string)
	// counted: its slots count in Backend.served.
	counted bool
	// ordered: its place among equals is kept (Order).
	ordered    bool
	introduces bool

	// Atomic: threads read, the control plane and checks write.

	// SessPace counts streams where samples ask for rates.
	SessPace stats.Pace

	admin  atomic.Uint32
	health atomic.Uint32
	weight atomic.Int32 // as set, 0 to 256
	max    atomic.Int32 // maxconn as set; 0: no limit
	ramp   atomic.Int32 // percentage of a slow start, 100 when it is over
	addr   atomic.Pointer[sock.Addr]
	// offset is what is added to the port that the client came to; noOffset: the port is that
	// of addr.
	offset atomic.Int32
	cookie atomic.Pointer[string]
	// host is the host name that its address follows, "" if it follows none.
	host atomic.Pointer[string]
	// Clear: it is connected to in clear although TLS says how else.
	Clear atomic.Bool
	// unresolved: the server waits in maintenance for an address.
	unresolved atomic.Bool
	retiring   atomic.Bool  // see Retire
	errors     atomic.Int32 // in a row, of what is observed
	// moved and left are versions of the backend (Moved, Left).
	moved, left atomic.Uint64
	// ports counts what was taken of a range of source ports.
	ports atomic.Uint32

	// Atomic: counted by all threads.

	// Cur counts the sessions assigned to the server, in all threads.
	Cur stats.Gauge
	// Queued counts the streams waiting for this very server.
	Queued stats.Gauge
	order  atomic.Uint64
	// Conns counts the connections to the server.
	Conns Conns
	// Peaks is what the threads' rates have in common.
	Peaks stats.Peaks

	// Guarded by the backend's lock.

	queue       queue
	orders      Orders
	changed     time.Time // of the last change of state
	downTime    time.Duration
	transitions uint64 // times it went down
	ramps       uint64 // how many have begun or ended
	everMaint   bool   // it is in maintenance or was once
	removed     bool   // from the backend; nothing changes any more
	restored    bool   // see WasRestored
}

// Admin is the administrative state.
func (s *Server) Admin() state.Admin { return state.Admin(s.admin.Load()) }

// Health is the operational state.
func (s *Server) Health() state.Health { return state.Health(s.health.Load()) }

// Weight is the weight as set, 0 to 256.
func (s *Server) Weight() int { return int(s.weight.Load()) }

// MaxConn is the number of concurrent sessions as set; 0 is no limit. Limit is
// what is in force.
func (s *Server) MaxConn() int { return int(s.max.Load()) }

// Addr is where to connect to.
func (s *Server) Addr() *sock.Addr { return s.addr.Load() }

// ForOneClient tells whether a connection is of use to the client only that it was opened
// for: others may have to be connected elsewhere, or are not whom it introduces.
func (s *Server) ForOneClient() bool {
	return s.nameless || s.FollowsClient() || s.introduces
}

// Introduces tells whether the server learns by a connection who the client is.
func (s *Server) Introduces() bool { return s.introduces }

// Source is where connections to the server come from, nil if that is open.
func (s *Server) Source() *spec.Source {
	if s.Spec.Source != nil {
		return s.Spec.Source
	}
	return s.Backend.Spec.Source
}

// Named tells whether it is one of those that were configured, and not what stands for one.
func (s *Server) Named() bool { return !s.nameless }

// FollowsClient tells whether where to connect to depends on where the client came.
func (s *Server) FollowsClient() bool {
	if _, follows := s.PortOffset(); follows {
		return true
	}
	a := s.Addr()
	return !a.IsUnix() && a.AddrPort().Addr().IsUnspecified()
}

// noOffset is none that a port can have.
const noOffset = math.MinInt32

// PortOffset tells whether the port to connect to is that which the client came to, and what
// is added to it.
func (s *Server) PortOffset() (n int, follows bool) {
	n = int(s.offset.Load())
	return n, n != noOffset
}

// FollowPort makes the port of new connections follow that of the client; FixPort makes it that
// of the address again.
func (s *Server) FollowPort(offset int) { s.offset.Store(int32(offset)) }

// FixPort undoes FollowPort.
func (s *Server) FixPort() { s.offset.Store(noOffset) }

// Unresolved tells whether the server has no address yet; until then it stays in
// maintenance, whatever else is decided of it.
func (s *Server) Unresolved() bool { return s.unresolved.Load() }

// NextPort counts up, for the choice of a source port.
func (s *Server) NextPort() uint32 { return s.ports.Add(1) - 1 }

// Usable tells whether the server may get new sessions by load balancing.
func (s *Server) Usable() bool {
	return s.Admin() == state.Ready && s.Health() == state.Up && s.weight.Load() > 0
}

// Running tells whether the server may take a session at all: it is not down
// and not in maintenance.
func (s *Server) Running() bool { return s.Admin() != state.Maint && s.Health() != state.Down }

// Full tells whether all slots are taken.
func (s *Server) Full() bool {
	m := s.Limit()
	return m > 0 && s.Cur.Load() >= m
}

// Admits tells whether the server has a slot free, or with "maxqueue" a place to wait
// for one.
func (s *Server) Admits() bool {
	m := s.Limit()
	return m == 0 || s.Cur.Load()+s.Queued.Load() < m+int64(s.Spec.MaxQueue)
}

// TryAcquire takes a slot, and reports false if the server is full.
func (s *Server) TryAcquire() bool {
	if m := s.Limit(); m == 0 {
		s.Cur.Inc()
	} else if !s.Cur.TryInc(m) {
		return false
	}
	if s.counted {
		s.Backend.served.Add(1)
	}
	s.arrange()
	return true
}

// Enter is TryAcquire for those who come: of a server with a limit they get no slot
// while others wait for the server.
func (s *Server) Enter() bool {
	return (s.max.Load() == 0 || s.Queued.Load() == 0) && s.TryAcquire()
}

// QueueFull tells whether "maxqueue" lets nobody else wait for the server.
func (s *Server) QueueFull() bool {
	return s.Spec.MaxQueue > 0 && s.Queued.Load() >= int64(s.Spec.MaxQueue)
}

// EverMaint tells whether the server is in maintenance or was once.
func (s *Server) EverMaint() bool {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	return s.everMaint
}

// Since is when the state last changed.
func (s *Server) Since() time.Time {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	return s.changed
}

// Downtime is the time spent down, and how often the server went down or into
// maintenance. As in the reference a maintenance counts as long as it lasts, and no
// longer.
func (s *Server) Downtime(now time.Time) (total time.Duration, times uint64) {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	total = s.downTime
	if !s.Running() {
		total += now.Sub(s.changed)
	}
	return total, s.transitions
}

// ForgetDowns counts anew how often the server goes down.
func (s *Server) ForgetDowns() {
	s.Backend.mu.Lock()
	defer s.Backend.mu.Unlock()
	s.transitions = 0
}

// SetAddr changes where to connect to, from the next connection on. One that had no address
// takes part again by Readmit.
func (s *Server) SetAddr(a sock.Addr) {
	s.addr.Store(&a)
	s.nameCookie()
	s.unresolved.Store(false)
}

// SetMaxConn changes the number of slots and lets waiting streams in.
func (s *Server) SetMaxConn(n int) {
	s.max.Store(int32(n))
	s.Backend.Dequeue(s)
}

// SetWeight changes the weight, 0 to 256.
func (s *Server) SetWeight(n int) {
	if s.weight.Swap(int32(n)) == int32(n) {
		return // or it would lose its place
	}
	s.Backend.changed(s)
	s.Backend.dequeueAll()
}

// noteDowntime ends what is counted of the present state, which is about to change.
// The backend's lock must be held.
func (s *Server) noteDowntime() {
	owned.Held(&s.Backend.mu)
	now := time.Now()
	if s.Health() == state.Down && s.Admin() != state.Maint {
		s.downTime += now.Sub(s.changed)
	}
	s.changed = now
}

// SetHealth is Decide for the operational state. Maintenance hides it: what changes of it
// meanwhile is seen, and counts, from its end on.
func (s *Server) SetHealth(h state.Health) (changed bool, requeued int) {
	b := s.Backend
	b.mu.Lock()
	old := s.Health()
	if old == h || s.removed {
		b.mu.Unlock()
		return false, 0
	}
	if s.Admin() == state.Maint {
		s.health.Store(uint32(h))
		b.mu.Unlock()
		return false, 0
	}
	if old == state.Down {
		s.startSlowly()
	}
	if h == state.Down {
		s.transitions++
		s.stopRamp()
	}
	s.noteDowntime()
	s.health.Store(uint32(h))
	b.mu.Unlock()
	b.changed(s)
	if h == state.Down {
		requeued = b.redistribute(s)
	}
	b.dequeueAll()
	return true, requeued
}
