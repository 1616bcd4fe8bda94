package abuse

import (
	"syscall"

	"bench/internal/hdr"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/loadgen/http1"
)

// conn is one client's connection.
type conn struct {
	w          *worker
	plan       *plan
	fd         int
	target     int // number of the address it leads to
	tries      int // addresses tried for it
	pos        int // in worker.conns
	openedAt   int64
	connecting bool
	closed     bool

	step    int
	written int64 // of the present step
	got     int64 // bytes received
	replies int   // complete answers
	seen    bool  // the status of the present answer is counted
	spoke   bool  // there was a status
	garbled bool  // what comes is no HTTP
	sent    bool  // all there was to send
	deaf    bool  // reads nothing yet
	resting bool  // a slow reader between two pieces
	over    bool  // all is answered: the peer may close

	answers   http1.Answers
	timer     loop.Timer // of the present step
	readTimer loop.Timer // of a slow reader, or of the end of deafness
	lastTimer loop.Timer // of the time the client stays
}

// ending is how a connection ended.
type ending uint8

const (
	endClosed   ending = iota // by the peer
	endReset                  // by the peer
	endTimedOut               // the peer did nothing in time
	endLeft                   // by the client, as planned
	endOpen                   // with the time of all
)

// connected begins the plan.
func (c *conn) connected() {
	w := c.w
	c.connecting = false
	w.targets.Opened(c.target)
	c.openedAt = w.loop.Now()
	w.loop.StopTimer(&c.timer)
	for _, k := range c.counts() {
		k.Opened++
	}
	w.most = max(w.most, len(w.conns))
	if c.plan.limit > 0 {
		w.loop.SetTimer(&c.lastTimer, c.openedAt+c.plan.limit, c)
	}
	if c.plan.deaf > 0 {
		c.deaf = true
		w.loop.SetTimer(&c.readTimer, c.openedAt+c.plan.deaf, c)
	}
	c.proceed()
}

// unreached ends a connection that never came to be, and goes on to the next address
// if there is one.
func (c *conn) unreached(e syscall.Errno, reset bool) {
	w, p, tries := c.w, c.plan, c.tries
	again := w.targets.Failed(c.target, tries, e)
	if !again {
		w.unopened(p, c.target, e)
	}
	if c.close(reset); again {
		w.try(p, tries)
	}
}

// Ready implements loop.Handler.
func (c *conn) Ready(ev poller.Events) {
	if c.connecting {
		if e := sock.Error(c.fd); e != 0 {
			c.unreached(e, false)
			return
		}
		if ev&poller.Out == 0 {
			c.w.loop.Rearm(c.fd, poller.Out)
			return
		}
		c.connected()
		if c.closed {
			return
		}
	} else if ev&poller.Out != 0 && c.plan.steps[c.step].do == opSend {
		if c.proceed(); c.closed {
			return
		}
	}
	switch {
	case ev&poller.Hup != 0: // what comes is the last: no reason to be slow
		c.readAll()
	case ev&poller.In != 0 && !c.deaf && !c.resting:
		c.read()
	}
}

// Expired implements loop.TimerHandler.
func (c *conn) Expired(t *loop.Timer) {
	switch t {
	case &c.lastTimer:
		c.end(endLeft)
	case &c.readTimer:
		c.deaf, c.resting = false, false
		c.read()
	case &c.timer:
		c.stepOver()
	}
}

// stepOver is the end of the time that a step has.
func (c *conn) stepOver() {
	switch {
	case c.connecting:
		c.unreached(syscall.ETIMEDOUT, true)
	case c.over:
		c.end(endLeft)
	case c.plan.steps[c.step].do == opDrip:
		c.proceed()
	case c.spoke: // it has said something and left it at that
		c.end(endLeft)
	default:
		c.end(endTimedOut)
	}
}

// proceed carries out steps until one takes time.
func (c *conn) proceed() {
	w := c.w
	for !c.closed {
		s := &c.plan.steps[c.step]
		switch s.do {
		case opSend:
			if !c.write(s, s.total-c.written) || c.written < s.total {
				return
			}
		case opDrip:
			n := int64(s.piece)
			if s.total > 0 {
				n = min(n, s.total-c.written)
			}
			if !c.write(s, n) {
				return
			}
			if s.total == 0 || c.written < s.total {
				w.loop.SetTimer(&c.timer, w.loop.Now()+s.every, c)
				return
			}
		case opShut:
			c.allSent()
			_ = sock.ShutdownWrite(c.fd) // a peer that is gone is met by the next read
		case opWait:
			w.loop.SetTimer(&c.timer, w.loop.Now()+w.timeout, c)
			c.allSent()
			return
		case opFirst:
			w.loop.SetTimer(&c.timer, w.loop.Now()+w.timeout, c)
			if c.allSent(); c.got < int64(s.piece) {
				return
			}
		case opHold:
			c.allSent()
			return
		case opLeave:
			c.leave(s.reset)
			return
		}
		if c.closed { // by what came meanwhile
			return
		}
		c.step++
		c.written = 0
		w.loop.StopTimer(&c.timer)
	}
}

// allSent notes that there is no more to say, which ends deafness.
func (c *conn) allSent() {
	if c.plan.requests == 1 && !c.sent {
		for _, k := range c.counts() {
			k.Requests++
		}
	}
	c.sent = true
	if c.deaf {
		c.w.loop.StopTimer(&c.readTimer)
		c.deaf = false
		c.read()
	}
}

// write sends up to n bytes of the step's data. It reports false when the
// connection is gone; what does not fit is left for later.
func (c *conn) write(s *step, n int64) bool {
	size := int64(len(s.data))
	for n > 0 {
		at := c.written % size
		sent, e := sock.Send(c.fd, s.data[at:min(size, at+n)])
		switch e {
		case 0:
		case syscall.EAGAIN:
			c.w.loop.Rearm(c.fd, poller.Out)
			return true
		default: // the peer is gone; it may have said why
			c.readAll()
			if !c.closed {
				c.end(endReset)
			}
			return false
		}
		before := c.written
		c.written += int64(sent)
		n -= int64(sent)
		for _, k := range c.counts() {
			k.BytesOut += uint64(sent)
			if u := c.plan.unit; u > 0 {
				k.Requests += uint64(c.written/u - before/u)
			}
		}
	}
	return true
}

// counts are those a connection adds to.
func (c *conn) counts() [2]*counts { return c.w.counts(c.plan) }

// end closes the connection and counts how it ended.
func (c *conn) end(how ending) {
	if c.closed {
		return
	}
	if how == endClosed || how == endReset {
		hdr.Record(c.w.held, hdr.Microseconds(c.w.loop.Refresh()-c.openedAt))
	}
	for _, k := range c.counts() {
		switch how {
		case endClosed:
			k.Closed++
		case endReset:
			k.Reset++
		case endTimedOut:
			k.TimedOut++
		case endLeft:
			k.Left++
		case endOpen:
			k.Open++
		}
	}
	// A connection that both sides still have is not left to linger: with
	// thousands of them the ports would be used up.
	c.close(how == endOpen || how == endTimedOut)
}

// leave ends the connection as the plan says.
func (c *conn) leave(reset bool) {
	if reset {
		sock.SetLinger0(c.fd)
	}
	c.end(endLeft)
}

// close closes the socket, with a RST if it shall leave nothing behind.
func (c *conn) close(reset bool) {
	w := c.w
	c.closed = true
	for _, t := range []*loop.Timer{&c.timer, &c.readTimer, &c.lastTimer} {
		w.loop.StopTimer(t)
	}
	if reset {
		sock.SetLinger0(c.fd)
	}
	w.loop.Close(c.fd)
	w.drop(c)
}
