package stream

import (
	"bench/proxy/h2"
	"bench/proxy/message"
	"bench/proxy/trace"
)

// What traces see of connections and streams. What every request comes by is only called
// where somebody wants to know (trace.Source.On): asking is all it costs otherwise.

func (c *client) where() *trace.Where {
	return &trace.Where{Thread: c.t.ID, Frontend: c.fe.Spec.Name, Listener: c.l, Session: c, Connection: c}
}

func (s *stream) where() *trace.Where {
	w := s.c.where()
	w.Own = s
	if s.be != nil {
		w.Backend = s.be.Spec.Name
	}
	if s.srv != nil {
		w.Server = s.srv.Spec.Name
	}
	return w
}

func (sc *serverConn) where() *trace.Where {
	w := &trace.Where{Thread: sc.t.ID}
	if sc.stream != nil {
		w = sc.stream.where()
	}
	w.Backend, w.Server, w.Connection = sc.srv.Backend.Spec.Name, sc.srv.Spec.Name, sc
	return w
}

func (c *client) peerName() string {
	a := c.addr.Addr()
	return a.String()
}

// traceH1 is about a connection of a client in mode http that is not one of HTTP/2.
func (c *client) traceH1(event int, what string) {
	if tr := &c.t.trace.H1; tr.On(trace.User) && c.mux == nil && c.socket() == c.FD() && c.fe.Spec.SpeaksHTTP() {
		tr.Emit(event, trace.User, c.where(), "%s, client %s", what, c.peerName())
	}
}

// traceBytes is about bytes of such a client.
func (c *client) traceBytes(n int) {
	c.t.trace.H1.Emit(trace.H1ConnRecv, trace.Data, c.where(), "%d bytes of client %s", n, c.peerName())
}

// traceH1 is about a connection to a server.
func (sc *serverConn) traceH1(event int, what string) {
	if tr := &sc.t.trace.H1; tr.On(trace.User) && (sc.stream == nil || sc.stream.http) {
		tr.Emit(event, trace.User, sc.where(), "%s", what)
	}
}

// traceRequest is about the head of a request.
func (s *stream) traceRequest(event int, req *message.Request) {
	tr, what := &s.t.trace.H1, "to the server"
	if event == trace.H1HeadIn {
		if s.c.lane() != nil {
			return
		}
		what = "from the client"
	}
	fields := ""
	if tr.Detailed() {
		fields = fieldsOf(&req.Header)
	}
	tr.Emit(event, trace.Proto, s.where(), "%s: %s %s%s", what, req.Method, req.Target, fields)
}

// traceResponse is the same of a response.
func (s *stream) traceResponse(event int, res *message.Response) {
	tr, what := &s.t.trace.H1, "from the server"
	if event == trace.H1HeadOut {
		if s.c.lane() != nil {
			return
		}
		what = "to the client"
	}
	fields := ""
	if tr.Detailed() {
		fields = fieldsOf(&res.Header)
	}
	tr.Emit(event, trace.Proto, s.where(), "%s: %d %s%s", what, res.Status, res.Reason, fields)
}

func fieldsOf(h *message.Header) string {
	var b []byte
	for _, f := range h.All() {
		b = append(append(append(append(b, " | "...), f.Name...), ": "...), f.Value...)
	}
	return string(b)
}

// trace is about the stream itself.
func (s *stream) trace(event int, l trace.Level, what string) {
	if tr := &s.t.trace.Stream; tr.On(l) && s.c != nil {
		tr.Emit(event, l, s.where(), "%s", what)
	}
	h1 := trace.H1StreamNew
	switch event {
	case trace.StreamNew:
	case trace.StreamFree:
		h1 = trace.H1StreamEnd
	case trace.StreamErr:
		h1 = trace.H1StreamErr
	default:
		return
	}
	if tr := &s.t.trace.H1; s.http && tr.On(l) && s.c != nil && s.c.lane() == nil {
		tr.Emit(h1, l, s.where(), "%s", what)
	}
}

// traceStep is about a step that is run.
func (s *stream) traceStep(name string) {
	if s.c == nil {
		return
	}
	event := trace.StreamTCP
	if s.http {
		event = trace.StreamHTTP
	}
	s.t.trace.Stream.Emit(event, trace.State, s.where(), "%s", name)
}

// trace is about a connection of HTTP/2.
func (m *mux) trace(event int, l trace.Level, format string, args ...any) {
	m.c.t.trace.H2.Emit(event, l, m.c.where(), format, args...)
}

// Received implements h2.Owner.
func (m *mux) Received(h h2.FrameHeader) {
	if m.c.t.trace.H2.On(trace.Proto) {
		m.trace(trace.H2Frame, trace.Proto, "frame of type %d, flags %02x, stream %d, %d bytes", h.Type, h.Flags, h.Stream, h.Length)
	}
}
