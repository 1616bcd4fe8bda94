package pace

import (
	"math"

	"bench/loadgen/trace"
	"bench/loadgen/workload"
)

// Never is later than any time.
const Never = math.MaxInt64

// failurePauseNs is the least pause of a closed loop's user after a request that
// got no answer. Without it a refused connection would turn the loop into a
// storm of failures that says nothing but how fast connect fails.
const failurePauseNs = 10e6

// Arrivals says when requests become due.
type Arrivals interface {
	// Peek is the next due time, never if there is none to come for now.
	Peek() int64
	// Coming is the number of the request it is for.
	Coming() uint64
	// Pop takes it: the number of its request, and its place in a trace or -1.
	Pop() (seq uint64, item int)
}

// OpenLoop follows the schedule, whatever becomes of the requests. When several
// workers share a load, each takes every so many-th start of the one schedule.
type OpenLoop struct {
	schedule schedule
	share    workload.Share
	origin   int64
	due      start // the next one
	seq      uint64
	at       int64
}

// NewOpenLoop follows the schedule of a load, or its trace, from a time on.
func NewOpenLoop(spec *workload.Spec, t *trace.Trace, origin int64) *OpenLoop {
	o := &OpenLoop{schedule: newSchedule(spec, t), share: spec.Share, origin: origin}
	o.advance(o.share.Index + 1)
	o.seq = uint64(o.share.Index)
	return o
}

// advance goes on by n starts.
func (o *OpenLoop) advance(n int) {
	for range n {
		s, ok := o.schedule.next()
		if !ok {
			o.at = Never
			return
		}
		o.due, o.at = s, o.origin+s.at
	}
}

func (o *OpenLoop) Peek() int64 { return o.at }

func (o *OpenLoop) Coming() uint64 { return o.seq }

func (o *OpenLoop) Pop() (seq uint64, item int) {
	seq, item = o.seq, o.due.item
	o.seq += uint64(o.share.Parts())
	o.advance(o.share.Parts())
	return seq, item
}

// ClosedLoop is a number of users, each thinking, or waiting for an answer. On
// connections of some pipelining depth each place is a user.
// Thinking users are kept in one queue for each length of pause, so that every
// queue is in order without sorting.
type ClosedLoop struct {
	think   int64
	lanes   int // users of a connection
	seq     uint64
	step    uint64 // between the numbers of requests
	users   int    // wanted
	present int    // thinking or waiting
	queues  [pauses]times
}

// Lengths of pause.
const (
	pauseNone = iota // of a user who has just come
	pauseThink
	pauseFailure
	pauses
)

// NewClosedLoop is the part of a share of the users of a load.
func NewClosedLoop(think int64, lanes int, share workload.Share) *ClosedLoop {
	return &ClosedLoop{think: think, lanes: lanes, seq: uint64(share.Index), step: uint64(share.Parts())}
}

// Waits reports whether users think after an answer.
func (c *ClosedLoop) Waits() bool { return c.think > 0 }

// Full reports whether no user is to leave.
func (c *ClosedLoop) Full() bool { return c.present <= c.users }

// Resize brings the number of users to those of n connections: new ones are due at once, surplus
// ones leave after their next answer.
func (c *ClosedLoop) Resize(n int, now int64) {
	for c.users = n * c.lanes; c.present < c.users; c.present++ {
		c.queues[pauseNone].push(now)
	}
}

// leave reports whether the user whose request has just ended goes away.
func (c *ClosedLoop) leave() bool {
	if c.Full() {
		return false
	}
	c.present--
	return true
}

// Answered lets a user think after an answer.
func (c *ClosedLoop) Answered(now int64) {
	if !c.leave() {
		c.queues[pauseThink].push(now + c.think)
	}
}

// Unanswered lets a user think after a failure.
func (c *ClosedLoop) Unanswered(now int64) {
	if !c.leave() {
		c.queues[pauseFailure].push(now + max(c.think, failurePauseNs))
	}
}

// next is the queue with the earliest due time; at is never when all are empty.
func (c *ClosedLoop) next() (q *times, at int64) {
	at = Never
	for i := range c.queues {
		if t := &c.queues[i]; t.size > 0 && t.ring[t.head] < at {
			q, at = t, t.ring[t.head]
		}
	}
	return q, at
}

func (c *ClosedLoop) Peek() int64 {
	_, at := c.next()
	return at
}

func (c *ClosedLoop) Coming() uint64 { return c.seq }

func (c *ClosedLoop) Pop() (seq uint64, item int) {
	if q, _ := c.next(); q != nil {
		q.pop()
	}
	return c.Number(), -1
}

// Number numbers a request.
func (c *ClosedLoop) Number() uint64 {
	c.seq += c.step
	return c.seq - c.step
}

// times is a queue of due times, in order.
type times struct {
	ring       []int64
	head, size int
}

func (t *times) push(at int64) {
	if t.size == len(t.ring) {
		grown := make([]int64, max(64, 2*len(t.ring)))
		for i := range t.size {
			grown[i] = t.ring[(t.head+i)%len(t.ring)]
		}
		t.ring, t.head = grown, 0
	}
	t.ring[(t.head+t.size)%len(t.ring)] = at
	t.size++
}

func (t *times) pop() int64 {
	at := t.ring[t.head]
	t.head = (t.head + 1) % len(t.ring)
	t.size--
	return at
}
