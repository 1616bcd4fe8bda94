package stream

import (
	"bench/proxy/h1"
	"bench/proxy/server"
	"bench/proxy/trace"
	"bench/proxy/txn"
)

// offersUpgrade notes whether the request offers to leave HTTP.
func (s *stream) offersUpgrade() {
	s.upgrade, s.websocket = h1.IsUpgrade(s.req), h1.IsWebSocket(s.req)
}

// slack is what a head grows by when it is written anew, besides what was added to the
// request on purpose: the connection's options, and the client's address.
const slack = 256

// fits tells whether there is room for the head in a buffer. A head as it was received
// leaves tune.maxrewrite for what is added; only where rules have added to it, or a
// name of the administrator's choice, is it worth counting.
func (s *stream) fits() bool {
	size := s.t.Shared.Config.Global.Tune.BufSize
	if s.t.arrived.of == s && s.txn == nil && s.t.arrived.used+3*s.req.Len()+slack <= size/2 {
		return true
	}
	// A line has a colon, a blank and two characters for its end.
	if s.req.TextLen()+4*s.req.Len()+slack <= size {
		return true
	}
	return len(s.appendHead(s.t.head[:0])) <= size
}

func (s *stream) appendHead(dst []byte) []byte {
	return h1.AppendRequest(dst, s.req, h1.WriteOptions{KeepAlive: s.keepSrv || s.upgrade, Peer: s.req.Version, Names: s.be.names})
}

// tooLarge answers a request to which more was to be added than a buffer holds
// (tune.maxrewrite).
func (s *stream) tooLarge() {
	s.fe.C.RewriteErr++
	s.fe.C.InternalErr++
	s.fail(500, 'P', 'R')
}

// writeHead writes the head for the server that has been chosen, and behind it as much
// of the body as fits. It is called when the request is to be sent; where the head does
// not depend on the server, the first time is for all. It reports false if the stream
// has been ended instead.
func (s *stream) writeHead() bool {
	if s.req == nil || s.headFor == s.srv {
		return true
	}
	s.headFor = s.srv
	name := s.be.nameHeader
	if name != nil && s.srv.Named() {
		s.detach() // it may have to be written again, for another server
		s.req.Set(name, s.req.Arena.CopyString(s.srv.Spec.Name))
	}
	if s.first != nil {
		return s.rewriteHead()
	}
	s.first = s.t.Bufs.Get(0)
	if s.t.trace.H1.On(trace.Proto) {
		s.traceRequest(trace.H1HeadOut, s.req)
	}
	head := s.appendHead(s.first.B[:0])
	if len(head) > len(s.first.B) {
		s.tooLarge()
		return false
	}
	s.first.W = len(head)
	s.headLen = int32(len(head))
	s.bodyBehindHead()
	if name == nil {
		s.forget()
	}
	return true
}

// bodyBehindHead puts what came of the body behind the head, so that both are sent
// together, or keeps it for later where it does not fit.
func (s *stream) bodyBehindHead() {
	a := &s.t.arrived
	if a.of == s && s.up.Out == nil && len(a.out)+len(a.tail) <= len(s.first.Room()) {
		s.first.W += copy(s.first.Room(), a.out)
		s.first.W += copy(s.first.Room(), a.tail)
		a.out, a.tail = nil, nil
	}
	s.putAway()
	out := s.up.Out
	switch {
	case out == nil:
	case len(out.Data()) <= len(s.first.Room()):
		s.first.W += copy(s.first.Room(), out.Data())
		s.up.Out = nil
		s.t.Bufs.Put(out)
	default:
		s.overflow = true
	}
}

// rewriteHead writes the head once more, for another server, before the body that lies
// behind it.
func (s *stream) rewriteHead() bool {
	f := s.first
	head := s.appendHead(s.t.head[:0])
	body := f.B[s.headLen:f.W]
	if len(head)+len(body) > len(f.B) {
		s.tooLarge()
		return false
	}
	copy(f.B[len(head):], body)
	copy(f.B, head)
	f.R, f.W = 0, len(head)+len(body)
	s.headLen = int32(len(head))
	return true
}

// send is the last step of a request in HTTP mode: what has come of it goes to the
// server, and events move the rest.
func (s *stream) send() txn.Verdict {
	s.established()
	s.branch()
	s.state = stateResponse
	if !s.writeHead() {
		return txn.Answered
	}
	s.touchServer()
	return s.pumpOn()
}

// relay is the last step of a connection in TCP mode: bytes flow both ways from here.
func (s *stream) relay() txn.Verdict {
	s.established()
	if s.fe.Spec.Options.LogASAP && s.fe.Sink != nil {
		s.logEarly(0)
	}
	s.judging = s.be.rules.Answer != nil
	if s.be.learns() && !s.judging {
		s.learnResponse()
	}
	s.state = stateData
	s.touchServer()
	s.touchClient()
	return s.pumpOn()
}

// established notes that there is a connection to a server.
func (s *stream) established() {
	if !s.reused {
		s.t.Loop.Receive(s.sc.FD())
	}
	s.exp = never
	s.srv.Observe(server.Connected)
	s.connected = s.t.Loop.Now()
}

// pumpOn begins to move bytes.
func (s *stream) pumpOn() txn.Verdict {
	sc := s.sc
	s.pumpUp()
	if s.sc != sc {
		return txn.Wait // it is over, or sent again on another connection
	}
	s.arm()
	// What came before, as with the end of a handshake, is not reported again.
	switch {
	case s.state == stateData && (sc.Readable || s.judging):
		s.pumpDown()
	case s.state == stateResponse && s.http && sc.Readable:
		s.readResponse()
	}
	return txn.Wait
}
