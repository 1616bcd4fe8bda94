package engine

import (
	"crypto/tls"
	"fmt"

	"bench/internal/sock"
	"bench/proxy/peering"
	"bench/proxy/spec"
	"bench/proxy/table"
)

// peerSocket is one bound address of a "peers" section.
type peerSocket struct {
	fd    int
	bind  *spec.Bind
	group int
}

// preparePeers makes the groups of processes that share tables.
func (e *Engine) preparePeers() error {
	for i, s := range e.cfg.Peers {
		for _, b := range s.Binds {
			if b.TLS == nil {
				continue
			}
			a, _, err := e.certs.Acceptor(b.TLS)
			if err != nil {
				return fmt.Errorf("%s:%d: bind '%s': %w", b.File, b.Line, b.Text, err)
			}
			e.acceptors[b] = a
		}
		secure := map[*spec.Peer]func() *tls.Config{}
		for _, p := range s.Peers {
			if p.TLS == nil {
				continue
			}
			c, _, err := e.certs.Connector(p.TLS)
			if err != nil {
				return fmt.Errorf("%s:%d: peer '%s': %w", p.File, p.Line, p.Name, err)
			}
			secure[p] = func() *tls.Config { return c.To(nil).Config() }
		}
		var shared []*table.Table
		for _, t := range e.shared.Tables {
			if t.Peers == s.Name {
				shared = append(shared, t)
			}
		}
		// Each works on one loop, whatever threads change its tables.
		at := i % len(e.loops)
		e.groups = append(e.groups, peering.New(peering.Config{
			Spec: s, Local: e.cfg.Global.LocalPeer, Tables: shared, Loop: e.loops[at], Kit: &e.threads[at].Kit, TLS: e.threads[at].TLS,
			Secure: func(p *spec.Peer) *tls.Config {
				if cfg := secure[p]; cfg != nil {
					return cfg()
				}
				return nil
			},
			Replaces: e.opt.Replaces, AtOnce: e.cfg.Global.Tune.PeerUpdates, Times: peering.StandardTimes(),
		}))
	}
	return nil
}

// bindPeers opens the sockets that peers connect to.
func (e *Engine) bindPeers() error {
	n := 0
	for i, s := range e.cfg.Peers {
		for _, b := range s.Binds {
			if n++; n <= len(e.peerSockets) {
				continue
			}
			fd, err := e.open(b, b.Options.Backlog)
			if err != nil {
				return fmt.Errorf("starting peers %s: %w [%s:%d]", s.Name, err, b.File, b.Line)
			}
			e.mu.Lock()
			e.peerSockets = append(e.peerSockets, &peerSocket{fd: fd, bind: b, group: i})
			e.mu.Unlock()
		}
	}
	for _, x := range e.peerSockets {
		if !sock.IsListening(x.fd) {
			if err := sock.ListenAgain(x.fd, x.bind.Options.Backlog); err != nil {
				return fmt.Errorf("starting peers %s: %s: %w", e.cfg.Peers[x.group].Name, x.bind.Text, err)
			}
		}
	}
	return nil
}

// startPeers begins to listen and to connect, before the loops run.
func (e *Engine) startPeers() error {
	for i, g := range e.groups {
		if err := e.listenForPeers(i); err != nil {
			return err
		}
		g.Start()
	}
	return nil
}

// listenForPeers accepts for one group, on its loop or before that runs.
func (e *Engine) listenForPeers(group int) error {
	for _, x := range e.peerSockets {
		if x.group != group {
			continue
		}
		var secure func() *tls.Config
		if a := e.acceptors[x.bind]; a != nil {
			secure = a.Config
		}
		if err := e.groups[group].Listen(x.fd, secure); err != nil {
			return fmt.Errorf("%s: %w", x.bind.Text, err)
		}
	}
	return nil
}

// closePeerSockets stops accepting from peers.
func (e *Engine) closePeerSockets() {
	e.mu.Lock()
	gone := e.peerSockets
	e.peerSockets = nil
	e.mu.Unlock()
	if e.serving {
		for i, g := range e.groups {
			e.loops[i%len(e.loops)].Call(g.Unlisten)
		}
	}
	for _, x := range gone {
		sock.Close(x.fd)
	}
}

// pausePeers lets go of the addresses that peers connect to, or takes them back.
func (e *Engine) pausePeers(stop bool) {
	e.pausing.Lock()
	defer e.pausing.Unlock()
	if e.peersPaused == stop {
		return
	}
	e.peersPaused = stop
	for i, g := range e.groups {
		e.loops[i%len(e.loops)].Call(g.Unlisten)
	}
	for _, x := range e.peerSockets {
		var err error
		if stop {
			err = sock.StopListening(x.fd)
		} else {
			err = sock.ListenAgain(x.fd, x.bind.Options.Backlog)
		}
		if err != nil {
			e.alertf("peers %s: %s: %v", e.cfg.Peers[x.group].Name, x.bind.Text, err)
		}
	}
	if stop {
		return
	}
	for i := range e.groups {
		e.loops[i%len(e.loops)].Call(func() {
			if err := e.listenForPeers(i); err != nil {
				e.alertf("peers %s: %v", e.cfg.Peers[i].Name, err)
			}
		})
	}
}

// teachPeers has every group teach the process that replaces this one.
func (e *Engine) teachPeers() {
	if !e.serving {
		return
	}
	for i, g := range e.groups {
		e.teaching.Add(1)
		if !e.loops[i%len(e.loops)].Post(func() { g.Stop(func() { e.teaching.Add(-1) }) }) {
			e.teaching.Add(-1)
		}
	}
}

// Peers implements cli.Engine.
func (e *Engine) Peers() []peering.View {
	var all []peering.View
	for _, g := range e.groups {
		if v, ok := g.View(); ok {
			all = append(all, v)
		}
	}
	return all
}

// countPeers counts those with which there is a connection, or an attempt at one, and
// those with which there is one.
func (e *Engine) countPeers() (active, connected int) {
	for _, v := range e.Peers() {
		for i := range v.Peers {
			if v.Peers[i].Active {
				active++
			}
			if v.Peers[i].Good {
				connected++
			}
		}
	}
	return active, connected
}
