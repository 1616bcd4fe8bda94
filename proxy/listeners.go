package proxy

import (
	"fmt"
	"slices"

	"bench/internal/sock"
	"bench/proxy/spec"
	"bench/proxy/stream"
)

// Bind opens all listening sockets, unix ones first since they are the ones
// that others wait for. On an error nothing stays bound.
func (e *Engine) Bind() error {
	err := e.bindStats()
	for _, unixFirst := range []bool{true, false} {
		for _, f := range e.shared.Frontends {
			if f == nil || f.Spec.Disabled {
				continue
			}
			for _, b := range f.Spec.Binds {
				if err != nil || b.Addr.IsUnix() != unixFirst {
					continue
				}
				err = e.bind(f, b)
			}
		}
	}
	if err != nil {
		e.closeListeners()
		e.stopStats()
	}
	return err
}

func (e *Engine) bind(f *stream.Frontend, b *spec.Bind) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	index := e.bound
	e.bound++
	for _, threads := range shares(b, len(e.threads)) {
		fd, err := e.open(b, f.Spec.Backlog)
		if err != nil {
			return fmt.Errorf("starting frontend %s: %w [%s:%d]", f.Spec.Name, err, b.File, b.Line)
		}
		addr, errno := sock.LocalAddr(fd)
		if errno != 0 {
			addr = b.Addr
		}
		e.listeners = append(e.listeners, &stream.Listener{FD: fd, Bind: b, Frontend: f, Index: index, Addr: addr, Threads: threads})
	}
	return nil
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
	if opt.Backlog == 0 {
		opt.Backlog = backlog
	}
	opt.ReusePort = !e.cfg.Global.NoReusePort
	// TCP_NODELAY is inherited by what is accepted, which saves a call each.
	opt.NoDelay = true
	return sock.Listen(&b.Addr, &opt)
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
		ls = append(ls, Listener{FD: l.FD, Bind: l.Bind})
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
	e.mu.Lock()
	ls := e.listeners
	e.listeners = nil
	e.mu.Unlock()
	for _, l := range ls {
		e.unlisten(l)
	}
}

func (e *Engine) unlisten(l *stream.Listener) {
	if e.serving {
		e.onEach(func(t *stream.Thread) { t.Drain(l); t.Unlisten(l) })
	}
	sock.Close(l.FD)
}
