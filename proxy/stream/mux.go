package stream

import (
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/proxy/h2"
	"bench/proxy/trace"
	"bench/proxy/transport"
)

// mux is a client connection that carries many requests at once: HTTP/2. The client that it
// belongs to has the socket and no stream; each request has a lane, which to its stream looks
// like a client of its own.
type mux struct {
	h2.Conn
	c    *client
	task loop.Task // the end of the turn
	// leaveAt is when a client that was asked to go is taken to have heard of it.
	leaveAt int64
}

var (
	_ h2.Owner   = (*mux)(nil)
	_ h2.Watcher = (*mux)(nil)
)

// speaksFirst tells whether what a client has sent first is the beginning of HTTP/2; it has
// then been taken care of.
func (s *stream) speaksFirst(data []byte, kept bool) bool {
	c := s.c
	if !c.fe.muxable {
		return false
	}
	whole, begun := h2.Announces(data)
	switch {
	case !begun:
		return false
	case !whole:
		if !kept {
			c.Keep(data)
		}
		return true
	}
	s.free()
	c.stream = nil
	m := c.startMux()
	if kept {
		m.feedKept()
	} else {
		m.feed(data)
	}
	m.read()
	return true
}

// startMux makes the connection one of HTTP/2.
func (c *client) startMux() *mux {
	t := c.t
	m, _ := t.muxes.get(t.Loop.Turns())
	*m = mux{c: c, task: loop.Task{R: m}}
	c.mux = m
	c.fe.C.H2.Conns++
	c.fe.C.H2.OpenConns++
	if t.muxWork == nil {
		t.muxWork = h2.NewWorkspace(&c.fe.muxSet)
	}
	m.Init(t.muxWork, &c.fe.muxSet, m, &c.fe.C.H2)
	c.idleSince = c.accepted
	if t.trace.H2.On(trace.User) {
		m.trace(trace.H2ConnNew, trace.User, "client %s", c.peerName())
	}
	m.arm()
	return m
}

// ready is called for events of the connection.
func (m *mux) ready(ev poller.Events) {
	if ev&poller.Out != 0 {
		m.Writable()
	}
	m.read()
}

// read takes what the client has sent, up to the turn's share.
func (m *mux) read() {
	c := m.c
	for share := transport.Share; !m.Dead() && m.unread(); {
		if m.Congested() {
			break // it takes no answers: what it asks for has to wait, until Writable
		}
		if c.In != nil {
			m.feedKept()
			continue
		}
		p := c.t.Loop.Scratch()
		n, res := c.Recv(p)
		m.feed(p[:n])
		switch share -= transport.Cost(n); {
		case res == transport.End:
			m.HalfClosed()
			m.Dispatch()
		case res == transport.Failed:
			m.Kill(h2.Cancel)
		case share <= 0:
			c.t.Loop.Wake(&c.task)
			m.settle()
			return
		}
	}
	m.settle()
}

// unread tells whether something has come that was not looked at.
func (m *mux) unread() bool {
	c := m.c
	return c.In != nil || !c.Ended && (c.Readable || c.Hup)
}

// feed takes bytes that lie in the loop's scratch buffer, and lets streams know of what
// they bring.
func (m *mux) feed(p []byte) {
	c := m.c
	if c.t.trace.H2.On(trace.Data) {
		m.trace(trace.H2ConnRecv, trace.Data, "%d bytes", len(p))
	}
	used := m.Feed(p, c.t.Loop.Now())
	if used < len(p) && !m.Dead() {
		c.Keep(p[used:])
	}
	m.Dispatch()
}

// feedKept is feed for what was kept.
func (m *mux) feedKept() {
	c := m.c
	used := m.Feed(c.In.Data(), c.t.Loop.Now())
	if m.Dead() {
		c.Release()
	} else {
		c.Consume(used)
	}
	m.Dispatch()
}

// Wake implements h2.Owner.
func (m *mux) Wake() { m.c.t.Loop.Late(&m.task) }

// Run implements loop.Runner, at the end of a turn that has something to send.
func (m *mux) Run() {
	if m.c == nil {
		return
	}
	m.Flush()
	m.settle()
}

// Transmit implements h2.Owner.
func (m *mux) Transmit(p []byte) (int, bool) {
	if m.c.Errno != 0 {
		return 0, false
	}
	if m.c.t.trace.H2.On(trace.Data) {
		m.trace(trace.H2ConnSend, trace.Data, "%d bytes", len(p))
	}
	return m.c.Send(p)
}

// settle looks after the connection when something has happened to it: whether it is over,
// and what it may wait for.
func (m *mux) settle() {
	c := m.c
	switch {
	case m.Dead(), m.Done():
		m.Dispatch()
		m.Flush()
		if !m.Pending() {
			m.close()
			return
		}
		c.expect(lingerTime) // for what it is told last
	default:
		if m.unread() && !m.Congested() {
			c.t.Loop.Wake(&c.task) // it was left for others to be dispatched, or answers to be sent
		}
		m.arm()
	}
}

// arm sets the timer of a connection without a request; those that have one have timers of
// their own. What a client sends besides requests does not move it.
func (m *mux) arm() {
	c := m.c
	if m.Streams() > 0 {
		c.t.Loop.StopTimer(&c.timer)
		return
	}
	tm := &c.fe.Spec.Timeouts
	d := firstOf(tm.HTTPKeepAlive, tm.HTTPRequest, tm.Client)
	if m.Partial() || m.Opened() == 0 {
		d = firstOf(tm.HTTPRequest, tm.Client)
	}
	if d > 0 {
		c.t.Loop.SetTimer(&c.timer, c.idleSince+int64(d), c)
	} else {
		c.t.Loop.StopTimer(&c.timer)
	}
}

// expired ends a connection that was idle for too long.
func (m *mux) expired() {
	m.Leave()
	m.Flush()
	if m.c != nil {
		m.close()
	}
}

// laneClosed notes that a request is over.
func (m *mux) laneClosed() {
	c := m.c
	if c.t.trace.H2.On(trace.User) {
		m.trace(trace.H2StreamEnd, trace.User, "%d of client %s", c.served+1, c.peerName())
	}
	c.fe.C.H2.OpenStreams--
	c.served++
	if m.Streams() == 0 {
		c.idleSince = c.t.Loop.Now()
	}
	m.Wake() // to settle
}

// close ends the connection. What the client still sends is read and dropped for a while, or
// a reset could destroy what it was told last.
func (m *mux) close() {
	c := m.c
	t := c.t
	if t.trace.H2.On(trace.User) {
		m.trace(trace.H2ConnEnd, trace.User, "client %s", c.peerName())
	}
	m.Release()
	m.c, c.mux = nil, nil
	c.fe.C.H2.OpenConns--
	t.muxes.put(t.Loop.Turns(), m)
	c.finish(c.Errno == 0)
}

// leaveAfter is how long a client that was asked to open no more streams has to say that it
// has heard.
const leaveAfter = time.Second

// retire asks the client to go, of a process that stops, and sees to it that it does.
func (m *mux) retire(now int64) {
	switch {
	case !m.Leaving():
		m.Shutdown()
		m.leaveAt = now + int64(leaveAfter)
	case now >= m.leaveAt:
		m.Leave()
	}
}
