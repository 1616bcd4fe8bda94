package stream

import (
	"syscall"
	"time"

	"bench/internal/poller"
	"bench/internal/sock"
	"bench/proxy/certs"
	"bench/proxy/message"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/trace"
	"bench/proxy/txn"
)

// assign gets a slot of a server, or a place in a queue.
func (s *stream) assign() txn.Verdict {
	switch {
	case s.srv != nil:
		s.server().C.Sessions++ // each attempt is one
		return txn.Next
	case s.assigned != nil:
		return s.enterAssigned()
	}
	return s.balance()
}

// balance lets the algorithm of the backend choose the server.
func (s *stream) balance() txn.Verdict {
	if to := s.be.Direct; to != nil {
		to.Enter()
		s.take(to)
		if s.chosenAgain() {
			s.countRetry()
		}
		return txn.Next
	}
	if s.be.inLine && s.be.Queued.Load() > 0 && s.be.anyUsable() {
		// First come, first served, also when there is a slot free by now. Where no server
		// is left, those who wait wait for one to come back, and nobody joins them.
		return s.enqueue(nil)
	}
	if srv := s.knownTo(); srv != nil {
		s.assigned = srv
		return s.enterAssigned()
	}
	srv, full, none := s.be.pick(s.prevSrv, s.hash, s.hashed)
	if none {
		s.be.C.ErrConn++
		s.fail(503, 'S', 'C')
		return txn.Answered
	}
	if srv == nil {
		return s.enqueue(nil)
	}
	if full {
		if srv != s.prevSrv {
			s.t.Servers[srv.Slot].C.LBTotal++
			s.be.C.LBTotal++
		}
		if srv.QueueFull() {
			return s.turnedAway(srv)
		}
		return s.enqueue(srv)
	}
	s.take(srv)
	if s.chosenAgain() {
		s.countRetry()
	} else {
		s.server().C.LBTotal++
		s.be.C.LBTotal++
	}
	return txn.Next
}

// enterAssigned goes to the server that a cookie or a rule has chosen.
func (s *stream) enterAssigned() txn.Verdict {
	srv := s.assigned
	switch {
	case srv.Retiring():
		s.release()
		return s.balance()
	case srv.Enter():
		s.take(srv)
		return txn.Next
	case !srv.QueueFull():
		return s.enqueue(srv)
	case s.be.Spec.Redispatch != 0 && !s.forced:
		s.prevSrv = srv
		s.release()
		return s.balance()
	}
	return s.turnedAway(srv)
}

// release lets load balancing choose another server than the one the stream was to go
// to.
func (s *stream) release() { s.assigned, s.direct = nil, false }

// turnedAway ends a stream for which its server has no place in the queue ("maxqueue").
func (s *stream) turnedAway(srv *server.Server) txn.Verdict {
	s.be.C.ErrConn++
	s.t.Servers[srv.Slot].C.ErrConn++
	s.fail(503, 'S', 'Q')
	return txn.Answered
}

// chosenAgain tells, after a redispatch, whether it has led to the same server:
// then it is none but another try. One that has led elsewhere is counted.
func (s *stream) chosenAgain() bool {
	prev := s.prevSrv
	if prev == nil || prev == s.srv {
		return prev != nil
	}
	s.prevSrv = nil
	s.redisp = true
	if s.exchange != nil && s.inCookie == cookieValid {
		s.inCookie = cookieDown
	}
	s.be.C.Redispatches++
	if side := s.t.Server(prev); side != nil { // nothing keeps it from being removed
		side.C.Redispatches++
	}
	return false
}

// countRetry counts another try at the same server.
func (s *stream) countRetry() {
	s.be.C.Retries++
	s.server().C.Retries++
}

// take counts a slot that was acquired on the stream.
func (s *stream) take(srv *server.Server) {
	s.srv, s.assigned = srv, nil
	s.gotSrv = s.t.Loop.Now()
	side := s.server()
	side.C.Sessions++
	side.C.SessRate.Add(s.gotSrv, 1)
	if s.t.Shared.Config.Rated {
		srv.SessPace.Note(s.gotSrv)
	}
	side.C.LastSession = s.gotSrv
	s.be.C.LastSession = s.gotSrv
}

// enqueue waits for a slot of the server, or with nil of any.
func (s *stream) enqueue(srv *server.Server) txn.Verdict {
	s.state = stateQueue
	tm := &s.be.Spec.Timeouts
	s.exp = s.after(firstOf(tm.Queue, tm.Connect))
	s.queued = true
	s.arm()
	class, offset := 0, 0
	if s.txn != nil {
		class, offset = s.txn.Class, s.txn.Offset
	}
	w := &s.waiter
	w.Rank = server.Rank(class, offset, s.t.Loop.Now())
	// Only "option redispatch" lets go of a server that goes down.
	w.Stays = s.forced || s.be.Spec.Redispatch == 0 || s.be.Spec.Options.Persist
	s.be.Enqueue(w, srv)
	return txn.Wait
}

// notePlace keeps, for the log, how many were served in the queue before the stream.
func (s *stream) notePlace() {
	switch w := &s.waiter; {
	case w.Place <= 0:
	case w.For() != nil:
		s.srvQueue += w.Place
	default:
		s.beQueue += w.Place
	}
}

// wakeFromQueue is called by whichever thread freed the slot.
func (s *stream) wakeFromQueue() { s.t.Loop.Post(s.dequeue) }

func (s *stream) dequeued() {
	srv, waitedFor := s.waiter.Got, s.waiter.For()
	s.waiter.Got = nil
	if s.handedOver {
		// The stream ended meanwhile; its memory was kept for this moment.
		s.waiter.Forget()
		s.handedOver = false
		if srv != nil {
			srv.Release()
		}
		s.t.strs.put(s.t.Loop.Turns(), s)
		return
	}
	s.notePlace()
	s.waiter.Forget()
	s.queued = false
	s.exp = never
	if srv == nil {
		if waitedFor != nil {
			s.prevSrv = waitedFor
		}
		s.release()
		s.again() // to choose another one
		return
	}
	s.take(srv)
	if s.chosenAgain() {
		s.countRetry()
	}
	s.advance(txn.Next)
}

// leaveQueue gives up waiting.
func (s *stream) leaveQueue() {
	if !s.queued {
		return
	}
	s.queued = false
	if !s.be.Leave(&s.waiter) {
		// A slot is on its way: dequeued gives it back.
		s.handedOver = true
	}
	s.notePlace()
}

// connect reuses a connection or opens one.
func (s *stream) connect() txn.Verdict {
	s.attempt = attempt{}
	intro, ok := s.introduce()
	if !ok {
		s.be.C.ErrConn++
		s.server().C.ErrConn++
		s.fail(500, 'I', 'C')
		return txn.Answered
	}
	peer := s.choosePeer()
	if s.http && !s.fresh && !s.elsewhere() {
		if sc := s.reuse(peer, intro); sc != nil {
			s.server().C.Reuses++
			s.be.C.Reuses++
			s.reused, s.greeted = true, true
			s.takeOver(sc)
			return txn.Next
		}
	}
	opt := sock.ConnectOptions{NoDelay: true, KeepAlive: s.be.Spec.Options.ServerKeepalive, Probes: probes(s.be.Spec.SrvProbes), UserTimeoutMS: int(s.srv.Spec.UserTimeout / time.Millisecond)}
	opt.FastOpen = s.opensFast(peer)
	tune := &s.t.Shared.Config.Global.Tune
	opt.RcvBuf, opt.SndBuf = tune.RcvBufServer, tune.SndBufServer
	addr := s.srv.Addr()
	to := s.target(addr)
	fd, inProgress, errno := -1, false, syscall.EINVAL
	leads, led := s.viaSocks(&to)
	if led {
		fd, inProgress, errno = s.dial(&to, intro, &opt)
	}
	s.server().C.Connects++
	s.be.C.Connects++
	s.state = stateConnect
	if errno != 0 {
		return s.connectFailed(connectCause(errno))
	}
	sc, err := s.t.newServerConn(fd, s.srv, addr)
	if err != nil {
		sock.Close(fd)
		return s.connectFailed('R')
	}
	sc.intro = intro.lasting()
	s.attach(sc)
	if peer != nil {
		if !s.t.roomForTLS() {
			return s.connectFailed('R')
		}
		sc.Layer = s.t.TLS.Client(fd, peer.Config(), sc)
	}
	if leads != nil {
		sc.Layer = &leading{shake: leads, then: sc.Layer}
	} else {
		s.foresee(sc, peer)
	}
	s.exp = s.after(s.be.Spec.Timeouts.Connect)
	if !inProgress {
		return s.wired()
	}
	s.arm()
	if !s.http || peer != nil || leads != nil || s.priorHTTP2() {
		return txn.Wait
	}
	// On the loopback the handshake is over already; elsewhere this is EAGAIN
	// and the event that follows tells.
	switch s.greet() {
	case txn.Wait:
		return txn.Wait
	case txn.Gone:
		return s.connectFailed(connectCause(sc.Errno))
	case txn.Next, txn.Answered:
	}
	if !s.writeHead() {
		return txn.Answered
	}
	n, ok := sc.Send(s.first.Data())
	switch {
	case !ok: // a refusal is reported once, here
		return s.connectFailed(connectCause(sc.Errno))
	case n > 0:
		s.first.R += n
		return txn.Next
	}
	return txn.Wait
}

// opensFast reports whether the handshake may take the first bytes along: there are any at
// once, or it would be waited for for ever; and what is lost with them is sent again, as a
// refusal shows only afterwards.
func (s *stream) opensFast(peer *certs.Peer) bool {
	return s.srv.Spec.FastOpen && s.retries == 0 && s.be.Spec.RetryOn&spec.RetryFastOpen == spec.RetryFastOpen && (s.http || peer != nil || s.c.In != nil)
}

func connectCause(errno syscall.Errno) byte {
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE, syscall.EAGAIN:
		return 'R'
	}
	return 'S'
}

// takeOver gives the stream a connection that is there, or a lane of it.
func (s *stream) takeOver(sc *serverConn) {
	m := sc.mux
	if m == nil {
		s.attach(sc)
		return
	}
	if !m.place.Linked() {
		m.rouse()
	}
	s.attachLane(m)
}

func (s *stream) attach(sc *serverConn) {
	s.sc, s.last, s.fault, s.met = sc, nil, txn.NoFault, true
	sc.stream = s
	sc.BytesIn, sc.BytesOut = 0, 0
	if s.t.Shared.Config.Locals {
		s.noteLocal()
	}
}

// noteLocal keeps our address towards the server for formats that ask for it.
func (s *stream) noteLocal() {
	sc := s.sc
	if l := sc.lane(); l != nil {
		sc = l.m.sc
	}
	x := s.transaction()
	x.local, _ = sock.LocalAddr(sc.FD())
}

// connectOutcome learns what became of a connection attempt.
func (s *stream) connectOutcome(ev poller.Events) {
	if ev&(poller.Out|poller.Hup) == 0 {
		return
	}
	if errno := sock.Error(s.sc.FD()); errno != 0 {
		s.advance(s.connectFailed(connectCause(errno)))
		return
	}
	if ev&poller.Hup == 0 {
		if _, errno := sock.PeerAddr(s.sc.FD()); errno != 0 {
			s.t.Loop.Rearm(s.sc.FD(), poller.Out) // a spurious event
			return
		}
	}
	s.advance(s.wired())
}

// wired goes on with a connection that stands: it is led to the server, greeted and
// secured, as far as the server wants that.
func (s *stream) wired() txn.Verdict {
	switch s.leadOn() {
	case txn.Wait:
		return txn.Wait
	case txn.Gone:
		return s.connectFailed('S')
	case txn.Next, txn.Answered:
	}
	if s.greet() != txn.Next {
		return s.connectFailed(connectCause(s.sc.Errno))
	}
	return s.secure()
}

// dropServer closes the server connection, if any.
func (s *stream) dropServer() {
	if sc := s.sc; sc != nil {
		s.sc = nil
		s.countServerBytes(sc)
		if m := sc.mux; m != nil {
			m.giveUp()
			return
		}
		sc.close()
	}
}

// leaveServer gives the slot back.
func (s *stream) leaveServer() {
	if srv := s.srv; srv != nil {
		s.srv = nil
		srv.Release()
	}
}

// retryPause is the longest wait before another attempt at the same server.
const retryPause = time.Second

// connectFailed retries, at another server if that is due, or gives up.
func (s *stream) connectFailed(cause byte) txn.Verdict {
	s.met = s.met && s.fault != txn.NoFault // one that was refused is none
	s.trace(trace.StreamErr, trace.Error, "no connection to the server")
	s.dropServer()
	s.exp, s.srvExp = never, never
	s.srv.Observe(server.NotConnected)
	be := s.be.Spec
	if int(s.retries) >= be.Retries || be.RetryOn&spec.RetryConnFailure == 0 {
		s.be.C.ErrConn++
		s.server().C.ErrConn++
		s.fail(503, cause, 'C')
		return txn.Answered
	}
	s.retries++
	if s.first != nil {
		s.first.R = 0
	}
	if s.redispatchDue() {
		s.prevSrv = s.srv
		s.release()
		s.leaveServer()
		// Another server need not be waited for. But what this process has run out
		// of, no other server has either.
		if cause != 'R' && s.be.Active() > 1 && s.be.again {
			return s.returnTo(s.way.server)
		}
	} else {
		s.countRetry()
	}
	s.state = statePause
	pause := retryPause
	if d := be.Timeouts.Connect; d > 0 {
		pause = min(pause, d)
	}
	if cause == 's' || cause == 'R' {
		// The time has passed already; or the process has run out of something, for
		// which no server is to blame and none is spared by waiting.
		pause = 0
	}
	s.exp = s.t.Loop.Now() + int64(pause)
	s.arm()
	return txn.Wait
}

// redispatchDue follows "option redispatch": after every so many attempts, or at
// once when the server is known to be down or the algorithm has others to choose
// from.
func (s *stream) redispatchDue() bool {
	be := s.be.Spec
	switch {
	case be.Redispatch == 0, s.forced:
		return false
	case !s.direct && (!s.srv.Running() || s.be.again && s.be.Active() > 1):
		return true
	case be.Redispatch > 0:
		return int(s.retries)%be.Redispatch == 0
	}
	every := be.Retries + 1 + be.Redispatch
	return every <= 0 || int(s.retries)%every == 0
}

// clientWhileWaiting looks after a client that does something before there is
// a server. The stream ends when the client has gone where "option abortonclose" says so,
// and where there is nobody to answer, or no whole request.
func (s *stream) clientWhileWaiting() {
	if !s.clientClosed() {
		return
	}
	broken := s.clientBroken()
	failed := broken || s.requestCut()
	if !failed && !s.abortOnClose() {
		return
	}
	if failed || s.state != stateQueue {
		s.countClientAbort()
	}
	at := s.whereWaiting()
	if broken && !s.http && s.state == stateQueue {
		at = 'D'
	}
	s.abort('C', at)
}

// requestCut tells whether the client, which has closed, has not sent the whole body that
// it had announced. Of chunks that is not known before they are read, nor of what is in TLS.
func (s *stream) requestCut() bool {
	c := s.c
	if !s.http || s.up.Kind != message.BodyLength || s.up.Ended || !c.Bare() {
		return false
	}
	here := 0
	if c.In != nil {
		here = len(c.In.Data())
	}
	p := s.t.Loop.Scratch()
	n, errno := s.t.Loop.Peek(c.FD(), p)
	if errno != 0 {
		n = 0
	}
	return n < len(p) && uint64(here+n) < s.up.Left
}

func (s *stream) abortOnClose() bool {
	return s.be != nil && s.be.Spec.Options.AbortOnClose || s.fe.Spec.Mode == spec.ModeTCP && s.be == nil
}

// mayReplay tells whether replay would send the request again.
func (s *stream) mayReplay() bool {
	if s.txn != nil && s.txn.NoReplay {
		return false
	}
	if s.overflow || s.first == nil || int(s.retries) > s.be.Spec.Retries {
		return false
	}
	return s.untaken() || s.reused && s.up.Ended && s.asked.Idempotent()
}

// replay sends the request again on another connection, when the server closed a
// reused one before any byte of a response (RFC 9112 section 9.3.1), or has said by HTTP/2
// that it has not taken the request. The former is only allowed for methods that may be
// repeated, and both are only possible while all that was sent of the request is at hand;
// what is still to come of one that was not taken comes behind it.
func (s *stream) replay() bool {
	if !s.mayReplay() {
		return false
	}
	s.retries++
	s.countRetry()
	s.advance(s.sendAgain())
	return true
}
