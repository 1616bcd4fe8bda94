package worker

import (
	"bench/internal/list"
	"bench/loadgen/record"
)

// request is one intended request from its due time to its end. Requests are
// recycled: in a steady state none is allocated.
type request struct {
	record.Entry
	end     int64 // where it ends in what its connection has to write
	conn    *conn // nil while it waits for one
	begun   bool  // a byte of it has been written
	retried bool
	tries   int // addresses tried for its connection
	// answering and status are what had come of its answer when its connection broke, of
	// protocols with several answers at a time.
	answering bool
	status    int

	place   list.Node[request] // among the live ones, by intended start
	waiting *request           // behind it in the wait queue, by the same order
	behind  *request           // on the same connection
	ahead   *request           // of it there
}

// written reports whether the request is in the first sent bytes of its connection.
func (q *request) written(sent int64) bool { return q.begun && q.end <= sent }

// flight is the requests on a connection, oldest first.
type flight struct {
	head, tail *request
	writing    *request // the first that is not completely written
	length     int
}

func (f *flight) push(q *request) {
	if f.tail != nil {
		f.tail.behind, q.ahead = q, f.tail
	} else {
		f.head = q
	}
	f.tail = q
	f.length++
}

// remove takes one out.
func (f *flight) remove(q *request) {
	if f.writing == q {
		f.writing = q.behind
	}
	if q.ahead != nil {
		q.ahead.behind = q.behind
	} else {
		f.head = q.behind
	}
	if q.behind != nil {
		q.behind.ahead = q.ahead
	} else {
		f.tail = q.ahead
	}
	q.behind, q.ahead, q.conn = nil, nil, nil
	f.length--
}

// requestList is the list of live requests. Because the time-out is the same
// for all of them, its head is always the next to time out, and one timer
// serves the whole list.
type requestList struct {
	list.List[request]
	free *request // the next one to be used again, linked by behind
}

func (l *requestList) push(intended int64) *request {
	q := l.free
	if q == nil {
		q = new(request)
	} else {
		l.free = q.behind
	}
	*q = request{Entry: record.Entry{Intended: intended}}
	l.PushBack(&q.place, q)
	return q
}

func (l *requestList) remove(q *request) {
	l.Remove(&q.place)
	*q = request{behind: l.free}
	l.free = q
}

// waitQueue holds due requests without a connection, first come first served.
type waitQueue struct {
	head, tail *request
	length     int
}

func (w *waitQueue) push(q *request) {
	if w.tail != nil {
		w.tail.waiting = q
	} else {
		w.head = q
	}
	w.tail = q
	w.length++
}

// insert puts back a request that had left the queue, by its intended start.
func (w *waitQueue) insert(q *request) {
	var before *request
	at := w.head
	for at != nil && at.Intended <= q.Intended {
		before, at = at, at.waiting
	}
	q.waiting = at
	if before != nil {
		before.waiting = q
	} else {
		w.head = q
	}
	if at == nil {
		w.tail = q
	}
	w.length++
}

func (w *waitQueue) pop() *request {
	q := w.head
	if q == nil {
		return nil
	}
	if w.head = q.waiting; w.head == nil {
		w.tail = nil
	}
	q.waiting = nil
	w.length--
	return q
}
