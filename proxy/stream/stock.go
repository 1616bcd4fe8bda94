package stream

import "bench/proxy/transport"

// stock keeps the objects of one kind for use again. What is given back is not handed
// out before the turn of the loop is over: whoever comes back from a call that has
// ended a stream or a connection finds it as it was left, and never in the hands of
// another one.
type stock[T any] struct {
	transport.Count
	ready []*T
	left  []*T   // given back in turn
	turn  uint64 // of the loop
}

// get returns an object, which is new or as it was given back.
func (k *stock[T]) get(turn uint64) (x *T, isNew bool) {
	if len(k.left) > 0 && k.turn != turn {
		k.turnOver()
	}
	n := len(k.ready)
	if n == 0 {
		k.Made++
		return new(T), true
	}
	x = k.ready[n-1]
	k.ready = k.ready[:n-1]
	k.Free--
	return x, false
}

// put takes an object back.
func (k *stock[T]) put(turn uint64, x *T) {
	if k.turn != turn {
		k.turnOver()
		k.turn = turn
	}
	k.left = append(k.left, x)
	k.Free++
}

// turnOver makes ready what was given back in a turn before.
func (k *stock[T]) turnOver() {
	k.ready = append(k.ready, k.left...)
	k.left = k.left[:0]
}

// lose notes that an object will not be given back.
func (k *stock[T]) lose() { k.Made-- }
