package stream

import (
	"syscall"

	"bench/internal/poller"
	"bench/proxy/h2"
	"bench/proxy/message"
	"bench/proxy/transport"
)

// serverLane is one request with its response on a connection to a server that carries many.
// Its serverConn is what the stream sees of it: messages of HTTP/1 go through that one's
// endpoint, which has no socket.
type serverLane struct {
	h2.Exchange
	sc serverConn
	m  *serverMux
}

var (
	_ h2.Listener     = (*serverLane)(nil)
	_ transport.Layer = (*laneLayer)(nil)

	_ transport.Narrow = (*laneLayer)(nil)
	_ transport.Narrow = (*lane)(nil)
)

// laneLayer is the lane as its endpoint sees it.
type laneLayer serverLane

// lane is that of a connection which is shared, nil for others.
func (sc *serverConn) lane() *serverLane {
	l, _ := sc.Layer.(*laneLayer)
	return (*serverLane)(l)
}

// socket is the descriptor of the connection to the server.
func (sc *serverConn) socket() int {
	if l := sc.lane(); l != nil {
		return l.m.sc.FD()
	}
	return sc.FD()
}

// attachLane gives the stream a lane of the connection.
func (s *stream) attachLane(m *serverMux) {
	t := s.t
	l, _ := t.srvLanes.get(t.Loop.Turns())
	l.m = m
	l.sc = serverConn{Endpoint: transport.Lone(&t.Kit, (*laneLayer)(l)), t: t, srv: s.srv, addr: m.sc.addr}
	l.Begin(&m.Conn, l)
	if s.version >= message.HTTP20 {
		l.Scheme = s.scheme
	}
	if cl := s.c.lane(); cl != nil {
		l.Source = cl
	}
	m.lanes++
	m.sc.uses++
	m.back.C.H2.OpenStreams++
	s.attach(&l.sc)
}

// untaken tells whether the server has said that it has done nothing about the request.
func (s *stream) untaken() bool {
	if s.sc == nil {
		return false
	}
	l := s.sc.lane()
	return l != nil && (l.Refused() || l.m.unreached)
}

// release gives the lane back.
func (l *serverLane) release() {
	t, m := l.sc.t, l.m
	l.Finish()
	l.sc.Endpoint.Release()
	l.sc.Layer, l.sc.stream = nil, nil
	m.lanes--
	m.back.C.H2.OpenStreams--
	m.Wake() // to settle
	t.srvLanes.put(t.Loop.Turns(), l)
}

// Ready implements h2.Listener.
func (l *serverLane) Ready() {
	l.sc.Readable = true
	if s := l.sc.stream; s != nil {
		s.serverReady(poller.In)
	}
}

// Writable implements h2.Listener.
func (l *serverLane) Writable() {
	if s := l.sc.stream; s != nil {
		s.serverReady(poller.Out)
	}
}

// Aborted implements h2.Listener.
func (l *serverLane) Aborted(h2.Code) {
	l.sc.Readable, l.sc.Hup = true, true
	if s := l.sc.stream; s != nil {
		s.serverReady(poller.In | poller.Hup)
	}
}

// Handshake implements transport.Layer: the connection has had its own.
func (l *laneLayer) Handshake(bool) {}

// Recv implements transport.Layer.
func (l *laneLayer) Recv(p []byte, _ bool) (n int, more bool, errno syscall.Errno) {
	n, over, failed := l.Take(p)
	switch {
	case failed:
		return 0, false, syscall.ECONNRESET
	case n == 0 && !over:
		return 0, false, syscall.EAGAIN
	}
	return n, l.Waiting(), 0
}

// Send implements transport.Layer.
func (l *laneLayer) Send(a, b []byte) (int, syscall.Errno) {
	n, ok := l.Transfer(a)
	if ok && n == len(a) && len(b) > 0 {
		var more int
		more, ok = l.Transfer(b)
		n += more
	}
	if !ok {
		return 0, syscall.EPIPE
	}
	return n, 0
}

// Room implements transport.Narrow.
func (l *laneLayer) Room() int { return l.Takes() }

// Flush implements transport.Layer: the connection does that for all.
func (l *laneLayer) Flush() {}

// Shutdown implements transport.Layer.
func (l *laneLayer) Shutdown() (later bool) {
	l.Shut()
	return false
}

// Release implements transport.Layer.
func (l *laneLayer) Release() {}
