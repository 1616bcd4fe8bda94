// Package loop is the event loop that the engine, the load generator and the
// origins run on: one poller, one timer queue, one run queue, one thread.
// What happens on readiness belongs to the handlers; only the turning of the
// loop may enter here.
//
// A turn waits for readiness, runs the handlers, then the timers that are due,
// then what other goroutines posted, then the tasks that were queued before
// the turn began, and at last those that asked for its end. Nothing in a turn allocates, locks (unless something was
// posted) or enters the Go scheduler, except a wait that lasts.
package loop

import (
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"bench/internal/owned"
	"bench/internal/poison"
	"bench/internal/poller"
	"bench/internal/sock"
)

// ScratchSize is the length of the shared receive buffer in bytes.
const ScratchSize = 64 << 10

const batch = 256

// Handler owns a descriptor.
type Handler interface {
	// Ready reports readiness by the contract of package poller.
	Ready(ev poller.Events)
}

// Runner is work for the run queue.
type Runner interface{ Run() }

// Task queues a Runner at most once at a time. The zero value is idle.
type Task struct {
	R      Runner
	queued bool
}

// Queued reports whether the task waits to be run.
func (t *Task) Queued() bool { return t.queued }

type slot struct {
	h   Handler
	gen uint32
}

// Loop is one event loop. Unless said otherwise its methods may be called only
// on the loop's own goroutine, or before Run.
type Loop struct {
	// Of the loop's goroutine.

	p       poller.Poller
	slots   []slot
	gen     uint32
	now     int64
	timers  timers
	events  [batch]poller.Event
	runq    []*Task
	running []*Task
	late    []*Task
	scratch []byte
	lent    bool // a handler has the scratch buffer
	spin    int64
	adapt   adaption
	watch   int64
	active  int64 // when an event was last handled, if watch is set
	idle    int64
	turns   uint64
	counts  Counts
	// profiling: profiles say how long handlers take.
	profiling bool
	profiles  map[reflect.Type]*Profile

	atEnd []func()

	// Constant.

	wakeFD int
	done   chan struct{} // closed at the end

	// Atomic.

	owner    owned.Thread
	signaled atomic.Bool
	stopping atomic.Bool

	// Guarded by mu.

	mu     sync.Mutex
	posted []func()
	closed bool
}

// Own panics in builds that check it (package owned) unless it is called on the loop's
// goroutine, or while the loop does not run. Whoever keeps things that belong to a loop
// calls it where they are touched.
func (l *Loop) Own() { l.owner.Check() }

// New makes a loop on the named poller ("" takes the best). maxFD is one above
// the highest descriptor expected and only sizes tables, the kernel's too.
func New(pollerName string, maxFD int) (*Loop, error) {
	sock.ReserveFDs(maxFD)
	p, err := poller.New(pollerName, maxFD)
	if err != nil {
		return nil, err
	}
	return NewOn(p, maxFD)
}

// NewOn is New on a poller that there is, which becomes the loop's.
func NewOn(p poller.Poller, maxFD int) (*Loop, error) {
	wake, err := sock.NewBell()
	if err != nil {
		p.Close()
		return nil, err
	}
	l := &Loop{p: p, wakeFD: wake, scratch: make([]byte, ScratchSize), slots: make([]slot, max(maxFD, 64)), done: make(chan struct{})}
	l.now = Nanotime()
	if err := l.Add(wake, poller.In, waker{l}); err != nil {
		p.Close()
		sock.Close(wake)
		return nil, err
	}
	return l, nil
}

// NewQuickest makes a loop on the poller that a request costs least with, or on the
// best one where that is refused: its memory may be used up by other processes.
func NewQuickest(maxFD int) (*Loop, error) {
	l, err := New(poller.Quickest(), maxFD)
	if err != nil {
		l, err = New("", maxFD)
	}
	return l, err
}

// running counts the loops of the process, as GOMAXPROCS is of the process.
var running atomic.Int32

// spare is the number of processors of the Go scheduler for all that are not
// loops: a garbage collection, and those who report or answer commands.
const spare = 3

// makeRoom raises GOMAXPROCS: a loop holds a processor of the scheduler also
// through its short waits (poller.ShortWait), so that other goroutines need some
// of their own, also where one CPU is all there is.
func makeRoom(loops int32) {
	if want := int(loops) + spare; runtime.GOMAXPROCS(0) < want {
		runtime.GOMAXPROCS(want)
	}
}

// Poller is the name of the mechanism in use.
func (l *Loop) Poller() string { return l.p.Name() }

// Now is the time of this turn on the clock of Nanotime.
func (l *Loop) Now() int64 { return l.now }

// Refresh reads the clock again within a turn and returns it.
func (l *Loop) Refresh() int64 {
	l.now = Nanotime()
	return l.now
}

// Scratch is a receive buffer shared by all handlers of the loop: what is in it
// is lost when the handler returns. Tests overwrite it then (package poison).
func (l *Loop) Scratch() []byte {
	l.Own()
	l.lent = true
	return l.scratch
}

// spoil overwrites the scratch buffer, in tests, if a handler has had it.
func (l *Loop) spoil() {
	if l.lent {
		l.lent = false
		poison.Fill(l.scratch)
	}
}

// Idle is the time spent waiting so far, in nanoseconds, asleep or spinning.
func (l *Loop) Idle() int64 { return l.idle }

// Turns is the number of turns so far.
func (l *Loop) Turns() uint64 { return l.turns }

// SetSpin makes the loop poll without sleeping for the last ns nanoseconds
// before a timer is due, for those who need it on time.
func (l *Loop) SetSpin(ns int64) { l.spin = ns }

// SetWatch makes the loop go on polling without sleeping for ns nanoseconds after
// an event, for those who expect the next one at once: the peer then need not
// wake this thread.
func (l *Loop) SetWatch(ns int64) { l.watch = ns }

// Add gives fd to h, armed for want.
func (l *Loop) Add(fd int, want poller.Events, h Handler) error {
	l.Own()
	for fd >= len(l.slots) {
		l.slots = append(l.slots, make([]slot, len(l.slots))...)
	}
	l.gen++
	if err := l.p.Add(fd, l.gen, want); err != nil {
		return err
	}
	l.slots[fd] = slot{h: h, gen: l.gen}
	return nil
}

// SetHandler gives a watched fd to another handler, as a connection does that
// moves from one protocol layer to the next.
func (l *Loop) SetHandler(fd int, h Handler) { l.slots[fd].h = h }

// Rearm asks for the next edge, by the contract of package poller.
func (l *Loop) Rearm(fd int, ev poller.Events) {
	l.Own()
	l.p.Rearm(fd, ev)
}

// Receive, Direct, Recv, Peek and Error are those of package poller.
func (l *Loop) Receive(fd int) { l.p.Receive(fd) }

// Direct asks fd back from Receive.
func (l *Loop) Direct(fd int) bool { return l.p.Direct(fd) }

// Recv reads what is there. n == 0 with no error is the end of the stream.
func (l *Loop) Recv(fd int, p []byte) (n int, errno syscall.Errno) { return l.p.Recv(fd, p) }

// Peek is Recv that leaves the data where it is.
func (l *Loop) Peek(fd int, p []byte) (n int, errno syscall.Errno) { return l.p.Peek(fd, p) }

// Error is what the connection has failed with, 0 if it has not.
func (l *Loop) Error(fd int) syscall.Errno { return l.p.Error(fd) }

// Remove stops watching fd, which stays open. Events of it still under way are
// dropped.
func (l *Loop) Remove(fd int) {
	l.Own()
	l.p.Remove(fd)
	l.slots[fd] = slot{}
}

// Close stops watching fd and closes it. No duplicate of it may exist.
func (l *Loop) Close(fd int) {
	l.Own()
	l.p.Forget(fd)
	l.slots[fd] = slot{}
	sock.Close(fd)
}

// SetTimer starts t, or moves it, to expire at when.
func (l *Loop) SetTimer(t *Timer, when int64, h TimerHandler) {
	l.Own()
	l.timers.set(t, when, h)
}

// StopTimer stops t if it runs.
func (l *Loop) StopTimer(t *Timer) {
	l.Own()
	l.timers.stop(t)
}

// Wake queues t to run once, in this turn or the next.
func (l *Loop) Wake(t *Task) {
	l.Own()
	if !t.queued {
		t.queued = true
		l.runq = append(l.runq, t)
	}
}

// Late queues t to run once at the end of this turn, behind everything else in it: for
// what gathers the work of the turn, such as one send of all that has been written.
func (l *Loop) Late(t *Task) {
	l.Own()
	if !t.queued {
		t.queued = true
		l.late = append(l.late, t)
	}
}

// Tasks is the length of the run queue.
func (l *Loop) Tasks() int { return len(l.runq) }

// Timers is the number of running timers.
func (l *Loop) Timers() int { return len(l.timers.heap) }

// Post runs fn on the loop, soon and in order of posting. Any goroutine may
// call it. It reports false, and does nothing, once the loop has ended.
func (l *Loop) Post(fn func()) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.posted = append(l.posted, fn)
	l.mu.Unlock()
	l.signal()
	return true
}

// Call posts fn and waits until it has run. It must not be called on the loop
// itself. It reports false if the loop ended without running fn.
func (l *Loop) Call(fn func()) bool {
	ran := make(chan struct{})
	if !l.Post(func() { fn(); close(ran) }) {
		return false
	}
	select {
	case <-ran:
		return true
	case <-l.done:
		select {
		case <-ran:
			return true
		default:
			return false
		}
	}
}

// Stop ends Run after the current turn. Any goroutine may call it.
func (l *Loop) Stop() {
	l.stopping.Store(true)
	l.signal()
}

func (l *Loop) signal() {
	if l.signaled.CompareAndSwap(false, true) {
		sock.Ring(l.wakeFD)
	}
}

// waker drains the event descriptor and runs what was posted.
type waker struct{ l *Loop }

func (w waker) Ready(poller.Events) {
	l := w.l
	sock.Hush(l.wakeFD)
	l.signaled.Store(false)
	l.Rearm(l.wakeFD, poller.In)
	l.mu.Lock()
	fns := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, fn := range fns {
		fn()
	}
}

// Run turns the loop on this goroutine, locked to its thread, until Stop. It
// returns the error of a poller that failed, or a *PanicError. The loop cannot be
// run again.
func (l *Loop) Run() (err error) {
	makeRoom(running.Add(1))
	defer running.Add(-1)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.owner.Take()
	defer l.owner.Leave()
	defer l.End()
	defer caught(&err)
	for !l.stopping.Load() {
		if err := l.turn(); err != nil {
			return err
		}
	}
	return nil
}

// Turn makes one turn of a loop that nobody runs. It is for who is the master of time
// and readiness, as a simulation is, and drives several loops by turns. A poller that
// returns early from a wait makes a turn that does nothing.
func (l *Loop) Turn() (err error) {
	defer caught(&err)
	return l.turn()
}

func (l *Loop) turn() error {
	l.turns++
	timeout, spinning, before := l.timeout()
	n, err := l.wait(timeout)
	l.now = Nanotime()
	if timeout != 0 || spinning && n == 0 {
		l.idle += l.now - before
		switch {
		case spinning:
			l.adapt.spun += l.now - before
		case n == 0 && timeout > 0:
			l.spin = l.adapt.next(l.spin, l.now, l.now-before-int64(timeout))
		}
	}
	if err != nil {
		return err
	}
	if n > 0 {
		l.active = l.now
	}
	for i := range n {
		e := &l.events[i]
		s := &l.slots[e.FD]
		if s.gen != e.Gen || s.h == nil {
			l.counts.Stale++
			continue
		}
		l.counts.Events++
		l.ready(s, e.Ev)
		l.spoil()
	}
	l.timers.expire(l.now)
	l.spoil()
	if len(l.runq) > 0 {
		l.running, l.runq = l.runq, l.running[:0]
		for i, t := range l.running {
			l.running[i] = nil
			t.queued = false
			l.run(t)
			l.spoil()
		}
	}
	for i := 0; i < len(l.late); i++ { // it may grow meanwhile
		t := l.late[i]
		t.queued = false
		l.run(t)
		l.spoil()
	}
	l.late = l.late[:0]
	return nil
}

// wait first waits for a moment in the way that is cheap while there is traffic,
// and only then in the one that lets go of the scheduler's processor. It may
// return early.
func (l *Loop) wait(timeout time.Duration) (int, error) {
	if timeout >= 0 && timeout <= poller.ShortWait {
		return l.p.Wait(l.events[:], timeout)
	}
	n, err := l.p.Wait(l.events[:], poller.ShortWait)
	if n > 0 || err != nil || l.stopping.Load() {
		return n, err
	}
	if timeout > 0 {
		timeout -= poller.ShortWait
	}
	return l.p.Wait(l.events[:], timeout)
}

// timeout is how long the next wait may sleep. spinning reports that it would
// sleep but for the spin time. now is the time, unless it will not sleep in any case:
// the clock is not read for nothing.
func (l *Loop) timeout() (d time.Duration, spinning bool, now int64) {
	if len(l.runq) > 0 || l.stopping.Load() {
		return 0, false, l.now
	}
	now = Nanotime()
	if now-l.active < l.watch {
		return 0, true, now
	}
	when, ok := l.timers.next()
	if !ok {
		return poller.Forever, false, now
	}
	left := when - now
	if left <= l.spin {
		return 0, left > 0, now
	}
	return time.Duration(left - l.spin), false, now
}

// AtEnd has fn run on the loop's goroutine when Run ends, for what may be ended nowhere
// else. It is to be called before Run, or on the loop.
func (l *Loop) AtEnd(fn func()) { l.atEnd = append(l.atEnd, fn) }

// End lets go of everything that is the loop's. Run does so by itself; who turns the loop
// by Turn calls it when that is over.
func (l *Loop) End() {
	for _, fn := range l.atEnd {
		fn()
	}
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.p.Close()
	sock.Close(l.wakeFD)
	close(l.done)
}
