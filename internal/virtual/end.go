package virtual

import (
	"math/rand/v2"
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
)

// End is one end of a connection. Its methods are those of an actor; a socket of what
// runs on the machine is one, too.
type End struct {
	m       *Machine
	watches       // of a socket
	actor   Actor // nil: it is a socket
	number  int   // of the connection
	local   sock.Addr
	remote  sock.Addr
	out, in *way // out leads to the peer

	unread     []byte
	ended      bool          // all has come, and the end behind it
	errno      syscall.Errno // to be told once
	broken     bool          // no more comes or goes
	connecting bool
	shut       bool // our end was sent
	closed     bool
	linger0    bool
	full       bool // a send has not taken all: the peer of that wants to know of room
	notified   bool // the actor will be called
}

// Actor is the owner of an end that is not on the machine.
type Actor interface {
	// Ready is called some time after something has come, or there is room again.
	Ready()
}

// Link is what a connection is like.
type Link struct {
	Seed uint64
	// Delay is the longest that a piece takes, in nanoseconds; the shortest is half of
	// it.
	Delay int64
	// Piece is the size of the largest piece in which bytes arrive, until Pieces of them
	// have arrived; after that, and with 0, they arrive as they were sent.
	Piece, Pieces int
	// Room is how many bytes each of the two buffers on the way holds.
	Room int
	// Sparing: sends now and then take less than there is room for.
	Sparing bool
}

// way is one direction of a connection.
type way struct {
	m        *Machine
	from, to *End
	link     Link
	rng      *rand.Rand
	flight   []byte
	end      bool // behind the flight
	reset    bool // behind the flight
	over     bool // nothing more will arrive
	due      bool // something will arrive
}

// connect makes a connection between two ends.
func (m *Machine) connect(a, b *End, link Link) {
	if link.Room <= 0 {
		link.Room = 64 << 10
	}
	m.numbers++
	a.number, b.number = m.numbers, m.numbers
	a.m, b.m = m, m
	a.out = &way{m: m, from: a, to: b, link: link, rng: rand.New(rand.NewPCG(link.Seed, 1))}
	b.out = &way{m: m, from: b, to: a, link: link, rng: rand.New(rand.NewPCG(link.Seed, 2))}
	a.in, b.in = b.out, a.out
}

// name tells the two ends of a connection apart.
func (e *End) name(what string) string {
	if e.actor != nil {
		return what + " at actor"
	}
	return what
}

// level implements object.
func (e *End) level() (ev poller.Events) {
	if e.connecting {
		return 0
	}
	if len(e.unread) > 0 || e.ended {
		ev |= poller.In
	}
	if e.ended {
		ev |= poller.Hup
	}
	if e.errno != 0 || e.broken {
		return poller.In | poller.Out | poller.Hup
	}
	if e.out.roomy() {
		ev |= poller.Out
	}
	return ev
}

// changed lets whoever has the end know.
func (e *End) changed() {
	e.touch()
	if e.actor != nil && !e.notified && !e.closed {
		e.notified = true
		e.m.After(0, func() {
			e.notified = false
			if !e.closed {
				e.actor.Ready()
			}
		})
	}
}

// Read takes what has come.
func (e *End) Read(p []byte) (int, syscall.Errno) {
	n, errno := e.peek(p)
	if errno == e.errno {
		e.errno = 0
	}
	if n > 0 {
		e.unread = e.unread[n:]
		if len(e.unread) == 0 {
			e.unread = nil
		}
		e.in.move()
	}
	return n, errno
}

func (e *End) peek(p []byte) (int, syscall.Errno) {
	switch {
	case len(e.unread) > 0:
		return copy(p, e.unread), 0
	case e.connecting:
		return 0, syscall.EAGAIN
	case e.errno != 0:
		return 0, e.errno
	case e.ended, e.broken:
		return 0, 0
	}
	return 0, syscall.EAGAIN
}

// Write sends what there is room for.
func (e *End) Write(p []byte) (int, syscall.Errno) {
	w := e.out
	switch {
	case e.connecting:
		return 0, syscall.EAGAIN
	case e.errno != 0:
		errno := e.errno
		e.errno = 0
		return 0, errno
	case e.broken, e.shut:
		return 0, syscall.EPIPE
	}
	n := min(len(p), w.link.Room-len(w.flight))
	if n > 1 && w.link.Sparing && w.rng.IntN(4) == 0 {
		n = 1 + w.rng.IntN(n)
	}
	if n < len(p) {
		e.full = true
		if len(w.flight)+n <= w.link.Room*2/3 { // there is room, and nobody else will say so
			e.m.After(w.delay(), e.roomy)
		}
	}
	if n <= 0 && len(p) > 0 {
		return 0, syscall.EAGAIN
	}
	w.flight = append(w.flight, p[:n]...)
	w.move()
	return n, 0
}

// Push sends all of p, whatever room there is, as if who closes next had waited for it.
func (e *End) Push(p []byte) {
	if !e.connecting && !e.broken && !e.shut && e.errno == 0 {
		e.out.flight = append(e.out.flight, p...)
		e.out.move()
	}
}

// roomy says that there is room, to who has been refused some.
func (e *End) roomy() {
	if e.full && !e.closed && e.out.roomy() {
		e.full = false
		e.changed()
	}
}

// CloseWrite sends the end of the stream.
func (e *End) CloseWrite() {
	if !e.shut {
		e.shut = true
		e.out.end = true
		e.out.move()
	}
}

// Close closes the end. What has not been read then, or will still come, is answered by a
// reset.
func (e *End) Close() {
	if e.closed {
		return
	}
	e.closed = true
	if e.broken {
		return
	}
	if len(e.unread) > 0 || e.linger0 {
		e.cut()
		return
	}
	if e.shut = true; !e.out.end {
		e.out.end = true
	}
	e.out.move()
}

// Reset closes the end by a reset.
func (e *End) Reset() {
	e.linger0 = true
	e.Close()
}

// Number is the connection's, for traces.
func (e *End) Number() int { return e.number }

// Closed tells whether it was closed.
func (e *End) Closed() bool { return e.closed }

// close implements object.
func (e *End) close() { e.Close() }

// cut sends a reset, behind more or less of what is on its way.
func (e *End) cut() {
	w := e.out
	if n := len(w.flight); n > 0 {
		w.flight = w.flight[:w.rng.IntN(n+1)]
	}
	w.reset = true
	w.move()
}

// fail breaks the connection at this end.
func (e *End) fail(errno syscall.Errno) {
	if e.closed || e.broken {
		return
	}
	e.connecting, e.broken, e.errno = false, true, errno
	e.out.flight, e.out.over = nil, true
	e.changed()
}
