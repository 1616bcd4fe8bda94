package stats

// Sum adds the responses of another thread.
func (h *HTTP) Sum(o *HTTP) {
	for i, n := range o {
		h[i] += n
	}
}

// Sum adds what another thread counted up to now.
// It must run where o is owned.
func (f *Frontend) Sum(o *Frontend, now int64) {
	f.Conns += o.Conns
	f.Sessions += o.Sessions
	f.BytesIn += o.BytesIn
	f.BytesOut += o.BytesOut
	f.DeniedReq += o.DeniedReq
	f.DeniedResp += o.DeniedResp
	f.ErrReq += o.ErrReq
	f.DeniedConn += o.DeniedConn
	f.DeniedSess += o.DeniedSess
	f.InternalErr += o.InternalErr
	f.RewriteErr += o.RewriteErr
	f.Requests += o.Requests
	f.Intercepted += o.Intercepted
	f.Responses.Sum(&o.Responses)
	f.Compression.Sum(&o.Compression)
	f.Cache.Sum(&o.Cache)
	f.TLS.Sum(&o.TLS)
	f.H1.Sum(&o.H1)
	f.H2.Sum(&o.H2)
	f.ConnRate.Sum(&o.ConnRate, now)
	f.SessRate.Sum(&o.SessRate, now)
	f.ReqRate.Sum(&o.ReqRate, now)
}

// ResetMax forgets the highest values.
func (f *Frontend) ResetMax() {
	f.ConnRate.ResetMax()
	f.SessRate.ResetMax()
	f.ReqRate.ResetMax()
}

// Reset forgets everything but the levels.
func (f *Frontend) Reset() {
	f.ConnRate.Reset()
	f.SessRate.Reset()
	f.ReqRate.Reset()
	*f = Frontend{H1: H1{OpenConns: f.H1.OpenConns, OpenStreams: f.H1.OpenStreams}, H2: H2{OpenConns: f.H2.OpenConns, OpenStreams: f.H2.OpenStreams}, ConnRate: f.ConnRate, SessRate: f.SessRate, ReqRate: f.ReqRate}
}

// Sum adds what another thread counted up to now.
// It must run where o is owned.
func (b *Backend) Sum(o *Backend, now int64) {
	b.Sessions += o.Sessions
	b.BytesIn += o.BytesIn
	b.BytesOut += o.BytesOut
	b.OwnIn += o.OwnIn
	b.OwnOut += o.OwnOut
	b.DeniedReq += o.DeniedReq
	b.DeniedResp += o.DeniedResp
	b.ErrConn += o.ErrConn
	b.ErrResp += o.ErrResp
	b.Retries += o.Retries
	b.Redispatches += o.Redispatches
	b.LBTotal += o.LBTotal
	b.ClientAborts += o.ClientAborts
	b.ServerAborts += o.ServerAborts
	b.InternalErr += o.InternalErr
	b.RewriteErr += o.RewriteErr
	b.Requests += o.Requests
	b.Responses.Sum(&o.Responses)
	b.Connects += o.Connects
	b.Reuses += o.Reuses
	b.Intercepted += o.Intercepted
	b.Compression.Sum(&o.Compression)
	b.Cache.Sum(&o.Cache)
	b.TLS.Sum(&o.TLS)
	b.H1.Sum(&o.H1)
	b.H2.Sum(&o.H2)
	b.SessRate.Sum(&o.SessRate, now)
	b.Times.Sum(&o.Times)
	b.LastSession = max(b.LastSession, o.LastSession)
}

// ResetMax forgets the highest values.
func (b *Backend) ResetMax() {
	b.SessRate.ResetMax()
	b.Times.ResetMax()
}

// Reset forgets everything but the levels.
func (b *Backend) Reset() {
	b.SessRate.Reset()
	*b = Backend{H1: H1{OpenConns: b.H1.OpenConns, OpenStreams: b.H1.OpenStreams}, H2: H2{OpenConns: b.H2.OpenConns, OpenStreams: b.H2.OpenStreams}, SessRate: b.SessRate}
}

// Sum adds what another thread counted up to now.
// It must run where o is owned.
func (s *Server) Sum(o *Server, now int64) {
	s.TLS.Sum(&o.TLS)
	s.Sessions += o.Sessions
	s.BytesIn += o.BytesIn
	s.BytesOut += o.BytesOut
	s.DeniedResp += o.DeniedResp
	s.ErrConn += o.ErrConn
	s.ErrResp += o.ErrResp
	s.Retries += o.Retries
	s.Redispatches += o.Redispatches
	s.LBTotal += o.LBTotal
	s.ClientAborts += o.ClientAborts
	s.ServerAborts += o.ServerAborts
	s.InternalErr += o.InternalErr
	s.RewriteErr += o.RewriteErr
	s.Requests += o.Requests
	s.Responses.Sum(&o.Responses)
	s.Connects += o.Connects
	s.Reuses += o.Reuses
	s.SessRate.Sum(&o.SessRate, now)
	s.Times.Sum(&o.Times)
	s.LastSession = max(s.LastSession, o.LastSession)
}

// ResetMax forgets the highest values.
func (s *Server) ResetMax() {
	s.SessRate.ResetMax()
	s.Times.ResetMax()
}

// Reset forgets everything but the levels.
func (s *Server) Reset() {
	s.SessRate.Reset()
	*s = Server{SessRate: s.SessRate}
}

// Sum adds what another thread counted.
func (l *Listener) Sum(o *Listener) {
	l.TLS.Sum(&o.TLS)
	l.Conns += o.Conns
	l.Sessions += o.Sessions
	l.BytesIn += o.BytesIn
	l.BytesOut += o.BytesOut
	l.DeniedReq += o.DeniedReq
	l.DeniedResp += o.DeniedResp
	l.ErrReq += o.ErrReq
	l.DeniedConn += o.DeniedConn
	l.DeniedSess += o.DeniedSess
	l.InternalErr += o.InternalErr
	l.RewriteErr += o.RewriteErr
	l.Responses.Sum(&o.Responses)
}

// Reset forgets everything but the levels.
func (l *Listener) Reset() {
	*l = Listener{}
}

// Sum adds what another thread counted up to now.
// It must run where o is owned.
func (p *Process) Sum(o *Process, now int64) {
	p.Conns += o.Conns
	p.Requests += o.Requests
	p.BytesOut += o.BytesOut
	p.SplicedOut += o.SplicedOut
	theirs := o.rates()
	for i, r := range p.rates() {
		r.Sum(theirs[i], now)
	}
	p.LogsDropped += o.LogsDropped
	p.Accepts += o.Accepts
}

// rates are all there are.
func (p *Process) rates() []*Rate {
	return []*Rate{&p.BytesRate, &p.ConnRate, &p.SessRate, &p.TLSRate, &p.KeyRate, &p.ServerKeyRate, &p.CompIn, &p.CompOut}
}

// ResetMax forgets the highest values.
func (p *Process) ResetMax() {
	for _, r := range p.rates() {
		r.ResetMax()
	}
}

// Reset forgets everything but the levels.
func (p *Process) Reset() {
	kept := Process{}
	for i, r := range p.rates() {
		r.Reset()
		*kept.rates()[i] = *r
	}
	*p = kept
}

// Sum adds what another thread counted.
func (c *Compression) Sum(o *Compression) {
	c.In += o.In
	c.Out += o.Out
	c.Bypassed += o.Bypassed
	c.Responses += o.Responses
}

// Sum adds what another thread counted.
func (c *Cache) Sum(o *Cache) {
	c.Lookups += o.Lookups
	c.Hits += o.Hits
}

// Sum adds what another thread counted.
func (h *H1) Sum(o *H1) {
	h.OpenConns += o.OpenConns
	h.OpenStreams += o.OpenStreams
	h.Conns += o.Conns
	h.Streams += o.Streams
	h.BytesIn += o.BytesIn
	h.BytesOut += o.BytesOut
	h.SplicedIn += o.SplicedIn
	h.SplicedOut += o.SplicedOut
}

// Sum adds what another thread counted.
func (h *H2) Sum(o *H2) {
	h.OpenConns += o.OpenConns
	h.OpenStreams += o.OpenStreams
	h.Conns += o.Conns
	h.Streams += o.Streams
	h.BytesIn += o.BytesIn
	h.BytesOut += o.BytesOut
	h.Headers += o.Headers
	h.Data += o.Data
	h.Settings += o.Settings
	h.Resets += o.Resets
	h.GoAways += o.GoAways
	h.ConnErrors += o.ConnErrors
	h.StreamErrors += o.StreamErrors
	h.ResetsSent += o.ResetsSent
	h.GoAwaysSent += o.GoAwaysSent
}
