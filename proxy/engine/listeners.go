package engine

import (
	"fmt"
	"slices"

	"bench/internal/sock"
	"bench/proxy/spec"
	"bench/proxy/stream"
)

// Bind opens all listening sockets. On an error it keeps those it has opened, and
// the next call goes on from there; Unbind lets go of them. Unix sockets have no
// name that clients could find them by before Publish.
func (e *Engine) Bind() error {
	if err := e.bindStats(); err != nil {
		return err
	}
	if err := e.bindPeers(); err != nil {
		return err
	}
	index, sockets := 0, 0
	for _, f := range e.shared.Frontends.All() {
		if f.Spec.Disabled {
			continue
		}
		for _, b := range f.Spec.Binds {
			for _, threads := range shares(b, len(e.threads)) {
				if sockets++; sockets <= len(e.listeners) {
					continue
				}
				if err := e.bind(f, b, index, threads); err != nil {
					return err
				}
			}
			index++
		}
	}
	for _, r := range e.relays {
		if err := r.bind(); err != nil {
			return err
		}
	}
	return e.listenAgain()
}

func (e *Engine) bind(f *stream.Frontend, b *spec.Bind, index int, threads []int) error {
	backlog := firstPositive(b.Options.Backlog, f.Spec.Backlog)
	fd, err := e.open(b, backlog)
	if err != nil {
		return fmt.Errorf("starting frontend %s: %w [%s:%d]", f.Spec.Name, err, b.File, b.Line)
	}
	addr, errno := sock.LocalAddr(fd)
	if errno != 0 {
		addr = b.Addr
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listeners = append(e.listeners, &stream.Listener{FD: fd, Bind: b, Frontend: f, Index: index, Addr: addr, Threads: threads, Backlog: backlog, TLS: e.acceptors[b]})
	return nil
}

// listenAgain undoes what the process that is being replaced has done to sockets
// it shares with this one, when it was asked to let go of its ports.
func (e *Engine) listenAgain() error {
	for _, l := range e.listeners {
		if !sock.IsListening(l.FD) {
			if err := sock.ListenAgain(l.FD, l.Backlog); err != nil {
				return fmt.Errorf("starting frontend %s: %s: %w [%s:%d]", l.Frontend.Spec.Name, l.Bind.Text, err, l.Bind.File, l.Bind.Line)
			}
		}
	}
	return nil
}

// Publish gives the unix sockets their names, which ends the service of another
// process under these: it comes when nothing is left that may fail.
func (e *Engine) Publish() error {
	for len(e.hidden) > 0 {
		h := e.hidden[0]
		e.hidden = e.hidden[1:]
		if err := h.Publish(); err != nil {
			return err
		}
	}
	return nil
}

// Unbind closes what Bind has opened.
func (e *Engine) Unbind() {
	for _, h := range e.hidden {
		h.Discard()
	}
	e.hidden = nil
	e.closeListeners()
	e.stopStats()
}

// shares deals the threads of a bind line out to its sockets: one socket for all
// of them, or several with as equal a share as can be.
func shares(b *spec.Bind, threads int) [][]int {
	var all []int
	for id := 1; id <= threads; id++ {
		if b.Threads == nil || slices.Contains(b.Threads, id) {
			all = append(all, id)
		}
	}
	n := min(b.Shards, len(all))
	switch {
	case b.Addr.IsUnix() || b.FD >= 0 || b.Shards == 0:
		n = 1 // neither can be bound twice
	case b.Shards == spec.ByThread:
		n = len(all)
	}
	sets := make([][]int, max(n, 1))
	for i, id := range all {
		at := i * len(sets) / len(all)
		sets[at] = append(sets[at], id)
	}
	return sets
}

// open binds an address, or takes an inherited descriptor that is.
func (e *Engine) open(b *spec.Bind, backlog int) (int, error) {
	if b.FD >= 0 {
		if !sock.IsListening(b.FD) {
			return -1, fmt.Errorf("descriptor %d (%s) is not a listening socket", b.FD, b.Text)
		}
		return b.FD, sock.SetNonblock(b.FD)
	}
	if e.opt.Take != nil {
		if fd, ok := e.opt.Take(b); ok {
			return fd, sock.SetNonblock(fd)
		}
	}
	opt := b.Options
	opt.Backlog = backlog
	opt.ReusePort = !e.cfg.Global.NoReusePort
	// TCP_NODELAY is inherited by what is accepted, which saves a call each.
	opt.NoDelay = true
	fd, hidden, err := sock.ListenHidden(&b.Addr, &opt)
	if hidden != nil {
		e.hidden = append(e.hidden, hidden)
	}
	return fd, err
}

// Listeners are the sockets that may be handed over to another process.
func (e *Engine) Listeners() []Listener {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.handable()
}

// handable is Listeners under the lock.
func (e *Engine) handable() []Listener {
	var ls []Listener
	for _, l := range e.listeners {
		if l.FD >= 0 {
			ls = append(ls, Listener{FD: l.FD, Bind: l.Bind})
		}
	}
	for _, r := range e.relays {
		for _, l := range r.listeners {
			ls = append(ls, Listener{FD: l.fd, Bind: l.bind})
		}
	}
	for _, x := range e.peerSockets {
		ls = append(ls, Listener{FD: x.fd, Bind: x.bind})
	}
	for _, s := range e.stats {
		ls = append(ls, Listener{FD: s.fd, Bind: s.bind, Stats: true})
	}
	return ls
}

// closeListeners stops accepting everywhere. Connections that the kernel has
// completed already are accepted first: they would be reset by the close,
// unless another process holds the same socket.
func (e *Engine) closeListeners() {
	e.pausing.Lock()
	defer e.pausing.Unlock()
	e.mu.Lock()
	ls := e.listeners
	e.listeners = nil
	e.mu.Unlock()
	for _, l := range ls {
		e.unlisten(l)
	}
	for _, r := range e.relays {
		r.stop()
	}
	e.closePeerSockets()
}

func (e *Engine) unlisten(l *stream.Listener) {
	if e.serving {
		e.onEach(func(t *stream.Thread) { t.Drain(l); t.Unlisten(l) })
	}
	if l.FD >= 0 {
		sock.Close(l.FD)
	}
}
