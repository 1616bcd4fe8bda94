package server

import (
	"time"

	"bench/internal/list"
)

// Waiter is one stream's place in a queue. A stream waits either for one server
// (it must stick to it) or for any server of the backend. It is embedded in the
// stream by value.
type Waiter struct {
	// Wake is called once, under no lock and from any thread, when the stream
	// has been given a slot (Got is set) or must choose again (Got is nil).
	Wake func()
	// Got is the server whose slot the stream now holds.
	Got *Server

	// Rank is the stream's place in the order of queues: see Rank.
	Rank int64
	place list.Node[Waiter] // in the queue of srv, or of the backend
	srv   *Server
	// Ahead is the number of streams that stood before this one on arrival; -1: it was
	// not let in.
	Ahead int64
}

// join puts w into a queue, behind all that are not to come after it.
func (w *Waiter) join(q *list.List[Waiter]) {
	w.Ahead = int64(q.Len())
	before := q.Last()
	for before != nil && w.sooner(before) {
		before = before.place.Prev()
		w.Ahead--
	}
	if before == nil {
		q.PushFront(&w.place, w)
	} else {
		q.InsertAfter(&w.place, w, &before.place)
	}
}

// sooner reports whether w is to be served before o, which came before it.
func (w *Waiter) sooner(o *Waiter) bool { return w.Rank < o.Rank }

// classBits is where in a rank the class begins.
const classBits = 44

// Rank is the place of a stream in the order of queues: the lower the class the sooner;
// within a class the time of its arrival counts (monotonic, in ns), with an offset in ms.
func Rank(class, offset int, arrived int64) int64 {
	return int64(class)<<classBits + max(arrived/int64(time.Millisecond)+int64(offset), 0)
}

// For is the server that the stream waits for, or waited for last; nil: any.
func (w *Waiter) For() *Server { return w.srv }

// Forget makes the waiter one of a stream that has not waited yet.
func (w *Waiter) Forget() { w.srv, w.Ahead, w.Rank = nil, 0, 0 }

// Enqueue puts w into the queue of s, or with s nil into the backend's. If a
// slot has become free meanwhile, or s does not run any more, the wake-up may come at
// once.
func (b *Backend) Enqueue(w *Waiter, s *Server) {
	b.mu.Lock()
	w.Got, w.srv = nil, s
	if s != nil && !s.Running() { // since it was chosen; nobody would look there again
		w.srv, w.Ahead = nil, -1
		b.mu.Unlock()
		w.Wake()
		return
	}
	if s != nil {
		w.join(&s.queue)
		s.Queued.Inc()
	} else {
		w.join(&b.queue)
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
	if !w.place.Linked() {
		return false
	}
	b.drop(w)
	return true
}

func (b *Backend) drop(w *Waiter) {
	if w.srv != nil {
		w.srv.queue.Remove(&w.place)
		w.srv.Queued.Dec()
	} else {
		b.queue.Remove(&w.place)
		b.Queued.Dec()
	}
	b.waiting.Add(-1)
}

// Release gives back a slot of s and hands it to whoever waits for it.
func (s *Server) Release() {
	s.Cur.Dec()
	s.Backend.Dequeue(s)
}

// Dequeue gives free slots of s to waiting streams: those of the server first, then those
// of the backend, unless they are of a class that is served sooner.
func (b *Backend) Dequeue(s *Server) {
	for b.waiting.Load() > 0 {
		b.mu.Lock()
		w := s.queue.First()
		if o := b.queue.First(); o != nil && b.serves(s) && (w == nil || o.Rank>>classBits < w.Rank>>classBits) {
			w = o
		}
		if w == nil || !s.Running() || !s.TryAcquire() {
			b.mu.Unlock()
			return
		}
		b.drop(w)
		w.Got = s
		wake := w.Wake
		b.mu.Unlock()
		wake()
	}
}

// redistribute sends the streams waiting for s, which has gone, to choose again.
func (b *Backend) redistribute(s *Server) (requeued int) {
	for {
		b.mu.Lock()
		w := s.queue.First()
		if w == nil {
			b.mu.Unlock()
			return requeued
		}
		b.drop(w)
		wake := w.Wake
		b.mu.Unlock()
		wake()
		requeued++
	}
}
