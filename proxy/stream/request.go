package stream

import (
	"bench/internal/slowdown"
	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/spec"
)

// requestData parses what has come of a request head. kept tells that data lies
// in the client's own buffer rather than in the loop's scratch area.
func (s *stream) requestData(data []byte, kept bool) {
	req := &s.t.req
	n, err := s.parser.Request(req, data, &s.fe.Limits)
	if err != nil {
		s.t.Shared.Captures.add(s, data, s.parser.ErrPos(), err)
		s.badRequest(err)
		return
	}
	if n == 0 {
		if !kept {
			s.c.keep(data)
		}
		return
	}
	s.up.begin(req.Body, h1.ChunkKeep)
	out, tail, used := s.up.take(data[n:])
	if s.up.err != nil {
		// Broken from the start: nothing of it goes to a server.
		s.t.Shared.Captures.add(s, data, n+used, s.up.err)
		s.badRequest(s.up.err)
		return
	}
	now := s.t.Loop.Now()
	s.gotReq = now
	s.method, s.version = req.MethodID, req.Version
	s.keepLine()
	s.fe.C.Requests++
	s.fe.C.ReqRate.Add(now, 1)
	s.t.Process.Requests++
	s.cliExp = never
	slowdown.Request()

	if s.intercept(data, n+used, kept) {
		return
	}
	if !s.chooseBackend() {
		s.consume(data, n+used, kept)
		s.fail(503, 'S', 'C')
		return
	}
	s.frontRules()

	if s.first == nil {
		s.first = s.t.bufs.get(0)
	}
	s.first.r, s.first.w = 0, 0
	sf, sb := s.fe.Spec.ConnMode, s.be.Spec.ConnMode
	s.upgrade = h1.IsUpgrade(req)
	s.keepCli = req.KeepAlive && sf != spec.Close
	s.keepSrv = sf == spec.KeepAlive && sb == spec.KeepAlive
	head := h1.AppendRequest(s.first.b[:0], req, h1.WriteOptions{KeepAlive: s.keepSrv || s.upgrade, Peer: req.Version})
	if len(head) > len(s.first.b) {
		// The added fields went beyond the reserve (tune.maxrewrite).
		s.fe.C.RewriteErr++
		s.fe.C.InternalErr++
		s.consume(data, n+used, kept)
		s.fail(500, 'P', 'R')
		return
	}
	s.first.w = len(head)
	s.body(out, tail)
	s.consume(data, n+used, kept)
	s.assign()
}

// body takes what came of the body with the head.
func (s *stream) body(out, tail []byte) {
	if len(out)+len(tail) <= len(s.first.room()) {
		s.first.w += copy(s.first.room(), out)
		s.first.w += copy(s.first.room(), tail)
	} else {
		s.overflow = true
		s.up.store(s.t, out)
		s.up.store(s.t, tail)
	}
}

// consume takes the first n bytes off what the client has sent; the rest belongs
// to the next request.
func (s *stream) consume(data []byte, n int, kept bool) {
	if kept {
		s.c.consume(n)
	} else {
		s.c.keep(data[n:])
	}
}

// keepLine saves the request line for the log, in the form it was received.
func (s *stream) keepLine() {
	if !s.fe.Logs {
		return
	}
	req := &s.t.req
	s.line = s.line[:0]
	limit := s.t.Shared.Config.Global.Tune.HTTPLogURILen
	s.line = append(s.line, req.Method...)
	s.methodEnd = len(s.line)
	target := req.Target
	if room := max(limit-s.methodEnd-1, 0); len(target) > room {
		target = target[:room]
	}
	s.line = append(s.line, target...)
	s.targetEnd = len(s.line)
	s.line = append(s.line, req.Line[len(req.Line)-len("HTTP/1.1"):]...)
}

// intercept answers requests that are meant for the proxy itself.
func (s *stream) intercept(data []byte, n int, kept bool) bool {
	uri := s.fe.Spec.MonitorURI
	if uri == "" || string(s.t.req.Target) != uri {
		return false
	}
	s.consume(data, n, kept)
	s.fe.C.Intercepted++
	s.keepCli = s.t.req.KeepAlive
	s.answer(200, 'L', 'R')
	return true
}

// chooseBackend follows use_backend and default_backend.
func (s *stream) chooseBackend() bool {
	target := s.fe.Spec.Target()
	if target == nil {
		return false
	}
	s.be = s.t.Backs.At(target.Index)
	if s.be == nil || target.Disabled {
		s.be = nil
		return false
	}
	s.joinBackend()
	return true
}

func (s *stream) joinBackend() {
	s.setSplicing()
	s.be.Cur.Inc()
	s.be.C.Sessions++
	s.be.C.SessRate.Add(s.t.Loop.Now(), 1)
}

// frontRules changes the request as the options of frontend and backend ask.
func (s *stream) frontRules() {
	f := s.be.Spec.ForwardFor
	if f == nil {
		f = s.fe.Spec.ForwardFor
	}
	if f != nil {
		s.forwardFor(f)
	}
}

func (s *stream) forwardFor(f *spec.ForwardFor) {
	req, addr := &s.t.req, s.c.addr.Addr()
	if addr.IsUnix() {
		return
	}
	for _, p := range f.Except {
		if p.Contains(&addr) {
			return
		}
	}
	if f.Header == "" || f.Header == "X-Forwarded-For" {
		if !f.IfNone || !req.Has(message.XForwardedFor) {
			req.AddID(message.XForwardedFor, s.c.ipBytes())
		}
		return
	}
	name := req.Arena.CopyString(f.Header)
	message.Lower(name)
	if f.IfNone && req.Index(string(name), -1) >= 0 {
		return
	}
	req.Add(name, s.c.ipBytes())
}

// ipText is an IP address as text.
type ipText struct {
	n int
	b [40]byte
}

// ipBytes is the client's address as text, made once a connection. An IPv4 client of
// an IPv6 socket has a mapped address, in logs as well.
func (c *client) ipBytes() []byte {
	if c.ip == nil {
		c.ip = new(ipText)
	}
	if c.ip.n == 0 {
		addr := c.addr.Addr()
		c.ip.n = len(addr.AddrPort().Addr().AppendTo(c.ip.b[:0]))
	}
	return c.ip.b[:c.ip.n]
}

// badRequest answers a request that cannot be understood.
func (s *stream) badRequest(err *h1.Error) {
	s.countInvalid()
	s.gotReq = 0
	s.keepCli = false
	s.c.release()
	s.answer(err.Status, 'P', 'R')
}

// countInvalid counts a request that did not become one. As in the reference it
// counts as a request all the same.
func (s *stream) countInvalid() {
	if s.gotReq == 0 {
		s.fe.C.Requests++
		s.fe.C.ReqRate.Add(s.t.Loop.Now(), 1)
	}
	s.fe.C.ErrReq++
	s.t.Listeners[s.c.l.Index].C.ErrReq++
}

// requestTimeout answers a request that did not come in time. A connection on
// which nothing came at all is only closed when probes are to be ignored.
func (s *stream) requestTimeout() {
	s.keepCli = false
	if s.c.served > 0 && !s.parser.Started() {
		s.uncounted = true
		s.end(false)
		return
	}
	if s.fe.Spec.Options.HTTPIgnoreProbes && s.nothingCame() {
		s.state = stateEnd
		s.dropQuietly()
		return
	}
	s.countInvalid()
	s.c.release()
	s.answer(408, 'c', 'R')
}

// nothingCame tells that the client has sent no byte of a request.
func (s *stream) nothingCame() bool { return s.c.in == nil && s.c.bytesIn == s.inBase }

// requestAborted ends a stream whose client has gone before the request was
// complete.
func (s *stream) requestAborted() {
	s.keepCli = false
	s.setFlags('C', 'R')
	opt := &s.fe.Spec.Options
	nothing := s.nothingCame()
	if nothing && (opt.HTTPIgnoreProbes || s.c.served > 0) {
		s.dropQuietly()
		return
	}
	s.countInvalid()
	if s.c.ended {
		// It may have ended its side only, and may still be told.
		s.gotReq = 0
		s.c.release()
		s.answer(400, 'C', 'R')
		return
	}
	s.status = 400
	s.end(true)
}
