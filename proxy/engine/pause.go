package engine

import (
	"fmt"

	"bench/internal/owned"
	"bench/internal/sock"
	"bench/proxy/log"
	"bench/proxy/spec"
	"bench/proxy/stream"
)

// Pause stops accepting on all frontends (SIGTTOU) and lets go of what another
// process could not bind beside this one, as the reference does: TCP ports and
// abstract sockets. Unix sockets with a path go on: their names can be taken
// from them.
func (e *Engine) Pause() {
	e.pauseStats(true)
	e.pausePeers(true)
	e.pauseAll(true)
}

// Resume undoes Pause (SIGTTIN), as far as nobody else has taken the addresses.
func (e *Engine) Resume() {
	e.pauseStats(false)
	e.pausePeers(false)
	e.pauseAll(false)
}

func (e *Engine) pauseAll(stop bool) {
	for _, f := range e.shared.Frontends.All() {
		if !f.Spec.Disabled && !f.Stopped.Load() {
			e.pause(f, stop)
		}
	}
}

// pause does for one frontend what Pause and Resume do for all. A frontend that
// cannot resume wholly counts as paused, so that the next attempt is made.
func (e *Engine) pause(f *stream.Frontend, stop bool) {
	e.pausing.Lock()
	defer e.pausing.Unlock()
	e.mu.Lock()
	if e.paused[f] == stop {
		e.mu.Unlock()
		return
	}
	e.paused[f] = stop
	var ls []*stream.Listener
	for _, l := range e.listeners {
		if l.Frontend == f && !named(l.Bind) {
			ls = append(ls, l)
		}
	}
	e.mu.Unlock()
	done := true
	for _, l := range ls {
		if stop {
			e.pauseListener(l)
			continue
		}
		if err := e.resumeListener(l); err != nil {
			e.alertf("frontend %s: cannot resume %s: %v", f.Spec.Name, l.Bind.Text, err)
			e.mu.Lock()
			e.paused[f] = true
			e.mu.Unlock()
			done = false
		}
	}
	if done {
		e.announcePause(f, stop)
	}
}

// pauseListener stops taking connections. e.pausing must be held.
func (e *Engine) pauseListener(l *stream.Listener) {
	owned.Held(&e.pausing)
	e.onEach(func(t *stream.Thread) { t.Drain(l); t.Unlisten(l) })
	switch {
	case l.Bind.Addr.IsAbstract() && l.FD >= 0:
		e.mu.Lock()
		fd := l.FD
		l.FD = -1
		e.mu.Unlock()
		sock.Close(fd)
	case releasable(l.Bind):
		if err := sock.StopListening(l.FD); err != nil {
			e.alertf("%s: %v", l.Bind.Text, err)
		}
	}
}

// resumeListener takes connections again. e.pausing must be held.
func (e *Engine) resumeListener(l *stream.Listener) error {
	owned.Held(&e.pausing)
	switch {
	case l.Bind.Addr.IsAbstract() && l.FD < 0:
		fd, err := e.open(l.Bind, l.Backlog)
		if err != nil {
			return err
		}
		e.mu.Lock()
		l.FD = fd
		e.mu.Unlock()
	case releasable(l.Bind):
		if err := sock.ListenAgain(l.FD, l.Backlog); err != nil {
			return err
		}
	}
	var failed error
	e.onEach(func(t *stream.Thread) {
		t.Unlisten(l) // of a thread that did resume when another could not
		if err := t.Listen(l); err != nil {
			failed = err
		}
	})
	return failed
}

// pauseStats is pause for the stats sockets.
func (e *Engine) pauseStats(stop bool) {
	e.pausing.Lock()
	defer e.pausing.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.api.SetPaused(stop)
	for _, s := range e.stats {
		if !releasable(s.bind) || s.paused == stop {
			continue
		}
		err := error(nil)
		if stop {
			err = sock.StopListening(s.fd)
		} else {
			err = sock.ListenAgain(s.fd, s.bind.Options.Backlog)
		}
		if err != nil {
			e.alert(log.Alert, fmt.Sprintf("stats socket %s: %v", s.bind.Text, err))
			continue
		}
		s.paused = stop
	}
}

// named tells whether a socket has a path.
func named(b *spec.Bind) bool { return b.FD < 0 && b.Addr.IsUnix() && !b.Addr.IsAbstract() }

// releasable tells whether a socket can stop listening and listen again. An
// inherited one belongs to somebody else, too, and a port that the kernel drew
// would be lost.
func releasable(b *spec.Bind) bool {
	return b.FD < 0 && !b.Addr.IsUnix() && b.Addr.AddrPort().Port() != 0
}
