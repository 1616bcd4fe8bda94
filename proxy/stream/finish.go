package stream

import (
	"time"

	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/message"
	"bench/proxy/trace"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// fail ends the stream with an error: answered with status where nothing of a
// response has been sent yet, cut otherwise.
func (s *stream) fail(status int, cause, at byte) {
	s.setFlags(cause, at)
	if !s.http || s.headOut {
		s.end(true)
		return
	}
	s.answer(status, cause, at)
}

// answer sends one of the proxy's own answers and ends the stream.
func (s *stream) answer(status int, cause, at byte) {
	s.setFlags(cause, at)
	s.status = int32(status)
	msg, content, known := s.standard(status)
	if msg == nil {
		s.keepCli = s.keepCli && !known && s.up.Ended
		s.headOut = true
		s.end(true)
		return
	}
	s.reply(msg, content)
}

// mute ends the stream, and the client's connection, in place of an answer.
func (s *stream) mute(status int, cause, at byte) {
	s.setFlags(cause, at)
	s.status = int32(status)
	s.keepCli, s.headOut = false, true
	s.end(true)
}

// standard is the answer with a status: of the backend, else of the frontend, else the
// engine's own. Without a message the connection is to be closed if the status is known.
func (s *stream) standard(status int) (msg *message.Response, content []byte, known bool) {
	px := s.fe.Spec
	if s.be != nil && s.be.Spec.Replaces(status) {
		px = s.be.Spec
	}
	if a := px.Answers[status]; a != nil {
		x := s.transaction()
		x.Req, x.Res, x.Body, x.BodyEnd, x.Status, x.Final = s.req, s.res, nil, true, 0, true
		mute := false
		if msg, content, mute = s.t.rules.Answer(&x.Txn, a); msg != nil || mute {
			return msg, content, true
		}
	}
	page := s.t.Shared.Errors[px.Index][status]
	if page == nil || page.Empty() {
		return nil, nil, page != nil
	}
	return page.Message(), page.Body, true
}

// reply sends a message of the proxy's own and ends the stream.
func (s *stream) reply(msg *message.Response, content []byte) {
	if !msg.KeepAlive || s.t.Shared.Stopping.Load() || !s.up.Ended {
		s.keepCli = false // what is still to come of the request would be taken for the next one
	}
	if s.res != nil {
		s.down.Release(&s.t.Kit) // what came of a response that is not to be seen
	}
	before := msg.Status // an error file may have another one than what is logged
	if msg = s.afterReply(msg, content); msg.Status != before {
		s.status = int32(msg.Status)
	}
	if s.bodiless(msg.Status) {
		content = nil
	}
	if msg.Status == 204 {
		unframe(&msg.Header)
	}
	s.headOut, s.down.Ended = true, true
	s.down.Err = nil // that of a response which was broken: what is sent instead is whole
	st := s.sendHead(msg, content, nil)
	// Only now: the message may consist of pieces of the request, or of a response. What the
	// log is to say of these has been kept; as in the reference they are gone by then.
	s.abandon()
	s.forget()
	s.leaveQueue()
	s.dropServer()
	s.exp, s.srvExp = never, never
	switch st {
	case transport.FlowBlocked:
		s.state = stateFlush
		s.touchClient()
		s.arm()
	case transport.FlowDstErr:
		s.keepCli = false
		s.end(true)
	default:
		s.end(true)
	}
}

// flushAnswer goes on sending an answer of our own.
func (s *stream) flushAnswer() {
	switch s.down.Flush(&s.t.Kit, &s.c.Endpoint) {
	case transport.FlowWait:
		if len(s.caching.rest) > 0 {
			s.afterCached(s.pumpCached())
			return
		}
		s.end(true)
	case transport.FlowDstErr:
		s.keepCli = false
		s.end(true)
	default:
		s.touchClient()
		s.arm()
	}
}

// finish ends a stream whose response has gone completely. A server that answers
// before it has the whole request is still given the rest, for the client may be
// sending it, and only then listens to the answer or asks the next thing.
func (s *stream) finish() {
	if !s.tailCame() {
		return
	}
	if sc := s.sc; sc != nil && (!s.up.Ended || s.sending()) {
		if s.resKeep && !sc.Hup {
			s.endResponse()
			if s.up.Ended {
				s.cliExp = never
			} else {
				s.touchClient()
			}
			s.arm()
			return
		}
		s.keepCli, s.keepSrv = false, false
	}
	if sc := s.sc; sc != nil {
		s.sc, s.last = nil, sc.handshake()
		s.countServerBytes(sc)
		if sc.lane() == nil && s.keepSrv && !s.elsewhere() {
			s.toPool(sc)
		} else {
			sc.close()
		}
	}
	s.end(true)
}

// countServerBytes adds what went over the server connection to the counters.
func (s *stream) countServerBytes(sc *serverConn) {
	side := s.server()
	t := s.t
	t.Process.BytesOut += sc.BytesOut
	t.Process.BytesRate.Add(t.Loop.Now(), sc.BytesOut)
	side.C.BytesIn += sc.BytesOut
	side.C.BytesOut += sc.BytesIn
	s.be.C.BytesIn += sc.BytesOut
	s.be.C.BytesOut += sc.BytesIn
	s.reached = s.reached || sc.BytesOut+sc.BytesIn > 0
}

// countOwnBytes adds what a client has exchanged with the proxy alone, sent bytes of it to
// the client, to the counters of the backend, and of the server that was not reached. As in
// the reference, what the frontend of a "listen" section answers counts for its backend.
func (s *stream) countOwnBytes(sent uint64) {
	if s.reached || s.http && s.methodEnd == 0 {
		return
	}
	be := s.be
	if be == nil {
		be = s.t.Backs.At(s.fe.Spec.Index)
	}
	if be == nil {
		return
	}
	n := s.received()
	be.C.BytesIn += n
	be.C.BytesOut += sent
	be.C.OwnIn += n
	be.C.OwnOut += sent
	if s.srv != nil {
		side := s.server()
		side.C.BytesIn += n
		side.C.BytesOut += sent
	}
}

// countSpliced adds what went through pipes to the counters.
func (s *stream) countSpliced() {
	s.t.Process.SplicedOut += s.up.SplicedOut + s.down.SplicedOut
	if s.http {
		fe, be := &s.fe.C.H1, &s.be.C.H1
		fe.SplicedIn += s.up.SplicedIn
		fe.SplicedOut += s.down.SplicedOut
		be.SplicedIn += s.down.SplicedIn
		be.SplicedOut += s.up.SplicedOut
	}
}

// abort ends a stream in the middle: both sides are cut.
func (s *stream) abort(cause, at byte) {
	s.trace(trace.StreamErr, trace.Error, "is cut off")
	s.setFlags(cause, at)
	s.keepCli, s.keepSrv = false, false
	s.cutShort = true
	s.end(true)
}

// end gives back all the stream holds, writes the log line, and lets the client
// connection go on or end.
func (s *stream) end(logged bool) {
	t, c := s.t, s.c
	s.abandon()
	if s.exchange != nil && s.kept == nil {
		s.forget() // what is not its own is others' by now
	}
	s.leaveQueue()
	s.dropServer()
	sent := c.BytesOut - s.outBase
	c.countMuxed(sent)
	s.fe.C.BytesOut += sent
	t.Listeners[c.l.Index].C.BytesOut += sent
	t.Process.BytesOut += sent
	s.countOwnBytes(sent)
	if s.up.SplicedIn > 0 || s.down.SplicedIn > 0 {
		s.countSpliced()
	}
	t.Process.BytesRate.Add(t.Loop.Now(), sent)
	if s.http && !s.uncounted {
		status := int(s.status)
		countResponse(&s.fe.C.Responses, status)
		countResponse(&t.Listeners[c.l.Index].C.Responses, status)
		if s.be != nil {
			s.be.C.Requests++
			countResponse(&s.be.C.Responses, status)
		}
	}
	if s.be != nil {
		s.noteTimes()
	}
	if logged && !s.unlogged && s.fe.Sink != nil {
		s.log()
	}
	s.leaveServer()
	if s.be != nil {
		s.be.Cur.Dec()
	}
	s.untrack(s.received(), sent)
	// A client whose time has run out is not waited for once more.
	silent := s.status == 408
	keep, cutShort, more := s.keepCli, s.cutShort, !s.up.Ended && !silent || c.Readable || c.In != nil
	if l := c.lane(); l != nil {
		s.endLane(l)
		return
	}
	s.free()
	switch {
	case keep:
		c.idle()
	case cutShort:
		c.stream = nil
		c.end(true)
	default:
		c.finish(more)
	}
}

// dropQuietly ends a connection on which nothing happened.
func (s *stream) dropQuietly() {
	c := s.c
	s.free()
	c.stream = nil
	c.close()
}

// free gives the memory of the stream back, for use in a later turn: until then
// whoever has called it may see that it has ended. What it pointed to must not keep
// other things alive.
func (s *stream) free() {
	t := s.t
	if t.trace.OfStreams(trace.User) {
		s.trace(trace.StreamFree, trace.User, "ends")
	}
	turn := t.Loop.Turns()
	if s.first != nil {
		t.Bufs.Put(s.first)
		s.first = nil
	}
	s.up.Release(&t.Kit)
	s.down.Release(&t.Kit)
	s.state = stateEnd
	s.releaseEncoder()
	if s.exchange != nil {
		s.caching.drop()
	}
	if x := s.exchange; x != nil {
		if x.svc != nil {
			x.svc.leave()
			x.svc = nil
		}
		s.forget()
		t.excs.put(turn, x)
	}
	if s.txn != nil {
		s.txn.Tracked.Leave(t.Loop.Now())
		t.putTransaction(s.txn)
		s.txn = nil
	}
	s.c, s.be, s.srv, s.sc = nil, nil, nil, nil
	if !s.handedOver {
		t.strs.put(turn, s)
	}
}

// noteTimes adds the times of the stream to the averages.
func (s *stream) noteTimes() {
	q, c, r := s.durations()
	total := s.t.Loop.Now() - s.begin
	s.be.C.Times.Note(ms(q), ms(c), ms(r), ms(total))
	if s.srv != nil {
		// Others are refused within no time, which is no latency.
		s.be.C.Latency.Note(q, c, r, total)
		side := s.server()
		side.C.Times.Note(ms(q), ms(c), ms(r), ms(total))
		side.C.Latency.Note(q, c, r, total)
	}
}

// timers are durations in milliseconds.
func (s *stream) timers() (queue, connect, response int64) {
	q, c, r := s.durations()
	return ms(q), ms(c), ms(r)
}

// durations are the times spent in the queue, connecting and waiting for the response,
// in nanoseconds; notReached for steps not reached.
func (s *stream) durations() (queue, connect, response int64) {
	queue, connect, response = notReached, notReached, notReached
	switch {
	case s.gotSrv != 0 && s.gotReq == 0: // held at its rules
		queue = s.gotSrv - s.begin
	case s.gotSrv != 0:
		queue = s.gotSrv - s.gotReq
	case s.flags == [2]byte{'c', 'Q'}: // as in the reference, not reached
	case s.beQueue > 0 || s.srvQueue > 0: // left the queue without a server
		queue = s.t.Loop.Now() - s.gotReq
	}
	if s.connected != 0 {
		connect = s.connected - s.gotSrv
	}
	if s.gotRes != 0 {
		response = s.gotRes - s.connected
	}
	return queue, connect, response
}

// notReached is a duration of which ms makes the -1 of logs.
const notReached = -int64(time.Millisecond)

// log describes the stream as it ends, and hands that over.
func (s *stream) log() {
	t, c := s.t, s.c
	opt := &s.fe.Spec.Options
	if opt.DontLogNull && c.BytesIn == 0 {
		return
	}
	if opt.DontLogNormal && !s.failed() {
		return
	}
	r := &t.rec
	s.Describe(r)
	// The reference logs when the stream has left its backend and server, but
	// not yet its frontend.
	r.BeConn, r.SrvConn = max(r.BeConn-1, 0), max(r.SrvConn-1, 0)
	if t.early {
		r.AsSoonAsPossible, r.BytesOut = true, t.earlySent
		r.BeConn, r.SrvConn = max(r.BeConn, 0)+1, max(r.SrvConn, 0)+1 // it goes on
	}
	r.Broken = s.http && len(s.line) == 0
	if !r.Broken {
		r.UniqueID = s.UniqueID()
	}
	x := s.bareTxn()
	x.Req, x.Res, x.Status, x.Final = nil, nil, int(s.status), true
	t.rules.Ctx.Txn = x
	s.fe.Sink.Log(r, t.rules.Ctx)
}

// failed tells whether something went wrong, as operators see it: what the proxy answers
// itself, as its rules say, is as it should be.
func (s *stream) failed() bool {
	switch s.flags[0] {
	case '-':
		return s.retries > 0 || s.status >= 500
	case 'L':
		return s.redisp || s.status >= 500
	}
	return true
}

// logEarly logs the stream before its end ("option logasap"), sent bytes of the response
// being on their way. There is no other line then.
func (s *stream) logEarly(sent uint64) {
	s.t.early, s.t.earlySent = true, sent
	s.log()
	s.t.early, s.unlogged = false, true
}

// Describe implements txn.Stream: it fills in what is known so far.
func (s *stream) Describe(r *txn.Record) {
	t, c := s.t, s.c
	now := t.Loop.Now()
	r.Client, r.Local, r.Socket = s.Source(), c.l.Addr, c.socket()
	if d := s.meant(); d != nil {
		r.Local, r.Socket = *d, 0
	}
	r.Frontend, r.Backend, r.Server = s.fe.Spec.Name, s.fe.Spec.Name, ""
	r.FeConn, r.BeConn, r.SrvConn = s.fe.Cur.Load(), 0, 0
	r.ServerAddr, r.SourceAddr = sock.Addr{}, sock.Addr{}
	if s.txn != nil {
		r.SourceAddr = s.txn.local
	}
	if s.be != nil {
		r.Backend = s.be.Spec.Name
		r.BeConn = s.be.Cur.Load()
	}
	if s.srv == nil && s.waiter.For() != nil { // it waited for that one in vain
		r.Server = s.waiter.For().Spec.Name
		r.SrvConn = s.waiter.For().Cur.Load()
	}
	if s.srv != nil {
		if s.srv.Named() {
			r.Server = s.srv.Spec.Name
			r.SrvConn = s.srv.Cur.Load()
		}
		r.ServerAddr = *s.srv.Addr()
	}
	switch {
	case s.exchange != nil && s.by != "":
		r.Server = s.by
	case s.txn != nil && s.txn.applet != nil:
		r.Server = s.txn.applet.name
	}
	r.Mode = modeName(s.fe.Spec.Mode)
	r.AcceptDate = t.wall.at(c.accepted)
	r.RequestDate = t.wall.at(s.begin)
	r.Handshake = int64(c.handshake)
	r.TLS, r.TLSVersion, r.TLSCipher = c.l.TLS != nil, "", ""
	if i := c.tls(); i != nil {
		r.TLSVersion, r.TLSCipher = tlsio.VersionName(i.Version), tlsio.SuiteName(i.Suite)
	}
	r.Idle = ms(s.begin - c.idleSince)
	r.Request = -1
	if s.gotReq != 0 {
		r.Request = ms(s.gotReq - s.begin)
	}
	r.Queue, r.Connect, r.Response = s.timers()
	r.Data = -1
	if s.gotRes != 0 {
		r.Data = ms(now - s.gotRes)
	}
	r.Active, r.Total = ms(now-s.begin), ms(now-c.accepted)
	if c.BytesIn == 0 {
		// Nothing ever came: there is no request to measure from.
		r.RequestDate, r.Idle, r.Active = r.AcceptDate, txn.NotReached, r.Total
	}
	r.AsSoonAsPossible = false
	r.Status = int(s.status)
	if s.status == 0 {
		r.Status = -1
	}
	r.BytesOut = c.BytesOut - s.outBase
	r.BytesIn = s.received()
	r.Flags = s.flags
	r.HTTPFlags = s.cookieFlags()
	r.ActConn = t.Shared.Conns.Load()
	r.Retries, r.Redispatched = int(s.retries), s.redisp
	r.SrvQueue, r.BeQueue = int64(s.srvQueue), int64(s.beQueue)
	r.Method, r.URI, r.Version = nil, nil, nil
	if s.http && len(s.line) > 0 {
		r.Method, r.URI, r.Version = s.line[:s.methodEnd], s.line[s.methodEnd:s.targetEnd], s.line[s.targetEnd:]
	}
	r.ListenerID = c.l.Bind.ID
	r.UniqueID = s.madeID()
	r.Count = t.Process.Requests
	r.Failed = s.failed()
	s.captured(r)
}
