package stream

import (
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/stats"
	"bench/proxy/table"
	"bench/proxy/trace"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// interimShare is how many interim responses of one stream are passed on in one turn,
// each with a send of its own. A server may send as many as it likes.
const interimShare = 32

// readResponse reads what there is of the response head.
func (s *stream) readResponse() {
	sc := s.sc
	if s.held {
		if s.down.Pending() || s.clientFull() {
			s.clientSlow()
			return
		}
		s.held = false
		s.responseData(sc.In.Data(), true)
		if s.sc != sc || s.held {
			return
		}
	}
	for s.state == stateResponse {
		if sc.In != nil && len(sc.In.Room()) == 0 {
			sc.In.Compact()
		}
		var p []byte
		if sc.In != nil {
			p = sc.In.Room()
		} else {
			p = s.t.Loop.Scratch()
			if s.c.lane() != nil { // which may take nothing of it, like many others
				p = p[:min(len(p), s.t.Shared.Config.Global.Tune.BufSize)]
			}
		}
		if len(p) == 0 {
			s.badResponse()
			return
		}
		if !sc.Readable && !sc.Hup {
			return
		}
		if s.down.Pending() || s.clientFull() {
			s.clientSlow()
			return
		}
		n, res := sc.Recv(p)
		if n > 0 {
			s.touchServer()
			if sc.In != nil {
				sc.In.W += n
				s.responseData(sc.In.Data(), true)
			} else {
				s.responseData(p[:n], false)
			}
			if s.sc != sc || s.state != stateResponse || s.held {
				return
			}
		}
		switch res {
		case transport.Drained:
			s.arm()
			return
		case transport.End, transport.Failed:
			s.noResponse()
			return
		case transport.More:
		}
	}
}

// responseData parses what has come of the response: interim responses, which
// are passed on at once, and the head of the final one. What comes behind more interim
// responses than a turn may pass on, or than the client has room for, is held: what waits
// for the client is the body, once there is a head.
func (s *stream) responseData(data []byte, kept bool) {
	res := &s.t.res
	for passed := 0; ; passed++ {
		full := passed > 0 && (s.down.Pending() || s.clientFull())
		if full || passed == interimShare {
			if !kept {
				s.sc.Keep(data)
			}
			s.held = true
			if full {
				s.clientSlow()
				return
			}
			s.arm()
			s.yield()
			return
		}
		n, err := s.parser.Response(res, data, s.asked, &s.be.limits)
		if err != nil {
			s.t.Shared.Captures.add(s, data, s.parser.ErrPos(), err)
			s.badResponse()
			return
		}
		if n == 0 {
			if !kept {
				s.sc.Keep(data)
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
		if s.version >= message.HTTP11 {
			if st := s.sendHead(res, nil, nil); st == transport.FlowDstErr {
				s.clientGone()
				return
			}
		}
		if kept {
			s.sc.Consume(n)
			if s.sc.In == nil {
				return
			}
			data = s.sc.In.Data()
		} else if data = data[n:]; len(data) == 0 {
			return
		}
		if s.state != stateResponse {
			return
		}
	}
}

// clientFull tells that the connection of the client has no room for another head.
func (s *stream) clientFull() bool {
	l := s.c.lane()
	return l != nil && l.st.Full()
}

// flushInterim sends what the client had no room for of interim responses. Only then
// is read what comes after them: they may be as many as a server likes.
func (s *stream) flushInterim() {
	switch s.down.Flush(&s.t.Kit, &s.c.Endpoint) {
	case transport.FlowDstErr:
		s.clientGone()
	case transport.FlowBlocked:
		s.clientSlow()
	default:
		s.touchServer()
		s.cliExp = never
		if !s.up.Ended {
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
	if s.t.trace.H1.On(trace.Proto) {
		s.traceResponse(trace.H1HeadIn, res)
	}
	if res.Status == 101 && (!s.upgrade || res.Conn&message.ConnUpgrade == 0) {
		// Not asked for, or not said as RFC 9110 §7.8 wants it.
		side := s.server()
		side.C.Requests++
		countResponse(&side.C.Responses, res.Status)
		s.badResponse()
		return
	}
	if s.be.Spec.RetryOn >= spec.RetryStatus && s.retry(retryOfStatus(res.Status)) {
		return
	}
	if c := res.Status; c < 500 || c == 501 || c == 505 {
		s.srv.Observe(server.GoodResponse)
	} else {
		s.srv.Observe(server.WrongResponse)
	}
	s.down.Begin(res.Body, s.chunkMode())
	out, tail, used := s.down.Take(data[n:])
	if s.down.Err != nil {
		// Broken from the start: better an answer of our own than half of this.
		s.badResponse()
		return
	}
	s.gotRes = t.Loop.Now()
	s.status = int32(res.Status)
	sc.uses++
	sc.personal = sc.personal || authenticates(res)
	side := s.server()
	side.C.Requests++
	countResponse(&side.C.Responses, res.Status)
	s.forget() // the request
	if s.txn != nil {
		s.txn.ReqVars.Reset()
	}
	s.res, s.resKeep = res, res.KeepAlive
	s.count(table.OfStatus(res.Status))
	t.arrived = arrival{of: s, data: data, used: n + used, kept: kept, down: true, out: out, tail: tail}
	s.set(&s.be.back)
	s.advance(txn.Next)
}

// forward is the last step of a response: its head goes to the client with what has
// come of the body, and events move the rest.
func (s *stream) forward() txn.Verdict {
	t, res := s.t, s.res
	s.status = int32(res.Status) // as rules may have changed it
	s.matchContent()
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
	if !s.up.Ended && !s.resKeep {
		// The server will not take the rest of the request.
		s.keepCli = false
	}
	s.headOut = true
	s.releaseFirst()
	if s.fe.Spec.Options.LogASAP && s.fe.Sink != nil && !s.unlogged {
		s.logEarly(uint64(len(s.appendResponse(res))))
	}
	st := s.pushResponse()
	s.forget()
	s.state = stateData
	switch {
	case st == transport.FlowDstErr:
		s.clientGone()
	case s.tunnel:
		s.startTunnel()
	case s.down.Ended && !s.down.Pending():
		s.finish()
	default:
		s.pumpDown()
	}
	return txn.Wait
}

// pushResponse sends the head with the beginning of the body, which has come in this
// turn or waits already.
func (s *stream) pushResponse() (st transport.FlowState) {
	t, sc, a := s.t, s.sc, &s.t.arrived
	if s.coder != nil {
		return s.pushCoded()
	}
	if a.of != s {
		early := s.down.Out
		s.down.Out = nil
		if early == nil {
			return s.sendHead(s.res, nil, nil)
		}
		st = s.sendHead(s.res, early.Data(), nil)
		t.Bufs.Put(early)
		return st
	}
	a.of = nil
	st = s.sendHead(s.res, a.out, a.tail)
	if a.kept {
		sc.Consume(a.used)
	} else {
		sc.Keep(a.data[a.used:])
	}
	return st
}

// pushCoded is pushResponse for content that is changed on its way: from here on it has no
// framing but the one that it leaves with.
func (s *stream) pushCoded() transport.FlowState {
	t, f, a, c := s.t, &s.down, &s.t.arrived, &s.c.Endpoint
	content, early := s.content(f, s.transaction()), f.Out
	f.Out = nil
	if f.Kind != message.BodyChunked {
		f.Chunks.Start(h1.ChunkStrip, 0) // there is no trailer
	}
	f.Chunks.Strip()
	f.Chunks.Coder = s.coder
	if l := s.c.lane(); l != nil {
		l.sendHead(s.res)
	} else {
		f.Out = t.Bufs.Append(nil, s.appendResponse(s.res))
		f.Frame = s.res.Body.Kind == message.BodyChunked
	}
	st := f.Push(&t.Kit, c, content, nil)
	if early != nil {
		t.Bufs.Put(early)
	}
	if a.of == s {
		a.of = nil
		if a.kept {
			s.sc.Consume(a.used)
		} else {
			s.sc.Keep(a.data[a.used:])
		}
	}
	return st
}

// smallBody is up to where a body is copied behind its head: for so little one
// plain send is cheaper than a gathered one.
const smallBody = 8 << 10

// sendHead sends the head of a response with the beginning of its body.
func (s *stream) sendHead(res *message.Response, out, tail []byte) transport.FlowState {
	f, k, c := &s.down, &s.t.Kit, &s.c.Endpoint
	if l := s.c.lane(); l != nil {
		l.sendHead(res)
		return f.Push(k, c, out, tail)
	}
	if s.t.trace.H1.On(trace.Proto) {
		s.traceResponse(trace.H1HeadOut, res)
	}
	head := s.appendResponse(res)
	if len(out)+len(tail) <= smallBody {
		head = append(head, out...)
		head = append(head, tail...)
		return f.Push(k, c, head, nil)
	}
	if f.Out != nil || len(tail) > 0 {
		f.Store(k, head)
		f.Store(k, out)
		f.Store(k, tail)
		return f.Flush(k, c)
	}
	return f.Push(k, c, head, out)
}

// appendResponse writes a head for a client of HTTP/1.
func (s *stream) appendResponse(res *message.Response) []byte {
	head := h1.AppendResponse(s.t.head[:0], res, h1.WriteOptions{KeepAlive: s.keepCli, Peer: s.version, Names: s.fe.names})
	if cap(head) <= headRoom {
		s.t.head = head[:0]
	}
	return head
}

// chunkMode is what becomes of the framing of a chunked response: clients of HTTP/1.0 do
// not know it, and those of HTTP/2 have their own.
func (s *stream) chunkMode() h1.ChunkMode {
	if s.version == message.HTTP11 {
		return h1.ChunkKeep
	}
	return h1.ChunkStrip
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
	if s.retry(spec.RetryEmptyResponse) {
		return
	}
	if s.sc.Errno != 0 {
		s.srv.Observe(server.BrokenOff)
	} else {
		s.srv.Observe(server.ClosedEarly)
	}
	if s.sc.In == nil && s.sc.BytesIn == 0 {
		if s.replay() {
			return
		}
		if s.reused && s.c.served > 0 && s.up.Ended && s.c.lane() == nil {
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
	s.count(table.Failure)
	s.fail(502, 'S', 'H')
}

// badResponse deals with a server that does not speak HTTP.
func (s *stream) badResponse() {
	s.trace(trace.StreamErr, trace.Error, "an invalid response")
	if s.retry(spec.RetryJunkResponse) {
		return
	}
	s.srv.Observe(server.BrokenResponse)
	s.be.C.ErrResp++
	s.server().C.ErrResp++
	s.count(table.Failure)
	s.fail(502, 'P', 'H')
}
