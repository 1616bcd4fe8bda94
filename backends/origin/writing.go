package origin

import (
	"syscall"
	"time"

	"bench/backends/fault"
	"bench/backends/tally"
)

// outbox is output on its way, with the answers it holds. Outboxes go from
// connection to connection, so that only those have one that need it.
type outbox struct {
	buf   []byte
	off   int // written so far
	begin int // of the answer being made
	cutAt int // where a fault breaks the connection off, plus 1; 0: nowhere
	marks []pending
}

// pending is an answer that is not written completely.
type pending struct {
	mark   tally.Mark
	end    int // of the answer within the outbox
	status int
}

// abort counts the answers that the client did not wait for.
func (b *outbox) abort() {
	for i := range b.marks {
		b.marks[i].mark.Aborted()
	}
	b.marks = b.marks[:0]
}

// cut counts the answers that the origin broke off.
func (b *outbox) cut() {
	for i := range b.marks {
		b.marks[i].mark.Cut()
	}
	b.marks = b.marks[:0]
}

// output is the outbox of the connection, a fresh one if it has none.
func (c *Conn) output() *outbox {
	if c.box == nil {
		s := c.s
		if n := len(s.boxes); n > 0 {
			c.box, s.boxes = s.boxes[n-1], s.boxes[:n-1]
		} else {
			c.box = &outbox{}
		}
	}
	return c.box
}

// release gives the outbox back.
func (c *Conn) release() {
	b := c.box
	c.box = nil
	if cap(b.buf) > keepBuffer {
		b.buf = nil
	}
	*b = outbox{buf: b.buf[:0], marks: b.marks[:0]}
	c.s.boxes = append(c.s.boxes, b)
}

// Output is what has been said and not written yet; what is appended to it and
// handed to SetOutput is said too.
func (c *Conn) Output() []byte { return c.output().buf }

// SetOutput takes the result of appending to Output.
func (c *Conn) SetOutput(b []byte) { c.output().buf = b }

// Append says more.
func (c *Conn) Append(p []byte) { c.SetOutput(append(c.Output(), p...)) }

// Reply answers the request taken last with p, which is not copied where it can
// be written at once.
func (c *Conn) Reply(p []byte, status int) {
	b, f := c.box, c.s.force
	if len(b.buf) == 0 && !f.Stalled && !f.Truncate && !f.Drain && f.Piece == 0 && f.Corrupt == 0 {
		n, errno := c.line.Send(p)
		if errno != 0 && errno != syscall.EAGAIN {
			c.line.Gone()
			return
		}
		c.s.tally.BytesOut += uint64(n)
		if n == len(p) {
			c.open = false
			c.mark.Answered(status)
			c.release()
			c.idle()
			return
		}
		p = p[n:]
	}
	b.buf = append(b.buf, p...)
	c.Done(status)
}

// Take counts a complete request, by its id if it carries one, and tells
// whether it may be answered now. Otherwise the session returns without having
// used the request, and meets it again when its time has come.
func (c *Conn) Take(id []byte) bool {
	if c.closing || !c.line.Live() {
		return false
	}
	s := c.s
	if c.due {
		c.due = false
		return c.taken()
	}
	if c.box != nil && (len(c.box.buf) >= maxAnswers || c.box.cutAt > 0) {
		c.again = true
		return false
	}
	latency := &s.behaviour.Latency
	if s.force.Latency != nil {
		latency = s.force.Latency
	}
	d := time.Duration(0)
	if fixed, ok := latency.Fixed(); !ok || fixed > 0 {
		d = latency.Sample(s.rng)
	}
	if d > 0 && c.box != nil {
		c.again = true // answers go out before the next waits
		return false
	}
	switch {
	case len(id) > 0:
		c.mark = s.tally.Mark(id)
	case len(c.class) > 0:
		c.mark = s.tally.Own(c.class)
	default:
		c.mark = s.tally.Mark(nil)
	}
	c.mark.Received()
	if d > 0 {
		c.waiting = true
		c.line.After(int64(d))
		return false
	}
	return c.taken()
}

// taken begins the answer to a request.
func (c *Conn) taken() bool {
	b := c.output()
	b.begin = len(b.buf)
	c.open = true
	return true
}

// Failing reports whether an error fault hits the present answer, and with which
// status.
func (c *Conn) Failing() (status int, hit bool) {
	f := c.s.force
	if !f.Failing || f.Rate < 1 && c.s.rng.Float64() >= f.Rate {
		return 0, false
	}
	return f.Status, true
}

// Done ends the answer to the request taken last. The status is counted as
// tally.Mark.Answered does.
func (c *Conn) Done(status int) {
	b, f := c.output(), c.s.force
	size := len(b.buf) - b.begin
	c.open = false
	b.marks = append(b.marks, pending{mark: c.mark, end: len(b.buf), status: status})
	if f.Corrupt > 0 && size > 0 && c.s.rng.Float64() < f.Corrupt {
		b.buf[b.begin+c.s.rng.IntN(size)] ^= 0xff
	}
	if f.Truncate && b.cutAt == 0 {
		at := size / 2
		if f.TruncateAt != fault.Half {
			at = int(min(f.TruncateAt, int64(max(size-1, 0))))
		}
		b.cutAt = b.begin + at + 1
	}
	if f.Drain {
		c.closing = true
	}
}

// Finish closes the connection when all is written. It may be called by a
// session at work only.
func (c *Conn) Finish() { c.closing = true }

// Abort is Finish with a reset.
func (c *Conn) Abort() { c.closing, c.reset = true, true }

// Pause takes no input for a while; then the session is called again, also if
// there is none. It may be called by a session at work only.
func (c *Conn) Pause(d time.Duration) {
	c.pausing = true
	c.line.After(int64(d))
}

// flush writes what fits of the output, and settles the answers it held.
func (c *Conn) flush() {
	if c.line.handshaking() {
		return
	}
	s, f := c.s, c.s.force
	for range MaxSends {
		b := c.box
		if b == nil {
			if c.closing {
				c.linger()
			}
			return
		}
		if f.Stalled {
			c.line.Park()
			return
		}
		if c.pacing {
			return
		}
		rest := b.buf[b.off:]
		if b.cutAt > 0 {
			rest = b.buf[b.off : b.cutAt-1]
		}
		if f.Piece > 0 && len(rest) > f.Piece {
			rest = rest[:f.Piece]
		}
		n := 0
		if len(rest) > 0 {
			var errno syscall.Errno
			if n, errno = c.line.Send(rest); errno != 0 && errno != syscall.EAGAIN {
				c.line.Gone()
				return
			}
		}
		b.off += n
		s.tally.BytesOut += uint64(n)
		c.settle()
		switch {
		case b.cutAt > 0 && b.off == b.cutAt-1:
			(*client)(c).Cut(true)
			return
		case n < len(rest):
			c.line.AwaitRoom()
			return
		case f.Piece > 0 && !c.pausing:
			c.Pause(time.Duration(f.Every))
			c.pacing = true
			if b.off < len(b.buf) {
				return
			}
		}
		if b.off == len(b.buf) && !c.written() {
			return
		}
	}
	c.line.Later()
}

// settle counts the answers that are written.
func (c *Conn) settle() {
	b := c.box
	if len(b.marks) == 0 || b.marks[0].end > b.off {
		return
	}
	k := 0
	for ; k < len(b.marks) && b.marks[k].end <= b.off; k++ {
		m := &b.marks[k]
		if c.line.eof && !c.s.behaviour.HalfClose {
			// The client went away before; nobody can tell what it saw.
			m.mark.Aborted()
		} else {
			m.mark.Answered(m.status)
		}
	}
	b.marks = b.marks[:copy(b.marks, b.marks[k:])]
}

// written ends an outbox. It reports whether there is more to write.
func (c *Conn) written() bool {
	if r, ok := c.session.(Refiller); ok && !c.closing {
		c.box.off = 0
		if r.Refill(c) {
			return true
		}
	}
	c.release()
	if c.closing {
		c.linger()
		return false
	}
	c.idle()
	return false
}
