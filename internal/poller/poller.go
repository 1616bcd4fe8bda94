// Package poller asks the kernel which descriptors are ready. Every mechanism
// keeps one contract and passes one conformance suite; nothing but that
// contract may enter: no timers, no handlers, no policy.
//
// # The contract
//
// A Poller belongs to one thread; only that thread may call it.
//
// Readiness is reported in the manner of an edge. Once an event has been
// reported, its owner holds that readiness and will not be told again until it
// has called Rearm, which it does after an operation would have blocked, or
// after a read came back shorter than its buffer. An owner that pauses without
// having met either condition must try the operation first when it resumes.
// epoll and the multishot poll of io_uring are edge-triggered by themselves, so
// there Rearm costs nothing and a change of interest needs no system call; select
// and poll keep the armed set in user space and give the same behaviour.
//
// An event may be spurious: the owner tries the operation and takes would-block
// for an answer. Hup is sticky: it says that the peer has closed its side, or
// that the descriptor failed, so the owner must go on reading until it sees the
// end of the stream or the error itself, because no further edge will come.
//
// Descriptors are reused by the kernel as soon as they are closed, while events
// of the old owner may still lie in the batch being worked on. Each Add
// therefore carries a generation chosen by the caller, which comes back with
// every event; an event whose generation is not the current one is dropped by
// the caller.
//
// # Receiving ahead
//
// In one style of I/O the kernel reports that a descriptor is ready, and its owner
// makes the call. In the other the call has been made before: its outcome lies there.
// An owner that reads by the poller's Recv need not know which of the two it is. It
// gives a connection to the poller by Receive; one that works in the second style
// then receives from it unasked, and Recv hands over what has come, where otherwise
// Recv makes the call. The edges are the same. Nothing but Recv and Peek may read
// from such a descriptor until Direct has given it back.
//
// Sending stays a call of the owner's: it has to know how much went out before it
// closes, and of what a send costs the system call is the least part. So does
// accepting: a request that goes on accepting does not tell from where, so that
// asking for the peer's address costs the call that was spared, and it takes
// connections that a limit should have kept waiting in the kernel, where another
// process can still take them.
package poller

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
)

// Events is a set of readiness conditions.
type Events uint8

// Conditions. Hup is only ever reported, never asked for.
const (
	In  Events = 1 << iota // data, an end of stream, or a connection to accept
	Out                    // room to write, or the outcome of a connect
	Hup                    // peer closed its side, or error
)

// Event is one report of Wait.
type Event struct {
	FD  int32
	Gen uint32
	Ev  Events
}

// ShortWait is the longest wait that is made without telling the Go scheduler.
// From a thread it knows to be waiting, the scheduler takes its processor away,
// with a wake-up of its monitor thread and another when the wait ends; at some
// thousand waits a second that costs more than the work between them. A wait it
// does not know of costs one system call, but keeps the processor. The
// scheduler's own signal ends such a wait where it needs the thread to stop.
const ShortWait = 10 * time.Millisecond

// wait makes the system call of a wait in the manner its length asks for. What
// the arguments point to must lie on the heap: a stack may move.
func wait(timeout time.Duration, call, a1, a2, a3, a4, a5, a6 uintptr) (n uintptr, errno syscall.Errno) {
	if timeout >= 0 && timeout <= ShortWait {
		n, _, errno = unix.RawSyscall6(call, a1, a2, a3, a4, a5, a6)
	} else {
		n, _, errno = unix.Syscall6(call, a1, a2, a3, a4, a5, a6)
	}
	return n, errno
}

// Forever as a timeout waits until something happens.
const Forever = time.Duration(-1)

// ErrLimit is returned by Add for a descriptor that the mechanism cannot hold.
var ErrLimit = errors.New("descriptor above what this poller can hold")

// Poller is one readiness mechanism.
type Poller interface {
	// Name is the mechanism: "epoll", "poll", "select", "io_uring".
	Name() string
	// Add begins watching fd, armed for want. It fails with ErrLimit, or with
	// the errno of the kernel.
	Add(fd int, gen uint32, want Events) error
	// Rearm asks for the next edge of the given conditions.
	Rearm(fd int, ev Events)
	// Remove ends watching fd, which stays open.
	Remove(fd int)
	// Forget ends watching fd, which the caller closes before the next Wait
	// and of which no duplicate exists in any process.
	Forget(fd int)
	// Receive lets the poller receive from fd, a connected stream socket, before it
	// is asked. Owners that do so use Recv, Peek and Error in place of the calls of
	// package sock, which they otherwise are.
	Receive(fd int)
	// Direct asks fd back from Receive, for calls of other kinds. It reports whether
	// it is the owner's again and all has been read that the poller had received; if
	// not, edges go on to come, and the owner reads and asks again.
	Direct(fd int) bool
	Recv(fd int, p []byte) (n int, errno syscall.Errno)
	Peek(fd int, p []byte) (n int, errno syscall.Errno)
	Error(fd int) syscall.Errno
	// Wait fills out with what is ready, sleeping at most timeout: 0 only
	// looks, Forever waits. A signal ends it early with 0 events. A wait of at
	// most ShortWait keeps the thread's place in the Go scheduler.
	Wait(out []Event, timeout time.Duration) (int, error)
	// Close releases the mechanism; watched descriptors stay open.
	Close()
}

// Mechanism is a row of the table of pollers.
type Mechanism struct {
	Name string
	Pref int // the highest usable one is taken by default
	New  func(maxFD int) (Poller, error)
	// MaxFD is one above the highest descriptor it can watch; 0: no limit.
	MaxFD int
	// MayBeRefused reports that a kernel, or its settings, may be without it.
	MayBeRefused bool
}

// Probe opens the mechanism and closes it again, to see whether it works here.
func (m *Mechanism) Probe() error {
	_, err := m.Features()
	return err
}

// Features is Probe telling in words which parts of the mechanism the kernel grants,
// where it may grant some and refuse others.
func (m *Mechanism) Features() ([]string, error) {
	p, err := m.New(0)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if d, ok := p.(interface{ Features() []string }); ok {
		return d.Features(), nil
	}
	return nil, nil
}

// Names are the names of all pollers, in the order of Mechanisms.
func Names() []string {
	var names []string
	for _, m := range Mechanisms() {
		names = append(names, m.Name)
	}
	return names
}

// Mechanisms lists all pollers in the order in which they are tried by default.
// io_uring comes behind those that work everywhere: it is used where it is asked
// for by name.
func Mechanisms() []Mechanism {
	return []Mechanism{
		{Name: "epoll", Pref: 300, New: newEpoll},
		{Name: "poll", Pref: 200, New: newPoll},
		{Name: "select", Pref: 150, New: newSelect, MaxFD: selectMaxFD},
		{Name: "io_uring", Pref: 100, New: newIOUring, MayBeRefused: true},
	}
}

// New opens the named poller, or the best one that works for name "". maxFD is
// one above the highest descriptor expected; it sizes tables.
func New(name string, maxFD int) (Poller, error) {
	for _, m := range Mechanisms() {
		if name != "" && name != m.Name {
			continue
		}
		p, err := m.New(maxFD)
		if err == nil {
			return p, nil
		}
		if name != "" {
			return nil, fmt.Errorf("poller %s: %w", name, err)
		}
	}
	if name != "" {
		return nil, fmt.Errorf("unknown poller %q: want one of %s", name, strings.Join(Names(), " "))
	}
	return nil, errors.New("no poller works on this machine")
}

// Quickest names the mechanism that a request costs least with: one that receives
// ahead, where this kernel has it, else the first in the order of preference. It is
// for programs that measure others, which are to take as little as they can.
var Quickest = sync.OnceValue(func() string {
	if p, err := newIOUring(0); err == nil {
		defer p.Close()
		if p.(*ioUring).buffers != nil {
			return p.Name()
		}
	}
	return Mechanisms()[0].Name
})

// direct is the receiving side of the pollers that tell of readiness only.
type direct struct{}

func (direct) Receive(int)                                {}
func (direct) Direct(int) bool                            { return true }
func (direct) Recv(fd int, p []byte) (int, syscall.Errno) { return sock.Recv(fd, p) }
func (direct) Peek(fd int, p []byte) (int, syscall.Errno) { return sock.Peek(fd, p) }
func (direct) Error(fd int) syscall.Errno                 { return sock.Error(fd) }

func limitError(name string, fd, limit int) error {
	return fmt.Errorf("%s cannot watch descriptor %d (its limit is %d): %w", name, fd, limit, ErrLimit)
}

// interrupted tells the errors of a wait that mean "nothing yet".
func interrupted(e syscall.Errno) bool { return e == syscall.EINTR || e == syscall.EAGAIN }
