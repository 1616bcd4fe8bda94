package loadgen

import (
	"syscall"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
)

// connState is where a connection is in its life.
type connState uint8

const (
	connOpening   connState = iota // the kernel has not connected yet
	connBusy                       // a request is on it
	connIdle                       // waits for a request
	connLingering                  // done; waits for the peer to close first
)

// conn is one connection. Closed ones are recycled; gen then changes, so that
// code further up the stack sees that the one it held is gone.
type conn struct {
	w         *worker
	fd        int
	gen       uint32
	state     connState
	last      bool // the request on it asked the peer to close
	began     bool // a byte of the answer has come
	written   bool // the request on it has been written completely
	uses      int  // requests answered before
	openedAt  int64
	req       *request
	session   Session
	lingerEnd int64
	unsent    []byte // what the socket did not take of the request yet

	prev, next *conn // in one of the worker's lists
}

// connList is a list of connections, oldest first.
type connList struct {
	head, tail *conn
	length     int
}

func (l *connList) push(c *conn) {
	c.prev, c.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = c
	} else {
		l.head = c
	}
	l.tail = c
	l.length++
}

func (l *connList) remove(c *conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.head = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.tail = c.prev
	}
	c.prev, c.next = nil, nil
	l.length--
}

// Ready implements loop.Handler.
func (c *conn) Ready(ev poller.Events) {
	switch c.state {
	case connOpening:
		c.connected(ev)
	case connBusy:
		if ev&poller.Out != 0 && len(c.unsent) > 0 {
			gen := c.gen
			c.flush()
			if c.gen != gen {
				return
			}
		}
		if ev&poller.In != 0 {
			c.receive(ev&poller.Hup != 0)
		}
	case connIdle, connLingering:
		if ev&poller.In != 0 {
			c.ended()
		}
	}
}

// connected is the outcome of a connect that did not end at once.
func (c *conn) connected(ev poller.Events) {
	if e := sock.Error(c.fd); e != 0 {
		c.refused(e)
		return
	}
	if ev&poller.Out == 0 {
		c.w.loop.Rearm(c.fd, poller.Out)
		return
	}
	c.w.opening.remove(c)
	c.state = connBusy
	c.w.start(c, c.req)
}

// refused ends a connection that never came to be.
func (c *conn) refused(e syscall.Errno) {
	w, q := c.w, c.req
	w.close(c)
	w.fail(q, loop.Nanotime(), failure{cause: connectCause(e), detail: e.Error()})
}

// send writes the request, or as much of it as the socket takes.
func (c *conn) send(p []byte) {
	n, e := sock.Send(c.fd, p)
	if c.state == connOpening {
		switch e {
		case 0:
			c.state = connBusy
		case syscall.EAGAIN:
			c.w.await(c)
			return
		default:
			c.refused(e)
			return
		}
	}
	if n > 0 {
		c.w.rec.sent++
		c.req.slice.phase.bytesOut += uint64(n)
	}
	if n == len(p) {
		c.written = true
		return
	}
	if e != 0 && e != syscall.EAGAIN {
		c.lost(e)
		return
	}
	// The template serves the next request too: keep a copy of the rest.
	c.unsent = append(c.unsent[:0], p[n:]...)
	c.w.loop.Rearm(c.fd, poller.Out)
}

// flush goes on writing after the socket was full.
func (c *conn) flush() {
	n, e := sock.Send(c.fd, c.unsent)
	if e != 0 && e != syscall.EAGAIN {
		c.lost(e)
		return
	}
	c.req.slice.phase.bytesOut += uint64(n)
	if c.unsent = c.unsent[n:]; len(c.unsent) > 0 {
		c.w.loop.Rearm(c.fd, poller.Out)
		return
	}
	c.written = true
}

// receive reads the answer, until the socket is empty. One short read is taken
// for that, unless the peer has closed: then its end must be seen.
func (c *conn) receive(hup bool) {
	w, gen := c.w, c.gen
	buf := w.loop.Scratch()
	for {
		n, e := sock.Recv(c.fd, buf)
		switch {
		case e == syscall.EAGAIN:
			w.loop.Rearm(c.fd, poller.In)
			return
		case e != 0:
			c.lost(e)
			return
		case n == 0:
			c.eof()
			return
		}
		if c.req == nil { // answered within this call: nothing may follow
			w.close(c)
			return
		}
		c.req.slice.phase.bytesIn += uint64(n)
		c.feed(buf[:n], hup)
		if c.gen != gen || c.state == connLingering {
			return
		}
		if n < len(buf) && !hup {
			w.loop.Rearm(c.fd, poller.In)
			return
		}
	}
}

// feed gives received bytes to the codec.
func (c *conn) feed(p []byte, hup bool) {
	c.began = true
	n, st := c.session.Feed(p)
	switch {
	case st == Done && n < len(p):
		c.broken("data after the end of the response")
	case st == Done:
		c.w.answered(c, hup)
	case st == Broken:
		c.broken(c.session.Answer().Err)
	}
}

// broken ends a connection whose answer is not one.
func (c *conn) broken(why string) {
	w, q := c.w, c.req
	f := failure{cause: causeProtocol, status: c.session.Answer().Status, detail: why, age: loop.Nanotime() - c.openedAt, uses: c.uses}
	w.close(c)
	w.fail(q, loop.Nanotime(), f)
}

// eof is the peer's close while a request is on the connection.
func (c *conn) eof() {
	if c.began && c.session.End() == Done {
		c.w.answered(c, true)
		return
	}
	c.lost(0)
}

// lost ends a connection that broke under its request; e is 0 for an orderly
// close. A reused connection that never answered may simply have been closed
// as idle while the request was on its way, so the request gets a second try.
func (c *conn) lost(e syscall.Errno) {
	w, q := c.w, c.req
	now := loop.Nanotime()
	f := failure{detail: "closed by the peer", age: now - c.openedAt, uses: c.uses}
	if e != 0 {
		f.detail = e.Error()
	}
	untouched := !c.written && len(c.unsent) == 0
	switch {
	case c.began:
		f.cause, f.status = causeTruncated, c.session.Answer().Status
	case c.uses > 0 && !q.retried && (w.codec.Repeatable() || untouched):
		w.close(c)
		w.retry(q)
		return
	case !c.written:
		f.cause = causeResetBefore
	default:
		f.cause = causeResetAfter
	}
	w.close(c)
	w.fail(q, now, f)
}

// ended is input on a connection without a request: the peer's close, or data
// nobody asked for. Either way it has no further use.
func (c *conn) ended() {
	var one [1]byte
	if _, e := sock.Recv(c.fd, one[:]); e == syscall.EAGAIN {
		c.w.loop.Rearm(c.fd, poller.In)
		return
	}
	c.w.close(c)
}
