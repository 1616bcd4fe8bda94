package pattern

import "bench/proxy/txn"

// search finds the first declared of several texts that occur anywhere, by one pass (see
// automaton): each state knows what ends at it.
type search struct {
	automaton
	ends []int32 // by state: the entry that ends here; -1: none
	more []uint32
}

// newSearch returns nil if the table would become too large.
func (s *segment) newSearch(keys []string) index {
	x := &search{}
	total, ok := x.classify(keys)
	if !ok {
		return nil
	}
	x.next = make([]uint32, x.width, uint32(total)*x.width)
	x.ends = []int32{-1}
	last := map[uint32]int32{}
	for i, k := range keys {
		at := uint32(0)
		for n := range len(k) {
			cell := at + uint32(x.class[k[n]])
			if x.next[cell] == 0 {
				x.next[cell] = uint32(len(x.next))
				x.next = append(x.next, make([]uint32, x.width)...)
				x.ends = append(x.ends, -1)
			}
			at = x.next[cell]
		}
		state := at / x.width
		if x.ends[state] < 0 {
			x.ends[state] = int32(i)
		} else {
			s.twin(last[state], int32(i))
		}
		last[state] = int32(i)
	}
	x.join()
	return x
}

// join fills in where to go on when a text that had begun does not, and of each state
// the next shorter text that ends at it.
func (x *search) join() {
	states := uint32(len(x.next)) / x.width
	fail := make([]uint32, states)
	x.more = make([]uint32, states)
	for queue := []uint32{0}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		back := fail[at/x.width]
		for c := range x.width {
			to := x.next[at+c]
			if to == 0 {
				if at != 0 {
					x.next[at+c] = x.next[back+c]
				}
				continue
			}
			if at != 0 {
				fail[to/x.width] = x.next[back+c]
			}
			queue = append(queue, to)
			// Its failure lies nearer to the root, and is joined by now.
			f := fail[to/x.width]
			x.more[to/x.width] = f
			if x.ends[f/x.width] < 0 {
				x.more[to/x.width] = x.more[f/x.width]
			}
		}
	}
}

func (x *search) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	best := s.alive(x.ends[0]) // the empty text is in all
	at := uint32(0)
	for _, c := range v.B {
		at = x.next[at+uint32(x.class[c])]
		for st := at; st != 0; st = x.more[st/x.width] {
			if e := x.ends[st/x.width]; e >= 0 {
				if i := s.alive(e); i >= 0 && (best < 0 || i < best) {
					best = i
				}
			}
		}
	}
	return best, 0
}
