package stats

// What Resume sets is counted by a process that goes on where another one has ended: it
// belongs to one thread, as what threads count is added up.

// to sets a counter that there is a value for.
func (s Saved) to(name string, counter *uint64) {
	if v, ok := s[name]; ok {
		*counter = v
	}
}

func (s Saved) responses(h *HTTP) {
	for i, name := range [...]string{"hrsp_other", "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx"} {
		s.to(name, &h[i])
	}
}

func (s Saved) compression(c *Compression) {
	s.to("comp_in", &c.In)
	s.to("comp_out", &c.Out)
	s.to("comp_byp", &c.Bypassed)
	s.to("comp_rsp", &c.Responses)
}

func (s Saved) cache(c *Cache) {
	s.to("cache_lookups", &c.Lookups)
	s.to("cache_hits", &c.Hits)
}

// rate makes what there was in the last second what there was in the one before this.
func (s Saved) rate(name string, r *Rate, now int64) {
	if v, ok := s[name]; ok {
		r.rotate(now / nsPerSecond)
		r.prev = v
	}
}

// since sets a time of which the value says how long it is ago.
func (s Saved) since(name string, at *int64, now int64) {
	if v, ok := s[name]; ok {
		*at = max(1, now-int64(min(v, uint64(now/nsPerSecond)))*nsPerSecond)
	}
}

// Resume makes the counters go on from those that were saved.
func (f *Frontend) Resume(s Saved, now int64) {
	s.to("conn_tot", &f.Conns)
	s.to("stot", &f.Sessions)
	s.to("bin", &f.BytesIn)
	s.to("bout", &f.BytesOut)
	s.to("dreq", &f.DeniedReq)
	s.to("dresp", &f.DeniedResp)
	s.to("ereq", &f.ErrReq)
	s.to("dcon", &f.DeniedConn)
	s.to("dses", &f.DeniedSess)
	s.to("eint", &f.InternalErr)
	s.to("wrew", &f.RewriteErr)
	s.to("req_tot", &f.Requests)
	s.to("intercepted", &f.Intercepted)
	s.responses(&f.Responses)
	s.compression(&f.Compression)
	s.cache(&f.Cache)
	s.rate("conn_rate", &f.ConnRate, now)
	s.rate("rate", &f.SessRate, now)
	s.rate("req_rate", &f.ReqRate, now)
}

// Resume makes the counters go on from those that were saved.
func (l *Listener) Resume(s Saved) {
	s.to("conn_tot", &l.Conns)
	s.to("stot", &l.Sessions)
	s.to("bin", &l.BytesIn)
	s.to("bout", &l.BytesOut)
	s.to("dreq", &l.DeniedReq)
	s.to("dresp", &l.DeniedResp)
	s.to("ereq", &l.ErrReq)
	s.to("dcon", &l.DeniedConn)
	s.to("dses", &l.DeniedSess)
	s.to("eint", &l.InternalErr)
	s.to("wrew", &l.RewriteErr)
}

// Resume makes the counters go on from those that were saved.
func (b *Backend) Resume(s Saved, now int64) {
	s.to("stot", &b.Sessions)
	s.to("bin", &b.BytesIn)
	s.to("bout", &b.BytesOut)
	s.to("dreq", &b.DeniedReq)
	s.to("dresp", &b.DeniedResp)
	s.to("econ", &b.ErrConn)
	s.to("eresp", &b.ErrResp)
	s.to("wretr", &b.Retries)
	s.to("wredis", &b.Redispatches)
	s.to("lbtot", &b.LBTotal)
	s.to("cli_abrt", &b.ClientAborts)
	s.to("srv_abrt", &b.ServerAborts)
	s.to("eint", &b.InternalErr)
	s.to("wrew", &b.RewriteErr)
	s.to("req_tot", &b.Requests)
	s.to("connect", &b.Connects)
	s.to("reuse", &b.Reuses)
	s.responses(&b.Responses)
	s.compression(&b.Compression)
	s.cache(&b.Cache)
	s.rate("rate", &b.SessRate, now)
	s.since("lastsess", &b.LastSession, now)
}

// Resume makes the counters go on from those that were saved.
func (s *Server) Resume(from Saved, now int64) {
	from.to("stot", &s.Sessions)
	from.to("bin", &s.BytesIn)
	from.to("bout", &s.BytesOut)
	from.to("dresp", &s.DeniedResp)
	from.to("econ", &s.ErrConn)
	from.to("eresp", &s.ErrResp)
	from.to("wretr", &s.Retries)
	from.to("wredis", &s.Redispatches)
	from.to("lbtot", &s.LBTotal)
	from.to("cli_abrt", &s.ClientAborts)
	from.to("srv_abrt", &s.ServerAborts)
	from.to("eint", &s.InternalErr)
	from.to("wrew", &s.RewriteErr)
	from.to("req_tot", &s.Requests)
	from.to("connect", &s.Connects)
	from.to("reuse", &s.Reuses)
	from.responses(&s.Responses)
	from.rate("rate", &s.SessRate, now)
	from.since("lastsess", &s.LastSession, now)
}
