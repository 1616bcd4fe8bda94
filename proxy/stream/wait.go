package stream

import (
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// wait is what a step waits for in stateRules.
type wait struct {
	need   txn.Need
	rule   int  // the rule that waits, plus 1; 0: none does
	over   bool // its time has passed
	tarpit bool
}

// noRule stands for the rule where a step waits that has none.
const noRule = -1

// waitFor makes the stream wait for a rule.
func (s *stream) waitFor(rule int, need txn.Need) {
	w := &s.txn.wait
	s.state = stateRules
	w.need = need
	if w.rule != rule {
		w.rule, w.over, w.tarpit = rule, false, false
		s.exp = s.after(need.For)
		switch {
		case need.Tarpit:
			s.tarpit()
		case need.Body > 0 && s.http && s.res == nil:
			s.askForBody()
		}
	}
	passive := need.Tarpit || need.Script // nothing that comes would help
	if need.Script {
		s.cliExp = never
		w.rule = 0 // each wait of a script has a time of its own
	}
	if !passive {
		s.touchSource()
	}
	s.arm()
	if _, src := s.incoming(); !passive && !src.Ended && (src.Readable || src.Hup || s.http && s.unread()) {
		s.yield() // what is there already is not told again
	}
}

// unread tells whether there is something in the buffer of the connection that was
// not looked at: nothing was, as long as the message lies in front of it.
func (s *stream) unread() bool {
	_, src := s.incoming()
	return src.In != nil && s.t.arrived.of != s
}

// waitOver ends a wait that has led on.
func (s *stream) waitOver() {
	if s.state != stateRules {
		return
	}
	s.txn.wait = wait{}
	s.exp, s.cliExp = never, never
	s.state = stateRequest
	switch {
	case !s.http:
		s.touchClient()
	case s.res != nil:
		s.state = stateResponse
		s.touchServer()
		s.yield() // the request may have gone on meanwhile
	}
	s.arm()
	if _, src := s.incoming(); src.Ended {
		src.Readable = true // the end is still to be seen by those who forward
	}
}

// timeOver is reached when the time of a wait has passed. A body that has not come by
// now is the fault of those who send it; everything else its rule has to decide.
func (s *stream) timeOver() {
	w := &s.txn.wait
	switch {
	case w.need.Body == 0 || !s.http:
		w.over = !w.tarpit && !w.need.Script
		w.rule = 0 // what waits now begins anew
		if w.tarpit {
			s.gotSrv = s.t.Loop.Now() // logged as time in a queue
		}
		s.again()
	case s.res != nil:
		s.serverTimeout()
	default:
		s.rulesTimeout()
	}
}

// incoming is what rules wait for more of: the flow of the message at hand, and where
// it comes from.
func (s *stream) incoming() (*transport.Flow, *transport.Endpoint) {
	if s.judging || s.http && s.res != nil {
		return &s.down, &s.sc.Endpoint
	}
	return &s.up, &s.c.Endpoint
}

// touchSource notes activity of the side that is waited for.
func (s *stream) touchSource() {
	if s.http && s.res != nil {
		s.touchServer()
		return
	}
	s.touchClient()
}

// decided tells that waiting leads to nothing more: time is up, all has come, or as
// much as can be kept.
func (s *stream) decided(x *transaction) bool {
	f, src := s.incoming()
	return x.wait.over || src.Ended || s.http && f.Ended || s.room() <= 0
}

// room is how much more can be kept for rules, in bytes: tune.bufsize, and of messages
// less tune.maxrewrite and with the head.
func (s *stream) room() int {
	tune := &s.t.Shared.Config.Global.Tune
	if !s.http {
		_, src := s.incoming()
		if src.In == nil {
			return tune.BufSize
		}
		return tune.BufSize - len(src.In.Data())
	}
	room := tune.BufSize - tune.MaxRewrite
	f := &s.up
	if s.res != nil {
		f = &s.down
		room -= s.res.TextLen()
	} else {
		room -= s.req.TextLen()
	}
	if a := &s.t.arrived; a.of == s {
		room -= len(a.out) + len(a.tail)
	}
	if f.Out != nil {
		room -= len(f.Out.Data())
	}
	return room
}

// content is what has come of the body, without its framing.
func (s *stream) content(f *transport.Flow, x *transaction) []byte {
	b := s.t.arrived.out
	if s.t.arrived.of != s {
		if f.Out == nil {
			return nil
		}
		b = f.Out.Data()
	}
	if f.Frame || f.Kind == message.BodyChunked && (f == &s.up || s.chunkMode() == h1.ChunkKeep) {
		x.body = h1.AppendContent(x.body[:0], b)
		return x.body
	}
	return b
}

// askForBody tells a client that waits for that to send the body.
func (s *stream) askForBody() {
	if !s.req.Expect100 {
		return
	}
	s.req.Expect100 = false
	s.req.DelID(message.Expect)
	if s.up.Ended || s.up.Out != nil || len(s.t.arrived.out) > 0 && s.t.arrived.of == s {
		return // it has not waited
	}
	// A connection that fails is noticed when it is read from.
	_ = s.sendHead(&goOn, nil, nil)
}

// goOn is what a client waits for; never written to.
var goOn = message.Response{Version: message.HTTP11, Status: 100, Reason: []byte("Continue")}

// tarpit begins to hold the stream for "timeout tarpit", or in backends without one
// for "timeout connect".
func (s *stream) tarpit() {
	w := &s.txn.wait
	w.tarpit = true
	s.countDenied()
	s.countRefusal()
	d := w.need.For
	if d <= 0 {
		px := s.fe.Spec
		if s.be != nil {
			px = s.be.Spec
		}
		if d = px.Timeouts.Tarpit; d <= 0 && px.Caps&spec.Backend != 0 {
			d = px.Timeouts.Connect
		}
	}
	s.cliExp, s.exp = never, s.t.Loop.Now()+int64(d)
}

// input looks after the client while rules wait.
func (s *stream) input() {
	switch w := &s.txn.wait; {
	case s.answering():
		s.uploadBesides()
	case w.need.Script:
		if s.clientClosed() && s.clientBroken() {
			s.countClientAbort()
			s.abort('C', s.whereInRules())
		}
	case w.tarpit:
		if s.clientClosed() && s.clientBroken() {
			s.timeOver() // only a connection that is broken is not held any longer
		}
	case s.http:
		if s.down.Pending() && s.down.Flush(&s.t.Kit, &s.c.Endpoint) == transport.FlowDstErr {
			s.clientGone()
			return
		}
		s.readBody()
	default:
		s.readContent()
	}
}

// answering tells that there is a response, and its rules wait.
func (s *stream) answering() bool { return s.state == stateRules && s.http && s.res != nil }

// uploadBesides moves what is left of the request while the rules about its response wait:
// the server may send the rest of its answer only when it has all of the request.
func (s *stream) uploadBesides() {
	if !s.up.Ended || s.sending() {
		s.pumpUp()
	} else if s.clientClosed() {
		s.clientWhileServed()
	}
}

// output reads what comes of a response whose rules wait.
func (s *stream) output() {
	if s.answering() && !s.txn.wait.need.Script {
		s.readBody()
	}
}

// readBody reads what has come of the body of a message that waits at its rules, and
// asks them again.
func (s *stream) readBody() {
	f, src := s.incoming()
	for !f.Ended && f.Err == nil && s.room() > 0 {
		if src.In != nil {
			s.collect(f, src.In.Data(), src.Consume)
			continue
		}
		if src.Ended || !src.Readable && !src.Hup {
			break
		}
		p := s.t.Loop.Scratch()
		p = f.Want(p[:min(len(p), s.room())])
		n, res := src.Recv(p)
		if n > 0 {
			s.countInput(n)
			s.collect(f, p[:n], func(used int) { src.Keep(p[used:n]) })
		}
		if res == transport.Failed {
			src.Ended = true
		}
		if res == transport.End && f.Kind == message.BodyUntilClose {
			f.End(&s.t.Kit)
		}
		if res != transport.More {
			break
		}
	}
	switch {
	case f.Err != nil && s.res != nil:
		s.badResponse()
	case f.Err != nil:
		s.countInvalid()
		s.fail(f.Err.Status, 'P', 'R')
	default:
		s.again()
	}
}

// collect passes data through the framing and keeps it.
func (s *stream) collect(f *transport.Flow, data []byte, use func(used int)) {
	out, tail, used := f.Take(data)
	f.Store(&s.t.Kit, out)
	f.Store(&s.t.Kit, tail)
	use(used)
}

// countInput counts bytes of the client that were read for rules.
func (s *stream) countInput(n int) {
	if s.http && s.res != nil {
		return
	}
	s.fe.C.BytesIn += uint64(n)
	s.t.Listeners[s.c.l.Index].C.BytesIn += uint64(n)
}

// readContent reads what a client in TCP mode has sent, and asks the rules about it.
func (s *stream) readContent() {
	c := &s.c.Endpoint
	for s.room() > 0 && !c.Ended && c.Errno == 0 && (c.Readable || c.Hup) {
		p := s.t.Loop.Scratch()
		p = p[:min(len(p), s.room())]
		n, res := c.Recv(p)
		if n > 0 {
			s.countInput(n)
			c.Keep(p[:n])
		}
		if res != transport.More {
			break
		}
	}
	if c.Errno != 0 {
		s.countClientAbort()
		s.abort('C', 'R')
		return
	}
	s.again()
}

// rulesTimeout deals with a client that has been silent for too long while rules wait
// for what it sends.
func (s *stream) rulesTimeout() {
	if !s.http {
		s.countClientAbort()
		s.abort('c', 'R')
		return
	}
	s.countUnfinished()
	s.fail(408, 'c', 'R')
}

// bufferRequest is "option http-buffer-request": the request goes on with its body, or
// as much of it as a buffer holds, within "timeout http-request".
func (s *stream) bufferRequest() txn.Verdict {
	if s.up.Ended && s.txn == nil {
		return txn.Next
	}
	x := s.transaction()
	if s.decided(x) {
		s.waitOver()
		return txn.Next
	}
	px := s.fe.Spec
	if s.be != nil {
		px = s.be.Spec
	}
	s.waitFor(noRule, txn.Need{Body: wholeBody, For: px.Timeouts.HTTPRequest})
	return txn.Wait
}

// wholeBody is more than any buffer holds.
const wholeBody = int(^uint(0) >> 1)
