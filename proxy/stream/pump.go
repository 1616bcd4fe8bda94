package stream

// pumpUp moves the request, or the client's half of a tunnel, to the server.
func (s *stream) pumpUp() {
	t, sc := s.t, s.sc
	if sc == nil {
		return
	}
	if s.first != nil && !s.first.empty() {
		n, ok := sc.send(s.first.data())
		if !ok {
			s.serverWriteFailed()
			return
		}
		if s.first.r += n; n > 0 {
			s.touchServer()
		}
		if !s.first.empty() {
			s.arm()
			return
		}
	}
	if s.up.ended && !s.up.pending() {
		s.requestSent()
		return
	}
	before, after := s.c.bytesIn, sc.bytesOut
	st := s.up.pump(t, &s.c.endpoint, &sc.endpoint)
	if s.c.bytesIn != before || sc.bytesOut != after {
		s.fe.C.BytesIn += s.c.bytesIn - before
		s.t.Listeners[s.c.l.Index].C.BytesIn += s.c.bytesIn - before
		s.overflow = true
		s.releaseFirst()
		if s.raw() {
			s.sentUp(s.c.bytesIn != before, sc.bytesOut != after)
		} else {
			s.touchServer()
		}
	}
	switch st {
	case flowWait:
		if !s.raw() || s.cliExp == never {
			s.touchClient()
		}
		s.arm()
	case flowBlocked:
		s.clientUnasked()
		s.arm()
	case flowYield:
		s.yield()
	case flowDone:
		s.requestSent()
	case flowCut:
		s.clientCut()
	case flowSrcErr:
		s.clientGone()
	case flowDstErr:
		s.serverWriteFailed()
	case flowBroken:
		s.fe.C.ErrReq++
		s.keepCli = false
		at := byte('D')
		if s.state == stateResponse {
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
	if s.state == stateData && s.down.ended && !s.down.pending() {
		s.finish()
		return
	}
	if !s.mayReplay() {
		// A server may take its time: nothing is held meanwhile.
		s.releaseFirst()
	}
	s.clientUnasked()
	s.arm()
	if s.state == stateResponse && s.clientClosed() {
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
	if s.srv != nil {
		s.server().C.ClientAborts++
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
		s.sc.readable = true
		s.sc.hup = true
		s.keepSrv = false
		s.releaseUp()
		s.readResponse()
		return
	}
	if s.http && !s.tunnel && s.down.ended {
		// It had answered already and wants no more.
		s.keepCli, s.keepSrv = false, false
		s.releaseUp()
		s.up.ended = true
		if !s.down.pending() {
			s.finish()
		}
		return
	}
	s.countServerAbort()
	s.abort('S', 'D')
}

// releaseUp drops what was still to be sent to the server.
func (s *stream) releaseUp() {
	s.up.release(s.t)
	if s.first != nil {
		s.first.r = s.first.w
	}
}

func (s *stream) releaseFirst() {
	if s.first != nil && s.first.empty() {
		s.t.bufs.put(s.first)
		s.first = nil
	}
}

// pumpDown moves the response, or the server's half of a tunnel, to the client.
func (s *stream) pumpDown() {
	sc, c := s.sc, s.c
	if sc == nil {
		// The server's part is over; only the rest for the client remains.
		s.afterDown(s.down.flush(s.t, &c.endpoint))
		return
	}
	before, after := sc.bytesIn, c.bytesOut
	st := s.down.pump(s.t, &sc.endpoint, &c.endpoint)
	switch {
	case s.raw():
		s.sentDown(sc.bytesIn != before, c.bytesOut != after)
	case sc.bytesIn != before:
		s.touchServer()
	}
	s.afterDown(st)
}

// clientUnasked ends the time-out of a client that need send nothing now, unless it
// is to take something.
func (s *stream) clientUnasked() {
	if !s.down.pending() {
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

func (s *stream) afterDown(st flowState) {
	switch st {
	case flowWait:
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
	case flowBlocked:
		s.clientSlow()
	case flowYield:
		s.yield()
	case flowDone:
		if s.raw() {
			s.serverHalfClosed()
			return
		}
		s.finish()
	case flowCut, flowSrcErr:
		s.be.C.ErrResp++
		s.server().C.ErrResp++
		s.countServerAbort()
		s.abort('S', 'D')
	case flowDstErr:
		s.clientGone()
	case flowBroken:
		s.be.C.ErrResp++
		s.server().C.ErrResp++
		s.abort('S', 'D')
	}
}
