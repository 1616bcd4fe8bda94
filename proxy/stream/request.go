package stream

import (
	"slices"

	"bench/internal/list"
	"bench/internal/slowdown"
	"bench/internal/sock"
	"bench/proxy/h1"
	"bench/proxy/h2"
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/trace"
	"bench/proxy/txn"
)

// requestData parses what has come of a request head, and sends the request on its
// way once it is complete. kept tells that data lies in the client's own buffer rather
// than in the loop's scratch area.
func (s *stream) requestData(data []byte, kept bool) {
	t, req := s.t, &s.t.req
	if s.c.served == 0 && len(data) > 0 && data[0] == h2.Preface[0] && s.speaksFirst(data, kept) {
		return
	}
	n, err := s.parser.Request(req, data, &s.fe.Limits)
	if err != nil {
		t.Shared.Captures.add(s, data, s.parser.ErrPos(), err)
		s.badRequest(err)
		return
	}
	if n == 0 {
		if !kept {
			s.c.Keep(data)
		}
		return
	}
	s.up.Begin(req.Body, h1.ChunkKeep)
	out, tail, used := s.up.Take(data[n:])
	if s.up.Err != nil {
		// Broken from the start: nothing of it goes to a server.
		t.Shared.Captures.add(s, data, n+used, s.up.Err)
		s.badRequest(s.up.Err)
		return
	}
	t.arrived = arrival{of: s, data: data, used: n + used, kept: kept, out: out, tail: tail}
	s.begun(req)
}

// begun sends a request whose head is complete on its way. The message need only last for
// this turn.
func (s *stream) begun(req *message.Request) {
	t := s.t
	now := t.Loop.Now()
	s.req = req
	s.method, s.version = req.MethodID, req.Version
	s.keepCli = req.KeepAlive && s.fe.Spec.ConnMode != spec.Close
	s.scheme = knownScheme(req)
	s.keepLine()
	s.fe.C.Requests++
	s.fe.C.ReqRate.Add(now, 1)
	if t.Shared.Config.Rated {
		s.fe.ReqPace.Note(now)
	}
	t.Process.Requests++
	s.cliExp = never
	slowdown.Request()
	if s.t.trace.H1.On(trace.Proto) {
		s.traceRequest(trace.H1HeadIn, req)
	}
	s.setOut()
	s.advance(txn.Next)
}

// knownScheme is what a request of HTTP/2 says about how it was meant to be sent.
func knownScheme(req *message.Request) []byte {
	switch {
	case !req.FromParts:
		return nil
	case len(req.Target) > len(schemeHTTPS) && string(req.Target[:len(schemeHTTPS)]) == string(schemeHTTPS):
		return schemeHTTPS
	}
	return schemeHTTP
}

var schemeHTTP, schemeHTTPS = []byte("http"), []byte("https")

// keepLine saves the request line for the log, in the form it was received.
func (s *stream) keepLine() {
	if !s.fe.Logs && !s.t.ruled {
		return
	}
	req := s.req
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
	if req.Version >= message.HTTP20 {
		s.line = append(s.line, "HTTP/2.0"...)
		return
	}
	s.line = append(s.line, req.Line[len(req.Line)-len("HTTP/1.1"):]...)
}

// origin is the target without what an absolute one begins with.
func (s *stream) origin() []byte {
	if s.req.Form != message.AbsoluteForm {
		return s.req.Target
	}
	return s.req.PathAndQuery()
}

// monitor answers requests that are meant for the proxy itself. They are not logged.
func (s *stream) monitor() txn.Verdict {
	if string(s.origin()) != s.fe.Spec.MonitorURI {
		return txn.Next
	}
	s.gotReq = s.t.Loop.Now()
	s.fe.C.Intercepted++
	s.unlogged = true
	s.keepCli = s.req.KeepAlive
	status := 200
	if slices.ContainsFunc(s.fe.Spec.MonitorFail, s.holds) {
		status = 503
	}
	s.answer(status, 'L', 'R')
	return txn.Answered
}

// forwardFor tells the server the client's address, where frontend or backend ask for
// that.
func (s *stream) forwardFor() txn.Verdict {
	f := s.be.Spec.ForwardFor
	if f == nil {
		f = s.fe.Spec.ForwardFor
	}
	if f != nil {
		s.addForwardFor(f)
	}
	return txn.Next
}

func (s *stream) addForwardFor(f *spec.ForwardFor) {
	req := s.req
	if s.fromUnix() {
		return
	}
	if len(f.Except) > 0 {
		addr := s.Source()
		for _, p := range f.Except {
			if p.Contains(&addr) {
				return
			}
		}
	}
	if f.Header == "" || f.Header == "X-Forwarded-For" {
		if !f.IfNone || !req.Has(message.XForwardedFor) {
			req.AddID(message.XForwardedFor, s.sourceText())
		}
		return
	}
	name := req.Arena.CopyString(f.Header)
	message.Lower(name)
	if f.IfNone && req.Index(string(name), -1) >= 0 {
		return
	}
	req.Add(name, s.sourceText())
}

// notes are what only some clients need.
type notes struct {
	// ip is the client's address as text, n bytes of it; 0: not made yet.
	n    int
	ip   [40]byte
	vars txn.Vars // of the session
	// tracked are the entries of stick tables that the connection counts in.
	tracked txn.Tracked
	// src and dst are what rules have made of the connection's addresses.
	src, dst sock.Addr
	// bareSrc and bareDst are what rules about the bare connection have: those of the
	// connection itself from then on, whatever else is said of the client.
	bareSrc, bareDst sock.Addr
	// own are the server connections kept for this client alone, the last used first.
	own list.List[serverConn]
	// gone: so is the client, and nothing more is kept for it.
	gone bool
	// expectProxy: a rule wants a header of the PROXY protocol, which has said proxied.
	// expectCIP: one wants a header of NetScaler Client IP insertion.
	expectProxy, expectCIP bool
	proxied                proxied
}

func (c *client) noted() *notes {
	if c.notes == nil {
		if l := c.lane(); l != nil {
			c.notes = l.m.c.noted()
		} else {
			c.notes = new(notes)
		}
	}
	return c.notes
}

// ipBytes is the client's address as text, made once a connection. An IPv4 client of
// an IPv6 socket has a mapped address, in logs as well.
func (c *client) ipBytes() []byte {
	x := c.noted()
	if x.n == 0 {
		addr := c.Source()
		x.n = len(addr.AddrPort().Addr().AppendTo(x.ip[:0]))
	}
	return x.ip[:x.n]
}

// badRequest answers a request that cannot be understood.
func (s *stream) badRequest(err *h1.Error) {
	s.trace(trace.StreamErr, trace.Error, "an invalid request")
	s.countInvalid()
	s.keepCli = false
	s.c.Release()
	s.answer(err.Status, 'P', 'R')
}

// countInvalid counts a request that did not become one. As in the reference it
// counts as a request all the same.
func (s *stream) countInvalid() {
	s.countUnfinished()
	s.count(table.Error)
}

// countUnfinished is countInvalid for a request that has not come in time, which stick
// tables do not take for an error.
func (s *stream) countUnfinished() {
	if s.req == nil {
		s.fe.C.Requests++
		s.fe.C.ReqRate.Add(s.t.Loop.Now(), 1)
		s.count(table.Request)
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
		s.dropQuietly()
		return
	}
	s.countUnfinished()
	s.c.Release()
	s.answer(408, 'c', 'R')
}

// nothingCame tells that the client has sent no byte of a request.
func (s *stream) nothingCame() bool { return s.c.In == nil && s.c.BytesIn == s.inBase }

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
	if s.c.Ended {
		// It may have ended its side only, and may still be told.
		s.c.Release()
		s.answer(400, 'C', 'R')
		return
	}
	s.status = 400
	s.end(true)
}
