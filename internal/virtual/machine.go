// Package virtual is a machine in memory: sockets, pipes, pollers and a clock that goes
// on when nothing else is left to do. Everything that the real kernel leaves open is
// drawn from a seed: how much a call takes, in how many pieces bytes arrive, how long
// that lasts, in which order readiness is reported, which of several loops turns next. So
// a run of hours takes seconds, and the same seed gives the same run.
//
// What runs on it does not know: Machine implements sock.Kernel, and Poller the contract
// of package poller. The peers of what runs are actors, which are called when something
// has happened to one of their connections.
//
// All of it belongs to one goroutine, and there is one machine at a time in a process.
package virtual

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"syscall"
	"time"

	"bench/internal/sock"
)

// Machine is a kernel, the network around it, and time.
type Machine struct {
	// Unasked is how often, of a hundred waits, readiness is reported that is none.
	Unasked int
	// Scarce is how often, of a hundred, a connection is not accepted at first because
	// the process has run out of something.
	Scarce int
	// TurnTime is the longest that a turn of a loop takes. What happens meanwhile is there
	// all at once for the next one.
	TurnTime time.Duration
	// Opaque: what is sent is not part of the digest, only how much: it is encrypted, and
	// never the same twice.
	Opaque bool
	// Trace is told what happens; nil: nobody is.
	Trace func(at time.Duration, what string, fd, n int, errno syscall.Errno)

	now     int64
	rng     *rand.Rand
	queue   agenda
	fds     []object // by number; nil: free
	open    int
	ports   map[sock.Addr]*listener
	served  map[sock.Addr]*service
	loops   []*driven
	events  uint64
	digest  uint32
	port    uint16 // of the last connection to an actor
	numbers int    // of connections
}

// epoch is when virtual time begins: nobody takes it for a time that was never set.
const epoch = int64(1000 * time.Second)

// New makes a machine from a seed.
func New(seed uint64) *Machine {
	return &Machine{
		now: epoch, rng: rand.New(rand.NewPCG(seed, 0x6d616368696e65)),
		fds: make([]object, 3), ports: map[sock.Addr]*listener{}, served: map[sock.Addr]*service{},
		port: 1024,
	}
}

// Now implements sock.Kernel.
func (m *Machine) Now() int64 { return m.now }

// Elapsed is the time since the machine was made.
func (m *Machine) Elapsed() time.Duration { return time.Duration(m.now - epoch) }

// Events is how much has happened so far: turns of loops, arrivals, wake-ups of actors.
func (m *Machine) Events() uint64 { return m.events }

// Digest is a sum of all that has happened so far, byte by byte: two runs with the same
// one were the same.
func (m *Machine) Digest() uint32 { return m.digest }

// Open is the number of descriptors in use.
func (m *Machine) Open() int { return m.open }

func (m *Machine) draw(n int) int { return m.rng.IntN(n) }

// After has fn called when d has passed.
func (m *Machine) After(d time.Duration, fn func()) {
	m.queue.add(m.now+int64(max(d, 0)), m.rng.Uint32(), fn)
}

// note adds an event to the digest and the trace.
func (m *Machine) note(what string, fd, n int, errno syscall.Errno) {
	var b [8]byte
	binary.LittleEndian.PutUint32(b[:], uint32(fd)<<8^uint32(errno))
	binary.LittleEndian.PutUint32(b[4:], uint32(n))
	m.sum(b[:])
	if m.Trace != nil {
		m.Trace(m.Elapsed(), what, fd, n, errno)
	}
}

var table = crc32.MakeTable(crc32.Castagnoli)

// sent adds bytes to the digest.
func (m *Machine) sent(p []byte) {
	if !m.Opaque {
		m.sum(p)
	}
}

func (m *Machine) sum(p []byte) { m.digest = crc32.Update(m.digest, table, p) }

// driven is a loop and the poller it waits in.
type driven struct {
	p    *Poller
	turn func() error
}

// Drive has turn called whenever the loop on p has something to do.
func (m *Machine) Drive(p *Poller, turn func() error) {
	m.loops = append(m.loops, &driven{p, turn})
}

// Step lets one thing happen, of all that might happen next, and first lets time pass if
// there is none. It reports false if nothing ever will.
func (m *Machine) Step() (bool, error) {
	awake := m.awake()
	if awake == 0 && !m.queue.due(m.now) {
		at, ok := m.next()
		if !ok {
			return false, nil
		}
		m.now = at
		awake = m.awake()
	}
	m.events++
	if m.queue.due(m.now) && (awake == 0 || m.draw(4) > 0) {
		m.queue.pop()()
		return true, nil
	}
	if awake == 0 {
		return true, nil
	}
	which := m.draw(awake)
	for i, d := range m.loops {
		if !d.p.awake() {
			continue
		}
		if which--; which < 0 {
			m.note("turn", i, 0, 0)
			err := d.turn()
			m.now += int64(m.draw(int(m.TurnTime) + 1))
			return true, err
		}
	}
	return true, nil
}

// awake counts the loops that have something to do.
func (m *Machine) awake() (n int) {
	for _, d := range m.loops {
		if d.p.awake() {
			n++
		}
	}
	return n
}

// next is when something happens next.
func (m *Machine) next() (at int64, ok bool) {
	at, ok = m.queue.next()
	for _, d := range m.loops {
		if w := d.p.until; w >= 0 && (!ok || w < at) {
			at, ok = w, true
		}
	}
	return max(at, m.now), ok
}
