package process

import (
	"os"
	"os/signal"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// settle is how long SIGTTIN waits for a SIGTTOU that was sent before it.
const settle = 5 * time.Millisecond

// inbox holds the signals that wait to be handled. As in the kernel each waits
// once, however often it was sent; none is ever dropped.
//
// The kernel and the runtime deliver signals that are pending together by their
// numbers, SIGTTIN before SIGTTOU. Whoever sends both gives up a replacement and
// wants the process to serve again, so SIGTTIN goes last: it is the outcome with
// the reference, too, whose handlers nest.
type inbox struct {
	in    chan os.Signal
	ready chan struct{} // holds a token while something waits

	mu      sync.Mutex
	waiting []unix.Signal
}

// newInbox receives the signals that are handled from now on, after those that a
// former image of the process has left.
func newInbox(left []unix.Signal) *inbox {
	b := &inbox{in: make(chan os.Signal, 64), ready: make(chan struct{}, 1)}
	for _, s := range left {
		b.put(s)
	}
	b.listen()
	go func() {
		for s := range b.in {
			if s == unix.SIGTTIN {
				time.AfterFunc(settle, func() { b.put(unix.SIGTTIN) })
			} else {
				b.put(s.(unix.Signal))
			}
		}
	}()
	return b
}

func (b *inbox) listen() {
	// The runtime unblocks a signal before it installs the handler, which would
	// let the kernel stop the process for one that is pending.
	for _, s := range pendingStops() {
		b.put(s)
	}
	signal.Ignore(unix.SIGTTOU, unix.SIGTTIN)
	for _, s := range handled {
		signal.Notify(b.in, s)
	}
}

// handOn prepares for another image of the process and returns the signals that
// wait, for that to handle. From here on signals stay pending, in a process that
// was started with them blocked, with these exceptions, which the runtime unblocks
// at its start: SIGTERM and SIGINT end the process at once, and SIGHUP is dropped;
// the configuration will be read later than that in any case.
func (b *inbox) handOn() []unix.Signal {
	signal.Ignore(unix.SIGHUP)
	signal.Reset(unix.SIGTERM, unix.SIGINT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGTTOU, unix.SIGTTIN)
	time.Sleep(2 * settle) // what has been received before arrives
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.waiting)
}

// also makes it receive another signal.
func (b *inbox) also(s os.Signal) { signal.Notify(b.in, s) }

func (b *inbox) put(s unix.Signal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.waiting, s) {
		at := len(b.waiting)
		if s == unix.SIGTTOU {
			if i := slices.Index(b.waiting, unix.SIGTTIN); i >= 0 {
				at = i
			}
		}
		b.waiting = slices.Insert(b.waiting, at, s)
	}
	b.signalReady()
}

func (b *inbox) signalReady() {
	if len(b.waiting) == 0 {
		return
	}
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take returns the next signal after a token was read from ready.
func (b *inbox) take() (s unix.Signal, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return 0, false
	}
	s, b.waiting = b.waiting[0], b.waiting[1:]
	b.signalReady()
	return s, true
}
