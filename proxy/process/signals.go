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
	ready chan struct{} // holds a token while something waits

	signals []unix.Signal  // to be received
	in      chan os.Signal // what the runtime receives; replaced by listen
	drained chan struct{}  // closed when everything of in has been put
	restore func()         // of handOn

	mu      sync.Mutex
	waiting []unix.Signal
	late    bool // a SIGTTIN is waiting for its SIGTTOU
}

// newInbox receives the signals that are handled from now on, after those that a
// former image of the process has left.
func newInbox(left []unix.Signal) *inbox {
	b := &inbox{ready: make(chan struct{}, 1), signals: slices.Clone(handled[:])}
	for _, s := range left {
		b.put(s)
	}
	b.listen()
	return b
}

func (b *inbox) listen() {
	// The runtime unblocks a signal before it installs the handler, which would
	// let the kernel stop the process for one that is pending.
	for _, s := range pendingStops() {
		b.put(s)
	}
	signal.Ignore(unix.SIGTTOU, unix.SIGTTIN)
	b.in, b.drained = make(chan os.Signal, 64), make(chan struct{})
	go b.receive(b.in, b.drained)
	for _, s := range b.signals {
		signal.Notify(b.in, s)
	}
}

func (b *inbox) receive(in <-chan os.Signal, drained chan<- struct{}) {
	defer close(drained)
	for s := range in {
		if s != unix.SIGTTIN {
			b.put(s.(unix.Signal))
			continue
		}
		b.mu.Lock()
		b.late = true
		b.mu.Unlock()
		time.AfterFunc(settle, b.putLate)
	}
}

// putLate puts the SIGTTIN that has waited long enough.
func (b *inbox) putLate() {
	b.mu.Lock()
	late := b.late
	b.late = false
	b.mu.Unlock()
	if late {
		b.put(unix.SIGTTIN)
	}
}

// handOn prepares for another image of the process and returns the signals that
// wait, for that to handle. Later ones stay pending where they are blocked on all
// threads, as in a process that was started so, with these exceptions, which the
// runtime blocks on no thread: SIGTERM and SIGINT end the process at once, SIGHUP
// is dropped, as the configuration will be read later than that in any case, and
// so is SIGQUIT.
//
// What the runtime has received but not delivered yet is not lost: signal.Stop,
// unlike signal.Reset, waits for it.
func (b *inbox) handOn(blocked bool) []unix.Signal {
	signal.Ignore(unix.SIGHUP, unix.SIGQUIT)
	ends := []unix.Signal{unix.SIGTERM, unix.SIGINT}
	if !blocked {
		// There is nothing to stop softly yet.
		ends = append(ends, unix.SIGUSR1)
	}
	// Not left to the runtime's handler: the thread on which it was about to end
	// the process could be ended by the change of the image.
	b.restore = defaultActions(ends)
	signal.Stop(b.in)
	close(b.in)
	<-b.drained
	b.putLate()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.waiting)
}

// takeBack undoes handOn when there is no other image after all.
func (b *inbox) takeBack() {
	b.restore()
	b.listen()
}

// also makes it receive another signal.
func (b *inbox) also(s unix.Signal) {
	b.signals = append(b.signals, s)
	signal.Notify(b.in, s)
}

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
