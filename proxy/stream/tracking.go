package stream

import (
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/txn"
)

// Entries of stick tables are tracked by connections and by streams: what happens to
// them is counted there, until they end. Where nothing is tracked nothing of this is
// looked at.

// TrackSession implements txn.Stream.
func (c *client) TrackSession(counter int, r table.Ref) txn.Tracked {
	n := c.noted()
	n.tracked.Put(counter, c.t.farm.Counters(), r)
	return n.tracked
}

// TrackSession implements txn.Stream.
func (s *stream) TrackSession(counter int, r table.Ref) txn.Tracked {
	return s.c.TrackSession(counter, r)
}

// tracks is what the connection tracks.
func (c *client) tracks() txn.Tracked {
	if c.notes == nil {
		return nil
	}
	return c.notes.tracked
}

// untrack lets go of what the connection tracks.
func (c *client) untrack() {
	if n := c.notes; n != nil && len(n.tracked) > 0 {
		n.tracked.Leave(c.t.Loop.Now())
	}
}

// count counts events of the stream.
func (s *stream) count(ev table.Event) {
	switch {
	case s.txn != nil:
		s.txn.Count(ev, s.t.Loop.Now())
	case s.c.notes != nil:
		s.c.notes.tracked.Count(ev, s.t.Loop.Now())
	}
}

// countRequest counts a request that has been understood.
func (s *stream) countRequest() txn.Verdict {
	s.count(table.Request)
	return txn.Next
}

// kept is how many bytes of the client nobody has taken yet.
func (c *client) kept() uint64 {
	if c.In == nil {
		return 0
	}
	return uint64(len(c.In.Data()))
}

// received is how many bytes of the client belong to the stream.
func (s *stream) received() uint64 {
	n := s.c.BytesIn - s.inBase
	if s.http {
		n -= s.c.kept() // of the next request
	}
	return n
}

// untrack counts the bytes of the stream, and lets go of what it tracks.
func (s *stream) untrack(in, out uint64) {
	now := s.t.Loop.Now()
	switch {
	case s.txn != nil:
		s.txn.CountBytes(in, out, now)
		s.txn.Tracked.Leave(now)
	case s.c.notes != nil:
		for _, r := range s.c.notes.tracked {
			if r.Valid() {
				r.AddBytes(in, out, now)
			}
		}
	}
}

// Table implements txn.Farm.
func (f *farm) Table(i int) *table.Table { return f.t.Shared.Tables[i] }

// Counters implements txn.Farm.
func (f *farm) Counters() int { return f.t.Shared.Config.Global.Tune.StickCounters }

// Now implements txn.Farm.
func (f *farm) Now() int64 { return f.t.Loop.Now() }

// tracking tells whether anything can be tracked.
func (t *Thread) tracking() bool { return len(t.Shared.Config.Tables) > 0 }

// learns tells whether the backend's servers are learnt in tables.
func (b *Back) learns() bool { return len(b.Spec.Sticking) > 0 }

// sticks tells whether a backend has lines of one kind.
func sticks(p *spec.Proxy, response bool) bool {
	for i := range p.Sticking {
		if s := &p.Sticking[i]; s.Response == response {
			return true
		}
	}
	return false
}
