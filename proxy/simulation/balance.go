package simulation

import (
	"maps"
	"slices"

	"bench/proxy/stats"
	"bench/proxy/stream"
)

// left looks for what the engine has not given back once its clients have gone. Idle
// connections to servers are its own, unless idle is false.
func (w *world) left(idle bool) {
	if len(w.books.broken) > 0 {
		return // a run that was broken off has not ended
	}
	for _, e := range w.engines {
		w.books.left(e, idle)
	}
}

func (b *books) left(e *engine, idle bool) {
	sh := e.shared
	b.caches(e)
	b.tables(e)
	zero := func(what string, n int64) {
		if n != 0 {
			b.complain("%s: %d when all clients have gone", what, n)
		}
	}
	zero("moves of servers under way", int64(len(e.moves)))
	zero("connections of clients", sh.Conns.Load())
	for _, f := range sh.Frontends.All() {
		zero("sessions of the frontend", f.Cur.Load())
	}
	pooled := int64(0)
	for _, be := range sh.Backends.All() {
		zero("sessions of the backend", be.Cur.Load())
		zero("queue of the backend", be.Queued.Load())
		for _, s := range be.Servers() {
			zero("slots of "+s.Spec.Name, s.Cur.Load())
			zero("queue of "+s.Spec.Name, s.Queued.Load())
			zero("connections to "+s.Spec.Name+" in use", s.Conns.Used())
			pooled += s.Conns.Idle()
		}
	}
	if !idle {
		zero("idle connections to servers", pooled)
	}
	zero("connections to servers that are not idle", sh.SrvConns.Load()-pooled)
	inPools := int64(0)
	for i, t := range e.threads {
		for _, pool := range t.Pools() {
			if used := int64(pool.Made - pool.Free); pool.Name == "srvconn" {
				inPools += used
			} else {
				zero("in use of "+pool.Name, used)
			}
		}
		zero("buffers in use", int64(t.BuffersInUse()))
		zero("pipes in use", int64(t.PipesUsed()))
		zero("timers beside the sweep", int64(e.loops[i].Timers()-1))
	}
	zero("server connections out of stock that are not idle", inPools-pooled)
}

// balance holds logs, counters, clients and origins against each other.
func (w *world) balance() {
	b := w.books
	if len(b.broken) > 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(b.requests)) {
		b.settle(b.requests[id])
	}
	for from, c := range b.callers {
		if w.p.TCP && c.logged != 1 {
			b.complain("connection from %s is logged %d times", from.String(), c.logged)
		}
	}
	w.counters()
}

// settle says whether a request has ended well.
func (b *books) settle(e *entry) {
	switch {
	case b.p.TCP:
	case e.deed().silent:
		if e.logged > 0 {
			b.complain("request %d is logged, and was to be answered silently", e.ID)
		}
		b.silent++
		b.alive++
	case b.p.Hostile && e.logged == 0 && e.served > 0 && e.status == 0 && e.Answer.Quit.How != Stays:
		// As in the reference: where a server closes a connection that was used before, the
		// client is left to ask again, and the log is silent about it.
		b.silent++
	case b.p.Hostile && b.p.InnerH2 && e.logged == 0 && e.status == 0:
		b.doubtful++ // the same, for what another request on the connection has met
	case e.logged == 0 && e.served == 0 && (e.status == 400 || e.status == 408): // it never came whole
	case e.served > 0 && e.logged != 1, e.status != 0 && e.logged != 1:
		b.complain("request %d, received by %d origins and answered with %d, is logged %d times", e.ID, e.served, e.status, e.logged)
	}
	d := e.deed()
	if d.own && !d.late && e.served > 0 {
		b.complain("request %d was received by %d origins, and was to be answered by rules", e.ID, e.served)
	}
	if b.p.Hostile {
		return
	}
	switch {
	case !e.answered:
		b.complain("request %d is not answered", e.ID)
	case e.cached && e.served > 0:
		b.complain("request %d was received by %d origins, and answered by a cache", e.ID, e.served)
	case e.cached, d.own && !d.late:
	case e.served != 1:
		b.complain("request %d was received by %d origins", e.ID, e.served)
	case e.complete != 1 && !e.Answer.Early:
		b.complain("request %d did not come to its origin whole", e.ID)
	}
}

// usual are the flags in the log of a request that nothing has happened to but its rules.
func (e *entry) usual() string {
	switch d := e.deed(); {
	case e.cached:
		return "LR"
	case d.flags != "":
		return d.flags
	}
	return "--"
}

// counters holds the counters against the log.
func (w *world) counters() {
	b := w.books
	var fe stats.Frontend
	var be stats.Backend
	var threads []*stream.Thread
	for _, e := range w.engines {
		threads = append(threads, e.threads...)
	}
	for _, t := range threads {
		c := &t.Fronts[0].C
		fe.Conns += c.Conns
		fe.Requests += c.Requests
		fe.BytesOut += c.BytesOut
		fe.BytesIn += c.BytesIn
		for i, n := range c.Responses {
			fe.Responses[i] += n
		}
		be.Sessions += t.Backs[0].C.Sessions
	}
	var requests, out uint64
	var classes stats.HTTP
	for _, l := range b.lines {
		out += l.out
		if l.id != 0 || l.status > 0 { // those that never came whole, too
			requests++
		}
		if i := l.status / 100; i >= 1 && i <= 5 {
			classes[i]++
		} else {
			classes[0]++
		}
		// A client may leave when it has its answer, although its request has not gone whole.
		early := l.id != 0 && b.requests[l.id].Answer.Early
		usual := "--"
		if l.id != 0 {
			usual = b.requests[l.id].usual()
		}
		if !w.p.Hostile && !early && l.flags != usual {
			b.complain("request %d is logged as %s, and nothing has happened to it", l.id, l.flags)
		}
	}
	same := func(what string, counted, want uint64) {
		if counted != want {
			b.complain("%s: %d are counted, %d are logged or seen", what, counted, want)
		}
	}
	same("connections", fe.Conns, uint64(len(b.callers)))
	if fe.BytesOut < out || fe.BytesOut > out && b.alive == 0 {
		b.complain("bytes to clients: %d are counted, %d are logged", fe.BytesOut, out)
	}
	classes[2] += b.alive
	if w.p.TCP {
		return
	}
	if least := requests + b.silent; fe.Requests < least || fe.Requests > least+b.doubtful {
		b.complain("requests: %d are counted, %d are logged or seen", fe.Requests, least)
	}
	for i := 1; i <= 5; i++ {
		same("responses "+string(rune('0'+i))+"xx", fe.Responses[i], classes[i])
	}
}
