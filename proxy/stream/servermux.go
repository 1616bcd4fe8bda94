package stream

import (
	"math"

	"bench/internal/list"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/proxy/certs"
	"bench/proxy/h2"
	"bench/proxy/spec"
	"bench/proxy/transport"
)

// serverMux is a connection to a server that carries many requests at once: HTTP/2. The
// serverConn that it belongs to has the socket and no stream; each request has a serverLane,
// which to its stream looks like a connection of its own.
type serverMux struct {
	h2.Conn
	sc    *serverConn // nil: it is over
	back  *Back
	lanes int // with a request, sent or not
	// owner is the only client whose requests it may carry; nil: it serves all.
	owner *notes
	// opening: the connection does not stand yet. Its serverConn has the stream that opens it,
	// which gets a lane then, and others have joined. unreached: it has come to nothing.
	opening, unreached bool
	task               loop.Task            // the end of the turn
	again              loop.Task            // what was left for others to be looked at
	place              list.Node[serverMux] // among those of its server that carry requests
}

var _ h2.Owner = (*serverMux)(nil)

// newServerMux makes a connection one of HTTP/2, for the stream.
func (s *stream) newServerMux(sc *serverConn) *serverMux {
	t := s.t
	m, _ := t.srvMuxes.get(t.Loop.Turns())
	*m = serverMux{sc: sc, back: s.be}
	m.task.R, m.again.R = m, (*muxReader)(m)
	if s.be.Spec.HTTPReuse == spec.ReuseNever || s.srv.ForOneClient() || s.elsewhere() {
		m.owner = s.c.noted()
	}
	sc.mux = m
	count := &s.be.C.H2
	count.Conns++
	count.OpenConns++
	if t.srvMuxWork == nil {
		t.srvMuxWork = h2.NewWorkspace(&s.be.muxSet)
	}
	m.InitOutgoing(t.srvMuxWork, &s.be.muxSet, m, count)
	s.server().muxes.PushFront(&m.place, m)
	return m
}

// foresee lets others join a connection that is being opened, where the server is known to
// speak HTTP/2. As in the reference only "http-reuse always" trusts a connection that no
// request has been answered on.
func (s *stream) foresee(sc *serverConn, peer *certs.Peer) {
	be := s.be.Spec
	if s.http && be.HTTPReuse == spec.ReuseAlways && s.priorHTTP2() && (peer == nil || len(peer.Config().NextProtos) == 0) &&
		!s.srv.ForOneClient() && !s.elsewhere() {
		s.newServerMux(sc).opening = true
	}
}

// branch gives the stream a lane of its connection, if that turns out to be one of HTTP/2.
func (s *stream) branch() {
	sc := s.sc
	if s.reused || !s.multiplexes(sc) {
		return
	}
	m := sc.mux
	if m == nil {
		m = s.newServerMux(sc)
	}
	m.opening, sc.stream = false, nil
	s.attachLane(m)
}

// giveUp ends a connection that was not established: those who have joined it go on elsewhere.
func (m *serverMux) giveUp() {
	m.opening, m.unreached, m.sc.stream = false, true, nil
	m.Unreached()
	m.Dispatch()
	m.settle()
}

// multiplexes tells whether a new connection is one of HTTP/2.
func (s *stream) multiplexes(sc *serverConn) bool {
	if !s.http {
		return false
	}
	if i := sc.handshake(); i != nil && i.ALPN != "" {
		return i.ALPN == "h2"
	}
	return s.priorHTTP2()
}

// priorHTTP2 tells whether the server speaks HTTP/2 without being asked.
func (s *stream) priorHTTP2() bool {
	return s.srv.Spec.Proto == spec.ProtoH2
}

// join finds a connection that carries requests already and may carry the stream's, too. In
// the reference no policy but "never" minds whether the client has been served before: others
// have found the connection good.
func (s *stream) join(peer *certs.Peer, intro *introduction) *serverMux {
	side := s.server()
	if side.muxes.Len() == 0 {
		return nil
	}
	never := s.be.Spec.HTTPReuse == spec.ReuseNever
	for m := side.muxes.First(); m != nil; m = m.place.Next() {
		if m.owner == nil && never || m.owner != nil && m.owner != s.c.notes {
			continue
		}
		if m.hasRoom() && m.sc.leadsTo(peer) && m.sc.introduces(intro) && !m.sc.outdated() {
			return m
		}
	}
	return nil
}

// hasRoom tells whether one more request may be sent.
func (m *serverMux) hasRoom() bool {
	unsent := m.lanes - m.Streams()
	if m.opening {
		unsent++ // that of the stream that opens it
	}
	most := m.sc.srv.Spec.MaxReuse
	return m.sc.Errno == 0 && m.Room() > unsent && (most < 0 || m.Opened()+uint64(unsent) <= uint64(most))
}

// rouse makes an idle connection one that carries requests again.
func (m *serverMux) rouse() { m.sc.t.Servers[m.sc.srv.Slot].muxes.PushFront(&m.place, m) }

// ready is called for events of the connection.
func (m *serverMux) ready(ev poller.Events) {
	if ev&poller.Out != 0 {
		m.Writable()
	}
	m.read()
}

// read takes what the server has sent, up to the turn's share.
func (m *serverMux) read() {
	sc := m.sc
	for share := transport.Share; !m.Dead() && m.unread() && !m.Congested(); {
		if sc.In != nil {
			used := m.Feed(sc.In.Data(), sc.t.Loop.Now())
			if m.Dead() {
				sc.Release()
			} else {
				sc.Consume(used)
			}
			m.Dispatch()
			continue
		}
		p := sc.t.Loop.Scratch()
		n, res := sc.Recv(p)
		if used := m.Feed(p[:n], sc.t.Loop.Now()); used < n && !m.Dead() {
			sc.Keep(p[used:n])
		}
		m.Dispatch()
		switch share -= transport.Cost(n); {
		case res == transport.End, res == transport.Failed:
			m.Kill(h2.Cancel)
			m.Dispatch()
		case share <= 0:
			sc.t.Loop.Wake(&m.again)
			m.settle()
			return
		}
	}
	m.settle()
}

// unread tells whether something has come that was not looked at.
func (m *serverMux) unread() bool {
	sc := m.sc
	return sc.In != nil || !sc.Ended && (sc.Readable || sc.Hup)
}

// muxReader is the task that goes on reading.
type muxReader serverMux

// Run implements loop.Runner.
func (r *muxReader) Run() {
	if m := (*serverMux)(r); m.sc != nil {
		m.read()
	}
}

// Wake implements h2.Owner.
func (m *serverMux) Wake() { m.sc.t.Loop.Late(&m.task) }

// Run implements loop.Runner, at the end of a turn that has something to send.
func (m *serverMux) Run() {
	if m.sc != nil {
		m.Flush()
		m.settle()
	}
}

// Transmit implements h2.Owner.
func (m *serverMux) Transmit(p []byte) (int, bool) {
	switch {
	case m.opening:
		return 0, true
	case m.unreached || m.sc.Errno != 0:
		return 0, false
	}
	return m.sc.Send(p)
}

// settle looks after the connection when something has happened to it.
func (m *serverMux) settle() {
	sc := m.sc
	if m.Dead() {
		m.Dispatch()
		m.Flush()
	}
	switch {
	case m.opening:
	case m.lanes > 0:
		if !m.Dead() && m.unread() && !m.Congested() {
			sc.t.Loop.Wake(&m.again)
		}
	case m.Dead() || m.Room() <= 0:
		sc.discard()
	case m.place.Linked():
		m.rest()
	}
}

// rest lets a connection wait that carries no request any more, as toPool does others.
func (m *serverMux) rest() {
	sc := m.sc
	t := sc.t
	side := t.Servers[sc.srv.Slot]
	side.muxes.Remove(&m.place)
	sc.BytesIn, sc.BytesOut = 0, 0
	sc.idleAt = t.Loop.Now()
	switch {
	case sc.outdated() || !sc.srv.Running() || sc.Hup || !m.hasRoom():
		sc.close()
	case m.owner != nil:
		if m.owner.gone || m.owner.own.Len() >= maxOwn {
			sc.close()
			return
		}
		sc.owner = m.owner
		m.owner.own.PushFront(&sc.place, sc)
	default:
		t.pool(sc)
	}
}

// over ends the connection's part of the protocol. It carries nothing any more.
func (m *serverMux) over() {
	t := m.sc.t
	m.Kill(h2.NoError)
	m.Release()
	if m.place.Linked() {
		t.Servers[m.sc.srv.Slot].muxes.Remove(&m.place)
	}
	m.back.C.H2.OpenConns--
	m.sc.mux, m.sc = nil, nil
	if m.again.Queued() {
		t.srvMuxes.lose()
	} else {
		t.srvMuxes.put(t.Loop.Turns(), m)
	}
}

// muxSettings are what servers of the backend are told.
func (b *Back) muxSettings(tune *spec.Tune) h2.Settings {
	streams := tune.H2MaxStreams
	if streams == 0 {
		streams = math.MaxInt32
	}
	return h2.Settings{
		TableSize: tune.H2TableSize, MaxStreams: streams, MaxFrame: tune.H2MaxFrame, Window: max(tune.H2Window, tune.BufSize),
		ConnWindow: h2.DefaultConnWindow, Limits: &b.limits,
	}
}
