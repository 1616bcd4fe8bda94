package stream

import (
	"slices"

	"bench/proxy/spec"
	"bench/proxy/trace"
	"bench/proxy/txn"
)

// step is one stage on the way of a request, of a connection in TCP mode, or of a
// response. Run does what is to be done at it and says how to go on:
//
//   - txn.Next: with the next step, at once;
//   - txn.Wait: with the same step again, or where the event that ends the wait leads;
//   - txn.Answered: not at all, for an answer of the proxy's own is on its way;
//   - txn.Gone: not at all, for nothing is left to be done.
type step struct {
	name string
	run  func(*stream) txn.Verdict
}

// way is the steps that a proxy's requests take, in the order of the reference's
// analysers. It is laid when the thread is made, of the steps that have something to
// do: a rule that nobody has configured is not even asked for.
//
// A request goes the way of its frontend, whose last step leads to that of a backend,
// whose last step sends it to a server. From there on events move it, and its response
// goes the way back.
type way struct {
	steps []step
	// server is the step that chooses a server, to which a request returns that could
	// not be sent.
	server int8
}

func (w *way) add(name string, run func(*stream) txn.Verdict) {
	w.steps = append(w.steps, step{name, run})
}

// lay lays the ways of a frontend.
func (f *Front) lay(t *Thread) {
	f.rules = t.rulesOf(f.Spec.Index)
	f.page = t.pageOf(f.Spec)
	f.reqCaptures, f.resCaptures = newCapturing(f.Spec.ReqCaptures), newCapturing(f.Spec.ResCaptures)
	if f.Spec.Options.AdjustClientCase {
		f.names = t.Shared.Config.Global.FieldCase
	}
	f.opening = openings(f)
	f.way = frontWay(f, t.tracking(), f.Spec.SpeaksHTTP())
	f.http = f.way
	if !f.Spec.SpeaksHTTP() {
		f.http = frontWay(f, t.tracking(), true)
	}
	f.muxSettings(t)
}

// lay lays the ways of a backend, with the steps that any of its frontends may need.
func (b *Back) lay(t *Thread) {
	b.rules = t.rulesOf(b.Spec.Index)
	if b.Spec.Options.AdjustServerCase {
		b.names = t.Shared.Config.Global.FieldCase
	}
	b.page = t.pageOf(b.Spec)
	needs := frontNeeds{forwardFor: b.Spec.ForwardFor != nil, originalTo: b.Spec.OriginalTo != nil, encoding: b.Spec.Compression != nil, caching: len(t.Shared.Config.Caches) > 0}
	for i, px := range t.Shared.Config.Proxies {
		if px.Caps&spec.Frontend != 0 {
			needs.add(px, t.rulesOf(i))
		}
	}
	b.tcp = b.tcpWay()
	b.http = b.httpWay(needs)
	b.back = b.wayBack(needs)
}

// frontNeeds are the steps in the ways of backends that frontends ask for, any of them, as
// any may lead to any backend.
type frontNeeds struct {
	forwardFor, originalTo, identifying bool
	answering                           bool // rules about responses
	capturing, cookies                  bool // fields of responses, a cookie of either message
	encoding, caching                   bool
}

func (n *frontNeeds) add(px *spec.Proxy, r Rules) {
	n.forwardFor = n.forwardFor || px.ForwardFor != nil
	n.originalTo = n.originalTo || px.OriginalTo != nil
	n.identifying = n.identifying || px.UniqueID != nil
	n.answering = n.answering || r.Response != nil || r.AfterResponse != nil
	responses := newCapturing(px.ResCaptures)
	n.capturing = n.capturing || responses.fields()
	n.cookies = n.cookies || px.CookieCapture != nil
	n.encoding = n.encoding || px.Compression != nil
}

func frontWay(f *Front, tracking, http bool) (w way) {
	if f.rules.Content != nil {
		w.add("tcp-request content", (*stream).frontContentRules)
	}
	if http {
		if tracking {
			w.add("counters", (*stream).countRequest)
		}
		if f.reqCaptures.fields() {
			w.add("capture", (*stream).captureRequest)
		}
		if f.Spec.MonitorURI != "" {
			w.add("monitor-uri", (*stream).monitor)
		}
		if f.Spec.Options.HTTPBufferRequest {
			w.add("http-buffer-request", (*stream).bufferRequest)
		}
		if f.rules.Request != nil {
			w.add("http-request", (*stream).frontRequestRules)
		}
		if f.Spec.FieldNames != spec.AnyNames {
			w.add("http-restrict-req-hdr-names", (*stream).restrictFrontNames)
		}
		if f.page != nil {
			w.add("stats", (*stream).frontPage)
		}
		if f.rules.Redirect != nil {
			w.add("redirect", (*stream).frontRedirects)
		}
	}
	w.add("switching", (*stream).switchBackend)
	return w
}

func (b *Back) tcpWay() (w way) {
	if len(b.Spec.Persist) > 0 {
		w.add("persist", (*stream).persistRules)
	}
	if b.rules.Content != nil {
		w.add("tcp-request content", (*stream).backContentRules)
	}
	if len(b.Spec.UseServer) > 0 {
		w.add("use-server", (*stream).useServer)
	}
	b.toServer(&w)
	w.add("relay", (*stream).relay)
	return w
}

func (b *Back) httpWay(needs frontNeeds) (w way) {
	if len(b.Spec.Persist) > 0 {
		w.add("persist", (*stream).persistRules)
	}
	if b.rules.Content != nil {
		w.add("tcp-request content", (*stream).backContentRules)
	}
	if b.Spec.Options.HTTPBufferRequest {
		w.add("http-buffer-request", (*stream).bufferRequest)
	}
	if b.rules.Request != nil {
		w.add("http-request", (*stream).backRequestRules)
	}
	if b.Spec.FieldNames != spec.AnyNames {
		w.add("http-restrict-req-hdr-names", (*stream).restrictBackNames)
	}
	if len(b.Spec.UseServer) > 0 {
		w.add("use-server", (*stream).useServer)
	}
	if needs.cookies {
		w.add("capture cookie", (*stream).captureCookie)
	}
	if b.cookie != nil {
		w.add("cookie", (*stream).requestCookies)
	}
	if needs.identifying {
		w.add("unique-id", (*stream).identifyRequest)
	}
	if b.page != nil {
		w.add("stats", (*stream).backPage)
	}
	if b.rules.Redirect != nil {
		w.add("redirect", (*stream).backRedirects)
	}
	if b.Spec.Balance == spec.ByParam {
		w.add("url_param", (*stream).awaitParam)
	}
	if needs.forwardFor {
		w.add("forwardfor", (*stream).forwardFor)
	}
	if needs.originalTo {
		w.add("originalto", (*stream).originalTo)
	}
	if needs.encoding {
		w.add("compression", (*stream).chooseEncoding)
	}
	if needs.caching {
		w.add("cache", (*stream).serveCached)
	}
	w.add("framing", (*stream).settle)
	b.toServer(&w)
	w.add("send", (*stream).send)
	return w
}

func (b *Back) toServer(w *way) {
	if b.Spec.PersistRDP != nil {
		w.add("persist rdp-cookie", (*stream).backToDesktop)
	}
	if sticks(b.Spec, false) {
		w.add("stick", (*stream).stick)
	}
	if b.Spec.Balance.Hashes() {
		w.add("hash", (*stream).takeHash)
	}
	w.server = int8(len(w.steps))
	w.add("server", (*stream).assign)
	if slices.ContainsFunc(b.Spec.Servers, func(x *spec.Server) bool { return x.Redir != "" }) {
		w.add("redir", (*stream).sendAway)
	}
	w.add("connect", (*stream).connect)
}

// wayBack is how responses get to the client.
func (b *Back) wayBack(needs frontNeeds) (w way) {
	if b.rules.Answer != nil {
		w.add("tcp-response content", (*stream).answerRules)
	}
	if needs.encoding {
		w.add("compression", (*stream).judgeResponse)
	}
	if needs.capturing {
		w.add("capture", (*stream).captureResponse)
	}
	if b.learns() {
		w.add("learn", (*stream).learnResponse)
	}
	if b.rules.Response != nil {
		w.add("http-response", (*stream).backResponseRules)
	}
	if needs.answering {
		w.add("http-response", (*stream).frontResponseRules)
	}
	if needs.cookies {
		w.add("capture cookie", (*stream).captureSetCookie)
	}
	if b.cookie != nil {
		w.add("cookie", (*stream).responseCookies)
	}
	if b.Spec.Options.CheckCache {
		w.add("checkcache", (*stream).checkCache)
	}
	if needs.answering || b.rules.AfterResponse != nil {
		w.add("http-after-response", (*stream).afterResponseRules)
	}
	if needs.encoding {
		w.add("compression", (*stream).encodeResponse)
	}
	if needs.caching {
		w.add("cache", (*stream).keepContent)
	}
	w.add("forward", (*stream).forward)
	return w
}

// set puts the stream before the first step of a way; what is to be advanced by
// txn.Next.
func (s *stream) set(w *way) { s.way, s.at = w, -1 }

// advance goes on behind a step that has said v, as far as it gets.
func (s *stream) advance(v txn.Verdict) {
	s.t.Loop.Own()
	s.calls++
	for v == txn.Next {
		s.at++
		step := &s.way.steps[s.at]
		if s.t.trace.Stream.On(trace.State) {
			s.traceStep(step.name)
		}
		v = step.run(s)
	}
	if v == txn.Wait {
		s.detach()
	}
}

// again asks the step that had to wait.
func (s *stream) again() { s.advance(s.way.steps[s.at].run(s)) }

// returnTo makes step the next one: the verdict that goes there.
func (s *stream) returnTo(step int8) txn.Verdict {
	s.at = step - 1
	return txn.Next
}

// switchBackend follows use_backend and default_backend, and leads to the way of the
// backend.
func (s *stream) switchBackend() txn.Verdict {
	if !s.chooseBackend() {
		s.fail(503, 'S', 'C')
		return txn.Answered
	}
	b := s.be
	isHTTP := b.Spec.Mode == spec.ModeHTTP
	if isHTTP && !s.http {
		s.be = nil // joined once there is a request
		return s.becomeHTTP(b)
	}
	s.joinBackend()
	if s.http && !isHTTP {
		s.abort('I', 'R') // as in the reference: nobody there would understand the request
		return txn.Gone
	}
	if s.http {
		s.set(&b.http)
	} else {
		s.set(&b.tcp)
	}
	return txn.Next
}

// chooseBackend reports false if there is none to be used.
func (s *stream) chooseBackend() bool {
	target := s.switched()
	if target == nil {
		return false
	}
	s.be = s.t.Backs.At(target.Index)
	if s.be == nil || target.Disabled {
		s.be = nil
		return false
	}
	return true
}

func (s *stream) joinBackend() {
	s.setSplicing()
	s.be.Cur.Inc()
	s.be.C.Sessions++
	s.be.C.SessRate.Add(s.t.Loop.Now(), 1)
	if s.t.Shared.Config.Rated {
		s.be.SessPace.Note(s.t.Loop.Now())
	}
}

// settle decides what becomes of the connections on both sides, once the request is
// as it will be sent, and refuses one that has grown too large, or of which rules have
// seen that its client will not send all.
func (s *stream) settle() txn.Verdict {
	s.gotReq = s.t.Loop.Now()
	s.asked = s.req.MethodID
	if s.c.Ended && !s.up.Ended {
		s.countInvalid()
		s.countClientAbort()
		s.abort('C', 'R')
		return txn.Gone
	}
	s.keepSrv = s.fe.Spec.ConnMode == spec.KeepAlive && s.be.Spec.ConnMode == spec.KeepAlive
	s.offersUpgrade()
	if !s.fits() {
		s.tooLarge()
		return txn.Answered
	}
	return txn.Next
}
