package stream

import "bench/proxy/transport"

// pumpUp moves the request, or the client's half of a tunnel, to the server.
func (s *stream) pumpUp() {
	t, sc := s.t, s.sc
	if sc == nil {
		return
	}
	if s.first != nil && !s.first.Empty() {
		n, ok := sc.Send(s.first.Data())
		if !ok {
			s.serverWriteFailed()
			return
		}
		if s.first.R += n; n > 0 {
			s.touchServer()
		}
		if !s.first.Empty() {
			s.arm()
			return
		}
	}
	if s.up.Ended && !s.up.Pending() {
		s.requestSent()
		return
	}
	before, after := s.c.BytesIn, sc.BytesOut
	st := s.up.Pump(&t.Kit, &s.c.Endpoint, &sc.Endpoint)
	if l := s.c.lane(); l != nil {
		l.credit()
	}
	if s.c.BytesIn != before || sc.BytesOut != after {
		s.fe.C.BytesIn += s.c.BytesIn - before
		s.t.Listeners[s.c.l.Index].C.BytesIn += s.c.BytesIn - before
		s.overflow = true
		s.releaseFirst()
		if s.raw() {
			s.sentUp(s.c.BytesIn != before, sc.BytesOut != after)
		} else {
			s.touchServer()
		}
	}
	switch st {
	case transport.FlowWait:
		if !s.raw() || s.cliExp == never {
			s.touchClient()
		}
		s.arm()
	case transport.FlowBlocked:
		s.clientUnasked()
		s.arm()
	case transport.FlowYield:
		s.yield()
	case transport.FlowDone:
		s.requestSent()
	case transport.FlowCut:
		s.clientCut()
	case transport.FlowSrcErr:
		s.clientGone()
	case transport.FlowDstErr:
		s.serverWriteFailed()
	case transport.FlowBroken:
		s.fe.C.ErrReq++
		s.keepCli = false
		at := byte('D')
		if s.state == stateResponse || s.answering() {
			at = 'H'
		}
		s.fail(400, 'P', at)
	}
}

// requestSent is reached when everything from the client has gone to the server.
func (s *stream) requestSent() {
	if s.tunnel || !s.http {
		s.halfClose()
		return
	}
	if l := s.sc.lane(); l != nil {
		l.Conclude()
	}
	if s.state == stateData && s.down.Ended && !s.down.Pending() {
		s.finish()
		return
	}
	if !s.mayReplay() && !s.retryable() && s.sc.lane() == nil {
		// A server may take its time: nothing is held meanwhile.
		s.releaseFirst()
	}
	s.clientUnasked()
	s.arm()
	if (s.state == stateResponse || s.answering()) && s.clientClosed() {
		s.clientWhileServed()
	}
}

// clientWhileServed looks after a client that closes, or breaks, while its
// request is being answered.
func (s *stream) clientWhileServed() {
	if !s.abortOnClose() {
		// Half-closing is legitimate; only a connection that is broken has
		// nobody to answer.
		if !s.clientBroken() {
			return
		}
	}
	s.clientGone()
}

// clientGone ends the stream because the client connection failed or closed.
func (s *stream) clientGone() {
	s.countClientAbort()
	at := byte('D')
	if s.state == stateResponse && s.http {
		at = 'H'
		s.status = 400
	}
	s.abort('C', at)
}

// clientCut ends a stream whose client closed within the request body.
func (s *stream) clientCut() {
	s.countClientAbort()
	s.abort('C', 'D')
}

// countClientAbort counts a stream that ends early for the client's sake, unless
// something else was the reason before.
func (s *stream) countClientAbort() {
	if s.flags[0] != '-' {
		return
	}
	if s.be != nil {
		s.be.C.ClientAborts++
	}
	switch {
	case s.srv != nil:
		s.server().C.ClientAborts++
	case s.queued:
		if srv := s.waiter.For(); srv != nil {
			s.t.Servers[srv.Slot].C.ClientAborts++
		}
	}
}

// countServerAbort is countClientAbort for the server.
func (s *stream) countServerAbort() {
	if s.flags[0] != '-' {
		return
	}
	s.be.C.ServerAborts++
	if s.srv != nil {
		s.server().C.ServerAborts++
	}
}

// serverWriteFailed deals with a server that takes no more of the request. It
// may have answered already, and that answer is still to be read.
func (s *stream) serverWriteFailed() {
	if s.state == stateResponse && s.http {
		s.sc.Readable = true
		s.sc.Hup = true
		s.keepSrv = false
		s.releaseUp()
		s.readResponse()
		return
	}
	if s.answering() {
		s.keepCli, s.keepSrv = false, false
		s.releaseUp()
		s.up.Ended = true
		s.sc.Readable, s.sc.Hup = true, true
		s.output()
		return
	}
	if s.http && !s.tunnel && s.down.Ended {
		// It had answered already and wants no more.
		s.keepCli, s.keepSrv = false, false
		s.releaseUp()
		s.up.Ended = true
		if !s.down.Pending() {
			s.finish()
		}
		return
	}
	s.countServerAbort()
	s.abort('S', 'D')
}

// releaseUp drops what was still to be sent to the server.
func (s *stream) releaseUp() {
	s.up.Release(&s.t.Kit)
	if s.first != nil {
		s.first.R = s.first.W
	}
}

func (s *stream) releaseFirst() {
	if s.first != nil && s.first.Empty() {
		s.t.Bufs.Put(s.first)
		s.first = nil
	}
}

// pumpDown moves the response, or the server's half of a tunnel, to the client.
func (s *stream) pumpDown() {
	sc, c := s.sc, s.c
	if sc == nil {
		// The server's part is over; only the rest for the client remains.
		s.afterDown(s.down.Flush(&s.t.Kit, &c.Endpoint))
		return
	}
	if s.judging && !s.judge() {
		return
	}
	before, after := sc.BytesIn, c.BytesOut
	st := s.down.Pump(&s.t.Kit, &sc.Endpoint, &c.Endpoint)
	switch {
	case s.raw():
		s.sentDown(sc.BytesIn != before, c.BytesOut != after)
	case sc.BytesIn != before:
		s.touchServer()
	}
	s.afterDown(st)
}

// clientUnasked ends the time-out of a client that need send nothing now, unless it
// is to take something: what has come for it already, or waits at the server until there is
// room for it.
func (s *stream) clientUnasked() {
	waits := s.state == stateResponse && s.sc != nil && s.sc.Readable && s.clientFull()
	if !s.down.Pending() && !waits {
		s.cliExp = never
	}
}

// clientSlow waits for a client that takes nothing now. Meanwhile nothing is asked of
// the server, unless it is to take something itself.
func (s *stream) clientSlow() {
	s.touchClient()
	if !s.sending() {
		s.srvExp = never
	}
	s.arm()
}

func (s *stream) gotFirstByte() {
	if s.gotRes == 0 {
		s.gotRes = s.t.Loop.Now()
	}
}

func (s *stream) afterDown(st transport.FlowState) {
	switch st {
	case transport.FlowWait:
		if s.sc == nil {
			s.finish()
			return
		}
		if s.http && !s.tunnel {
			s.cliExp = never
		}
		if s.srvExp == never {
			s.touchServer() // the client was slow, now it is the server's turn
		}
		s.arm()
	case transport.FlowBlocked:
		s.clientSlow()
	case transport.FlowYield:
		s.yield()
	case transport.FlowDone:
		if s.raw() {
			s.serverHalfClosed()
			return
		}
		s.finish()
	case transport.FlowCut, transport.FlowSrcErr:
		s.be.C.ErrResp++
		s.server().C.ErrResp++
		s.countServerAbort()
		s.abort('S', 'D')
	case transport.FlowDstErr:
		s.clientGone()
	case transport.FlowBroken:
		s.be.C.ErrResp++
		s.server().C.ErrResp++
		s.abort('S', 'D')
	}
}
