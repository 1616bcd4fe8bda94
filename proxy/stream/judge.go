package stream

import (
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// What a server in TCP mode sends waits for the rules about it ("tcp-response content"),
// while what the client sends goes on. In HTTP they are a step of the response.

// answerRules runs them over a response.
func (s *stream) answerRules() txn.Verdict {
	x := s.transaction()
	s.show(x)
	x.out = txn.Outcome{}
	v := s.be.rules.Answer.Run(&x.Txn, &x.out)
	switch {
	case v == txn.Wait:
		s.waitFor(x.Rule+1, x.out.Need)
		return v
	case v != txn.Next:
		if x.out.Silent {
			s.silence()
		}
		s.countDenied()
		s.gotRes, s.status = 0, 0 // for the log, the response has never come
		s.abort('P', 'D')
		return v
	}
	s.waitOver()
	if x.out.Close {
		s.gotRes = 0
		s.res, s.resKeep = nil, false
		s.down.Release(&s.t.Kit)
		s.noResponse()
		return txn.Answered
	}
	return v
}

// judge reads what the server has sent, and reports whether it may go to the client.
func (s *stream) judge() bool {
	sc := &s.sc.Endpoint
	for s.room() > 0 && !sc.Ended && sc.Errno == 0 && (sc.Readable || sc.Hup) {
		p := s.t.Loop.Scratch()
		p = p[:min(len(p), s.room())]
		n, res := sc.Recv(p)
		if n > 0 {
			s.touchServer()
			sc.Keep(p[:n])
		}
		if res != transport.More {
			break
		}
	}
	x := s.transaction()
	s.show(x)
	x.Final = x.Final || sc.Errno != 0
	x.out = txn.Outcome{}
	switch s.be.rules.Answer.Run(&x.Txn, &x.out) {
	case txn.Wait:
		if s.exp == never {
			s.exp = s.after(x.out.Need.For)
		}
		s.arm()
		return false
	case txn.Gone, txn.Answered:
		if x.out.Silent {
			s.silence()
		}
		s.fe.C.DeniedResp++
		s.t.Listeners[s.c.l.Index].C.DeniedResp++
		s.be.C.DeniedResp++
		s.server().C.DeniedResp++
		s.abort('P', 'D')
		return false
	case txn.Next:
	}
	if s.be.learns() {
		s.learnResponse()
	}
	s.judged(x.out.Close)
	return true
}

// judged lets through what the server has sent: all of it, or what has come so far.
func (s *stream) judged(last bool) {
	sc := &s.sc.Endpoint
	s.judging, s.exp = false, never
	s.txn.wait = wait{}
	s.arm()
	if last {
		s.down.EndAfter(sc.In)
	}
	if sc.Ended || sc.Errno != 0 {
		sc.Readable = true // the end is still to be seen by those who forward
	}
}

// judgeLate is reached when the time of the rules has passed.
func (s *stream) judgeLate() {
	s.txn.wait.over = true
	s.pumpDown()
}
