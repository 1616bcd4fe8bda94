package balance

import (
	"slices"

	"bench/proxy/server"
)

// places is a fixed order of servers in which each has as many places as its weight,
// spread out: at every place comes the first server of those that are most owed one.
// The order is made anew when servers come or go; weights do not change.
//
// static-rr goes round it. For algorithms that hash ("hash-type map-based") the hash is
// a position in it.
type places struct {
	order []*server.Server
	owed  []int // of use to Build alone
	next  int   // in order; behind its end it is the beginning
}

func newStaticRR() Picker { return &places{} }

func (r *places) Reserve(n int) {
	if n > cap(r.owed) {
		r.owed = make([]int, 0, 2*n)
	}
}

func (r *places) Build(servers []*server.Server) {
	r.Reserve(len(servers))
	if len(servers) == 0 {
		r.order = r.order[:0]
		return
	}
	// Of all servers, also those that are not usable now: places must not be others
	// when a server has gone and come back.
	divisor := 0
	for _, s := range servers[0].Backend.Servers() {
		divisor = gcd(s.Spec.Weight, divisor)
	}
	divisor = max(divisor, 1)
	total := 0
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
}

func (r *places) Pick(avoid *server.Server) (got *server.Server, full bool) {
	if r.next >= len(r.order) {
		r.next = 0
	}
	shunned := -1 // a place of the server to avoid, which has a slot
	for k := range r.order {
		at := (r.next + k) % len(r.order)
		switch s := r.order[at]; {
		case s.Full():
		case s == avoid:
			shunned = at
		case s.Enter():
			r.next = at + 1
			return s, false
		}
	}
	if shunned >= 0 && avoid.Enter() {
		r.next = shunned + 1
		return avoid, false
	}
	return nil, false
}

// PickHash implements Hasher. There is one server for a hash, whatever is to be
// avoided.
func (r *places) PickHash(hash uint32, _ *server.Server) (*server.Server, bool) {
	if len(r.order) == 0 {
		return nil, false
	}
	s := r.order[hash%uint32(len(r.order))]
	return s, !s.Enter()
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
