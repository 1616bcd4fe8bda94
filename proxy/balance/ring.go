package balance

import (
	"cmp"
	"slices"
	"sort"

	"bench/proxy/hash"
	"bench/proxy/server"
	"bench/proxy/spec"
)

// ring is a circle of all numbers of 32 bits, on which each server stands at many
// points: sixteen for each unit of its weight in force (server.Share). Where they are
// depends on the server's number alone, so that servers that come and go move no
// others.
//
// Points are columns, sorted by position: what is searched is close together.
type ring struct {
	at    []uint32 // position
	owner []int32  // in servers
	nth   []uint16 // of the server's points

	servers []onRing
	total   int // points of all servers
	factor  int // spec.Hash.Factor

	last  uint32 // position of the point that Pick used last
	begun bool   // it has used one

	// Of use to build alone.

	before map[*server.Server]int32
	was    []onRing
	moved  []int32 // new indices of old servers, -1 for those that are gone
	fresh  []point
	room   int // servers that before was made for
	most   int // points of one server, at most
}

// onRing is a server on the circle.
type onRing struct {
	srv    *server.Server
	points int
	ahead  int // points of the servers before it
}

type point struct {
	at    uint32
	owner int32
	nth   uint16
}

// pointsPerServer is how many points the numbers of two servers are apart.
const pointsPerServer = spec.MaxWeight * server.ShareScale

// pointAt is where the n-th point of a server is.
func pointAt(s *server.Server, n int) uint32 {
	return hash.Avalanche(uint32(s.Spec.ID*pointsPerServer + n))
}

func (r *ring) Reserve(n int) {
	r.most = max(r.most, server.ShareScale)
	if n <= r.room {
		return
	}
	r.room = 2 * n
	r.before = make(map[*server.Server]int32, r.room)
	r.servers = append(make([]onRing, 0, r.room), r.servers...)
	r.was = make([]onRing, 0, r.room)
	r.moved = make([]int32, 0, r.room)
	r.roomForPoints(r.room * r.most)
}

func (r *ring) roomForPoints(n int) {
	if n <= cap(r.at) {
		return
	}
	r.at = append(make([]uint32, 0, n), r.at...)
	r.owner = append(make([]int32, 0, n), r.owner...)
	r.nth = append(make([]uint16, 0, n), r.nth...)
	r.fresh = append(make([]point, 0, n), r.fresh...)
}

// Build implements Picker. What stays where it is is not sorted again: of a thousand
// servers one that comes or goes costs no more than a walk along the circle.
func (r *ring) Build(servers []*server.Server) {
	r.Reserve(len(servers))
	r.was = append(r.was[:0], r.servers...)
	r.moved = r.moved[:0]
	for i := range r.was {
		r.before[r.was[i].srv] = int32(i)
		r.moved = append(r.moved, -1)
	}
	r.servers, r.total, r.fresh = r.servers[:0], 0, r.fresh[:0]
	for i, s := range servers {
		n, had := s.Share(), 0
		if old, known := r.before[s]; known {
			r.moved[old] = int32(i)
			had = r.was[old].points
		}
		r.servers = append(r.servers, onRing{s, n, r.total})
		r.total += n
		r.most = max(r.most, n)
		r.roomForPoints(r.total)
		for k := had; k < n; k++ {
			r.fresh = append(r.fresh, point{pointAt(s, k), int32(i), uint16(k)})
		}
	}
	clear(r.before) // or it would keep servers that are gone
	clear(r.was)
	next := r.afterLast()
	r.drop()
	slices.SortFunc(r.fresh, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	r.merge()
	if r.begun && len(r.at) > 0 && r.at[r.search(r.last)%len(r.at)] != r.last {
		r.last = next // as in the reference, the one behind it is passed over
	}
}

// afterLast is the position of the first point behind the last one that stays.
func (r *ring) afterLast() uint32 {
	if !r.begun || len(r.at) == 0 {
		return 0
	}
	first := r.search(r.last)
	for k := 1; k < len(r.at); k++ {
		if i := (first + k) % len(r.at); r.stays(i) {
			return r.at[i]
		}
	}
	return 0
}

func (r *ring) stays(i int) bool {
	owner := r.moved[r.owner[i]]
	return owner >= 0 && int(r.nth[i]) < r.servers[owner].points
}

// drop takes points away that servers have too many of, or that have no server any
// more.
func (r *ring) drop() {
	n := 0
	for i := range r.at {
		if r.stays(i) {
			r.at[n], r.owner[n], r.nth[n] = r.at[i], r.moved[r.owner[i]], r.nth[i]
			n++
		}
	}
	r.at, r.owner, r.nth = r.at[:n], r.owner[:n], r.nth[:n]
}

// merge puts the fresh points, which are sorted, among the others.
func (r *ring) merge() {
	old, all := len(r.at)-1, len(r.at)+len(r.fresh)
	r.at, r.owner, r.nth = r.at[:all], r.owner[:all], r.nth[:all]
	for i, f := all-1, len(r.fresh)-1; f >= 0; i-- {
		if old >= 0 && r.at[old] > r.fresh[f].at {
			r.at[i], r.owner[i], r.nth[i] = r.at[old], r.owner[old], r.nth[old]
			old--
			continue
		}
		r.at[i], r.owner[i], r.nth[i] = r.fresh[f].at, r.fresh[f].owner, r.fresh[f].nth
		f--
	}
}

// search is the index of the first point at a position or behind it, the number of
// points if there is none.
func (r *ring) search(at uint32) int {
	return sort.Search(len(r.at), func(i int) bool { return r.at[i] >= at })
}

// nearest is the server of the point nearest to a hash. From there on those are passed
// over that are to be avoided, or have more than their share; if that is all of them
// it is one of these.
func (r *ring) nearest(h uint32, avoid *server.Server) *onRing {
	n := len(r.at)
	if n == 0 {
		return nil
	}
	next := r.search(h) % n
	prev := (next + n - 1) % n
	if h-r.at[prev] <= r.at[next]-h {
		next = prev
	}
	for range n {
		s := &r.servers[r.owner[next]]
		if s.srv != avoid && (r.factor == 0 || r.hasShare(s)) {
			return s
		}
		next = (next + 1) % n
	}
	return &r.servers[r.owner[next]]
}

// hasShare tells whether a server has fewer sessions than "hash-balance-factor" allows:
// so many percent of what there are, this one included, shared out by weight.
func (r *ring) hasShare(s *onRing) bool {
	slots := (int(s.srv.Backend.Served()+1)*r.factor + 99) / 100
	whole, rest := slots/r.total, slots%r.total
	own := s.points*whole + (s.ahead+s.points)*rest/r.total - s.ahead*rest/r.total
	return s.srv.Cur.Load() < int64(max(own, 1))
}

// Pick implements Picker: it takes one point after the other, as algorithms that hash
// do without a key.
func (r *ring) Pick(avoid *server.Server) (*server.Server, bool) {
	n := len(r.at)
	if n == 0 {
		return nil, false
	}
	first := 0
	if r.begun {
		if first = r.search(r.last); first < n && r.at[first] == r.last {
			first++
		}
	}
	shunned := -1
	for k := range n {
		i := (first + k) % n
		switch s := r.servers[r.owner[i]].srv; {
		case s.Full():
		case s == avoid:
			shunned = i
		case s.Enter():
			r.last, r.begun = r.at[i], true
			return s, false
		}
	}
	if shunned >= 0 && avoid.Enter() {
		r.last, r.begun = r.at[shunned], true
		return avoid, false
	}
	return nil, false
}

// consistent chooses the server nearest to the hash ("hash-type consistent").
type consistent struct{ ring }

// PickHash implements Hasher.
func (c *consistent) PickHash(h uint32, avoid *server.Server) (*server.Server, bool) {
	s := c.nearest(h, avoid)
	if s == nil {
		return nil, false
	}
	return s.srv, !s.srv.Enter()
}
