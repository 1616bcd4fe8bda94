package tlsio

import (
	"bytes"
	"fmt"
	"iter"
	"sync/atomic"

	"bench/internal/loop"
	"bench/internal/poison"
)

// Queue runs the handshakes of one loop, one step in each turn. It belongs to the
// loop's goroutine, but for NewQueue, which may come before that runs.
type Queue struct {
	l           *loop.Loop
	task        loop.Task
	first, last *Conn // that wait for their step
	idle        []*coroutine
	all         map[*coroutine]struct{} // idle or not
	out         []byte                  // what the call at hand has written
	records     bytes.Buffer            // lent to whoever receives
	spare       [][]byte                // for what sockets did not take
	stats       Stats
	// Conns, if there is one, counts the connections of several queues.
	Conns *atomic.Int64
	// MaxRecord is the most that is put into a record; 0: as TLS allows.
	MaxRecord int
	// Tracing is what is kept of handshakes, Digest the hash that is made of the ciphers
	// that a client offers, where these are captured.
	Tracing Tracing
	Digest  func([]byte) uint64
}

// Stats counts what a queue has done.
type Stats struct {
	Conns               uint64 // connections
	Begun, Done, Failed uint64 // handshakes
	Resumed             uint64 // of those done, by a session of before
	Steps               uint64
	Suspended           int // handshakes that wait for their peers
}

// keptCoroutines is how many are kept for the next handshakes, with the stacks that
// they have grown.
const keptCoroutines = 64

// NewQueue makes the queue of a loop, which ends it with itself.
func NewQueue(l *loop.Loop) *Queue {
	q := &Queue{l: l, all: map[*coroutine]struct{}{}}
	q.task.R = q
	l.AtEnd(q.close)
	return q
}

// Stats are the counts so far.
func (q *Queue) Stats() Stats { return q.stats }

// Coroutines is how many exist, and how many of them wait for a handshake.
func (q *Queue) Coroutines() (made, idle int) { return len(q.all), len(q.idle) }

// coroutine runs handshakes, one after the other.
type coroutine struct {
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	conn   *Conn
	err    error // of the handshake that is over
	over   bool
}

func (q *Queue) takeCoroutine() *coroutine {
	if n := len(q.idle); n > 0 {
		co := q.idle[n-1]
		q.idle = q.idle[:n-1]
		return co
	}
	co := &coroutine{}
	co.resume, co.stop = iter.Pull(func(yield func(struct{}) bool) {
		co.yield = yield
		for {
			co.err = co.conn.tls.Handshake()
			co.over = true
			if !yield(struct{}{}) {
				return
			}
		}
	})
	q.all[co] = struct{}{}
	return co
}

func (q *Queue) putCoroutine(co *coroutine) {
	co.conn, co.err, co.over = nil, nil, false
	if len(q.idle) == keptCoroutines {
		q.drop(co)
		return
	}
	q.idle = append(q.idle, co)
}

func (q *Queue) drop(co *coroutine) {
	delete(q.all, co)
	co.stop()
}

// step resumes the handshake of c until it needs more of its peer, or is over. A
// panic in there costs this connection only.
func (q *Queue) step(c *Conn) (over bool, err error) {
	if c.co == nil {
		c.co = q.takeCoroutine()
		c.co.conn = c
		q.stats.Begun++
		q.stats.Suspended++
	}
	co := c.co
	defer func() {
		if p := recover(); p != nil {
			delete(q.all, co) // it has ended
			over, err = true, fmt.Errorf("panic within a handshake: %v", p)
			c.leave()
		}
	}()
	q.stats.Steps++
	co.resume()
	if !co.over {
		return false, nil
	}
	err = co.err
	q.putCoroutine(co)
	c.leave()
	return true, err
}

// leave notes that the handshake of c is over.
func (c *Conn) leave() {
	c.co = nil
	c.q.stats.Suspended--
}

// push queues a connection for its next step.
func (q *Queue) push(c *Conn) {
	c.queued = true
	if q.last == nil {
		q.first = c
	} else {
		q.last.next = c
	}
	q.last = c
	q.l.Wake(&q.task)
}

// remove takes a connection out of the queue.
func (q *Queue) remove(c *Conn) {
	c.queued = false
	var before *Conn
	for x := q.first; x != nil; before, x = x, x.next {
		if x != c {
			continue
		}
		if before == nil {
			q.first = c.next
		} else {
			before.next = c.next
		}
		if q.last == c {
			q.last = before
		}
		c.next = nil
		return
	}
}

// Run does one step. It implements loop.Runner.
func (q *Queue) Run() {
	c := q.first
	if c == nil {
		return
	}
	if q.first = c.next; q.first == nil {
		q.last = nil
	} else {
		q.l.Wake(&q.task)
	}
	c.next, c.queued = nil, false
	c.step()
}

// close ends the coroutines, with the handshakes that are suspended in them.
func (q *Queue) close() {
	for co := range q.all {
		if co.conn != nil {
			co.conn.gone = true
		}
		q.drop(co)
	}
	q.idle = nil
}

// takeSpare returns memory for what a socket did not take.
func (q *Queue) takeSpare() []byte {
	n := len(q.spare)
	if n == 0 {
		return nil
	}
	b := q.spare[n-1]
	q.spare = q.spare[:n-1]
	return b
}

// keptSpares is how many pieces are kept for the next slow peers; spareLimit is the
// largest of them, in bytes.
const (
	keptSpares = 16
	spareLimit = 256 << 10
)

func (q *Queue) putSpare(b []byte) {
	poison.Fill(b[:cap(b)])
	if cap(b) > 0 && cap(b) <= spareLimit && len(q.spare) < keptSpares {
		q.spare = append(q.spare, b[:0])
	}
}
