package worker

import (
	"syscall"

	"bench/internal/loop"
	"bench/loadgen/codec"
	"bench/loadgen/pace"
	"bench/loadgen/record"
)

// tick ends a slice of the timeline, begins phases, and finds the end.
func (w *worker) tick() {
	now := w.loop.Refresh()
	w.privilege.review(now)
	if w.stamps != nil {
		w.stamps.adjust()
	}
	w.rec.Advance(now)
	for w.phase != w.rec.Phase() {
		w.enter(w.rec.After(w.phase), now)
	}
	w.rec.Flush(w.nextDue())
	w.quit()
	w.loop.SetTimer(&w.tickTimer, w.rec.SliceEnd(), w)
}

// enter begins a phase.
func (w *worker) enter(p *record.PhaseTally, now int64) {
	if w.phase == nil {
		w.meter.start(now, w.loop.Idle())
	}
	w.phase = p
	if p == w.rec.Drain {
		w.meter.stop(now, w.loop.Idle())
		w.draining = true
		w.quit()
		return
	}
	if p.Spec.Connections != nil {
		w.resize(w.share.Part(*p.Spec.Connections))
	}
	if w.closed != nil {
		w.closed.Resize(w.pool, p.Start)
		w.arm()
	}
}

// resize changes the pool. Surplus connections close when they are idle.
func (w *worker) resize(pool int) {
	w.pool = pool
	for pool > 0 && w.rec.Conns > pool && w.idle.First() != nil {
		w.idle.First().farewell()
		w.close(w.idle.First())
	}
	w.kick()
}

// quit stops the loop when a draining run has nothing under way and nothing
// overdue: a worker that is late at the end still sends what was due before it.
func (w *worker) quit() {
	if w.closed != nil && w.live.First() == nil && !w.draining && w.spent() {
		w.cutShort(loop.Nanotime())
	}
	if w.draining && w.live.First() == nil && w.nextDue() == pace.Never {
		w.loop.Stop()
	}
}

// cutShort ends the schedule of a load that has sent all it is limited to: an open
// loop's when the next request would have been due, a closed one's with its last
// answer. What is under way goes on.
func (w *worker) cutShort(now int64) {
	now = max(now, w.rec.Origin)
	w.rec.Cut(now)
	w.rec.CutSlice(now)
	w.end = min(w.end, now)
	w.tick()
}

// abort ends the run now; what is under way fails.
func (w *worker) abort() {
	now := max(loop.Nanotime(), w.rec.Origin)
	if w.phase != nil && w.phase != w.rec.Drain {
		w.meter.stop(now, w.loop.Idle())
	}
	w.rec.Cut(now)
	w.draining, w.aborted = true, true
	w.loop.StopTimer(&w.arrivalTimer)
	for q := w.live.First(); q != nil; q = w.live.First() {
		w.drop(q, now, record.Failure{Cause: codec.CauseLocal, Detail: "interrupted", Interrupted: true})
	}
	w.loop.Stop()
}

// drop fails a request wherever it is: on a connection or in the wait queue,
// of which only the head can be dropped because both go by intended start.
func (w *worker) drop(q *request, now int64, f record.Failure) {
	if c := q.conn; c != nil {
		if c.streams.mux != nil && c.state == connBusy {
			c.cancel(q, now, f)
			return
		}
		c.abandon(q, f, record.Failure{Detail: "an earlier request on the connection was given up"})
		return
	}
	if w.queue.head == q {
		w.unqueue()
	}
	w.fail(q, now, f)
}

// expireRequests fails the requests whose time-out is over.
func (w *worker) expireRequests() {
	now := loop.Nanotime()
	for q := w.live.First(); q != nil; q = w.live.First() {
		if q.Intended+w.timeout > now {
			w.loop.SetTimer(&w.timeoutTimer, q.Intended+w.timeout, w)
			return
		}
		f := record.Failure{Cause: codec.CauseTimeout}
		switch c := q.conn; {
		case c == nil:
			f.Detail = "waiting for a connection"
		case c.state == connOpening || c.state == connSecuring || c.state == connSetup:
			f = c.tooSlow()
		case !q.written(c.sent) || c.owes(q):
			f.Detail = "writing the request"
		case c.streams.mux != nil:
			f.Detail = "waiting for the response"
			if status, begun := c.streams.mux.Begun(q.Order.Slot); begun {
				f.Detail, f.Status = "within the response", status
			}
		case c.began && c.flight.head == q:
			f.Detail, f.Status = "within the response", c.session.Answer().Status
		default:
			f.Detail = "waiting for the response"
		}
		w.drop(q, now, f)
	}
}

// tooSlow is the failure of a connection that takes too long to open.
func (c *conn) tooSlow() record.Failure {
	if c.state == connSetup || c.state == connSecuring {
		return record.Failure{Cause: codec.CauseConnect, Detail: "handshake: timed out"}
	}
	return c.w.unreached(c.target, syscall.ETIMEDOUT, "timed out")
}

// await waits for a connect or a set-up under way.
func (w *worker) await(c *conn) {
	if c.in != nil {
		return
	}
	c.enter(&w.opening)
	if !w.openingTimer.Active() {
		w.loop.SetTimer(&w.openingTimer, c.openedAt+w.connectTimeout, w)
	}
}

// expireOpening fails the connects that take too long.
func (w *worker) expireOpening() {
	now := loop.Nanotime()
	for c := w.opening.First(); c != nil; c = w.opening.First() {
		if c.openedAt+w.connectTimeout > now {
			w.loop.SetTimer(&w.openingTimer, c.openedAt+w.connectTimeout, w)
			return
		}
		if c.state == connOpening {
			c.unreached(syscall.ETIMEDOUT, "timed out")
			continue
		}
		w.drop(c.flight.head, now, c.tooSlow())
	}
}

// expireLingering closes the connections whose peer did not.
func (w *worker) expireLingering() {
	now := loop.Nanotime()
	for c := w.lingering.First(); c != nil; c = w.lingering.First() {
		if c.lingerEnd > now {
			w.loop.SetTimer(&w.lingerTimer, c.lingerEnd, w)
			return
		}
		w.close(c)
	}
}

// retire ends a connection after its last answer. The peer is given the time to
// close first, unless it has. Requests that were sent ahead on it go elsewhere:
// the peer has said that it does not serve them.
func (w *worker) retire(c *conn, hup bool) {
	now := loop.Nanotime()
	left, sent := c.flight.head, c.sent
	f := record.Failure{Detail: "the peer ended the connection before this request's turn", Age: now - c.openedAt, Uses: c.uses, Unserved: true}
	c.flight = flight{}
	if hup || !c.last && c.session.Answer().KeepAlive {
		w.close(c)
	} else {
		w.rec.Conns--
		c.farewell()
		w.release(c)
		c.leave()
		c.reset()
		c.state = connLingering
		c.lingerEnd = now + lingerNs
		if w.lingering.Len() >= maxLingering {
			w.close(w.lingering.First())
		}
		c.enter(&w.lingering)
		if !w.lingerTimer.Active() {
			w.loop.SetTimer(&w.lingerTimer, c.lingerEnd, w)
		}
		w.kick()
	}
	for left != nil {
		next := left.behind
		left.behind, left.ahead, left.conn = nil, nil, nil
		w.orphaned(left, now, f, sent)
		left = next
	}
}

// kick lets waiting requests have what is there now: connections that may be
// opened, room on those that are. It happens later in the turn: opening can fail
// at once and fail the next one, and a long queue would nest as deeply.
func (w *worker) kick() {
	if w.queue.head != nil && (w.mayOpen() || w.room.First() != nil) {
		w.loop.Wake(&w.pump)
	}
}

// serveQueue is what kick has asked for.
func (w *worker) serveQueue() {
	for range arrivalBatch {
		switch {
		case w.queue.head == nil:
			return
		case w.mayOpen():
			w.open(w.unqueue())
		case w.room.First() != nil:
			w.start(w.room.First(), w.unqueue())
		default:
			return
		}
	}
	w.loop.Wake(&w.pump)
}

// newConn gives an open socket to a virtual user that has none.
func (w *worker) newConn(fd int) *conn {
	c := w.freeConns
	if c == nil {
		c = &conn{w: w}
	} else {
		w.freeConns, c.free = c.free, nil
	}
	if n := len(w.freeUsers); n > 0 {
		c.session = w.freeUsers[n-1]
		w.freeUsers = w.freeUsers[:n-1]
	} else {
		c.session = w.codec.Session(w.users)
		w.users += w.share.Parts()
	}
	c.streams.attend(c.session)
	c.fd, c.uses, c.openedAt = fd, 0, loop.Nanotime()
	c.last, c.hangUp, c.upgrade, c.began, c.corked, c.hup = false, false, false, false, false, false
	if w.cutter != nil && c.pieces == nil {
		c.pieces = &pieces{}
	}
	c.reset()
	return c
}

// release gives the connection's user free for another one.
func (w *worker) release(c *conn) {
	c.whole()
	if c.session != nil {
		w.freeUsers = append(w.freeUsers, c.session)
		c.session = nil
		c.streams.leave()
	}
}

// close closes a connection in any state and takes it out of the books.
func (w *worker) close(c *conn) {
	c.leave()
	if c.state != connLingering {
		w.rec.Conns--
	}
	c.insecure()
	w.loop.Close(c.fd)
	w.recycle(c)
	w.kick()
}

// recycle keeps a closed connection's memory for the next.
func (w *worker) recycle(c *conn) {
	w.release(c)
	c.gen++
	c.state, c.fd = connBusy, -1
	c.free = w.freeConns
	w.freeConns = c
}
