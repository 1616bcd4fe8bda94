package server

import (
	"slices"
	"time"

	"bench/internal/owned"
)

// Waiter is one stream's place in a queue. A stream waits either for one server
// (it must stick to it) or for any server of the backend. It is embedded in the
// stream by value.
type Waiter struct {
	// Of the stream, and constant while it waits.

	// Wake is called once, under no lock and from any thread, when the stream
	// has been given a slot (Got is set) or must choose again (Got is nil).
	Wake func()
	// Rank is the stream's place in the order of queues: see Rank.
	Rank int64
	// Stays: it waits on for its server when that goes down.
	Stays bool

	// Of the stream, too, but guarded by the backend's lock while it waits.

	at  int32  // in the heap of the queue of srv, or of the backend, from 1; 0: in none
	seq uint32 // order of arrival
	// Place is how many streams of the queue have been served while it waited, and
	// itself; set when it is in the queue no more. -1: it was not let in.
	Place int32
	srv   *Server
	// Got is the server whose slot the stream now holds.
	Got *Server
}

// classBits is where in a rank the class begins.
const classBits = 44

// Rank is the place of a stream in the order of queues: the lower the class the sooner;
// within a class the time of its arrival counts (monotonic, in ns), with an offset in ms.
func Rank(class, offset int, arrived int64) int64 {
	return int64(class)<<classBits + max(arrived/int64(time.Millisecond)+int64(offset), 0)
}

// before tells whether w is served before o, which is in the same queue.
func (w *Waiter) before(o *Waiter) bool {
	return w.Rank < o.Rank || w.Rank == o.Rank && int32(w.seq-o.seq) < 0
}

// queue is a heap of those who wait, the next one first.
type queue struct {
	heap   []*Waiter
	seq    uint32 // of the last arrival
	served int32  // that were given a slot
}

func (q *queue) first() *Waiter {
	if len(q.heap) == 0 {
		return nil
	}
	return q.heap[0]
}

func (q *queue) push(w *Waiter) {
	q.seq++
	w.seq = q.seq
	w.Place = q.served // on arrival
	q.heap = append(q.heap, nil)
	q.put(len(q.heap)-1, w)
	q.up(len(q.heap) - 1)
}

func (q *queue) remove(w *Waiter) {
	w.Place = q.served - w.Place + 1
	last := len(q.heap) - 1
	if i := int(w.at) - 1; i != last {
		q.put(i, q.heap[last])
		q.heap[last] = nil
		q.heap = q.heap[:last]
		q.up(i)
		q.down(i)
	} else {
		q.heap[last] = nil
		q.heap = q.heap[:last]
	}
	w.at = 0
}

func (q *queue) put(i int, w *Waiter) { q.heap[i], w.at = w, int32(i+1) }

func (q *queue) less(i, j int) bool { return q.heap[i].before(q.heap[j]) }

func (q *queue) swap(i, j int) {
	a, b := q.heap[i], q.heap[j]
	q.put(i, b)
	q.put(j, a)
}

func (q *queue) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !q.less(i, p) {
			return
		}
		q.swap(i, p)
		i = p
	}
}

func (q *queue) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(q.heap) {
			return
		}
		if c+1 < len(q.heap) && q.less(c+1, c) {
			c++
		}
		if !q.less(c, i) {
			return
		}
		q.swap(i, c)
		i = c
	}
}

// For is the server that the stream waits for, or waited for last; nil: any.
func (w *Waiter) For() *Server { return w.srv }

// Forget makes the waiter one of a stream that has not waited yet.
func (w *Waiter) Forget() { w.srv, w.Place, w.Rank = nil, 0, 0 }

// Enqueue puts w into the queue of s, or with s nil into the backend's. If a
// slot has become free meanwhile, or s does not run any more, the wake-up may come at
// once.
func (b *Backend) Enqueue(w *Waiter, s *Server) {
	b.mu.Lock()
	w.Got, w.srv = nil, s
	if s != nil && !s.Running() && !w.Stays { // since it was chosen; nobody would look there again
		w.srv, w.Place = nil, -1
		b.mu.Unlock()
		w.Wake()
		return
	}
	if s != nil {
		s.queue.push(w)
		s.Queued.Inc()
	} else {
		b.queue.push(w)
		b.Queued.Inc()
	}
	b.waiting.Add(1)
	b.mu.Unlock()
	// A slot released between the caller's attempt and the push would
	// otherwise be seen by nobody.
	if s != nil {
		b.Dequeue(s)
		return
	}
	b.dequeueAll()
}

// dequeueAll gives free slots of all servers to waiting streams, after a change that
// may have made other servers than one fit for them.
func (b *Backend) dequeueAll() {
	for _, s := range b.Servers() {
		b.Dequeue(s)
	}
}

// Leave takes w out of its queue. It reports false if w was not in one any
// more: then Got tells whether it holds a slot.
func (b *Backend) Leave(w *Waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.at == 0 {
		return false
	}
	b.drop(w)
	return true
}

// drop takes w out of its queue, which it returns. The backend's lock must be held.
func (b *Backend) drop(w *Waiter) *queue {
	owned.Held(&b.mu)
	q := &b.queue
	if w.srv != nil {
		q = &w.srv.queue
		w.srv.Queued.Dec()
	} else {
		b.Queued.Dec()
	}
	q.remove(w)
	b.waiting.Add(-1)
	return q
}

// Release gives back a slot of s and hands it to whoever waits for it.
func (s *Server) Release() {
	s.Cur.Dec()
	if s.counted {
		s.Backend.served.Add(-1)
	}
	s.arrange()
	s.Backend.Dequeue(s)
}

// Dequeue gives free slots of s to waiting streams of the server and of the backend, as
// their ranks are, and of equals to those of the server first. Who stays for a server that
// has gone (Waiter.Stays) gets its slots as before.
func (b *Backend) Dequeue(s *Server) {
	for b.waiting.Load() > 0 {
		b.mu.Lock()
		w := s.queue.first()
		if o := b.queue.first(); o != nil && b.serves(s) && (w == nil || o.Rank < w.Rank) {
			w = o
		}
		if w == nil || !s.TryAcquire() {
			b.mu.Unlock()
			return
		}
		b.drop(w).served++
		w.Got = s
		wake := w.Wake
		b.mu.Unlock()
		wake()
	}
}

// redistribute sends the streams waiting for s, which has gone, to choose again; but
// for those that stay.
func (b *Backend) redistribute(s *Server) (requeued int) {
	b.mu.Lock()
	var leave []*Waiter
	for _, w := range s.queue.heap {
		if !w.Stays {
			leave = append(leave, w)
		}
	}
	slices.SortFunc(leave, func(a, b *Waiter) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	wakes := make([]func(), len(leave))
	for i, w := range leave {
		b.drop(w)
		wakes[i] = w.Wake
	}
	b.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
	return len(leave)
}
