package server

import (
	"sync"
	"sync/atomic"
	"time"

	"bench/proxy/registry"
	"bench/proxy/spec"
	"bench/proxy/stats"
)

// Backend is the runtime side of a proxy that has servers.
type Backend struct {
	// Constant.

	Spec *spec.Proxy
	// Clock is that of the system, unless another one was put in its place before anybody
	// uses the backend.
	Clock Clock

	// Atomic.

	// Direct is the one that all go to for whom nothing names a server, nil if one is
	// chosen. It is none of Servers.
	Direct *Server

	servers registry.List[*Server]
	// Cur counts the streams using the backend, in all threads.
	Cur stats.Gauge
	// Queued counts the streams waiting for any server of the backend.
	Queued stats.Gauge
	Peaks  stats.Peaks // of the threads' rates
	// SessPace counts streams where samples ask for rates.
	SessPace stats.Pace
	version  atomic.Uint64
	waiting  atomic.Int64  // in all queues of the backend
	served   atomic.Int64  // slots taken of all servers, where they are counted
	arranged atomic.Uint64 // places given to servers (Server.Order)

	// Guarded by naming, which is held while the names of servers for cookies are made.

	naming  sync.Mutex
	dynamic dynamicCookies

	// Guarded by mu, as the state of its servers is.

	mu        sync.Mutex
	queue     queue
	lastUp    bool
	lastEvent time.Time
	downTime  time.Duration
	downs     uint64
}

// NewBackend makes the runtime objects of a proxy and its servers, which take their
// slots from slots.
func NewBackend(p *spec.Proxy, slots *registry.Slots) *Backend {
	b := &Backend{Spec: p, Clock: systemClock{}, lastEvent: time.Now(), lastUp: true}
	b.dynamic = dynamicCookies{on: p.Cookie != nil && p.Cookie.Dynamic, key: p.DynamicKey}
	for _, sp := range p.Servers {
		b.servers.Add(sp.Name, b.newServer(sp, slots.Take(), sp.Disabled))
	}
	if p.Direct != nil {
		b.Direct = b.newServer(p.Direct, slots.Take(), false)
		b.Direct.nameless = true
	}
	b.version.Store(1)
	b.lastUp = b.anyUsable()
	return b
}

// Servers are the servers there are now, in the order in which they were added. The
// slice must not be changed, and never changes by itself.
func (b *Backend) Servers() []*Server { return b.servers.All() }

// Server looks a server up by name.
func (b *Backend) Server(name string) (*Server, bool) { return b.servers.Get(name) }

// Version changes whenever a server's state or weight does, so that the
// threads know when their view of the farm is out of date.
func (b *Backend) Version() uint64 { return b.version.Load() }

// changed notes what follows from a change of s.
func (b *Backend) changed(s *Server) {
	b.mu.Lock()
	if up := b.anyUsable(); up != b.lastUp {
		now := time.Now()
		if up {
			b.downTime += now.Sub(b.lastEvent)
		} else {
			b.downs++
		}
		b.lastUp, b.lastEvent = up, now
	}
	b.mu.Unlock()
	s.note()
}

func (b *Backend) anyUsable() bool {
	for _, s := range b.Servers() {
		if s.Usable() {
			return true
		}
	}
	return false
}

// Usable appends to dst the servers that load balancing may choose from: the
// active ones, or without any the first usable backup server (all of them with
// "option allbackups").
func (b *Backend) Usable(dst []*Server) []*Server {
	servers := b.Servers()
	for _, s := range servers {
		if !s.Spec.Backup && s.Usable() {
			dst = append(dst, s)
		}
	}
	if len(dst) > 0 {
		return dst
	}
	for _, s := range servers {
		if s.Spec.Backup && s.Usable() {
			dst = append(dst, s)
			if !b.Spec.Options.AllBackups {
				break
			}
		}
	}
	return dst
}

// serves tells whether s is one of Usable.
func (b *Backend) serves(s *Server) bool {
	if !s.Usable() {
		return false
	}
	if !s.Spec.Backup {
		return true
	}
	var first *Server
	for _, o := range b.Servers() {
		switch {
		case !o.Usable():
		case !o.Spec.Backup:
			return false
		case first == nil:
			first = o
		}
	}
	return s == first || b.Spec.Options.AllBackups
}

// NumUsable is the number of servers that Usable lists.
func (b *Backend) NumUsable() int {
	if n := b.Active(); n > 0 {
		return n
	}
	n := 0
	for _, s := range b.Servers() {
		if s.Spec.Backup && s.Usable() {
			if n++; !b.Spec.Options.AllBackups {
				break
			}
		}
	}
	return n
}

// Served is the number of slots taken of all servers. It is known only where an
// algorithm needs it ("hash-balance-factor").
func (b *Backend) Served() int64 { return b.served.Load() }

// Waiting is the number of streams in all queues of the backend.
func (b *Backend) Waiting() int64 { return b.waiting.Load() }

// Count is the number of usable active and backup servers and their weights.
func (b *Backend) Count() (active, backup, weight int) {
	for _, s := range b.Usable(nil) {
		weight += s.Effective()
	}
	for _, s := range b.Servers() {
		if s.Spec.Backup && s.Usable() {
			backup++
		}
	}
	return b.Active(), backup, weight
}

// Active is the number of usable servers that are no backup.
func (b *Backend) Active() (n int) {
	for _, s := range b.Servers() {
		if !s.Spec.Backup && s.Usable() {
			n++
		}
	}
	return n
}

// Downtime is the time without a usable server, how often that began, and when
// the last change was.
func (b *Backend) Downtime(now time.Time) (total time.Duration, times uint64, since time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	total = b.downTime
	if !b.lastUp {
		total += now.Sub(b.lastEvent)
	}
	return total, b.downs, b.lastEvent
}
