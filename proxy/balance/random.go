package balance

import (
	"math/rand/v2"

	"bench/proxy/server"
	"bench/proxy/spec"
)

// random draws servers by chance and takes the one with the fewest sessions for its
// weight.
type random struct {
	ring
	draws int
}

func newRandom(p *spec.Proxy) Picker {
	return &random{ring{factor: p.Hash.Factor}, max(p.Draws, 1)}
}

// Pick implements Picker. As in the reference, a server that is full is not replaced
// by one that is not: the request waits for any.
func (r *random) Pick(avoid *server.Server) (*server.Server, bool) {
	var best *onRing
	for range r.draws {
		s := r.nearest(rand.Uint32(), avoid)
		if s == nil {
			return nil, false
		}
		if best == nil || s.srv.Cur.Load()*int64(best.points) <= best.srv.Cur.Load()*int64(s.points) {
			best = s
		}
	}
	if best.srv.Enter() {
		return best.srv, false
	}
	return nil, false
}
