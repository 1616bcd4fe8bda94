// Package worker carries a load out: on an event loop of one thread it opens connections,
// sends the requests that are due, and hands answers to the books. What the requests are
// is for the protocols; what became of them, for package record.
package worker

import (
	"syscall"

	"bench/internal/list"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/loadgen/codec"
	"bench/loadgen/pace"
	"bench/loadgen/record"
	"bench/loadgen/targets"
	"bench/loadgen/witness"
	"bench/loadgen/workload"
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
	codec   codec.Codec
	rec     *record.Recorder
	targets *targets.List
	connect sock.ConnectOptions

	share    workload.Share
	arrivals pace.Arrivals
	closed   *pace.ClosedLoop // nil in an open loop
	timed    bool             // due times come from a clock, so lag has a meaning
	end      int64            // of the last phase
	most     uint64           // requests of all that share the load; 0: no limit
	phase    *record.PhaseTally
	draining bool // past the end
	aborted  bool // interrupted: nothing more is sent

	pool, perConn           int // 0: no limit
	depth                   int // requests on a connection at a time
	maxAge                  int64
	timeout, connectTimeout int64
	spin                    int64
	classes                 []codec.Class
	mix                     pace.Mix
	cutter                  *cutter // nil: requests are written whole

	live      requestList
	queue     waitQueue
	idle      list.List[conn]
	room      list.List[conn] // busy, but not to the depth
	opening   list.List[conn] // the protocol's set-up included
	lingering list.List[conn]
	freeConns *conn
	freeUsers []codec.Session
	users     int    // the number of the next virtual user
	scratch   []byte // for the request being written
	// answeredAt is when the last answer of the present read was complete, 0 outside
	// of one. What it gave rise to is written at once: reading the clock again would
	// take longer than the difference is.
	answeredAt int64
	stamps     *stamps // nil: answers come when they are read
	secure     *secure // nil: connections are in clear
	meter      meter
	witness    *witness.Witness
	privilege  privilege

	arrivalTimer, tickTimer, timeoutTimer, openingTimer, lingerTimer loop.Timer
	more, pump                                                       loop.Task
}

// begin arms the worker to start at the run's origin.
func (w *worker) begin() {
	w.loop.SetTimer(&w.tickTimer, w.rec.Origin, w)
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
	if w.aborted || w.spent() {
		return pace.Never
	}
	at := w.arrivals.Peek()
	if w.closed != nil && at >= w.end {
		return pace.Never
	}
	return at
}

// spent reports whether all requests have been sent that the load is limited to.
func (w *worker) spent() bool { return w.most > 0 && w.arrivals.Coming() >= w.most }

// arm sets the timer for the next intended start, or for the end of a schedule that
// is cut off there.
func (w *worker) arm() {
	at := w.nextDue()
	if w.spent() && w.closed == nil && !w.draining {
		at = w.arrivals.Peek()
	}
	if at == pace.Never || w.arrivalTimer.Active() && w.arrivalTimer.When() <= at {
		return
	}
	w.loop.SetTimer(&w.arrivalTimer, at, w)
}

// arrive dispatches the requests that are due.
func (w *worker) arrive() {
	now := loop.Nanotime()
	if w.spent() {
		if w.closed == nil && w.arrivals.Peek() <= now {
			w.cutShort(now)
		}
		return
	}
	for range arrivalBatch {
		at := w.nextDue()
		if at > now {
			w.arm()
			return
		}
		seq, item := w.arrivals.Pop()
		w.dispatch(w.admit(at, now, seq, item))
		now = loop.Nanotime()
	}
	w.loop.Wake(&w.more)
}

// dispatch gives a due request to a connection or to the wait queue. An open
// loop opens connections as it needs them; in a closed loop each user has one,
// so that the number of connections is the number of users. Requests are sent
// ahead of answers when there is no other connection for them.
func (w *worker) dispatch(q *request) {
	switch {
	case w.queue.head != nil:
		w.enqueue(q)
	case w.closed != nil && w.mayOpen():
		w.open(q)
	case w.idle.First() != nil:
		w.start(w.idle.First(), q)
	case w.mayOpen():
		w.open(q)
	case w.room.First() != nil:
		w.start(w.room.First(), q)
	default:
		w.enqueue(q)
	}
}

// enqueue lets q wait for a connection. As long as somebody waits, the loop
// watches for the next answer: every wake-up it would sleep for would add to
// the wait of all of them.
func (w *worker) enqueue(q *request) {
	w.watch()
	w.queue.push(q)
	w.rec.Queued = w.queue.length
}

func (w *worker) watch() {
	if w.queue.head == nil {
		w.loop.SetWatch(w.spin)
	}
}

// unqueue takes the first that waits, nil if there is none.
func (w *worker) unqueue() *request {
	q := w.queue.pop()
	if q != nil && w.queue.head == nil {
		w.loop.SetWatch(0)
	}
	w.rec.Queued = w.queue.length
	return q
}

// admit makes a request of an intended start.
func (w *worker) admit(at, now int64, seq uint64, item int) *request {
	q := w.live.push(at)
	q.Order = codec.Order{Seq: seq, Item: item}
	if item >= 0 {
		q.Order.Class = w.codec.(codec.Replayer).ClassOf(item)
	} else {
		q.Order.Class = w.mix.Pick(seq)
	}
	w.rec.Intended(&q.Entry, now, w.timed)
	if !w.timeoutTimer.Active() {
		w.loop.SetTimer(&w.timeoutTimer, at+w.timeout, w)
	}
	return q
}

func (w *worker) mayOpen() bool { return w.pool == 0 || w.rec.Conns < w.pool }

// open gives q a new connection. Over loopback the kernel connects within the
// call, so the request is tried at once; a refusal shows there as well.
func (w *worker) open(q *request) {
	q.tries = 0
	w.try(q)
}

// try opens a connection to the address whose turn it is, or to the next ones.
func (w *worker) try(q *request) {
	var fd int
	var inProgress bool
	at, e := 0, syscall.Errno(0)
	for {
		q.tries++
		at = w.targets.Next()
		if fd, inProgress, e = sock.Connect(w.targets.Addr(at), &w.connect); e == 0 {
			break
		}
		if !w.targets.Failed(at, q.tries, e) {
			w.fail(q, loop.Nanotime(), w.unreached(at, e, e.Error()))
			return
		}
	}
	if !inProgress {
		w.targets.Opened(at)
	}
	c := w.newConn(fd)
	c.target = at
	if err := w.loop.Add(fd, poller.In|poller.Out, c); err != nil {
		w.recycle(c)
		sock.Close(fd)
		w.fail(q, loop.Nanotime(), record.Failure{Cause: codec.CauseLocal, Detail: err.Error()})
		return
	}
	w.rec.Connected(&q.Entry)
	switch c.state = connBusy; {
	case inProgress:
		c.state = connOpening
	case w.secure.atOnce():
		c.secure()
		w.await(c)
	}
	c.flight.push(q)
	q.conn = c
	st := c.session.Open()
	if c.setUp = st != codec.Done; !c.setUp {
		w.transmit(c, q)
		return
	}
	if c.state == connBusy {
		c.state = connSetup
	}
	w.await(c)
	if st == codec.Reply {
		c.say()
	}
}

// unreached is the failure of a request whose connection to a target was not made.
func (w *worker) unreached(target int, e syscall.Errno, what string) record.Failure {
	why, detail := w.targets.Failure(target, e, what)
	return record.Failure{Cause: why, Detail: detail}
}

// start puts q on c, which is open.
func (w *worker) start(c *conn, q *request) {
	c.leave()
	c.state = connBusy
	c.flight.push(q)
	q.conn = c
	w.transmit(c, q)
}

// transmit writes q, the latest request on c.
func (w *worker) transmit(c *conn, q *request) {
	class := &w.classes[q.Order.Class]
	c.last = class.Ends || w.perConn > 0 && c.uses+c.flight.length >= w.perConn ||
		w.maxAge > 0 && loop.Nanotime()-c.openedAt >= w.maxAge
	c.hangUp = class.HangUp
	q.Order.Last = c.last
	var body []byte
	w.scratch, body = c.session.Request(w.scratch[:0], &q.Order)
	q.end = c.queued + int64(len(w.scratch)+len(body))
	c.streams.enter(q)
	if w.cutter != nil {
		w.cutter.cut(c.pieces, c.queued, w.scratch, len(body), q.Order.Seq)
	}
	switch {
	case len(w.scratch)+len(body) == 0: // the peer speaks first
		q.begun, q.Sent = true, loop.Nanotime()
		w.rec.Sent++
	case c.flight.writing == nil:
		c.flight.writing = q
	}
	if c.flight.head == q {
		c.began = false
		c.session.Await(&q.Order)
	}
	gen := c.gen
	if q.end > c.queued {
		c.put(w.scratch, body)
	} else if c.state == connOpening || c.state == connSecuring {
		w.await(c)
	}
	if c.gen == gen && c.state == connBusy {
		w.place(c)
	}
}

// place puts an open connection where it is found for its next request.
func (w *worker) place(c *conn) {
	c.leave()
	switch {
	case c.flight.head == nil:
		c.state = connIdle
		c.enter(&w.idle)
	case !c.last && !c.full():
		c.enter(&w.room)
		w.kick()
	}
}

// orphaned ends a request whose connection is gone, or sends it again. A reused
// connection that never answered may simply have been closed as idle while the
// request was on its way, so it gets a second try. One that the peer has not looked
// at has not been tried yet: behind others it may meet several closes in turn, each
// of which follows an answer. sent is how much of what the connection had to write
// has left.
func (w *worker) orphaned(q *request, now int64, f record.Failure, sent int64) {
	switch {
	case w.aborted:
		f.Cause, f.Detail, f.Interrupted = codec.CauseLocal, "interrupted", true
	case f.Unserved && (f.Cause == codec.CauseNone || !q.retried):
		w.retry(q)
		return
	case f.Cause != codec.CauseNone:
	case !q.retried && f.Uses > 0 && (w.classes[q.Order.Class].Repeatable || !q.begun):
		w.retry(q)
		return
	case q.written(sent):
		f.Cause = codec.CauseResetAfter
	default:
		f.Cause = codec.CauseResetBefore
	}
	w.fail(q, now, f)
}

// retry sends q again, on another connection.
func (w *worker) retry(q *request) {
	q.retried, q.begun, q.answering = true, false, false
	w.rec.Retry(&q.Entry)
	if w.mayOpen() {
		w.open(q)
		return
	}
	w.watch()
	w.queue.insert(q)
	w.rec.Queued = w.queue.length
}

// answered ends a request on c, whose answer is complete, and gives c its next work.
func (w *worker) answered(c *conn, q *request, hup bool) {
	now := loop.Nanotime()
	w.answeredAt = now
	a := c.session.Answer()
	written := q.written(c.sent)
	c.flight.remove(q)
	arrived := w.arrived(q, now)
	c.began = false
	w.rec.Checked(&q.Entry, arrived, c.session)
	if a.Fault != codec.CauseNone {
		w.rec.Bad(&q.Entry, arrived, &record.Failure{Cause: a.Fault, Status: a.Status, Detail: a.Detail, Age: now - c.openedAt, Uses: c.uses})
	} else {
		w.rec.Good(&q.Entry, arrived, a.Status)
		if a.Moved {
			w.rec.Moved(&q.Entry)
		}
	}
	c.uses++
	w.live.remove(q)
	next := c.flight.head
	over := c.last || hup || w.pool > 0 && w.rec.Conns > w.pool
	if c.streams.mux != nil {
		over = next == nil && (over || !a.KeepAlive)
	} else {
		over = !a.KeepAlive || !written || next == nil && over
	}
	if over {
		w.retire(c, hup)
		w.rested(now)
		return
	}
	if next != nil && c.streams.mux == nil {
		c.session.Await(&next.Order)
	}
	w.reuse(c, now)
}

// reuse gives a connection its next request, if there is one.
func (w *worker) reuse(c *conn, now int64) {
	if !c.last && !c.full() {
		if q := w.unqueue(); q != nil {
			w.rested(now)
			w.start(c, q)
			return
		}
		if w.closed != nil && !w.closed.Waits() && now < w.end && !w.draining && !w.spent() && w.closed.Full() {
			w.start(c, w.admit(now, now, w.closed.Number(), -1))
			return
		}
	}
	w.place(c)
	w.rested(now)
}

// rested notes that a request was answered: a closed loop's user thinks, and a
// draining run may be over.
func (w *worker) rested(now int64) {
	if w.closed != nil && !w.draining {
		w.closed.Answered(now)
		w.arm()
	}
	w.quit()
}

// fail ends a request without an answer. Its connection is closed already.
func (w *worker) fail(q *request, now int64, f record.Failure) {
	w.rec.Bad(&q.Entry, now, &f)
	w.rec.Unanswered(&q.Entry)
	w.live.remove(q)
	if w.closed != nil && !w.draining {
		w.closed.Unanswered(now)
		w.arm()
	}
	w.quit()
}
