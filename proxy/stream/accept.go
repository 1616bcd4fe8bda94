package stream

import (
	"math"
	"slices"
	"syscall"
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/proxy/certs"
	"bench/proxy/spec"
	"bench/proxy/stats"
)

// Listener is one bound address, shared by all threads.
type Listener struct {
	// Constant.

	Bind     *spec.Bind
	Frontend *Frontend
	Index    int // in Thread.Listeners
	Addr     sock.Addr
	Threads  []int           // that accept, by ID; nil: all
	Backlog  int             // 0: the system's
	TLS      *certs.Acceptor // nil: in clear

	// Atomic.

	Cur stats.Gauge // connections

	// FD changes only while no thread accepts. The engine guards it otherwise.
	FD int
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

// Listen begins accepting from l in this thread, if it is one of the listener's.
func (t *Thread) Listen(l *Listener) error {
	t.Loop.Own()
	t.addListener(l)
	if l.Threads != nil && !slices.Contains(l.Threads, t.ID) {
		return nil
	}
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

// Expired implements loop.TimerHandler, after a pause. A process that shares the
// socket, as the former one does for a while, may have paused it on its own
// account: this one, which has not been asked to, goes on.
func (a *acceptor) Expired(*loop.Timer) {
	if a.l != nil && !sock.IsListening(a.l.FD) {
		_ = sock.ListenAgain(a.l.FD, a.l.Backlog) // what fails is tried again by Run
	}
	a.Run()
}

// Run accepts up to tune.maxaccept connections. It implements loop.Runner.
func (a *acceptor) Run() {
	if a.l == nil {
		return
	}
	t := a.t
	a.held = false
	limit := t.Shared.Config.Global.Tune.MaxAccept
	for n := 0; limit <= 0 || n < limit; n++ {
		if d := a.l.wait(t); d > 0 {
			t.Loop.SetTimer(&a.timer, t.Loop.Now()+d, a)
			return
		}
		if !a.admit() {
			return
		}
		var peer sock.Addr
		fd, errno := sock.Accept(a.l.FD, &peer)
		if errno == 0 {
			a.l.used(t.Shared)
			a.hand(fd, peer)
			continue
		}
		a.l.leave(t.Shared)
		switch errno {
		case syscall.EAGAIN:
			t.Loop.Rearm(a.l.FD, poller.In)
			return
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EINVAL:
			// EINVAL: the socket does not listen any more.
			t.Loop.SetTimer(&a.timer, t.Loop.Now()+int64(acceptPause), a)
			return
		}
		// ECONNABORTED, EPROTO and the like concern that one connection only.
	}
	t.Loop.Wake(&a.task)
}

// excess is by how many connections a thread must have more than another before
// it gives new ones away: below, passing them on costs more than it evens out.
const excess = 8

// hand gives an accepted connection to the thread that is to have it: this one,
// or with tune.listener.multi-queue the listener's thread with the fewest, when
// this one has many more. Which thread the kernel wakes first is chance, and under
// a flood mostly the same.
func (a *acceptor) hand(fd int, peer sock.Addr) {
	t, l := a.t, a.l
	to := t
	if len(l.Threads) > 1 && t.Shared.Config.Global.Tune.MultiQueue {
		least := t.connections.Load() - excess
		for _, id := range l.Threads {
			if o := t.Shared.threads[id-1]; o.connections.Load() < least {
				to, least = o, o.connections.Load()
			}
		}
	}
	if to == t {
		t.newClient(fd, peer, l)
		return
	}
	// Counted here: those that follow in this turn must see it.
	to.connections.Add(1)
	handed := to.Loop.Post(func() {
		to.connections.Add(-1)
		to.newClient(fd, peer, l)
	})
	if !handed {
		to.connections.Add(-1)
		sock.Close(fd)
		l.leave(t.Shared)
	}
}

// admit takes the places of one more connection. At a limit it leaves the
// acceptor held, to be woken when a connection ends.
func (a *acceptor) admit() bool {
	sh, l := a.t.Shared, a.l
	for range 2 {
		if sh.Conns.TryTake(sh.MaxConn.Load()) {
			if l.Frontend.Cur.TryTake(l.Frontend.MaxConn.Load()) {
				limit := int64(l.Bind.MaxConn)
				if limit <= 0 {
					limit = math.MaxInt64
				}
				if l.Cur.TryTake(limit) {
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

// used says that there is a connection in the places that were taken for one.
func (l *Listener) used(sh *Shared) {
	sh.Conns.Used()
	l.Frontend.Cur.Used()
	l.Cur.Used()
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
