package stream

import (
	"math/rand/v2"
	"os"
	"slices"
	"syscall"

	"bench/internal/sock"
	"bench/proxy/h2"
	"bench/proxy/message"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/txn"
)

// Rules are the lists of rules of one proxy, by the step that runs them; nil where a
// step has none.
type Rules struct {
	Connection    txn.Rules // "tcp-request connection"
	Session       txn.Rules // "tcp-request session"
	Content       txn.Rules // "tcp-request content"
	Answer        txn.Rules // "tcp-response content"
	Request       txn.Rules // "http-request"
	Redirect      txn.Rules // "redirect"
	Response      txn.Rules // "http-response"
	AfterResponse txn.Rules // "http-after-response"
}

// rulesOf are those of a proxy, made for this thread.
func (t *Thread) rulesOf(proxy int) Rules {
	if t.Shared.Rules != nil {
		return t.Shared.Rules[proxy]
	}
	px := t.Shared.Config.Proxies[proxy]
	l := &px.Rules
	return Rules{
		Connection: t.rules.Bind(l[rule.Connection]), Session: t.rules.Bind(l[rule.Session]), Content: t.rules.Bind(l[rule.Content]),
		Answer:  t.rules.Bind(l[rule.Answer]),
		Request: t.rules.Bind(l[rule.Request]), Redirect: t.rules.Bind(px.Redirects), Response: t.rules.Bind(l[rule.Response]), AfterResponse: t.rules.Bind(l[rule.AfterResponse]),
	}
}

// prepareRules makes what rules run with.
func (t *Thread) prepareRules() {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	cfg := t.Shared.Config
	t.rules = rule.NewRunner(sample.NewContext(cfg.Global.Tune.BufSize, rand.Uint64()), host, os.Getpid())
	t.farm.t = t
	if slices.ContainsFunc(cfg.Proxies, func(p *spec.Proxy) bool { return p.UniqueID != nil }) {
		t.ids = rule.NewRunner(sample.NewContext(cfg.Global.Tune.BufSize, rand.Uint64()), host, os.Getpid())
	}
	t.backends = map[string]*spec.Proxy{}
	for _, px := range cfg.Proxies {
		if px.Caps&spec.Backend != 0 {
			t.backends[px.Name] = px
		}
		for _, l := range px.Rules {
			t.ruled = t.ruled || l != nil
		}
		t.ruled = t.ruled || len(px.Switching) > 0 || px.Redirects != nil || px.StatsPage != nil || len(px.Sticking) > 0
	}
}

// transaction is what a stream needs to run rules.
type transaction struct {
	txn.Txn
	out  txn.Outcome
	wait wait
	body []byte // the content of a chunked body
	id   []byte // the identifier of the request; empty: none was made yet
	// identifying: it is being made.
	identifying bool
	// reqCookie and resCookie are what is kept of cookies for the log.
	reqCookie, resCookie []byte
	// stores are the keys whose server is to be learnt.
	stores stores
	// applet is a service of a script that answers; nil: none does.
	applet *applet
	// src and dst are what rules have made of the addresses of the client's connection.
	src, dst sock.Addr
	// local is our address towards the server, where a format asks for it.
	local sock.Addr
	// presented is the address in the request that presentedBy takes for that of connections
	// to the server; nil: none does.
	presented   sock.Addr
	presentedBy *spec.Source
}

// transaction returns that of the stream, which begins with the first rule.
func (s *stream) transaction() *transaction {
	if s.txn == nil {
		s.txn, _ = s.t.txns.get(s.t.Loop.Turns())
		s.identify(&s.txn.Txn)
	}
	return s.txn
}

// identify fills in what a transaction knows from the beginning.
func (s *stream) identify(x *txn.Txn) {
	x.Stream = s
	if n := s.c.notes; n != nil {
		x.Session, x.SessionTracked = &n.vars, n.tracked
	}
	if s.http {
		x.Method = s.method
		if len(s.line) > 0 {
			x.MethodText, x.URI, x.Version = s.line[:s.methodEnd], s.line[s.methodEnd:s.targetEnd], s.line[s.targetEnd:]
		}
	}
}

func (t *Thread) putTransaction(x *transaction) {
	x.endScripts()
	x.Txn.Reset()
	x.out, x.wait, x.body, x.id = txn.Outcome{}, wait{}, x.body[:0], x.id[:0]
	x.reqCookie, x.resCookie = x.reqCookie[:0], x.resCookie[:0]
	x.stores.n = 0
	x.src, x.dst, x.local = sock.Addr{}, sock.Addr{}, sock.Addr{}
	x.presentedBy = nil
	t.txns.put(t.Loop.Turns(), x)
}

func (s *stream) frontContentRules() txn.Verdict { return s.runRules(s.fe.rules.Content) }
func (s *stream) frontRequestRules() txn.Verdict { return s.runRules(s.fe.rules.Request) }
func (s *stream) frontRedirects() txn.Verdict    { return s.runRules(s.fe.rules.Redirect) }
func (s *stream) backResponseRules() txn.Verdict { return s.runRules(s.be.rules.Response) }

// Where frontend and backend are one proxy, its rules run once: for requests those of
// the frontend, for responses those of the backend.

func (s *stream) backContentRules() txn.Verdict   { return s.runOther(s.be.rules.Content) }
func (s *stream) backRequestRules() txn.Verdict   { return s.runOther(s.be.rules.Request) }
func (s *stream) backRedirects() txn.Verdict      { return s.runOther(s.be.rules.Redirect) }
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
		if x.out.ToHTTP && !s.http {
			return s.becomeHTTP(nil)
		}
	case txn.Answered:
		if x.out.Service != "" {
			return s.serveNamed(x.out.Service)
		}
		s.ruled(x)
	case txn.Gone:
		if x.out.Aborted {
			s.abort('L', s.whereInRules())
			return v
		}
		if x.out.Silent {
			s.silence()
		}
		s.refuse()
	}
	return v
}

// show lets rules see what there is now.
func (s *stream) show(x *transaction) {
	if !s.http {
		_, src := s.incoming()
		x.Content, x.ContentEnd = nil, src.Ended
		if src.In != nil {
			x.Content = src.In.Data()
		}
		x.Final = s.decided(x)
		return
	}
	x.Req, x.Res, x.Status = s.req, s.res, int(s.status)
	f, _ := s.incoming()
	x.Body, x.BodyEnd = s.content(f, x), f.Ended
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
	if s.req != nil && s.res == nil {
		s.captureCookie() // for the log, also of what goes no further
	}
	switch {
	case s.res != nil:
		s.gotRes = 0 // for the log, the response has never come
	case s.gotReq == 0 && !x.wait.tarpit && !out.Unread:
		s.gotReq = s.t.Loop.Now()
	}
	if out.Denied {
		cause = 'P'
		if !x.wait.tarpit {
			s.countDenied()
			s.countRefusal()
		}
	} else if out.Invalid {
		s.countInvalid()
		cause = 'P'
	} else if out.Unread && !out.Internal {
		cause = 'P'
	} else if out.Internal {
		s.fe.C.InternalErr++
		cause = 'I'
	} else if out.Failed {
		s.fe.C.RewriteErr++
		s.fe.C.InternalErr++
		cause = 'P'
	} else if s.res == nil && (s.be == nil || s.ownBackend()) {
		s.fe.C.Intercepted++
	}
	if out.Close {
		s.keepCli = false
	}
	if out.Challenge != nil {
		s.challenge(out.Status, out.Challenge, cause, at)
		return
	}
	switch {
	case out.Mute:
		s.mute(out.Status, cause, at)
		return
	case out.Reply == nil:
		s.answer(out.Status, cause, at)
		return
	}
	s.setFlags(cause, at)
	s.status = int32(out.Status) // a file may say another one
	s.reply(out.Reply, out.Content)
}

// countRefusal counts a request that is refused as an error of its client.
func (s *stream) countRefusal() {
	if s.res == nil {
		s.count(table.Error)
	}
}

// silence lets the client's connection end without its knowing, with all that goes over
// it.
func (s *stream) silence() {
	sock.Silence(s.c.socket())
	if l := s.c.lane(); l != nil {
		l.m.c.Errno = syscall.ECONNABORTED // nothing is sent any more
		l.m.Kill(h2.Cancel)
	}
}

// refuse ends a connection without a word.
func (s *stream) refuse() {
	s.countDenied()
	if l := s.c.lane(); l != nil {
		l.m.Expel(h2.EnhanceYourCalm) // all that the client has on the connection, as in the reference
	}
	at := s.whereInRules()
	if s.http && s.res != nil {
		s.gotRes, at = 0, 'R' // for the log, the response has never come
	}
	s.abort('P', at)
}

// countDenied counts a request, or a response, that rules do not allow.
func (s *stream) countDenied() {
	ln := &s.t.Listeners[s.c.l.Index].C
	if s.http && s.res != nil {
		s.fe.C.DeniedResp++
		ln.DeniedResp++
		s.be.C.DeniedResp++
		if s.srv != nil { // else it comes from a cache
			s.server().C.DeniedResp++
		}
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

// afterResponseRules are the last to see the response of a server.
func (s *stream) afterResponseRules() txn.Verdict {
	s.lastRules(s.content(&s.down, s.transaction()), s.down.Ended)
	return txn.Next
}

// lastRules runs the rules that are the last to see a response, of a server or the
// proxy's own: those of the backend, then those of the frontend. They can neither wait nor
// answer. body is what there is of its content, end tells whether that is all.
func (s *stream) lastRules(body []byte, end bool) {
	x := s.transaction()
	x.Req, x.Res, x.Status, x.Final = nil, s.res, int(s.status), true
	x.Body, x.BodyEnd = body, end
	x.Rule = 0 // where another list has waited, and will not go on
	if s.be != nil && s.be.rules.AfterResponse != nil {
		s.be.rules.AfterResponse.Run(&x.Txn, &x.out)
	}
	if l := s.fe.rules.AfterResponse; l != nil && !s.ownBackend() {
		l.Run(&x.Txn, &x.out)
	}
}

// afterReply runs them on a copy of an answer of the proxy's own.
func (s *stream) afterReply(msg *message.Response, content []byte) *message.Response {
	if s.fe.rules.AfterResponse == nil && (s.be == nil || s.be.rules.AfterResponse == nil) {
		return msg
	}
	s.res = &s.t.res
	msg.ShareTo(s.res)
	s.lastRules(content, true)
	s.res = nil
	return &s.t.res
}
