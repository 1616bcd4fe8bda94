package worker

import (
	"syscall"

	"bench/internal/list"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/loadgen/codec"
	"bench/loadgen/record"
)

// connState is where a connection is in its life.
type connState uint8

const (
	connOpening   connState = iota // the kernel has not connected yet
	connSecuring                   // the handshake of TLS goes on
	connSetup                      // the protocol's set-up goes on
	connBusy                       // requests are on it
	connIdle                       // waits for a request
	connLingering                  // done; waits for the peer to close first
)

// conn is one connection. Closed ones are recycled; gen then changes, so that
// code further up the stack sees that the one it held is gone.
type conn struct {
	w         *worker
	fd        int
	target    int // number of the address it leads to
	gen       uint32
	state     connState
	setUp     bool // the protocol's set-up is not complete
	last      bool // nothing may follow the requests that are on it
	hangUp    bool // this side ends when all is written
	upgrade   bool // TLS begins when all is written
	began     bool // a byte of the answer to the first of them has come
	corked    bool // what is written waits for uncork
	hup       bool // the peer has closed its side, or the connection failed
	uses      int  // requests answered before
	openedAt  int64
	securedAt int64 // when the handshake of TLS began
	lingerEnd int64
	flight    flight
	session   codec.Session // nil when lingering
	streams   streams       // of protocols with several answers at a time
	pieces    *pieces       // nil where requests are written whole
	tls       *tlsio.Conn   // nil in clear, and before the handshake
	output

	in    *list.List[conn] // the list it is in; nil for none
	place list.Node[conn]
	free  *conn // the next one to be used again
}

// enter puts c at the end of a list.
func (c *conn) enter(l *list.List[conn]) {
	c.in = l
	l.PushBack(&c.place, c)
}

// leave takes c out of the list it is in, if any.
func (c *conn) leave() {
	if c.in != nil {
		c.in.Remove(&c.place)
		c.in = nil
	}
}

// Ready implements loop.Handler.
func (c *conn) Ready(ev poller.Events) {
	if ev&poller.Hup != 0 {
		c.hup = true
	}
	if ev&poller.Out != 0 && c.tls != nil {
		c.tls.Flush()
	}
	switch c.state {
	case connOpening:
		c.connected(ev)
	case connSecuring:
		c.tls.Handshake(c.hup)
	case connSetup, connBusy:
		if ev&poller.Out != 0 && c.pending() {
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
		switch {
		case c.streams.mux != nil:
			c.listen(ev)
		case ev&poller.In != 0:
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
	gen := c.gen
	c.established()
	if c.gen != gen || c.state == connSecuring {
		return
	}
	if c.pending() {
		c.flush()
	}
	if c.gen == gen && ev&poller.In != 0 {
		c.receive(ev&poller.Hup != 0)
	}
}

// established notes that the kernel has connected.
func (c *conn) established() {
	c.w.targets.Opened(c.target)
	if c.w.stamps == nil {
		c.w.loop.Receive(c.fd)
	}
	if c.w.secure.atOnce() {
		c.secure()
		return
	}
	c.ready()
}

// ready notes that requests can be written, or what has to come before them.
func (c *conn) ready() {
	if c.setUp {
		c.state = connSetup
		return
	}
	c.leave()
	c.state = connBusy
	c.w.place(c)
}

// refused ends a connection that never came to be.
func (c *conn) refused(e syscall.Errno) { c.unreached(e, e.Error()) }

// unreached ends a connection that never came to be. Its request is sent to the next
// address, or fails if there is none.
func (c *conn) unreached(e syscall.Errno, what string) {
	w, q := c.w, c.flight.head
	if !w.targets.Failed(c.target, q.tries, e) {
		c.abandon(q, w.unreached(c.target, e, what), record.Failure{})
		return
	}
	c.flight = flight{}
	w.close(c)
	if q.begun { // as far as a request can that says nothing
		w.rec.Sent--
	}
	q.behind, q.ahead, q.conn, q.begun = nil, nil, nil, false
	w.try(q)
}

// receive reads answers, until the socket is empty. One short read is taken for
// that, unless the peer has closed: then its end must be seen. What the answers
// give rise to is written together at the end.
func (c *conn) receive(hup bool) {
	gen := c.gen
	c.corked = true
	c.w.answeredAt = 0
	c.readAll(hup)
	if c.gen == gen {
		c.uncork()
	}
	c.w.answeredAt = 0
}

func (c *conn) readAll(hup bool) {
	w, gen := c.w, c.gen
	buf := w.loop.Scratch()
	for {
		n, more, e := c.recv(buf, hup)
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
		if c.flight.head == nil && c.streams.mux == nil { // answered within this call: nothing may follow
			w.close(c)
			return
		}
		c.feed(buf[:n], hup)
		if c.gen != gen || c.state == connLingering {
			return
		}
		if !more {
			w.loop.Rearm(c.fd, poller.In)
			return
		}
	}
}

// recv reads what is there. Without more the socket is empty.
func (c *conn) recv(p []byte, hup bool) (n int, more bool, errno syscall.Errno) {
	switch s := c.w.stamps; {
	case c.tls != nil:
		return c.tls.Recv(p, hup)
	case s != nil:
		n, errno = s.recv(c.fd, p)
	default:
		n, errno = c.w.loop.Recv(c.fd, p)
	}
	return n, n == len(p) || hup, errno
}

// feed gives received bytes to the codec: the rest of a set-up, or answers.
func (c *conn) feed(p []byte, hup bool) {
	if c.streams.mux != nil {
		c.feedStreams(p, hup)
		return
	}
	gen := c.gen
	for {
		setUp := c.state == connSetup
		c.began = !setUp
		if c.upgrade { // whoever sent this wants it to be taken for what is secured
			c.broken("data in clear, where TLS was asked for", p)
			return
		}
		n, st := c.session.Feed(p)
		c.w.rec.Received(&c.flight.head.Entry, n)
		answer := p
		p = p[n:]
		switch st {
		case codec.More:
			return
		case codec.Reply:
			c.say()
		case codec.Secure:
			c.upgrade = true
			c.say()
		case codec.Done:
			switch {
			case setUp:
				c.setUp, c.state = false, connBusy
				c.leave()
				c.w.transmit(c, c.flight.head)
			case len(p) > 0 && c.flight.head.behind == nil:
				c.w.rec.Received(&c.flight.head.Entry, len(p))
				c.broken("data after the end of the response", p)
			default:
				c.w.answered(c, c.flight.head, hup)
			}
		case codec.Broken:
			c.w.rec.Received(&c.flight.head.Entry, len(p))
			c.broken(c.session.Answer().Detail, answer)
		case codec.Lost: // of a Multiplexer only
		}
		if c.gen != gen || c.state == connLingering || len(p) == 0 {
			return
		}
	}
}

// say sends what the set-up or an answer needs to go on.
func (c *conn) say() {
	w := c.w
	w.scratch = c.session.Say(w.scratch[:0])
	c.put(w.scratch, nil)
}

// broken ends a connection whose answer is not one; got is what made it so.
func (c *conn) broken(why string, got []byte) {
	if q := c.flight.head; q != nil && c.state != connSetup {
		c.w.rec.Garbled(&q.Entry, why, got, loop.Nanotime(), c.session)
	}
	f := record.Failure{Cause: codec.CauseProtocol, Status: c.session.Answer().Status, Detail: why}
	if c.state == connSetup {
		f.Cause, f.Detail = codec.CauseConnect, "handshake: "+why
	}
	c.abandon(c.flight.head, f, record.Failure{Detail: "an earlier answer on the connection was broken"})
}

// eof is the peer's close while a request is on the connection.
func (c *conn) eof() {
	if c.state == connBusy && !c.hangUp && c.session.End() == codec.Done {
		c.w.answered(c, c.flight.head, true)
		return
	}
	c.lost(0)
}

// lost ends a connection that broke under its requests; e is 0 for an orderly
// close.
func (c *conn) lost(e syscall.Errno) {
	if c.state == connOpening {
		c.refused(e)
		return
	}
	f := record.Failure{Detail: "closed by the peer"}
	if e != 0 {
		f.Detail = e.Error()
	}
	rest := f
	switch {
	case c.state == connSetup, c.state == connSecuring:
		f.Cause, f.Detail = codec.CauseConnect, "handshake: "+f.Detail
	case c.began:
		f.Cause, f.Status = codec.CauseTruncated, c.session.Answer().Status
	}
	c.abandon(c.flight.head, f, rest)
}

// abandon closes c and ends the requests on it: culprit with f, the others with
// rest. A failure without a cause is given by how far the request was written,
// and the request may be tried again.
func (c *conn) abandon(culprit *request, f, rest record.Failure) {
	w, now := c.w, loop.Nanotime()
	f.Age, f.Uses = now-c.openedAt, c.uses
	rest.Age, rest.Uses = f.Age, f.Uses
	q, sent := c.flight.head, c.sent
	if c.state == connSecuring && q != nil && !f.Interrupted {
		w.rec.Unsecured(&q.Entry)
	}
	c.note()
	c.flight = flight{}
	w.close(c)
	for q != nil {
		next := q.behind
		q.behind, q.ahead, q.conn = nil, nil, nil
		why := rest
		if q == culprit {
			why = f
		}
		if why.Cause == codec.CauseNone && q.answering {
			why.Cause, why.Status = codec.CauseTruncated, q.status
		}
		w.orphaned(q, now, why, sent)
		q = next
	}
}

// farewell says what the protocol says at the end of a connection. If the kernel
// does not take it, the peer finds out by the close.
func (c *conn) farewell() {
	w := c.w
	var hangUp bool
	w.scratch, hangUp = c.session.Leave(w.scratch[:0])
	switch {
	case len(w.scratch) == 0:
	case c.tls != nil:
		_, _ = c.tls.Send(w.scratch, nil)
	default:
		_, _ = sock.Send(c.fd, w.scratch)
	}
	if hangUp {
		c.hang()
	}
}

// ended is input on a connection without a request: the peer's close, or data
// nobody asked for. Either way it has no further use, but what answers a
// farewell comes before the close.
func (c *conn) ended() {
	buf := c.w.loop.Scratch()
	n, _, e := c.recv(buf, c.hup)
	if e == syscall.EAGAIN || c.state == connLingering && n > 0 && n < len(buf) {
		c.w.loop.Rearm(c.fd, poller.In)
		return
	}
	c.w.close(c)
}
