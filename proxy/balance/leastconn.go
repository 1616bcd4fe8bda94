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

func (l *leastConn) Pick(avoid *server.Server) *server.Server {
	n := len(l.servers)
	// A slot may be lost to another thread between the scan and the attempt.
	for range n {
		best := -1
		var bestCur, bestWeight int64
		for k := range n {
			i := (l.next + k) % n
			s := l.servers[i]
			if s == avoid || s.Full() {
				continue
			}
			cur, w := s.Cur.Load()+1, int64(s.Share())
			// cur/w < bestCur/bestWeight without the divisions
			if best < 0 || cur*bestWeight < bestCur*w {
				best, bestCur, bestWeight = i, cur, w
			}
		}
		if best < 0 {
			break
		}
		if s := l.servers[best]; s.TryAcquire() {
			l.next = (best + 1) % n
			return s
		}
	}
	if avoid != nil {
		for _, s := range l.servers {
			if s == avoid && s.TryAcquire() {
				return s
			}
		}
	}
	return nil
}
