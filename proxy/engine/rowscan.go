package engine

import (
	"iter"
	"time"

	"bench/internal/giveway"
	"bench/internal/loop"
	"bench/proxy/server"
	"bench/proxy/stats"
	"bench/proxy/stream"
)

// Rows are the rows of "show stat" in the order of configuration: per proxy its frontend,
// its listeners (with "option socket-stats"), its servers, its backend. They are taken
// a few at a time, so that whoever goes through them slowly holds nobody up and makes
// nothing wait in memory; each is true for the moment at which it was taken, and a
// server that is removed meanwhile is left out. Proxies that are disabled have none. A row
// is good until the next one.
// latency: the rows have how long streams took.
func (e *Engine) Rows(latency bool) iter.Seq[*stats.Row] {
	return func(yield func(*stats.Row) bool) {
		s := rowScan{e: e, latency: latency, yield: yield}
		for i, p := range e.proxies() {
			if !e.cfg.Proxies[i].Disabled && !s.proxy(&p) {
				return
			}
		}
		s.flush()
	}
}

// scanBatch is how many frontends, servers and backends are looked at together: for so
// long a thread does nothing else.
const scanBatch = 32

// rowScan gathers what rows are made of.
type rowScan struct {
	e       *Engine
	latency bool
	yield   func(*stats.Row) bool
	batch   []scanned
	rows    []stats.Row
	pacer   giveway.Pacer
}

// scanned is a frontend, a server, or a backend, and what was counted of it; the others are
// nil.
type scanned struct {
	f         *stream.Frontend
	front     stats.Frontend
	listeners []stats.Listener
	s         *server.Server
	side      stats.Server
	idle      stream.Idle
	gone      bool
	b         *server.Backend
	back      stats.Backend
}

func (x *rowScan) proxy(p *proxyMembers) bool {
	if p.f != nil && !x.add(scanned{f: p.f}) {
		return false
	}
	if p.b == nil {
		return true
	}
	for _, s := range p.b.Servers() {
		if !x.add(scanned{s: s}) {
			return false
		}
	}
	return x.add(scanned{b: p.b})
}

func (x *rowScan) add(u scanned) bool {
	x.batch = append(x.batch, u)
	return len(x.batch) < scanBatch || x.flush()
}

// flush takes the counters of the batch and gives its rows.
func (x *rowScan) flush() bool {
	x.take()
	x.pacer.Step()
	x.batch = x.batch[:0]
	for i := range x.rows {
		if !x.yield(&x.rows[i]) {
			return false
		}
		x.pacer.Step()
	}
	return true
}

func (x *rowScan) take() {
	e := x.e
	// Nobody adds or removes a server meanwhile: all threads have it, or none.
	e.members.Lock()
	defer e.members.Unlock()
	now := loop.Nanotime()
	e.onEach(func(t *stream.Thread) {
		for i := range x.batch {
			x.sum(&x.batch[i], t, now)
		}
	})
	wall := time.Now()
	x.rows = x.rows[:0]
	for i := range x.batch {
		u := &x.batch[i]
		switch {
		case u.f != nil:
			x.rows = append(x.rows, e.frontendRow(u.f, u.front.Totals(now)))
			if u.f.Spec.Options.SocketStats {
				x.rows = e.listenerRows(x.rows, u.f, u.listeners)
			}
		case u.s != nil && !u.gone:
			x.rows = append(x.rows, e.serverRow(u.s, u.side.Totals(now), u.idle, wall))
		case u.b != nil:
			x.rows = append(x.rows, backendRow(u.b, u.back.Totals(now), wall))
		}
	}
}

// sum adds what a thread has counted.
func (x *rowScan) sum(u *scanned, t *stream.Thread, now int64) {
	switch {
	case u.f != nil:
		u.front.Sum(&t.Fronts[u.f.Spec.Index].C, now)
		if u.f.Spec.Options.SocketStats {
			x.sumListeners(u, t)
		}
	case u.s != nil:
		side := t.Server(u.s)
		if side == nil {
			u.gone = true
			return
		}
		u.side.Sum(&side.C, now)
		idle := t.IdleConns(u.s)
		u.idle.Unsafe, u.idle.Safe = u.idle.Unsafe+idle.Unsafe, u.idle.Safe+idle.Safe
		if x.latency {
			u.side.Latency.Sum(&side.C.Latency)
		}
	case u.b != nil:
		c := &t.Backs[u.b.Spec.Index].C
		u.back.Sum(c, now)
		if x.latency {
			u.back.Latency.Sum(&c.Latency)
		}
	}
}

func (x *rowScan) sumListeners(u *scanned, t *stream.Thread) {
	if u.listeners == nil {
		u.listeners = make([]stats.Listener, x.e.binds)
	}
	for i := range u.listeners {
		if side := t.Listeners.At(i); side != nil {
			u.listeners[i].Sum(&side.C)
		}
	}
}
