package link

import "bench/chaos/impair"

// parcel is a frame that waits for its time.
type parcel struct {
	due    int64
	serial uint64 // of two that are due at once the first goes first
	bytes  []byte // with the virtio header
	to     impair.Direction
	ticket impair.Ticket
}

// queue holds parcels by the time they are due: a heap with four children a node.
// The parcels lie apart, so that only small entries move.
type queue struct {
	heap    []entry
	parcels []parcel
	free    []int32
	serial  uint64
}

type entry struct {
	due    int64
	serial uint64
	parcel int32
}

func (e *entry) before(o *entry) bool {
	return e.due < o.due || (e.due == o.due && e.serial < o.serial)
}

func (q *queue) len() int { return len(q.heap) }

// next is when the first parcel is due. The queue must not be empty.
func (q *queue) next() int64 { return q.heap[0].due }

// push takes a parcel in.
func (q *queue) push(p parcel) {
	q.serial++
	p.serial = q.serial
	var at int32
	if n := len(q.free); n > 0 {
		at = q.free[n-1]
		q.free = q.free[:n-1]
		q.parcels[at] = p
	} else {
		at = int32(len(q.parcels))
		q.parcels = append(q.parcels, p)
	}
	q.heap = append(q.heap, entry{p.due, p.serial, at})
	i := len(q.heap) - 1
	e := q.heap[i]
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&q.heap[up]) {
			break
		}
		q.heap[i] = q.heap[up]
		i = up
	}
	q.heap[i] = e
}

// pop takes the first parcel out. Its bytes are the caller's.
func (q *queue) pop() parcel {
	at := q.heap[0].parcel
	p := q.parcels[at]
	q.parcels[at] = parcel{}
	q.free = append(q.free, at)
	last := len(q.heap) - 1
	e := q.heap[last]
	q.heap = q.heap[:last]
	i := 0
	for {
		first := 4*i + 1
		if first >= last {
			break
		}
		child := first
		for c := first + 1; c < min(first+4, last); c++ {
			if q.heap[c].before(&q.heap[child]) {
				child = c
			}
		}
		if !q.heap[child].before(&e) {
			break
		}
		q.heap[i] = q.heap[child]
		i = child
	}
	if last > 0 {
		q.heap[i] = e
	}
	return p
}
