package balance

import (
	"slices"

	"bench/proxy/server"
)

// leastConn scans all servers: their counts change in other threads as well, so
// no order kept here could be trusted, and a load is cheap.
type leastConn struct{ servers []*server.Server }

func newLeastConn() Picker { return &leastConn{} }

func (l *leastConn) Reserve(n int) {
	if n > len(l.servers) {
		l.servers = slices.Grow(l.servers, n-len(l.servers))
	}
}

func (l *leastConn) Build(servers []*server.Server) {
	l.servers = append(l.servers[:0], servers...)
}

func (l *leastConn) Pick(avoid *server.Server) (got *server.Server, full bool) {
	// A slot may be lost to another thread between the scan and the attempt.
	for range l.servers {
		best := l.least(avoid)
		if best == nil {
			break
		}
		if got, full := takeOrWait(best); got != nil {
			return got, full
		}
	}
	if avoid != nil && slices.Contains(l.servers, avoid) && avoid.Admits() {
		return takeOrWait(avoid)
	}
	return nil, false
}

// least is the server with the fewest sessions for its weight of those that admit one
// more, and of equals the one for which that has been so for longest.
func (l *leastConn) least(avoid *server.Server) (best *server.Server) {
	var least int64
	var order uint64
	for _, s := range l.servers {
		if s == avoid || !s.Admits() {
			continue
		}
		load := loadOf(s)
		if best != nil && load > least {
			continue
		}
		if o := s.Order(); best == nil || load < least || o < order {
			best, least, order = s, load, o
		}
	}
	return best
}

// loadOf is what a server would have for its weight with one session more, rounded as in
// the reference. Servers with none are all alike, whatever they weigh.
func loadOf(s *server.Server) int64 {
	n := s.Cur.Load() + s.Queued.Load()
	if n == 0 {
		return 0
	}
	return (n + 1) * heaviest / int64(max(s.Share(), 1))
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
