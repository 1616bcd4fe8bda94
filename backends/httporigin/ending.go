package httporigin

import (
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
)

// settle counts a response that has been written, or broken off, to its end,
// and makes the connection ready for the next request or closes it.
func (c *conn) settle() {
	a := &c.ans
	if c.marked {
		c.marked = false
		switch {
		case a.cut:
			c.mark.Cut()
		case c.eof:
			c.mark.Aborted()
		default:
			c.mark.Answered(a.status)
		}
	}
	c.reqs++
	switch {
	case a.persist && !a.cut:
		c.state = reading
		c.idle()
	case c.refused || c.keep || a.cut:
		c.linger()
	default:
		c.farewell()
		c.close()
	}
}

// idle begins the wait for a request.
func (c *conn) idle() {
	if d := c.o.cfg.Limits.Idle; d > 0 {
		c.o.loop.SetTimer(&c.timer, c.o.loop.Now()+int64(d), c)
	}
}

// linger closes the writing side and reads on until the client closes too: a
// plain close with input under way would reset the connection and could
// destroy the response in the client's hands (RFC 9112 section 9.6).
func (c *conn) linger() {
	if c.eof {
		c.close()
		return
	}
	c.state = lingering
	c.farewell()
	_ = sock.ShutdownWrite(c.fd) // of a connection that is gone: the read tells
	c.o.loop.SetTimer(&c.timer, c.o.loop.Now()+int64(lingerFor), c)
	if c.held {
		c.held = false
		c.later()
	}
}

// discard reads what nobody wants.
func (c *conn) discard() {
	buf := c.o.loop.Scratch()
	for range maxReads {
		n, more, errno := c.recv(buf)
		switch {
		case errno == syscall.EAGAIN, n > 0 && !more:
			c.o.loop.Rearm(c.fd, poller.In)
			return
		case errno != 0 || n == 0:
			c.close()
			return
		}
	}
	c.later()
}

// gone settles and closes a connection whose client is not there any longer.
func (c *conn) gone() {
	switch {
	case c.pending():
		c.mark.Aborted()
	case !c.spoken:
		c.o.tally.Silent++
	case c.state == inBody || c.state == reading && len(c.in) > 0:
		c.o.tally.Incomplete++
	}
	c.close()
}

// ended closes a connection on which no further request is to come.
func (c *conn) ended() {
	switch {
	case !c.spoken && c.eof:
		c.o.tally.Silent++
	case c.state == inBody || c.state == reading && len(c.in) > 0:
		c.o.tally.Incomplete++
	}
	c.close()
}

// cut breaks a connection off by a fault: kindly, so that the client sees the
// end of the stream, or by closing at once.
func (c *conn) cut(kindly bool) {
	switch {
	case c.pending():
		c.mark.Cut()
	case c.state == inBody || c.state == reading && len(c.in) > 0:
		c.o.tally.Incomplete++
	}
	c.marked = false
	if kindly {
		c.linger()
		return
	}
	c.close()
}

// close frees the connection.
func (c *conn) close() {
	o := c.o
	o.loop.StopTimer(&c.timer)
	if c.parked > 0 {
		o.parked[c.parked-1] = nil
	}
	last := o.conns[len(o.conns)-1]
	o.conns[c.pos], last.pos = last, c.pos
	o.conns[len(o.conns)-1] = nil
	o.conns = o.conns[:len(o.conns)-1]
	o.tally.Active--
	if c.tls != nil {
		c.tls.Release()
	}
	o.loop.Close(c.fd)
	in, out, queued := c.in[:0], c.out[:0], c.queued
	check := requestCheck{kept: c.check.kept[:0], id: c.check.id[:0]}
	if cap(in) > keepBuffer {
		in = nil
	}
	if cap(out) > keepBuffer {
		out = nil
	}
	*c = conn{o: o, fd: -1, task: c.task, in: in, out: out, queued: queued, check: check}
	if !queued {
		o.free = append(o.free, c)
	}
}
