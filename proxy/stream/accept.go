package stream

import (
	"math"
	"syscall"
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/proxy/spec"
	"bench/proxy/stats"
)

// Listener is one bound address, shared by all threads.
type Listener struct {
	FD       int
	Bind     *spec.Bind
	Frontend *Frontend
	Index    int // in Thread.Listeners
	Addr     sock.Addr
	Cur      stats.Gauge // connections
}

// acceptor takes connections from one listener for one thread.
type acceptor struct {
	t     *Thread
	l     *Listener
	task  loop.Task
	timer loop.Timer
	// held: stopped at a limit with connections possibly waiting.
	held bool
}

// acceptPause is how long to leave a listener alone when descriptors or memory
// have run out.
const acceptPause = 100 * time.Millisecond

// Listen begins accepting from l in this thread.
func (t *Thread) Listen(l *Listener) error {
	a := &acceptor{t: t, l: l}
	a.task.R = a
	if err := t.Loop.Add(l.FD, poller.In, a); err != nil {
		return err
	}
	t.acceptors = append(t.acceptors, a)
	return nil
}

// Drain accepts what the kernel has completed already, before the socket is closed.
func (t *Thread) Drain(l *Listener) {
	for _, a := range t.acceptors {
		if a.l == l {
			a.Run()
		}
	}
}

// Unlisten stops accepting from l in this thread; the socket stays open.
func (t *Thread) Unlisten(l *Listener) {
	for i, a := range t.acceptors {
		if a.l == l {
			t.Loop.StopTimer(&a.timer)
			t.Loop.Remove(l.FD)
			a.l = nil
			t.acceptors = append(t.acceptors[:i], t.acceptors[i+1:]...)
			return
		}
	}
}

// Ready implements loop.Handler.
func (a *acceptor) Ready(poller.Events) { a.Run() }

// Expired implements loop.TimerHandler, after a pause.
func (a *acceptor) Expired(*loop.Timer) { a.Run() }

// Run accepts up to tune.maxaccept connections. It implements loop.Runner.
func (a *acceptor) Run() {
	if a.l == nil {
		return
	}
	t := a.t
	a.held = false
	limit := t.Shared.Config.Global.Tune.MaxAccept
	for n := 0; limit <= 0 || n < limit; n++ {
		if !a.admit() {
			return
		}
		var peer sock.Addr
		fd, errno := sock.Accept(a.l.FD, &peer)
		if errno == 0 {
			t.newClient(fd, peer, a.l)
			continue
		}
		a.l.leave(t.Shared)
		switch errno {
		case syscall.EAGAIN:
			t.Loop.Rearm(a.l.FD, poller.In)
			return
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
			t.Loop.SetTimer(&a.timer, t.Loop.Now()+int64(acceptPause), a)
			return
		}
		// ECONNABORTED, EPROTO and the like concern that one connection only.
	}
	t.Loop.Wake(&a.task)
}

// admit takes the places of one more connection. At a limit it leaves the
// acceptor held, to be woken when a connection ends.
func (a *acceptor) admit() bool {
	sh, l := a.t.Shared, a.l
	for range 2 {
		if sh.Conns.TryInc(sh.MaxConn.Load()) {
			if l.Frontend.Cur.TryInc(l.Frontend.MaxConn.Load()) {
				limit := int64(l.Bind.MaxConn)
				if limit <= 0 {
					limit = math.MaxInt64
				}
				if l.Cur.TryInc(limit) {
					return true
				}
				l.Frontend.Cur.Dec()
			}
			sh.Conns.Dec()
		}
		// Once more after the flag is up: a connection may have ended between
		// the attempt and the flag.
		a.held = true
		sh.starved.Store(true)
	}
	return false
}

// leave gives the places of a connection back.
func (l *Listener) leave(sh *Shared) {
	l.Cur.Dec()
	l.Frontend.Cur.Dec()
	sh.Conns.Dec()
}

// left notes that a connection has ended, which may let others in.
func (t *Thread) left(l *Listener) {
	l.leave(t.Shared)
	if t.Shared.starved.Load() && t.Shared.starved.CompareAndSwap(true, false) {
		for _, o := range t.Shared.threads {
			if o == t {
				t.wakeAcceptors()
			} else {
				o.Loop.Post(o.wakeAll)
			}
		}
	}
}

func (t *Thread) wakeAcceptors() {
	for _, a := range t.acceptors {
		if a.held {
			t.Loop.Wake(&a.task)
		}
	}
}

// WakeAcceptors lets held listeners try again, after a limit was raised. It may
// be called from any goroutine.
func (t *Thread) WakeAcceptors() { t.Loop.Post(t.wakeAll) }
