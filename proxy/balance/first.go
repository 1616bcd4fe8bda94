package balance

import (
	"cmp"
	"slices"

	"bench/proxy/server"
)

// first fills one server after the other, in the order of their numbers.
type first struct{ servers []*server.Server }

func newFirst() Picker { return &first{} }

func (f *first) Reserve(n int) {
	if n > len(f.servers) {
		f.servers = slices.Grow(f.servers, n-len(f.servers))
	}
}

func (f *first) Build(servers []*server.Server) {
	f.servers = append(f.servers[:0], servers...)
	slices.SortStableFunc(f.servers, func(a, b *server.Server) int { return cmp.Compare(a.Spec.ID, b.Spec.ID) })
}

func (f *first) Pick(avoid *server.Server) (*server.Server, bool) {
	shunned := false
	for _, s := range f.servers {
		if s == avoid {
			shunned = true
		} else if s.Enter() {
			return s, false
		}
	}
	if shunned && avoid.Enter() {
		return avoid, false
	}
	return nil, false
}
