package balance

import "bench/proxy/server"

// roundRobin serves the earliest virtual deadline: a server's next turn comes
// one step after its last, and a step is inversely proportional to its weight.
// That spreads the turns of heavy servers evenly between those of light ones.
type roundRobin struct {
	heap    []turn
	skipped []turn
	now     uint64                    // virtual time of the last turn given
	before  map[*server.Server]uint64 // of use to Build alone
	room    int                       // what before was made for
}

type turn struct {
	at  uint64
	seq int // order of configuration, for ties
	srv *server.Server
}

// stepScale is the step of a server of weight 1; 256 divides it, so equal
// weights stay in lockstep.
const stepScale = 1 << 32

func newRoundRobin() Picker { return &roundRobin{} }

func (r *roundRobin) Reserve(n int) {
	if n <= r.room {
		return
	}
	r.room = 2 * n
	r.heap = append(make([]turn, 0, r.room), r.heap...)
	r.skipped = make([]turn, 0, r.room)
	r.before = make(map[*server.Server]uint64, r.room)
}

func (r *roundRobin) Build(servers []*server.Server) {
	// Servers that stay keep their turn, so that a change elsewhere does not
	// start everything over at the first one.
	r.Reserve(len(servers))
	for _, t := range r.heap {
		r.before[t.srv] = t.at
	}
	r.heap = r.heap[:0]
	for i, s := range servers {
		at := r.now + r.step(s)
		if was, known := r.before[s]; known {
			at = min(at, was) // a turn planned with less weight comes earlier
		}
		r.heap = append(r.heap, turn{at, i, s})
		r.up(len(r.heap) - 1)
	}
	clear(r.before) // or it would keep servers that are gone
}

func (r *roundRobin) step(s *server.Server) uint64 {
	return stepScale * server.ShareScale / uint64(max(s.Share(), 1))
}

func (r *roundRobin) Pick(avoid *server.Server) (got *server.Server, full bool) {
	r.skipped = r.skipped[:0]
	for len(r.heap) > 0 {
		t := r.heap[0]
		if t.srv != avoid && t.srv.Enter() {
			got = t.srv
			r.now = t.at
			r.heap[0].at += r.step(t.srv)
			r.down(0)
			break
		}
		r.skipped = append(r.skipped, t)
		r.pop()
	}
	for _, t := range r.skipped {
		if got == nil && t.srv == avoid && t.srv.Enter() {
			got = avoid
			r.now = t.at
			t.at += r.step(t.srv)
		}
		// A server that was full does not save up the turns it missed.
		t.at = max(t.at, r.now)
		r.heap = append(r.heap, t)
		r.up(len(r.heap) - 1)
	}
	return got, false
}

func (r *roundRobin) pop() {
	last := len(r.heap) - 1
	r.heap[0] = r.heap[last]
	r.heap = r.heap[:last]
	if last > 0 {
		r.down(0)
	}
}

func (r *roundRobin) less(a, b int) bool {
	x, y := &r.heap[a], &r.heap[b]
	return x.at < y.at || x.at == y.at && x.seq < y.seq
}

func (r *roundRobin) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !r.less(i, p) {
			return
		}
		r.heap[i], r.heap[p] = r.heap[p], r.heap[i]
		i = p
	}
}

func (r *roundRobin) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(r.heap) {
			return
		}
		if c+1 < len(r.heap) && r.less(c+1, c) {
			c++
		}
		if !r.less(c, i) {
			return
		}
		r.heap[i], r.heap[c] = r.heap[c], r.heap[i]
		i = c
	}
}
