package balance

import (
	"slices"

	"bench/proxy/server"
)

// leastConn scans all servers: their counts change in other threads as well, so
// no order kept here could be trusted, and a load is cheap.
type leastConn struct {
	servers []*server.Server
	next    int // where the scan begins, so that equals take turns
}

func newLeastConn() Picker { return &leastConn{} }

func (l *leastConn) Reserve(n int) {
	if n > len(l.servers) {
		l.servers = slices.Grow(l.servers, n-len(l.servers))
	}
}

func (l *leastConn) Build(servers []*server.Server) {
	l.servers = append(l.servers[:0], servers...)
	l.next = 0
}

func (l *leastConn) Pick(avoid *server.Server) (got *server.Server, full bool) {
	n := len(l.servers)
	// A slot may be lost to another thread between the scan and the attempt.
	for range n {
		best := -1
		var bestLoad, bestWeight int64
		for k := range n {
			i := (l.next + k) % n
			s := l.servers[i]
			if s == avoid || !s.Admits() {
				continue
			}
			load, w := s.Cur.Load()+s.Queued.Load()+1, int64(s.Share())
			// load/w < bestLoad/bestWeight without the divisions
			if best < 0 || load*bestWeight < bestLoad*w {
				best, bestLoad, bestWeight = i, load, w
			}
		}
		if best < 0 {
			break
		}
		if got, full := takeOrWait(l.servers[best]); got != nil {
			l.next = (best + 1) % n
			return got, full
		}
	}
	if avoid != nil && slices.Contains(l.servers, avoid) && avoid.Admits() {
		return takeOrWait(avoid)
	}
	return nil, false
}

// takeOrWait takes a slot of a server that admits one more, or leaves it to the request
// to wait for it. It returns nil if the slot was lost and none may wait.
func takeOrWait(s *server.Server) (got *server.Server, full bool) {
	switch {
	case s.Enter():
		return s, false
	case s.Spec.MaxQueue > 0:
		return s, true
	}
	return nil, false
}
