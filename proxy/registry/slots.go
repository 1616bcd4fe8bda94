package registry

import "sync"

// Slots numbers things that have a part in every thread's table. Numbers that were
// given back are used again, so that tables do not grow with what has come and gone.
// The zero value has given out none.
type Slots struct {
	mu   sync.Mutex
	next int
	free []int
}

// Take returns a number that is not in use, a small one where there is a choice.
func (s *Slots) Take() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot
	}
	s.next++
	return s.next - 1
}

// Give gives a number back. Nobody may use it any more.
func (s *Slots) Give(slot int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, slot)
}

// Table is what one thread has of its own, by slot. It belongs to that thread.
type Table[T any] []*T

// At is what lies at a slot, nil if nothing does.
func (t Table[T]) At(slot int) *T {
	if slot >= len(t) {
		return nil
	}
	return t[slot]
}

// Put lays v at a slot; nil empties it.
func (t *Table[T]) Put(slot int, v *T) {
	for len(*t) <= slot {
		*t = append(*t, nil)
	}
	(*t)[slot] = v
}
