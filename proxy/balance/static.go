package balance

import (
	"slices"

	"bench/proxy/server"
)

// staticRR goes round a fixed order in which each server has as many places as its
// weight, spread out: at every place comes the first server of those that are most
// owed one. The order is made anew when servers come or go; weights do not change.
type staticRR struct {
	order []*server.Server
	owed  []int // of use to Build alone
	next  int   // in order
}

func newStaticRR() Picker { return &staticRR{} }

func (r *staticRR) Reserve(n int) {
	if n > cap(r.owed) {
		r.owed = make([]int, 0, 2*n)
	}
}

func (r *staticRR) Build(servers []*server.Server) {
	r.Reserve(len(servers))
	divisor, total := 0, 0
	for _, s := range servers {
		divisor = gcd(divisor, s.Weight())
	}
	r.owed = r.owed[:0]
	for _, s := range servers {
		total += s.Weight() / divisor
		r.owed = append(r.owed, 0)
	}
	// No servers are added here: the order grows until all of them have been up at once.
	r.order = slices.Grow(r.order[:0], total)
	for range total {
		best, most := -1, 0
		for i, s := range servers {
			r.owed[i] += s.Weight() / divisor
			// Whole turns count only: small leads leave it to who is first.
			if turns := (r.owed[i] + total) / total; best < 0 || turns > most {
				best, most = i, turns
			}
		}
		r.owed[best] -= total
		r.order = append(r.order, servers[best])
	}
	if r.next >= len(r.order) {
		r.next = 0
	}
}

func (r *staticRR) Pick(avoid *server.Server) (got *server.Server, full bool) {
	shunned := -1 // a place of the server to avoid, which has a slot
	for k := range r.order {
		at := (r.next + k) % len(r.order)
		switch s := r.order[at]; {
		case s.Full():
		case s == avoid:
			shunned = at
		case s.TryAcquire():
			r.next = (at + 1) % len(r.order)
			return s, false
		}
	}
	if shunned >= 0 && avoid.TryAcquire() {
		r.next = (shunned + 1) % len(r.order)
		return avoid, false
	}
	return nil, false
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
