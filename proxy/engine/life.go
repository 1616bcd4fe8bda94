package engine

import (
	"fmt"
	"sync"

	"bench/proxy/log"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/stats"
	"bench/proxy/stream"
)

// What befalls proxies as a whole, in the words of the reference.

// role is what messages call a proxy by the sides it has.
func role(p *spec.Proxy) string {
	switch p.Caps {
	case spec.Frontend:
		return "frontend"
	case spec.Backend:
		return "backend"
	}
	return "proxy"
}

// off tells whether a proxy is disabled, or was stopped.
func (e *Engine) off(p *spec.Proxy) bool {
	f, ok := e.shared.Frontends.Get(p.Name)
	return p.Disabled || ok && f.Spec == p && f.Stopped.Load()
}

// announcePause tells that a frontend accepts no more for now, or again.
func (e *Engine) announcePause(f *stream.Frontend, stop bool) {
	what := "Resumed"
	if stop {
		what = "Paused"
	}
	e.proxyMessage(f.Spec.Index, log.Warning, fmt.Sprintf("%s %s %s.", what, role(f.Spec), f.Spec.Name))
}

// announceStop tells of proxies that take nothing any more, and how much they have taken;
// only is the one that it is about, nil for all that have not stopped before.
func (e *Engine) announceStop(only *spec.Proxy) {
	if !e.serving {
		return
	}
	front, back := map[int]uint64{}, map[int]uint64{}
	for r := range e.Rows(false) {
		switch r.Type {
		case stats.RowFrontend:
			front[r.ProxyID] = r.Totals.Conns
		case stats.RowBackend:
			back[r.ProxyID] = r.Totals.Sessions
		case stats.RowListener, stats.RowServer:
		}
	}
	tell := func(side spec.Caps) {
		for i, p := range e.cfg.Proxies {
			if p.Caps&spec.Frontend == side && (p == only || only == nil && !e.off(p)) {
				e.proxyMessage(i, log.Warning, fmt.Sprintf("Proxy %s stopped (cumulated conns: FE: %d, BE: %d).", p.Name, front[p.ID], back[p.ID]))
			}
		}
	}
	tell(spec.Frontend) // they stop with their listeners
	tell(0)
}

// announceHardStop tells that the time for the last sessions is over, and whose they are.
func (e *Engine) announceHardStop() {
	const text = "soft-stop running for too long, performing a hard-stop."
	e.messages.send(-1, log.Warning, text)
	e.alert(log.Warning, text)
	for _, f := range e.shared.Frontends.All() {
		if n := f.Cur.Load(); n > 0 {
			e.proxyMessage(f.Spec.Index, log.Warning, fmt.Sprintf("Proxy %s hard-stopped (%d remaining conns will be closed).", f.Spec.Name, n))
		}
	}
}

// emptiness knows which backends have no server that may be used, so that it is told once.
type emptiness struct {
	mu    sync.Mutex
	empty map[*server.Backend]bool
}

// changed tells whether a backend has lost its last server since it was asked before.
func (x *emptiness) changed(b *server.Backend) bool {
	active, backup, _ := b.Count()
	x.mu.Lock()
	defer x.mu.Unlock()
	was := x.empty[b]
	if x.empty == nil {
		x.empty = map[*server.Backend]bool{}
	}
	x.empty[b] = active+backup == 0
	return x.empty[b] && !was
}

// announceEmpty tells of a backend that has lost its last server. It is called whenever a
// server may have become usable or stopped being so.
func (e *Engine) announceEmpty(b *server.Backend) {
	if !e.emptiness.changed(b) {
		return
	}
	const what = "has no server available!"
	p := b.Spec
	text := role(p) + " " + p.Name + " " + what
	e.events.add(p.Name, text, log.Emergency)
	e.messages.send(p.Index, log.Emergency, text)
	e.alert(log.Alert, fmt.Sprintf("%s '%s' %s", role(p), p.Name, what))
}
