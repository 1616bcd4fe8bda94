package loadgen

// request is one intended request from its due time to its end. Requests are
// recycled: in a steady state none is allocated.
type request struct {
	seq      uint64
	intended int64 // on the clock of loop.Nanotime, as all times
	sent     int64 // last written
	slice    *slice
	conn     *conn // nil while it waits for one
	retried  bool

	// Places in the list of live requests, by intended start, and in the wait
	// queue, by the same order.
	prev, next, waiting *request
}

// requestList is the list of live requests. Because the time-out is the same
// for all of them, its head is always the next to time out, and one timer
// serves the whole list.
type requestList struct {
	head, tail *request
	free       *request
}

func (l *requestList) push(seq uint64, intended int64, s *slice) *request {
	q := l.free
	if q == nil {
		q = new(request)
	} else {
		l.free = q.next
	}
	*q = request{seq: seq, intended: intended, slice: s, prev: l.tail}
	if l.tail != nil {
		l.tail.next = q
	} else {
		l.head = q
	}
	l.tail = q
	return q
}

func (l *requestList) remove(q *request) {
	if q.prev != nil {
		q.prev.next = q.next
	} else {
		l.head = q.next
	}
	if q.next != nil {
		q.next.prev = q.prev
	} else {
		l.tail = q.prev
	}
	*q = request{next: l.free}
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
