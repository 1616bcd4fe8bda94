package loadgen

import "math"

// never is later than any time.
const never = math.MaxInt64

// failurePauseNs is the least pause of a closed loop's user after a request that
// got no answer. Without it a refused connection would turn the loop into a
// storm of failures that says nothing but how fast connect fails.
const failurePauseNs = 10e6

// arrivals says when requests become due.
type arrivals interface {
	// peek is the next due time, never if there is none to come for now.
	peek() int64
	// coming is the number of the request it is for.
	coming() uint64
	// pop takes it: the number of its request, and its place in a trace or -1.
	pop() (seq uint64, item int)
}

// openLoop follows the schedule, whatever becomes of the requests. When several
// workers share a load, each takes every so many-th start of the one schedule.
type openLoop struct {
	schedule schedule
	share    Share
	origin   int64
	due      start // the next one
	seq      uint64
	at       int64
}

func newOpenLoop(spec *Spec, t *trace, origin int64) *openLoop {
	o := &openLoop{schedule: newSchedule(spec, t), share: spec.Share, origin: origin}
	o.advance(o.share.Index + 1)
	o.seq = uint64(o.share.Index)
	return o
}

// advance goes on by n starts.
func (o *openLoop) advance(n int) {
	for range n {
		s, ok := o.schedule.next()
		if !ok {
			o.at = never
			return
		}
		o.due, o.at = s, o.origin+s.at
	}
}

func (o *openLoop) peek() int64 { return o.at }

func (o *openLoop) coming() uint64 { return o.seq }

func (o *openLoop) pop() (seq uint64, item int) {
	seq, item = o.seq, o.due.item
	o.seq += uint64(o.share.of())
	o.advance(o.share.of())
	return seq, item
}

// closedLoop is a number of users, each thinking, or waiting for an answer. On
// connections of some pipelining depth each place is a user.
// Thinking users are kept in one queue for each length of pause, so that every
// queue is in order without sorting.
type closedLoop struct {
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

// resize brings the number of users to those of n connections: new ones are due at once, surplus
// ones leave after their next answer.
func (c *closedLoop) resize(n int, now int64) {
	for c.users = n * c.lanes; c.present < c.users; c.present++ {
		c.queues[pauseNone].push(now)
	}
}

// leave tells whether the user whose request has just ended goes away.
func (c *closedLoop) leave() bool {
	if c.present <= c.users {
		return false
	}
	c.present--
	return true
}

// answered lets a user think after an answer.
func (c *closedLoop) answered(now int64) {
	if !c.leave() {
		c.queues[pauseThink].push(now + c.think)
	}
}

// unanswered lets a user think after a failure.
func (c *closedLoop) unanswered(now int64) {
	if !c.leave() {
		c.queues[pauseFailure].push(now + max(c.think, failurePauseNs))
	}
}

// next is the queue with the earliest due time; at is never when all are empty.
func (c *closedLoop) next() (q *times, at int64) {
	at = never
	for i := range c.queues {
		if t := &c.queues[i]; t.size > 0 && t.ring[t.head] < at {
			q, at = t, t.ring[t.head]
		}
	}
	return q, at
}

func (c *closedLoop) peek() int64 {
	_, at := c.next()
	return at
}

func (c *closedLoop) coming() uint64 { return c.seq }

func (c *closedLoop) pop() (seq uint64, item int) {
	if q, _ := c.next(); q != nil {
		q.pop()
	}
	return c.number(), -1
}

// number numbers a request.
func (c *closedLoop) number() uint64 {
	c.seq += c.step
	return c.seq - c.step
}
