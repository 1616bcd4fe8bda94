package server

import (
	"sync"
	"sync/atomic"
	"time"

	"bench/proxy/spec"
	"bench/proxy/stats"
)

// Backend is the runtime side of a proxy that has servers.
type Backend struct {
	Spec    *spec.Proxy
	Servers []*Server

	// Cur counts the streams using the backend, in all threads.
	Cur stats.Gauge
	// Queued counts the streams waiting for any server of the backend.
	Queued stats.Gauge

	version atomic.Uint64
	waiting atomic.Int64 // in all queues of the backend

	mu        sync.Mutex
	queue     list
	lastUp    bool
	lastEvent time.Time
	downTime  time.Duration
	downs     uint64
}

// NewBackend makes the runtime objects of a proxy's servers. slot numbers the
// servers over all backends and is advanced.
func NewBackend(p *spec.Proxy, slot *int) *Backend {
	b := &Backend{Spec: p, lastEvent: time.Now(), lastUp: true}
	for i, sp := range p.Servers {
		s := &Server{Spec: sp, Backend: b, Index: i, Slot: *slot, changed: b.lastEvent}
		*slot++
		s.weight.Store(int32(sp.Weight))
		s.max.Store(int32(sp.MaxConn))
		s.ramp.Store(100)
		addr := sp.Addr
		s.addr.Store(&addr)
		s.unresolved.Store(sp.Unresolved)
		if sp.Disabled || sp.Unresolved {
			s.admin.Store(uint32(Maint))
		}
		b.Servers = append(b.Servers, s)
	}
	b.version.Store(1)
	b.lastUp = b.anyUsable()
	return b
}

// Version changes whenever a server's state or weight does, so that the
// threads know when their view of the farm is out of date.
func (b *Backend) Version() uint64 { return b.version.Load() }

func (b *Backend) changed() {
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
	b.version.Add(1)
}

func (b *Backend) anyUsable() bool {
	for _, s := range b.Servers {
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
	for _, s := range b.Servers {
		if !s.Spec.Backup && s.Usable() {
			dst = append(dst, s)
		}
	}
	if len(dst) > 0 {
		return dst
	}
	for _, s := range b.Servers {
		if s.Spec.Backup && s.Usable() {
			dst = append(dst, s)
			if !b.Spec.Options.AllBackups {
				break
			}
		}
	}
	return dst
}

// Count is the number of usable active and backup servers and their weights.
func (b *Backend) Count() (active, backup, weight int) {
	for _, s := range b.Usable(nil) {
		weight += s.Effective()
	}
	for _, s := range b.Servers {
		if s.Spec.Backup && s.Usable() {
			backup++
		}
	}
	return b.Active(), backup, weight
}

// Active is the number of usable servers that are no backup.
func (b *Backend) Active() (n int) {
	for _, s := range b.Servers {
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
