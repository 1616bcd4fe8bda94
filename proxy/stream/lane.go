package stream

import (
	"math"
	"syscall"

	"bench/internal/loop"
	"bench/proxy/h1"
	"bench/proxy/h2"
	"bench/proxy/message"
	"bench/proxy/trace"
	"bench/proxy/transport"
)

// lane is one request with its response on a connection that carries many. Its client is what
// the stream sees of it; content goes through that one's endpoint, which has no socket, while
// heads are messages.
type lane struct {
	c  client
	st h2.Stream
	m  *mux

	trailer  []byte // of the request, as lines of HTTP/1
	ended    bool   // the request has come completely
	received int    // content of the request
	credited int    // of it, what has left for the server
}

var (
	_ h2.Handler      = (*lane)(nil)
	_ h2.Source       = (*lane)(nil)
	_ transport.Layer = (*lane)(nil)
)

// lane is that of a client that shares its connection, nil for others.
func (c *client) lane() *lane {
	l, _ := c.Layer.(*lane)
	return l
}

// socket is the descriptor of the client's connection.
func (c *client) socket() int {
	if l := c.lane(); l != nil {
		return l.m.c.FD()
	}
	return c.FD()
}

// Open implements h2.Owner.
func (m *mux) Open() *h2.Stream {
	if m.c.t.trace.H2.On(trace.User) {
		m.trace(trace.H2StreamNew, trace.User, "client %s", m.c.peerName())
	}
	c := m.c
	t := c.t
	if t.ruled {
		c.noted() // all share variables
	}
	l, _ := t.lanes.get(t.Loop.Turns())
	now := t.Loop.Now()
	*l = lane{
		m: m, trailer: l.trailer[:0], st: h2.Stream{Handler: l},
		c: client{
			Endpoint: transport.Lone(&t.Kit, l), t: t, l: c.l, fe: c.fe, addr: c.addr, notes: c.notes,
			accepted: c.accepted, idleSince: now, opening: opened,
			served: c.served + 1, // never the first of its client, as in the reference
		},
	}
	l.c.task = loop.Task{R: &l.c}
	t.laned.PushFront(&l.c.place, &l.c)
	c.fe.C.H2.OpenStreams++
	return &l.st
}

// Head implements h2.Handler.
func (l *lane) Head(req *message.Request, bad *h1.Error) {
	c := &l.c
	s := c.t.newStream(c)
	c.countIn(len(req.Method) + len(req.Target) + headSize(&req.Header))
	if c.t.Shared.Stopping.Load() || c.fe.Stopped.Load() {
		l.m.retire(c.t.Loop.Now())
	}
	if bad != nil {
		s.method, s.version = req.MethodID, message.HTTP20
		s.badRequest(bad)
		return
	}
	body := req.Body
	framed := body.Kind == message.BodyChunked
	if framed {
		body.Kind = message.BodyUntilClose
	}
	s.up.Begin(body, h1.ChunkKeep)
	s.up.Frame = framed
	if c.In != nil {
		s.collect(&s.up, c.In.Data(), c.Consume)
	}
	if framed && l.ended {
		s.upBody.End(l.trailer)
		s.up.End(&c.t.Kit)
	}
	s.begun(req)
	l.credit()
}

// headSize is what fields come to on the wire of HTTP/1.
func headSize(h *message.Header) (n int) {
	for _, f := range h.All() {
		n += len(f.Name) + len(f.Value) + len(": \r\n")
	}
	return n
}

// countIn counts bytes that have come from the client.
func (c *client) countIn(n int) {
	c.BytesIn += uint64(n)
	c.fe.C.BytesIn += uint64(n)
	c.fe.C.H2.BytesIn += uint64(n)
	c.t.Listeners[c.l.Index].C.BytesIn += uint64(n)
}

// countMuxed counts bytes that a response has sent, where HTTP/2 did.
func (c *client) countMuxed(n uint64) {
	if c.lane() != nil {
		c.fe.C.H2.BytesOut += n
	}
}

// Body implements h2.Handler.
func (l *lane) Body(p []byte) {
	l.c.Keep(p)
	l.c.countIn(len(p))
	l.received += len(p)
}

// End implements h2.Handler.
func (l *lane) End(trailer []byte) {
	l.ended = true
	l.trailer = append(l.trailer[:0], trailer...)
}

// Tail implements h2.Source.
func (l *lane) Tail() (trailer []byte, ended bool) { return l.trailer, l.st.Ended() }

// Ready implements h2.Handler.
func (l *lane) Ready() {
	s := l.c.stream
	if s == nil {
		return
	}
	l.c.Readable = true
	if l.ended {
		s.upBody.End(l.trailer)
	}
	s.laneReady()
	l.credit()
}

// laneReady is called when more of the request has come.
func (s *stream) laneReady() {
	switch s.state {
	case stateRules:
		s.input()
	case stateResponse, stateData:
		s.pumpUp()
	case stateService:
		if s.txn != nil && s.txn.applet != nil {
			s.txn.applet.ready()
		}
	case stateRequest, stateQueue, statePause, stateConnect, stateFlush, stateEnd:
		// It is looked at when it is its turn.
	}
}

// Writable implements h2.Handler.
func (l *lane) Writable() {
	s := l.c.stream
	if s == nil {
		return
	}
	switch {
	case s.state == stateFlush:
		s.flushAnswer()
	case s.state == stateResponse && s.down.Pending():
		s.flushInterim()
	case s.state == stateResponse:
		s.touchServer()
		s.readResponse()
	case s.state == stateData:
		s.pumpDown()
	case s.state == stateService:
		s.serviceReady()
	}
}

// Aborted implements h2.Handler.
func (l *lane) Aborted(h2.Code) {
	l.c.Hup, l.c.Errno = true, syscall.ECONNRESET
	if s := l.c.stream; s != nil {
		s.laneAborted()
	}
}

// laneAborted ends the stream of a client that has taken its request back.
func (s *stream) laneAborted() {
	switch s.state {
	case stateResponse, stateData:
		s.clientGone()
	case stateQueue:
		s.abort('C', 'Q')
	case statePause, stateConnect:
		s.countClientAbort()
		s.abort('C', 'C')
	case stateRequest, stateRules:
		s.countClientAbort()
		s.abort('C', s.whereInRules())
	case stateService:
		s.countClientAbort()
		s.abort('C', 'D')
	case stateFlush:
		s.abort('C', 'D')
	case stateEnd:
	}
}

// Discard implements h2.Handler.
func (l *lane) Discard() { l.release() }

// release gives the lane back.
func (l *lane) release() {
	c := &l.c
	t, m := c.t, l.m
	t.Loop.StopTimer(&c.timer)
	c.Endpoint.Release()
	c.Layer = nil
	t.laned.Remove(&c.place)
	c.stream = nil
	if c.task.Queued() {
		t.lanes.lose()
	} else {
		t.lanes.put(t.Loop.Turns(), l)
	}
	m.laneClosed()
}

// credit tells the connection how much of the request has left, so that the client may send
// more. What waits for the server, or for rules, has not.
func (l *lane) credit() {
	s := l.c.stream
	if s == nil {
		return // it has ended, and the lane with it
	}
	held := 0
	if l.c.In != nil {
		held = len(l.c.In.Data())
	}
	if s.up.Out != nil {
		held += len(s.up.Out.Data())
	}
	if n := l.received - held - l.credited; n > 0 {
		l.credited += n
		l.st.Consumed(n)
	}
}

// sendHead sends the head of a response.
func (l *lane) sendHead(res *message.Response) {
	l.st.SendHead(res)
	l.c.BytesOut += uint64(len("HTTP/1.1 200 \r\n\r\n") + len(res.Reason) + headSize(&res.Header)) // as over HTTP/1
}

// Handshake implements transport.Layer: there is none, the connection has begun.
func (l *lane) Handshake(bool) {}

// Recv implements transport.Layer: content is brought by Body, this tells how it ends.
func (l *lane) Recv([]byte, bool) (n int, more bool, errno syscall.Errno) {
	switch {
	case l.st.Over():
		return 0, false, syscall.ECONNRESET
	case l.ended:
		return 0, false, 0
	}
	return 0, false, syscall.EAGAIN
}

// Send implements transport.Layer.
func (l *lane) Send(a, b []byte) (int, syscall.Errno) {
	n := l.st.Send(a)
	if n == len(a) && len(b) > 0 {
		n += l.st.Send(b)
	}
	return n, 0
}

// Room implements transport.Narrow.
func (l *lane) Room() int { return l.st.Takes() }

// Flush implements transport.Layer: the connection does that for all.
func (l *lane) Flush() {}

// Shutdown implements transport.Layer.
func (l *lane) Shutdown() (later bool) {
	l.st.End(nil)
	return false
}

// Release implements transport.Layer.
func (l *lane) Release() {}

// endLane ends the stream of a lane, and the lane with it.
func (s *stream) endLane(l *lane) {
	complete := !s.cutShort && s.headOut && s.down.Ended && !s.down.Pending()
	code := h2.Cancel
	switch {
	case complete:
		s.endResponse()
	case !s.headOut && s.connected == 0:
		code = h2.RefusedStream // no server has seen it: the client may try again
	}
	s.free()
	l.st.Close(code)
	l.release()
}

// endResponse says that the response is complete.
func (s *stream) endResponse() {
	l := s.c.lane()
	if l == nil || !s.headOut || !s.down.Ended || s.down.Pending() {
		return
	}
	var trailer []byte
	if s.down.Kind == message.BodyChunked {
		trailer = s.downBody.Trailer()
	} else if sl := s.tailed(); sl != nil {
		trailer, _, _ = sl.Tail()
	}
	l.st.End(trailer)
}

// tailed is the lane of a server whose response may have something behind content of
// announced length, for a client that can be told; nil if there is no such thing.
func (s *stream) tailed() *serverLane {
	if s.sc == nil || s.c.lane() == nil || s.down.Kind != message.BodyLength {
		return nil
	}
	return s.sc.lane()
}

// tailCame tells whether nothing is missing of the response any more, whose content has gone to
// the client: what may follow it has come, and was sent. Otherwise it is waited for, as long as
// the server goes on.
func (s *stream) tailCame() bool {
	sl := s.tailed()
	if sl == nil {
		return true
	}
	if _, ended, failed := sl.Tail(); ended || failed {
		s.endResponse() // before the server's part is over
		return true
	}
	if s.srvExp == never {
		s.touchServer()
	}
	s.arm()
	return false
}

// muxSettings are what the frontend announces to clients of HTTP/2.
func (f *Front) muxSettings(t *Thread) {
	tune := &t.Shared.Config.Global.Tune
	streams := tune.H2MaxStreams
	if streams == 0 {
		streams = math.MaxInt32
	}
	f.muxable = !f.Spec.Options.DisableH2Upgrade
	f.muxSet = h2.Settings{
		TableSize: tune.H2TableSize, MaxStreams: streams, MaxFrame: tune.H2MaxFrame,
		// At least what rules may wait for.
		Window:     max(tune.H2Window, tune.BufSize),
		ConnWindow: h2.DefaultConnWindow, Limits: &f.Limits,
		Extended: !tune.NoWebsocketH2,
		MaxTotal: tune.H2MaxTotal, MaxGlitches: tune.H2Glitches,
	}
}
