package worker

import (
	"syscall"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
)

// output is what a connection has to write: bytes kept because they could not be
// written at once, and then a large constant body that need not be copied.
type output struct {
	kept         []byte
	at           int    // of kept: how much has been written
	body         []byte // follows kept
	queued, sent int64  // bytes given and written since the connection began
}

func (o *output) reset() { *o = output{kept: o.kept[:0]} }

func (o *output) pending() bool { return o.at < len(o.kept) || len(o.body) > 0 }

// keep adds to what is to be written later.
func (o *output) keep(p, body []byte) {
	if o.at > 0 && o.at >= len(o.kept)/2 {
		o.kept = o.kept[:copy(o.kept, o.kept[o.at:])]
		o.at = 0
	}
	o.kept = append(o.kept, o.body...)
	o.kept = append(o.kept, p...)
	o.body = body
}

// put writes p and body after it, or keeps what cannot be written yet. p need
// not last longer than the call.
func (c *conn) put(p, body []byte) {
	c.queued += int64(len(p) + len(body))
	if c.corked || c.pending() {
		c.keep(p, body)
		return
	}
	n, e := c.write(p, len(body) > 0)
	if e == 0 && n == len(p) && len(body) > 0 {
		var m int
		m, e = c.write(body, false)
		n, body = len(p), body[m:]
	}
	if e != 0 && e != syscall.EAGAIN {
		c.lost(e)
		return
	}
	if n < len(p) || len(body) > 0 {
		c.keep(p[n:], body)
		c.waitToWrite()
		return
	}
	c.written()
}

// written is when all there is to write has left.
func (c *conn) written() {
	if c.upgrade {
		c.upgrade = false
		c.secure()
	}
	if c.hangUp {
		c.hangUp = false
		c.hang()
	}
}

// flush writes what was kept.
func (c *conn) flush() {
	var e syscall.Errno
	if c.at < len(c.kept) {
		var n int
		n, e = c.write(c.kept[c.at:], len(c.body) > 0)
		c.at += n
	}
	if e == 0 && c.at == len(c.kept) {
		c.kept, c.at = c.kept[:0], 0
		if len(c.body) > 0 {
			var n int
			n, e = c.write(c.body, false)
			c.body = c.body[n:]
		}
	}
	if e != 0 && e != syscall.EAGAIN {
		c.lost(e)
		return
	}
	if c.pending() {
		c.waitToWrite()
		return
	}
	c.written()
}

// uncork writes what came up while answers were read.
func (c *conn) uncork() {
	c.corked = false
	if c.pending() {
		c.flush()
	}
}

func (c *conn) waitToWrite() {
	if c.state == connOpening || c.state == connSecuring {
		c.w.await(c)
		return
	}
	if c.pieces != nil && c.pieces.pausing {
		return
	}
	c.w.loop.Rearm(c.fd, poller.Out)
}

// write writes to the socket and keeps the books of the requests it is of. A
// connect under way shows its outcome here.
func (c *conn) write(p []byte, more bool) (n int, e syscall.Errno) {
	if c.unsecured() {
		return 0, syscall.EAGAIN
	}
	now := c.w.answeredAt
	if now == 0 {
		now = loop.Nanotime()
	}
	if c.pieces != nil {
		room := c.room(len(p))
		if room == 0 {
			return 0, 0
		}
		p, more = p[:room], false
	}
	switch {
	case c.tls != nil:
		n, e = c.tls.Send(p, nil)
	case more:
		n, e = sock.SendMore(c.fd, p)
	default:
		n, e = sock.Send(c.fd, p)
	}
	if n > 0 {
		if c.state == connOpening {
			c.established()
		}
		c.wrote(int64(n), now)
		if c.pieces != nil {
			c.piece()
		}
	}
	return n, e
}

// wrote notes that n bytes have left at now.
func (c *conn) wrote(n, now int64) {
	from := c.sent
	c.sent += n
	for q := c.flight.writing; q != nil && from < c.sent; q = c.flight.writing {
		if !q.begun {
			q.begun, q.Sent = true, now
			c.w.rec.Sent++
		}
		part := min(q.end, c.sent) - from
		c.w.rec.Written(&q.Entry, part)
		from += part
		if from < q.end {
			return
		}
		c.flight.writing = q.behind
	}
	if q := c.flight.head; q != nil && from < c.sent { // set-up, or a step of a request
		c.w.rec.Written(&q.Entry, c.sent-from)
	} else if from < c.sent {
		c.w.rec.Aside(0, c.sent-from)
	}
}
