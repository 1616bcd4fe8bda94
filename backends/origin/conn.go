package origin

import (
	"syscall"
	"time"

	"bench/backends/fault"
	"bench/backends/tally"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/tlsio"
)

const (
	// maxReads bounds the reads of one connection in one turn of the loop,
	// maxSends the writes.
	maxReads, maxSends = 16, 16
	// maxHeld bounds what is read ahead of the request being answered.
	maxHeld = 64 << 10
	// lingerFor bounds the wait for the client to close too.
	lingerFor = time.Second
	// keepBuffer is the largest buffer that outlives its use.
	keepBuffer = 256 << 10
	// maxAnswers is how much output may wait before no more requests are taken.
	maxAnswers = 128 << 10
)

// Conn is one connection of a Server. It owns buffers only while there is
// something in them.
type Conn struct {
	s       *Server
	session Session
	fd      int // -1: closed
	pos     int // in s.conns
	parked  int // in s.parked, plus 1; 0: not parked
	timer   loop.Timer
	task    loop.Task
	in      []byte // input not used yet
	box     *outbox
	heard   int64 // when the client last said something

	mark    tally.Mark // of the request that waits for its latency
	class   []byte     // what the client calls itself; empty: no name
	waiting bool       // for a latency to pass
	due     bool       // the latency has passed
	open    bool       // a request is taken and its answer not done
	again   bool       // a request was not taken for what is to be written first
	pausing bool       // between two pieces, or by the session
	pacing  bool       // the former of these
	nudge   bool       // the session's pause has passed
	closing bool       // when all is written
	reset   bool       // by a RST
	lingers bool       // all written; reading until the client closes too
	queued  bool       // task is in the run queue
	held    bool       // there may be input that was not read
	hup     bool       // the end of the stream is coming
	eof     bool       // the client has closed its side
	spoken  bool       // the client has sent a byte
	broken  bool       // by a fault, in the midst of what was to be said

	tls *tlsio.Conn // nil: in clear
}

// Server is the replica that serves the connection.
func (c *Conn) Server() *Server { return c.s }

// Session is the protocol's part.
func (c *Conn) Session() Session { return c.session }

// Force is what is in force.
func (c *Conn) Force() *fault.Force { return c.s.force }

// Name puts requests without an id into a class that the client chose.
func (c *Conn) Name(class []byte) { c.class = append(c.class[:0], class...) }

// Peer is the address of the client.
func (c *Conn) Peer() (sock.Addr, syscall.Errno) { return sock.PeerAddr(c.fd) }

// Ready takes up what the client does.
func (c *Conn) Ready(ev poller.Events) {
	if ev&poller.Hup != 0 {
		c.hup = true
	}
	if !c.secured(ev) {
		return
	}
	if ev&(poller.In|poller.Hup) != 0 {
		switch {
		case c.lingers:
			c.discard()
		case c.busy():
			if !c.readAhead() {
				return
			}
		default:
			c.pump()
		}
	}
	if ev&poller.Out != 0 && c.fd >= 0 && c.box != nil && c.parked == 0 && !c.pausing {
		c.proceed()
	}
}

// Run goes on with what was put off to let other connections have their turn.
func (c *Conn) Run() {
	c.queued = false
	switch {
	case c.fd < 0:
		c.s.free = append(c.s.free, c)
	case c.lingers:
		c.discard()
	case c.parked == 0 && !c.pausing && !c.waiting:
		c.proceed()
	}
}

func (c *Conn) later() {
	if !c.queued {
		c.queued = true
		c.s.loop.Wake(&c.task)
	}
}

// Expired ends the latency, a pause, or the patience.
func (c *Conn) Expired(*loop.Timer) {
	switch {
	case c.lingers:
		c.close()
	case c.waiting:
		c.waiting, c.due = false, true
		c.proceed()
	case c.pausing:
		c.nudge = c.nudge || !c.pacing
		c.pausing, c.pacing = false, false
		c.idle()
		c.proceed()
	case c.box == nil:
		c.tired()
	}
}

// tired ends a wait for the client, unless it has spoken meanwhile without
// getting an answer: what it sends may be long, or want none.
func (c *Conn) tired() {
	l, until := c.s.loop, c.heard+int64(c.s.behaviour.Idle)
	if until > l.Now() {
		l.SetTimer(&c.timer, until, c)
		return
	}
	c.ended()
}

// proceed goes on writing, and then turns to the next request.
func (c *Conn) proceed() {
	if c.flush(); c.fd >= 0 && !c.busy() && !c.lingers {
		c.resume()
	}
}

// resume uses the input that was held back, and reads on.
func (c *Conn) resume() {
	if len(c.in) > 0 || c.due || c.nudge {
		n := c.use(c.in)
		if c.fd < 0 || c.lingers {
			return
		}
		c.in = c.in[:copy(c.in, c.in[n:])]
		if c.busy() {
			return
		}
	}
	switch {
	case c.eof:
		c.gone()
	case c.held:
		c.held = false
		c.pump()
	}
}

// busy reports that no input is wanted now.
func (c *Conn) busy() bool { return c.waiting || c.pausing || c.closing || c.box != nil }

// atRest reports that the client waits for nothing.
func (c *Conn) atRest() bool { return !c.busy() && !c.lingers && len(c.in) == 0 }

// pump reads and uses input until there is no more, or a request has to wait.
func (c *Conn) pump() {
	buf := c.s.loop.Scratch()
	for range maxReads {
		n, short, errno := c.recv(buf)
		switch {
		case errno == syscall.EAGAIN:
			c.s.loop.Rearm(c.fd, poller.In)
			return
		case errno != 0:
			c.gone()
			return
		case n == 0:
			c.eof = true
			c.gone()
			return
		}
		c.spoken, c.heard = true, c.s.loop.Now()
		c.s.tally.BytesIn += uint64(n)
		if c.feed(buf[:n]); c.fd < 0 {
			return
		}
		switch {
		case short:
			c.s.loop.Rearm(c.fd, poller.In)
			return
		case c.lingers:
			c.discard()
			return
		case c.busy():
			c.readAhead()
			return
		}
	}
	c.held = true
	c.later()
}

// feed uses input, and keeps what cannot be used yet.
func (c *Conn) feed(data []byte) {
	if len(c.in) == 0 {
		if n := c.use(data); c.fd >= 0 && !c.lingers && n < len(data) {
			c.in = append(c.in, data[n:]...)
		}
		return
	}
	c.in = append(c.in, data...)
	if n := c.use(c.in); c.fd >= 0 && !c.lingers {
		c.in = c.in[:copy(c.in, c.in[n:])]
	}
}

// use lets the session work on input, and writes what it answers.
func (c *Conn) use(in []byte) (n int) {
	for {
		c.nudge = false
		n += c.session.Consume(c, in[n:])
		if c.fd < 0 {
			return n
		}
		again := c.again
		c.again = false
		if c.flush(); c.fd < 0 || c.lingers {
			return len(in)
		}
		if !again || c.busy() {
			return n
		}
	}
}

// readAhead reads while an answer is due, to learn that the client is gone. It
// reports false if the connection is closed.
func (c *Conn) readAhead() bool {
	buf := c.s.loop.Scratch()
	for {
		if len(c.in) >= maxHeld {
			c.held = true
			return true
		}
		n, short, errno := c.recv(buf)
		switch {
		case errno == syscall.EAGAIN:
			c.s.loop.Rearm(c.fd, poller.In)
			return true
		case errno != 0:
			c.gone()
			return false
		case n == 0:
			c.eof = true
			return true
		}
		c.s.tally.BytesIn += uint64(n)
		c.spoken = true
		c.in = append(c.in, buf[:n]...)
		if short {
			c.s.loop.Rearm(c.fd, poller.In)
			return true
		}
	}
}

// idle begins the wait for a request.
func (c *Conn) idle() {
	if d := c.s.behaviour.Idle; d > 0 && !c.busy() {
		c.s.loop.SetTimer(&c.timer, c.s.loop.Now()+int64(d), c)
	}
}

// gone settles and closes a connection whose client is not there any longer.
func (c *Conn) gone() {
	if !c.spoken {
		c.s.tally.Silent++
	}
	c.ended()
}

// ended settles and closes a connection.
func (c *Conn) ended() {
	pending := c.waiting || c.open || c.box != nil && len(c.box.marks) > 0
	if c.waiting || c.open {
		c.mark.Aborted()
	}
	if c.box != nil {
		c.box.abort()
	}
	if !pending && len(c.in) > 0 {
		c.s.tally.Incomplete++
	}
	c.close()
}

// cut breaks a connection off by a fault: kindly, so that the client sees the
// end of the stream, or by closing at once.
func (c *Conn) cut(kindly bool) {
	if c.waiting || c.open {
		c.waiting, c.open = false, false
		c.s.loop.StopTimer(&c.timer)
		c.mark.Cut()
	}
	if c.box != nil {
		c.box.cut()
		c.release()
	}
	c.broken = true
	if kindly {
		c.linger()
		return
	}
	c.close()
}

// linger closes the writing side and reads on until the client closes too: a
// plain close with input under way would reset the connection and could
// destroy the answer in the client's hands.
func (c *Conn) linger() {
	if c.reset {
		sock.SetLinger0(c.fd)
	}
	if c.eof || c.reset {
		c.close()
		return
	}
	c.lingers, c.closing, c.pausing, c.pacing = true, false, false, false
	c.in = c.in[:0]
	c.farewell()
	_ = sock.ShutdownWrite(c.fd) // of a connection that is gone: the read tells
	c.s.loop.SetTimer(&c.timer, c.s.loop.Now()+int64(lingerFor), c)
	if c.held {
		c.held = false
		c.later()
	}
}

// discard reads what nobody wants.
func (c *Conn) discard() {
	buf := c.s.loop.Scratch()
	for range maxReads {
		n, errno := c.s.loop.Recv(c.fd, buf)
		switch {
		case errno == syscall.EAGAIN, n > 0 && n < len(buf) && !c.hup:
			c.s.loop.Rearm(c.fd, poller.In)
			return
		case errno != 0 || n == 0:
			c.close()
			return
		}
	}
	c.later()
}

// close frees the connection.
func (c *Conn) close() {
	s := c.s
	s.loop.StopTimer(&c.timer)
	if c.parked > 0 {
		s.parked[c.parked-1] = nil
	}
	if c.box != nil {
		c.release()
	}
	last := s.conns[len(s.conns)-1]
	s.conns[c.pos], last.pos = last, c.pos
	s.conns[len(s.conns)-1] = nil
	s.conns = s.conns[:len(s.conns)-1]
	s.tally.Active--
	if c.tls != nil {
		c.tls.Release()
	}
	s.loop.Close(c.fd)
	session := c.session
	in, class, queued := c.in[:0], c.class[:0], c.queued
	if cap(in) > keepBuffer {
		in = nil
	}
	*c = Conn{s: s, session: session, fd: -1, task: c.task, in: in, class: class, queued: queued}
	session.Closed(c)
	if !queued {
		s.free = append(s.free, c)
	}
}
