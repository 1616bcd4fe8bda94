package stream

import (
	"bench/proxy/message"
	"bench/proxy/txn"
)

// Rules are the lists of rules of one proxy, by the step that runs them; nil where a
// step has none.
type Rules struct {
	Connection    txn.Rules // "tcp-request connection"
	Session       txn.Rules // "tcp-request session"
	Content       txn.Rules // "tcp-request content"
	Request       txn.Rules // "http-request"
	Response      txn.Rules // "http-response"
	AfterResponse txn.Rules // "http-after-response"
}

// rules are those of a proxy.
func (sh *Shared) rules(proxy int) Rules {
	if sh.Rules == nil {
		return Rules{}
	}
	return sh.Rules[proxy]
}

// transaction is what a stream needs to run rules.
type transaction struct {
	txn.Txn
	out  txn.Outcome
	wait wait
	body []byte // the content of a chunked body
}

// transaction returns that of the stream, which begins with the first rule.
func (s *stream) transaction() *transaction {
	if s.txn == nil {
		s.txn, _ = s.t.txns.get(s.t.Loop.Turns())
		if s.http {
			s.txn.Method = s.method
		}
	}
	return s.txn
}

func (t *Thread) putTransaction(x *transaction) {
	x.Txn.Reset()
	x.out, x.wait, x.body = txn.Outcome{}, wait{}, x.body[:0]
	t.txns.put(t.Loop.Turns(), x)
}

func (s *stream) frontContentRules() txn.Verdict { return s.runRules(s.fe.rules.Content) }
func (s *stream) frontRequestRules() txn.Verdict { return s.runRules(s.fe.rules.Request) }
func (s *stream) backResponseRules() txn.Verdict { return s.runRules(s.be.rules.Response) }

// Where frontend and backend are one proxy, its rules run once: for requests those of
// the frontend, for responses those of the backend.

func (s *stream) backContentRules() txn.Verdict   { return s.runOther(s.be.rules.Content) }
func (s *stream) backRequestRules() txn.Verdict   { return s.runOther(s.be.rules.Request) }
func (s *stream) frontResponseRules() txn.Verdict { return s.runOther(s.fe.rules.Response) }

// runOther runs a list that is nil, or has been run, for some pairs of a frontend and
// a backend.
func (s *stream) runOther(l txn.Rules) txn.Verdict {
	if l == nil || s.ownBackend() {
		return txn.Next
	}
	return s.runRules(l)
}

func (s *stream) ownBackend() bool { return s.be != nil && s.be.Spec == s.fe.Spec }

// runRules runs a list of rules, or goes on with one that had to wait.
func (s *stream) runRules(l txn.Rules) txn.Verdict {
	x := s.transaction()
	s.show(x)
	x.out = txn.Outcome{}
	v := l.Run(&x.Txn, &x.out)
	switch v {
	case txn.Wait:
		s.waitFor(x.Rule+1, x.out.Need)
	case txn.Next:
		s.waitOver()
	case txn.Answered:
		s.ruled(x)
	case txn.Gone:
		s.refuse()
	}
	return v
}

// show lets rules see what there is now.
func (s *stream) show(x *transaction) {
	if !s.http {
		x.Content, x.ContentEnd = nil, s.c.ended
		if s.c.in != nil {
			x.Content = s.c.in.data()
		}
		x.Final = s.decided(x)
		return
	}
	x.Req, x.Res, x.Status = s.req, s.res, int(s.status)
	f, _ := s.incoming()
	x.Body, x.BodyEnd = s.content(f, x), f.ended
	x.Final = s.decided(x)
}

// ruled gives the answer that rules have decided on.
func (s *stream) ruled(x *transaction) {
	if !s.http {
		s.refuse() // there is nobody who would understand an answer
		return
	}
	out := &x.out
	cause, at := byte('L'), s.whereInRules()
	if out.Denied {
		cause = 'P'
		if !x.wait.tarpit {
			s.countDenied()
		}
	} else if s.res == nil && (s.be == nil || s.ownBackend()) {
		s.fe.C.Intercepted++
	}
	if out.Close || !s.up.ended {
		s.keepCli = false
	}
	if out.Reply == nil {
		s.answer(out.Status, cause, at)
		return
	}
	s.setFlags(cause, at)
	s.status = int32(out.Reply.Status)
	s.reply(out.Reply, out.Content)
}

// refuse ends a connection without a word.
func (s *stream) refuse() {
	s.countDenied()
	s.abort('P', s.whereInRules())
}

// countDenied counts a request, or a response, that rules do not allow.
func (s *stream) countDenied() {
	ln := &s.t.Listeners[s.c.l.Index].C
	if s.http && s.res != nil {
		s.fe.C.DeniedResp++
		ln.DeniedResp++
		s.be.C.DeniedResp++
		s.server().C.DeniedResp++
		return
	}
	s.fe.C.DeniedReq++
	ln.DeniedReq++
	if s.be != nil {
		s.be.C.DeniedReq++
	}
}

// whereInRules is the termination flag of a stream that ends at its rules.
func (s *stream) whereInRules() byte {
	switch {
	case s.txn != nil && s.txn.wait.tarpit:
		return 'T'
	case s.http && s.res != nil:
		return 'H'
	}
	return 'R'
}

// afterResponseRules are the last to see a response, of a server or the proxy's own:
// those of the backend, then those of the frontend. They can neither wait nor answer.
func (s *stream) afterResponseRules() txn.Verdict {
	x := s.transaction()
	x.Req, x.Res, x.Status, x.Final = nil, s.res, int(s.status), true
	if s.be != nil && s.be.rules.AfterResponse != nil {
		s.be.rules.AfterResponse.Run(&x.Txn, &x.out)
	}
	if l := s.fe.rules.AfterResponse; l != nil && !s.ownBackend() {
		l.Run(&x.Txn, &x.out)
	}
	return txn.Next
}

// afterReply runs them on a copy of an answer of the proxy's own.
func (s *stream) afterReply(msg *message.Response) *message.Response {
	if s.fe.rules.AfterResponse == nil && (s.be == nil || s.be.rules.AfterResponse == nil) {
		return msg
	}
	s.res = &s.t.res
	msg.ShareTo(s.res)
	s.afterResponseRules()
	s.res = nil
	return &s.t.res
}
