package loop

// TimerHandler is told when a timer has expired.
type TimerHandler interface {
	// Expired runs on the loop, once per Set; t is stopped by then and may be
	// set again.
	Expired(t *Timer)
}

// Timer is one deadline, embedded by value in what it times. The zero value is
// stopped.
type Timer struct {
	when int64 // the deadline asked for
	key  int64 // the deadline it is sorted by, never after when
	pos  int32 // index in the heap plus 1; 0: stopped
	h    TimerHandler
}

// Active reports whether the timer is running.
func (t *Timer) Active() bool { return t.pos != 0 }

// When is the deadline of a running timer.
func (t *Timer) When() int64 { return t.when }

// timers is a heap of four children a node. Moving a deadline further away,
// which is what network time-outs do on every byte, only notes the new value:
// the entry is put in its place when the old deadline comes up.
type timers struct{ heap []*Timer }

func (q *timers) set(t *Timer, when int64, h TimerHandler) {
	t.when, t.h = when, h
	if t.pos == 0 {
		t.key = when
		q.heap = append(q.heap, t)
		q.up(len(q.heap) - 1)
		return
	}
	if when < t.key {
		t.key = when
		q.up(int(t.pos) - 1)
	}
}

func (q *timers) stop(t *Timer) {
	if t.pos == 0 {
		return
	}
	i, last := int(t.pos)-1, len(q.heap)-1
	t.pos, t.h = 0, nil
	moved := q.heap[last]
	q.heap[last] = nil
	q.heap = q.heap[:last]
	if i == last {
		return
	}
	q.heap[i] = moved
	q.down(i)
	q.up(int(moved.pos) - 1)
}

// next is the earliest deadline that may be due, ok is false without timers.
func (q *timers) next() (when int64, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].key, true
}

// expire runs the handlers of all timers due at now.
func (q *timers) expire(now int64) {
	for len(q.heap) > 0 && q.heap[0].key <= now {
		t := q.heap[0]
		if t.when > t.key {
			t.key = t.when
			q.down(0)
			continue
		}
		h := t.h
		q.stop(t)
		h.Expired(t)
	}
}

func (q *timers) up(i int) {
	t := q.heap[i]
	for i > 0 {
		parent := (i - 1) / 4
		if q.heap[parent].key <= t.key {
			break
		}
		q.put(i, q.heap[parent])
		i = parent
	}
	q.put(i, t)
}

func (q *timers) down(i int) {
	t := q.heap[i]
	for {
		first := 4*i + 1
		if first >= len(q.heap) {
			break
		}
		best := first
		for c := first + 1; c < min(first+4, len(q.heap)); c++ {
			if q.heap[c].key < q.heap[best].key {
				best = c
			}
		}
		if t.key <= q.heap[best].key {
			break
		}
		q.put(i, q.heap[best])
		i = best
	}
	q.put(i, t)
}

func (q *timers) put(i int, t *Timer) {
	q.heap[i] = t
	t.pos = int32(i + 1)
}
