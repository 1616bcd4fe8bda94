package stream

import (
	"strconv"

	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/service"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// serving is the answer of a service on its way to the client. The service writes it in
// a goroutine of its own, a piece at a time; the loop sends the piece, and asks for the
// next one when the client has taken it. So no more of an answer is kept than one piece,
// however long it is and however slow its reader.
type serving struct {
	// Constant.

	t        *Thread
	service  *service.Service
	chunked  bool // the content gets a framing if its length is not known
	onlyHead bool // only the head is wanted

	// Of the loop.

	s    *stream // nil: it has ended
	sent bool    // the head was sent
	mute bool    // no content is sent

	// Between the two: one piece is under way at a time.

	taken chan struct{} // the client has taken the piece
	gone  chan struct{} // closed by the loop once nobody wants the answer any more

	// Of the goroutine; the loop has it while a piece is under way.

	head  service.Head
	begun bool   // there is a head
	buf   []byte // the piece, behind room for its size
}

// servingPiece is the size of the pieces of an answer, in bytes; sizeRoom is the room for
// the size of one as a chunk, with its line end.
const (
	servingPiece = 16 << 10
	sizeRoom     = 6
)

// serve lets a service answer the request, which has been read as far as the service
// wants it.
func (s *stream) serve(svc *service.Service, proxy int, admin bool) txn.Verdict {
	t, now := s.t, s.t.Loop.Now()
	s.askForBody() // whatever comes is thrown away, but the client is not to wait
	s.countService()
	s.setFlags('L', 'R')
	// For the log, it is as if a server had been connected to at once.
	if s.gotReq == 0 {
		s.gotReq = now
	}
	s.gotSrv, s.connected = now, now
	if !s.up.Ended {
		s.keepCli = false
	}
	r := &service.Request{Proxy: proxy, Admin: admin}
	s.req.CopyTo(&r.Request, make([]byte, s.req.TextLen()))
	x := s.transaction()
	r.Content, r.Complete = append([]byte(nil), s.content(&s.up, x)...), s.up.Ended
	v := &serving{
		t: t, s: s, service: svc,
		onlyHead: s.method == message.MethodHead, chunked: s.chunkMode() == h1.ChunkKeep,
		taken: make(chan struct{}, 1), gone: make(chan struct{}),
		buf: make([]byte, sizeRoom, sizeRoom+servingPiece+len(h1.ChunkEnd)),
	}
	s.abandon()
	s.up.Release(&t.Kit)
	s.forget()
	s.svc, s.by = v, svc.Name
	s.state = stateService
	s.cliExp, s.srvExp, s.exp = never, never, never
	s.arm()
	go v.run(r)
	return txn.Wait
}

// countService counts a request that a service answers: as one that the frontend has not
// passed on, and as the last one of the backend, which is that of the "listen" section where
// none was chosen.
func (s *stream) countService() {
	if s.be == nil || s.ownBackend() {
		s.fe.C.Intercepted++
	}
	be := s.be
	if be == nil {
		be = s.t.Backs.At(s.fe.Spec.Index)
	}
	if be != nil {
		be.C.LastSession = s.t.Loop.Now()
	}
}

// run lets the service write, and ends the answer.
func (v *serving) run(r *service.Request) {
	defer func() {
		// A mistake in a service must not take the traffic down with it.
		if recover() != nil {
			v.t.Loop.Post(v.failed)
		}
	}()
	v.service.Serve(r, v)
	if !v.begun {
		v.t.Loop.Post(v.failed)
		return
	}
	v.t.Loop.Post(func() { v.give(v.piece(), true) })
}

// Begin implements service.Writer.
func (v *serving) Begin(h service.Head) {
	if !v.begun {
		v.head, v.begun = h, true
	}
}

// Write implements service.Writer.
func (v *serving) Write(p []byte) (int, error) {
	v.Begin(service.Head{Status: 200, Reason: "OK"})
	n := len(p)
	if v.onlyHead {
		select {
		case <-v.gone:
			return 0, service.ErrGone
		default:
			return n, nil
		}
	}
	for len(p) > 0 {
		room := sizeRoom + servingPiece - len(v.buf)
		m := min(room, len(p))
		v.buf = append(v.buf, p[:m]...)
		p = p[m:]
		if m == room {
			if err := v.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// flush gives a full piece to the loop, and waits until the client has taken it.
func (v *serving) flush() error {
	piece := v.piece()
	if !v.t.Loop.Post(func() { v.give(piece, false) }) {
		return service.ErrGone
	}
	select {
	case <-v.taken:
	case <-v.gone:
		return service.ErrGone
	case <-v.t.Shared.Done:
		return service.ErrGone
	}
	v.buf = v.buf[:sizeRoom]
	return nil
}

// framed tells whether the content is sent in chunks.
func (v *serving) framed() bool { return v.chunked && !v.head.Known && !v.onlyHead }

// piece is what is to be sent of the content, with its framing.
func (v *serving) piece() []byte {
	n := len(v.buf) - sizeRoom
	if n == 0 || !v.framed() {
		return v.buf[sizeRoom:]
	}
	var size [18]byte
	head := h1.AppendChunkHead(size[:0], uint64(n))
	start := sizeRoom - len(head)
	copy(v.buf[start:], head)
	v.buf = append(v.buf, h1.ChunkEnd...)
	return v.buf[start:]
}

// give sends a piece; it runs on the loop.
func (v *serving) give(piece []byte, last bool) {
	s := v.s
	if s == nil {
		return
	}
	s.down.Ended = last
	var head *message.Response
	if !v.sent {
		v.sent = true
		head, v.mute = s.serviceHead(&v.head, v.framed(), v.onlyHead, v.service.Plain)
	}
	var tail []byte
	if v.mute {
		piece = nil
	} else if last && v.framed() {
		tail = lastChunk
	}
	if head != nil {
		v.sentSome(s.sendHead(head, piece, tail))
	} else {
		v.sentSome(s.down.Push(&s.t.Kit, &s.c.Endpoint, piece, tail))
	}
}

var lastChunk = []byte(h1.LastChunk)

// serviceHead makes the head of the answer of a service. mute: no content is sent behind it.
func (s *stream) serviceHead(h *service.Head, framed, onlyHead, plain bool) (msg *message.Response, mute bool) {
	t := s.t
	msg = &t.res
	msg.Reset()
	msg.Version, msg.Status, msg.KeepAlive = message.HTTP11, h.Status, true
	if h.Old {
		msg.Version = message.HTTP10
	}
	msg.Reason = msg.Arena.CopyString(h.Reason)
	for _, f := range h.Fields {
		msg.Add(msg.Arena.CopyString(f[0]), msg.Arena.CopyString(f[1]))
	}
	switch {
	case h.Known:
		msg.AddID(message.ContentLength, strconv.AppendInt(msg.Arena.Alloc(20)[:0], int64(h.Length), 10))
		msg.Body = message.Body{Kind: message.BodyLength, Length: uint64(h.Length)}
	case framed:
		h1.MakeChunked(msg)
	default:
		msg.Body.Kind = message.BodyUntilClose
		if !onlyHead {
			s.keepCli = false
		}
	}
	if t.Shared.Stopping.Load() || s.fe.Stopped.Load() {
		s.keepCli = false
	}
	s.status = int32(msg.Status)
	s.gotRes = t.Loop.Now()
	s.res = msg
	s.serviceRules(plain) // as in the reference, they cannot refuse it
	s.lastRules(nil, false)
	s.status = int32(msg.Status)
	s.res = nil
	s.headOut = true
	if msg.Status == 204 {
		unframe(&msg.Header)
	}
	return msg, s.bodiless(msg.Status)
}

// serviceRules runs the rules about responses over the answer of a service, but for the last
// ones. The verdict tells whether they would give another one instead, which is left in the
// transaction.
func (s *stream) serviceRules(plain bool) txn.Verdict {
	x := s.transaction()
	x.Req, x.Res, x.Status, x.Final = nil, s.res, int(s.status), true
	x.Body, x.BodyEnd = nil, false // it is being made
	var lists [2]txn.Rules
	if s.be != nil {
		lists[0] = s.be.rules.Response
	}
	if !s.ownBackend() {
		lists[1] = s.fe.rules.Response
	}
	for _, l := range lists {
		if plain || l == nil {
			continue
		}
		x.out, x.Rule = txn.Outcome{}, 0
		if v := l.Run(&x.Txn, &x.out); v != txn.Next {
			return v
		}
	}
	return txn.Next
}

// sentSome goes on once something of a piece has been sent, or not.
func (v *serving) sentSome(st transport.FlowState) {
	s := v.s
	switch {
	case st == transport.FlowDstErr:
		s.countClientAbort()
		s.abort('C', 'D')
	case st == transport.FlowBlocked:
		s.touchClient()
		s.arm()
	case s.down.Ended:
		s.end(true)
	default:
		s.cliExp = never
		s.arm()
		v.taken <- struct{}{} // there is room: one piece is under way at a time
	}
}

// failed answers for a service that has none.
func (v *serving) failed() {
	s := v.s
	if s == nil {
		return
	}
	s.fe.C.InternalErr++
	if v.sent {
		s.abort('I', 'D')
		return
	}
	s.flags = [2]byte{'-', '-'}
	s.fail(500, 'I', 'R')
}

// leave lets go of the stream, which has ended: the service finds out.
func (v *serving) leave() {
	v.s = nil
	close(v.gone)
}

// serviceReady looks after the client of a service.
func (s *stream) serviceReady() {
	if s.txn != nil && s.txn.applet != nil {
		s.txn.applet.ready()
		return
	}
	v := s.svc
	if s.down.Pending() {
		st := s.down.Flush(&s.t.Kit, &s.c.Endpoint)
		if st != transport.FlowBlocked {
			v.sentSome(st)
			return
		}
		s.touchClient()
		s.arm()
	}
	if s.clientClosed() && s.clientBroken() {
		s.countClientAbort()
		s.abort('C', 'D')
	}
}
