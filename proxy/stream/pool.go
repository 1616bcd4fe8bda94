package stream

import (
	"bench/internal/list"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/proxy/certs"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/trace"
	"bench/proxy/transport"
)

// serverConn is one connection to a server. It belongs to a stream, to one
// client (http-reuse never), or to the pool of its server in this thread.
type serverConn struct {
	transport.Endpoint
	t      *Thread
	srv    *server.Server
	addr   *sock.Addr // of the server, when it was connected to
	stream *stream
	mux    *serverMux // of a connection that carries many requests; nil: it does not
	owner  *notes     // of the client that keeps it between its requests
	uses   int32      // responses received on it
	pooled bool
	safe   bool // while it is pooled: see Idle
	// personal: the server knows by the connection who the client is.
	personal bool
	intro    *introduction // nil: it says nothing of any client
	idleAt   int64
	place    list.Node[serverConn] // among the idle ones of its server, or its owner's
}

// newServerConn wraps a descriptor that is connecting or connected.
func (t *Thread) newServerConn(fd int, srv *server.Server, addr *sock.Addr) (*serverConn, error) {
	sc, _ := t.srvs.get(t.Loop.Turns())
	*sc = serverConn{Endpoint: transport.NewEndpoint(&t.Kit, fd), t: t, srv: srv, addr: addr}
	if err := t.Loop.Add(fd, poller.In|poller.Out, sc); err != nil {
		t.srvs.put(t.Loop.Turns(), sc)
		return nil, err
	}
	srv.Conns.Open()
	t.Shared.SrvConns.Inc()
	sc.traceH1(trace.H1ConnNew, "to a server begins")
	return sc, nil
}

// Ready implements loop.Handler.
func (sc *serverConn) Ready(ev poller.Events) {
	sc.Note(ev)
	if s := sc.stream; s != nil {
		s.serverReady(ev)
		return
	}
	if sc.mux != nil {
		sc.mux.ready(ev)
		return
	}
	if ev&(poller.In|poller.Hup) == 0 {
		return
	}
	// Idle: the server closes, or sends what nobody asked for. A spurious
	// event is told apart by reading.
	var p [1]byte
	if _, res := sc.Recv(p[:]); res == transport.Drained && sc.BytesIn == 0 {
		return
	}
	sc.discard()
}

// discard closes a connection that is idle, in the pool or with its owner.
func (sc *serverConn) discard() {
	if sc.owner != nil {
		sc.owner.own.Remove(&sc.place)
	}
	sc.close()
}

func (sc *serverConn) close() {
	if l := sc.lane(); l != nil {
		l.release()
		return
	}
	t := sc.t
	if sc.mux != nil {
		sc.mux.over()
	} else {
		sc.traceH1(trace.H1ConnEnd, "to a server ends")
	}
	sc.srv.Conns.Close(sc.pooled)
	if sc.pooled {
		t.Servers[sc.srv.Slot].unpool(sc)
	}
	if !sc.Ended {
		// Whoever closes first keeps the address pair for a minute. Towards a
		// server that would use up the local ports, so the connection is reset:
		// all that was to come over it has come.
		sock.SetLinger0(sc.FD())
	}
	sc.Endpoint.Close(false)
	t.Shared.SrvConns.Dec()
	sc.stream, sc.owner = nil, nil
	t.srvs.put(t.Loop.Turns(), sc)
}

// outdated tells that the server has been given another address since.
func (sc *serverConn) outdated() bool { return sc.addr != sc.srv.Addr() }

// repeats are the failures after all of which a request has to be sent again for the first
// one of a client to be as any other.
const repeats = spec.RetryConnFailure | spec.RetryEmptyResponse | spec.RetryResponseTimeout

// reuse takes an idle connection for the stream, or returns nil. first tells
// that this is the client's first request, which the policies treat with more
// care: a client does not repeat it by itself when the connection breaks. Where the
// proxy does, that is no matter.
func (s *stream) reuse(peer *certs.Peer, intro *introduction) *serverConn {
	if sc := s.c.ownConn(s.srv, peer, intro); sc != nil {
		return sc
	}
	if m := s.join(peer, intro); m != nil {
		return m.sc
	}
	first := s.c.served == 0 && s.be.Spec.RetryOn&repeats != repeats
	policy := s.be.Spec.HTTPReuse
	if policy == spec.ReuseNever || policy == spec.ReuseSafe && first {
		return nil
	}
	side := s.server()
	sc := side.idle.First()
	for sc != nil && (sc.outdated() || !sc.leadsTo(peer)) {
		next := sc.place.Next()
		if sc.outdated() {
			sc.close()
		}
		sc = next
	}
	if sc == nil {
		return nil
	}
	if policy == spec.ReuseAggressive && first && sc.uses < 2 {
		return nil
	}
	side.unpool(sc)
	s.srv.Conns.Take()
	return sc
}

// toPool keeps a server connection after a response for later requests. It
// reports false if it had to be closed, which happens to those beyond what has been
// needed of late: clients that come once, each of which gets a connection of its own
// ("http-reuse safe"), would leave one behind each.
func (s *stream) toPool(sc *serverConn) bool {
	t := s.t
	sc.stream = nil
	if sc.In != nil || sc.Hup || sc.Ended || sc.outdated() || !sc.srv.Running() {
		sc.close()
		return false
	}
	if sc.Readable {
		// The last read filled its buffer exactly: whether more has come must
		// be known before the connection is trusted with another request.
		var p [1]byte
		if _, res := sc.Recv(p[:]); res != transport.Drained || sc.Readable {
			sc.close()
			return false
		}
	}
	spc := s.srv.Spec
	if spc.MaxReuse >= 0 && int(sc.uses) > spc.MaxReuse {
		sc.close()
		return false
	}
	sc.BytesIn, sc.BytesOut = 0, 0
	sc.idleAt = t.Loop.Now()
	if s.be.Spec.HTTPReuse == spec.ReuseNever || s.srv.ForOneClient() || sc.personal { // other clients' may lead elsewhere
		return s.c.keepOwn(sc)
	}
	return t.pool(sc)
}

// pool keeps a connection for whoever needs one next, if there is room for it. It reports
// false if the connection had to be closed.
func (t *Thread) pool(sc *serverConn) bool {
	srv := sc.srv
	side := t.Servers[srv.Slot]
	limit := int64(srv.Spec.PoolMaxConn)
	if limit >= 0 && srv.Conns.Idle() >= limit || t.Shared.fdsShort() ||
		side.idle.Len() > 0 && srv.Conns.Surplus() > int64(srv.Spec.PoolLowConn) {
		sc.close()
		return false
	}
	sc.pooled, sc.safe = true, sc.uses > 1 || sc.mux != nil
	srv.Conns.Leave()
	side.idle.PushFront(&sc.place, sc)
	if sc.safe {
		side.safe++
	}
	return true
}

// unpool takes a connection out of the pool.
func (side *ServerSide) unpool(sc *serverConn) {
	side.idle.Remove(&sc.place)
	sc.pooled = false
	if sc.safe {
		side.safe--
	}
}

// fdsShort tells that so many descriptors are in use that idle connections
// should not hold any (tune.pool-low-fd-ratio, tune.pool-high-fd-ratio).
func (sh *Shared) fdsShort() bool {
	return sh.PoolFDs > 0 && sh.Conns.Load()+sh.SrvConns.Load() >= sh.PoolFDs
}

// purgeIdle closes half of what has been idle for pool-purge-delay, oldest
// first, and everything of servers that may not be used any more or have moved.
func (t *Thread) purgeIdle(now int64) {
	for _, b := range t.Shared.Backends.All() {
		for _, srv := range b.Servers() {
			if t.ID == 1 {
				srv.Conns.Fade()
				srv.Conns.ForgetTop(now, srv.Spec.PoolPurgeDelay)
			}
			if !srv.Running() {
				t.CloseIdle(srv)
				continue
			}
			idle := &t.Servers[srv.Slot].idle
			delay := int64(srv.Spec.PoolPurgeDelay)
			keep := srv.Spec.PoolLowConn
			for sc := idle.Last(); sc != nil && idle.Len() > keep && delay > 0 && now-sc.idleAt >= delay; sc = idle.Last() {
				sc.close()
			}
			for sc := idle.First(); sc != nil; {
				next := sc.place.Next()
				if sc.outdated() {
					sc.close()
				}
				sc = next
			}
		}
	}
}

// CloseIdle closes the thread's idle connections to s, which may not be used any more.
func (t *Thread) CloseIdle(s *server.Server) {
	side := t.Server(s)
	for side != nil && side.idle.Last() != nil {
		side.idle.Last().close()
	}
}
