package loadgen

import (
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
)

// arrivalBatch bounds the requests dispatched in one go, so that a worker that
// is late keeps reading answers while it catches up.
const arrivalBatch = 64

// lingerNs is how long a finished connection waits for the peer to close
// first, which leaves the TIME_WAIT state, and with it the port, to the peer.
const lingerNs = 1e9

// maxLingering bounds the finished connections that wait so. A peer that does
// not close at all would else take this process's descriptors.
const maxLingering = 256

// worker runs one load on one event loop. Everything in it belongs to the
// loop's thread.
type worker struct {
	loop    *loop.Loop
	codec   Codec
	rec     *recorder
	addrs   []sock.Addr
	turn    int // of addrs
	connect sock.ConnectOptions

	arrivals arrivals
	closed   *closedLoop // nil in an open loop
	timed    bool        // due times come from a clock, so lag has a meaning
	seq      uint64
	end      int64 // of the last phase
	phase    *phaseTally
	draining bool // past the end
	aborted  bool // interrupted: nothing more is sent

	pool, perConn           int // 0: no limit
	timeout, connectTimeout int64
	spin                    int64
	expect                  [600]bool
	expectBytes             int64 // -1: any

	live      requestList
	queue     waitQueue
	idle      connList
	opening   connList
	lingering connList
	freeConns *conn
	meter     meter

	arrivalTimer, tickTimer, timeoutTimer, openingTimer, lingerTimer loop.Timer
	more, pump                                                       loop.Task
}

// failure says how a request ended without a good answer.
type failure struct {
	cause  cause
	status int
	detail string
	age    int64 // of the connection, ns
	uses   int   // requests the connection had served before
}

// begin arms the worker to start at the run's origin.
func (w *worker) begin() {
	w.loop.SetTimer(&w.tickTimer, w.rec.origin, w)
	w.arm()
}

// Expired implements loop.TimerHandler.
func (w *worker) Expired(t *loop.Timer) {
	switch t {
	case &w.arrivalTimer:
		w.arrive()
	case &w.tickTimer:
		w.tick()
	case &w.timeoutTimer:
		w.expireRequests()
	case &w.openingTimer:
		w.expireOpening()
	case &w.lingerTimer:
		w.expireLingering()
	}
}

// taskFunc makes a method a loop.Runner.
type taskFunc func()

func (f taskFunc) Run() { f() }

// nextDue is the next intended start, never if there is none.
func (w *worker) nextDue() int64 {
	if w.aborted {
		return never
	}
	at := w.arrivals.peek()
	if w.closed != nil && at >= w.end {
		return never
	}
	return at
}

// arm sets the timer for the next intended start.
func (w *worker) arm() {
	at := w.nextDue()
	if at == never || w.arrivalTimer.Active() && w.arrivalTimer.When() <= at {
		return
	}
	w.loop.SetTimer(&w.arrivalTimer, at, w)
}

// arrive dispatches the requests that are due.
func (w *worker) arrive() {
	now := loop.Nanotime()
	for range arrivalBatch {
		at := w.nextDue()
		if at > now {
			w.arm()
			return
		}
		w.arrivals.pop()
		w.dispatch(at, now)
		now = loop.Nanotime()
	}
	w.loop.Wake(&w.more)
}

// dispatch gives a due request to a connection or to the wait queue. An open
// loop opens connections as it needs them; in a closed loop each user has one,
// so that the number of connections is the number of users.
func (w *worker) dispatch(at, now int64) {
	q := w.admit(at, now)
	switch {
	case w.queue.head == nil && w.closed != nil && w.mayOpen():
		w.open(q)
	case w.queue.head == nil && w.idle.head != nil:
		c := w.idle.head
		w.idle.remove(c)
		c.state = connBusy
		w.start(c, q)
	case w.queue.head == nil && w.mayOpen():
		w.open(q)
	default:
		w.enqueue(q)
	}
}

// enqueue lets q wait for a connection. As long as somebody waits, the loop
// watches for the next answer: every wake-up it would sleep for would add to
// the wait of all of them.
func (w *worker) enqueue(q *request) {
	if w.queue.head == nil {
		w.loop.SetWatch(w.spin)
	}
	w.queue.push(q)
	w.rec.queued = w.queue.length
}

// unqueue takes the first that waits, nil if there is none.
func (w *worker) unqueue() *request {
	q := w.queue.pop()
	if q != nil && w.queue.head == nil {
		w.loop.SetWatch(0)
	}
	w.rec.queued = w.queue.length
	return q
}

// admit makes a request of an intended start.
func (w *worker) admit(at, now int64) *request {
	s := w.rec.intended(at, now, w.timed)
	q := w.live.push(w.seq, at, s)
	w.seq++
	if !w.timeoutTimer.Active() {
		w.loop.SetTimer(&w.timeoutTimer, at+w.timeout, w)
	}
	return q
}

func (w *worker) mayOpen() bool { return w.pool == 0 || w.rec.conns < w.pool }

// open gives q a new connection. Over loopback the kernel connects within the
// call, so the request is tried at once; a refusal shows there as well.
func (w *worker) open(q *request) {
	a := &w.addrs[w.turn]
	if w.turn++; w.turn == len(w.addrs) {
		w.turn = 0
	}
	fd, inProgress, e := sock.Connect(a, &w.connect)
	if e != 0 {
		w.fail(q, loop.Nanotime(), failure{cause: connectCause(e), detail: e.Error()})
		return
	}
	c := w.newConn(fd)
	if err := w.loop.Add(fd, poller.In|poller.Out, c); err != nil {
		w.recycle(c)
		sock.Close(fd)
		w.fail(q, loop.Nanotime(), failure{cause: causeLocal, detail: err.Error()})
		return
	}
	w.rec.conns++
	q.slice.phase.conns++
	if c.state = connBusy; inProgress {
		c.state = connOpening
	}
	w.start(c, q)
}

// start writes q on c.
func (w *worker) start(c *conn, q *request) {
	c.req, q.conn = q, c
	c.began, c.written, c.unsent = false, false, c.unsent[:0]
	c.last = w.perConn > 0 && c.uses+1 >= w.perConn
	p := c.session.Request(q.seq, c.last)
	q.sent = loop.Nanotime()
	c.send(p)
}

// retry sends q a second time, on a connection of its own.
func (w *worker) retry(q *request) {
	q.retried, q.conn = true, nil
	w.rec.retry(q)
	w.open(q)
}

// answered ends the request on c, whose answer is complete, and gives c its
// next work.
func (w *worker) answered(c *conn, hup bool) {
	now := loop.Nanotime()
	q, a := c.req, c.session.Answer()
	c.req = nil
	f := failure{status: a.Status, age: now - c.openedAt, uses: c.uses}
	c.uses++
	switch {
	case !w.expect[a.Status]:
		f.cause = statusCause(a)
		w.rec.bad(q, now, &f)
	case w.expectBytes >= 0 && a.Bytes != w.expectBytes:
		f.cause, f.detail = causeBody, "body of another length"
		w.rec.bad(q, now, &f)
	default:
		w.rec.good(q, now, a.Status)
	}
	w.live.remove(q)
	if !a.KeepAlive || c.last || hup || !c.written || w.pool > 0 && w.rec.conns > w.pool {
		w.retire(c, hup)
		w.rested(now)
		return
	}
	w.reuse(c, now)
}

// reuse gives an idle connection its next request, if there is one.
func (w *worker) reuse(c *conn, now int64) {
	if q := w.unqueue(); q != nil {
		w.rested(now)
		w.start(c, q)
		return
	}
	if w.closed != nil && w.closed.think == 0 && now < w.end && !w.draining && w.closed.present <= w.closed.users {
		w.start(c, w.admit(now, now))
		return
	}
	c.state = connIdle
	w.idle.push(c)
	w.rested(now)
}

// rested notes that a request was answered: a closed loop's user thinks, and a
// draining run may be over.
func (w *worker) rested(now int64) {
	if w.closed != nil && !w.draining {
		w.closed.answered(now)
		w.arm()
	}
	w.quit()
}

// fail ends a request without an answer. Its connection is closed already.
func (w *worker) fail(q *request, now int64, f failure) {
	w.rec.bad(q, now, &f)
	w.live.remove(q)
	if w.closed != nil && !w.draining {
		w.closed.unanswered(now)
		w.arm()
	}
	w.quit()
}
