package stream

import (
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/stats"
	"bench/proxy/txn"
)

// interimShare is how many interim responses of one stream are passed on in one turn,
// each with a send of its own. A server may send as many as it likes.
const interimShare = 32

// readResponse reads what there is of the response head.
func (s *stream) readResponse() {
	sc := s.sc
	if s.held {
		if s.down.pending() {
			s.clientSlow()
			return
		}
		s.held = false
		s.responseData(sc.in.data(), true)
		if s.sc != sc || s.held {
			return
		}
	}
	for s.state == stateResponse {
		if sc.in != nil && len(sc.in.room()) == 0 {
			sc.in.compact()
		}
		var p []byte
		if sc.in != nil {
			p = sc.in.room()
		} else {
			p = s.t.Loop.Scratch()
		}
		if len(p) == 0 {
			s.badResponse()
			return
		}
		if !sc.readable && !sc.hup {
			return
		}
		if s.down.pending() {
			s.clientSlow()
			return
		}
		n, res := sc.recv(p)
		if n > 0 {
			s.touchServer()
			if sc.in != nil {
				sc.in.w += n
				s.responseData(sc.in.data(), true)
			} else {
				s.responseData(p[:n], false)
			}
			if s.sc != sc || s.state != stateResponse || s.held {
				return
			}
		}
		switch res {
		case ioDrained:
			s.arm()
			return
		case ioEnd, ioFailed:
			s.noResponse()
			return
		case ioMore:
		}
	}
}

// responseData parses what has come of the response: interim responses, which
// are passed on at once, and the head of the final one. More interim responses than
// a turn may pass on are held.
func (s *stream) responseData(data []byte, kept bool) {
	res := &s.t.res
	for passed := 0; ; passed++ {
		if passed == interimShare {
			if !kept {
				s.sc.keep(data)
			}
			s.held = true
			s.arm()
			s.yield()
			return
		}
		n, err := s.parser.Response(res, data, s.method, &s.be.limits)
		if err != nil {
			s.t.Shared.Captures.add(s, data, s.parser.ErrPos(), err)
			s.badResponse()
			return
		}
		if n == 0 {
			if !kept {
				s.sc.keep(data)
			}
			return
		}
		if !res.Interim() {
			s.gotResponse(data, n, kept)
			return
		}
		// The server's counters take every response, those in between too.
		side := s.server()
		side.C.Requests++
		countResponse(&side.C.Responses, res.Status)
		head := h1.AppendResponse(s.t.head[:0], res, h1.WriteOptions{KeepAlive: true, Peer: s.version})
		if s.version >= message.HTTP11 {
			if st := s.down.push(s.t, &s.c.endpoint, head, nil); st == flowDstErr {
				s.clientGone()
				return
			}
		}
		if kept {
			s.sc.consume(n)
			if s.sc.in == nil {
				return
			}
			data = s.sc.in.data()
		} else if data = data[n:]; len(data) == 0 {
			return
		}
		if s.state != stateResponse {
			return
		}
	}
}

// flushInterim sends what the client had no room for of interim responses. Only then
// is read what comes after them: they may be as many as a server likes.
func (s *stream) flushInterim() {
	switch s.down.flush(s.t, &s.c.endpoint) {
	case flowDstErr:
		s.clientGone()
	case flowBlocked:
		s.clientSlow()
	default:
		s.touchServer()
		s.cliExp = never
		if !s.up.ended {
			s.touchClient()
		}
		s.arm()
		s.readResponse()
	}
}

// gotResponse sends the final response on its way to the client, with what has come of
// the body.
func (s *stream) gotResponse(data []byte, n int, kept bool) {
	t, sc, res := s.t, s.sc, &s.t.res
	if res.Status == 101 && (!s.upgrade || res.Conn&message.ConnUpgrade == 0) {
		// Not asked for, or not said as RFC 9110 §7.8 wants it.
		side := s.server()
		side.C.Requests++
		countResponse(&side.C.Responses, res.Status)
		s.badResponse()
		return
	}
	mode := h1.ChunkKeep
	if s.version < message.HTTP11 {
		mode = h1.ChunkStrip
	}
	s.down.begin(res.Body, mode)
	out, tail, used := s.down.take(data[n:])
	if s.down.err != nil {
		// Broken from the start: better an answer of our own than half of this.
		s.badResponse()
		return
	}
	s.gotRes = t.Loop.Now()
	s.status = int32(res.Status)
	sc.uses++
	side := s.server()
	side.C.Requests++
	countResponse(&side.C.Responses, res.Status)
	s.forget() // the request
	s.res, s.resKeep = res, res.KeepAlive
	t.arrived = arrival{of: s, data: data, used: n + used, kept: kept, down: true, out: out, tail: tail}
	s.set(&s.be.back)
	s.advance(txn.Next)
}

// forward is the last step of a response: its head goes to the client with what has
// come of the body, and events move the rest.
func (s *stream) forward() txn.Verdict {
	t, res := s.t, s.res
	s.keepSrv = s.keepSrv && s.resKeep
	switch res.Body.Kind {
	case message.BodyChunked:
		if s.version < message.HTTP11 {
			h1.Unchunk(res)
			s.keepCli = false
		}
	case message.BodyUntilClose:
		s.keepCli, s.keepSrv = false, false
	case message.BodyTunnel:
		s.tunnel = true
		s.keepCli, s.keepSrv = false, false
	case message.BodyNone, message.BodyLength:
	}
	if t.Shared.Stopping.Load() || s.fe.Stopped.Load() {
		s.keepCli = false
	}
	if !s.up.ended && !s.resKeep {
		// The server will not take the rest of the request.
		s.keepCli = false
	}
	head := h1.AppendResponse(t.head[:0], res, h1.WriteOptions{KeepAlive: s.keepCli, Peer: s.version})
	if cap(head) <= headRoom {
		t.head = head[:0]
	}
	s.headOut = true
	s.releaseFirst()
	st := s.pushResponse(head)
	s.forget()
	s.state = stateData
	switch {
	case st == flowDstErr:
		s.clientGone()
	case s.tunnel:
		s.startTunnel()
	case s.down.ended && !s.down.pending():
		s.finish()
	default:
		s.pumpDown()
	}
	return txn.Wait
}

// pushResponse sends the head with the beginning of the body, which has come in this
// turn or waits already.
func (s *stream) pushResponse(head []byte) (st flowState) {
	t, sc, a := s.t, s.sc, &s.t.arrived
	if a.of != s {
		early := s.down.out
		s.down.out = nil
		if early == nil {
			return s.pushHead(head, nil, nil)
		}
		st = s.pushHead(head, early.data(), nil)
		t.bufs.put(early)
		return st
	}
	a.of = nil
	st = s.pushHead(head, a.out, a.tail)
	if a.kept {
		sc.consume(a.used)
	} else {
		sc.keep(a.data[a.used:])
	}
	return st
}

// smallBody is up to where a body is copied behind its head: for so little one
// plain send is cheaper than a gathered one.
const smallBody = 8 << 10

// pushHead sends a head with the beginning of its body.
func (s *stream) pushHead(head, out, tail []byte) flowState {
	f, c := &s.down, &s.c.endpoint
	if len(out)+len(tail) <= smallBody {
		head = append(head, out...)
		head = append(head, tail...)
		return f.push(s.t, c, head, nil)
	}
	if f.out != nil || len(tail) > 0 {
		f.store(s.t, head)
		return f.push(s.t, c, out, tail)
	}
	return f.push(s.t, c, head, out)
}

func countResponse(h *stats.HTTP, status int) {
	if c := status / 100; c >= 1 && c <= 5 {
		h[c]++
	} else {
		h[0]++
	}
}

// noResponse deals with a server that ended the connection before a response.
func (s *stream) noResponse() {
	if s.sc.in == nil && s.sc.bytesIn == 0 {
		if s.replay() {
			return
		}
		if s.reused && s.c.served > 0 && s.up.ended {
			// Not ours to repeat: the client finds its connection closed
			// without an answer and decides for itself.
			s.setFlags('S', 'H')
			s.keepCli = false
			s.status = 0
			s.uncounted = true
			s.end(false)
			return
		}
	}
	s.be.C.ErrResp++
	s.server().C.ErrResp++
	s.fail(502, 'S', 'H')
}

// badResponse deals with a server that does not speak HTTP.
func (s *stream) badResponse() {
	s.be.C.ErrResp++
	s.server().C.ErrResp++
	s.fail(502, 'P', 'H')
}

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
