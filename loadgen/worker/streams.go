package worker

import (
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/loadgen/codec"
	"bench/loadgen/record"
)

// streams is what a connection has of a protocol with several answers at a time.
type streams struct {
	mux  codec.Multiplexer // nil: answers come in turn
	slot []*request        // what is under way, by its slot
}

func (s *streams) attend(session codec.Session) {
	s.mux, _ = session.(codec.Multiplexer)
}

func (s *streams) leave() {
	s.mux = nil
	clear(s.slot)
}

// enter notes in which slot a request is.
func (s *streams) enter(q *request) {
	if s.mux == nil {
		return
	}
	for q.Order.Slot >= len(s.slot) {
		s.slot = append(s.slot, nil)
	}
	s.slot[q.Order.Slot] = q
}

// full reports whether nothing may be added to what is under way.
func (c *conn) full() bool {
	most := c.w.depth
	if c.streams.mux != nil {
		most = min(most, c.streams.mux.Room())
	}
	return c.flight.length >= most
}

// owes reports whether a part of a request is still with the protocol.
func (c *conn) owes(q *request) bool {
	return c.streams.mux != nil && c.streams.mux.Owes(q.Order.Slot)
}

// listen is what happens on a connection without a request.
func (c *conn) listen(ev poller.Events) {
	gen := c.gen
	if ev&poller.Out != 0 && c.pending() {
		c.flush()
	}
	if c.gen == gen && ev&poller.In != 0 {
		c.receive(ev&poller.Hup != 0)
	}
}

// feedStreams gives received bytes to the protocol.
func (c *conn) feedStreams(p []byte, hup bool) {
	w, gen, mux := c.w, c.gen, c.streams.mux
	for {
		n, st := mux.Feed(p)
		if q := c.flight.head; q != nil {
			w.rec.Received(&q.Entry, n)
		} else {
			w.rec.Aside(n, 0)
		}
		got := p
		p = p[n:]
		if st == codec.Broken {
			c.broken(mux.Answer().Detail, got)
			return
		}
		if mux.Waits() {
			c.say()
		}
		switch {
		case c.gen != gen:
			return
		case st == codec.Done:
			w.answered(c, c.streams.slot[mux.Slot()], hup)
		case st == codec.Lost:
			c.unanswered(c.streams.slot[mux.Slot()], got)
		case c.flight.head == nil && mux.Room() == 0:
			w.close(c)
			return
		default:
			c.settle()
			return
		}
		if c.gen != gen || c.state == connLingering {
			return
		}
	}
}

// settle finds the connection its place after the peer may have changed how many requests it
// takes.
func (c *conn) settle() {
	switch {
	case c.state != connBusy || c.last:
	case c.full():
		c.leave()
	case c.in == nil:
		c.w.place(c)
	}
}

// unanswered ends a request of which the protocol says that there will be no answer. The
// others on the connection go on.
func (c *conn) unanswered(q *request, got []byte) {
	w, now, a := c.w, loop.Nanotime(), c.streams.mux.Answer()
	f := record.Failure{Cause: a.Fault, Status: a.Status, Detail: a.Detail, Unserved: a.Unserved, Age: now - c.openedAt, Uses: c.uses}
	if f.Cause == codec.CauseProtocol {
		w.rec.Garbled(&q.Entry, a.Detail, got, now, c.session)
	}
	c.flight.remove(q)
	gen := c.gen
	w.orphaned(q, now, f, c.sent)
	if c.gen == gen {
		c.resume(now)
	}
}

// cancel gives one request up. The others on the connection go on.
func (c *conn) cancel(q *request, now int64, f record.Failure) {
	f.Age, f.Uses = now-c.openedAt, c.uses
	c.flight.remove(q)
	c.streams.mux.Cancel(q.Order.Slot)
	gen := c.gen
	c.say()
	c.w.fail(q, now, f)
	if c.gen == gen {
		c.resume(now)
	}
}

// resume gives a connection that has lost a request its next work.
func (c *conn) resume(now int64) {
	if c.flight.head == nil && (c.last || c.streams.mux.Room() == 0) {
		c.w.close(c)
		return
	}
	c.w.reuse(c, now)
}

// note keeps what is known of the answers that are under way, before the connection goes.
func (c *conn) note() {
	mux := c.streams.mux
	if mux == nil || c.state == connOpening || c.state == connSecuring {
		return
	}
	for q := c.flight.head; q != nil; q = q.behind {
		q.status, q.answering = mux.Begun(q.Order.Slot)
	}
}
