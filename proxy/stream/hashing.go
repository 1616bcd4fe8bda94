package stream

import (
	"bench/proxy/balance"
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// awaitParam waits for the body of a POST request that may have the parameter to be
// hashed, within "timeout http-request".
func (s *stream) awaitParam() txn.Verdict {
	if s.assigned != nil || s.method != message.MethodPost || s.up.Ended && s.txn == nil {
		return txn.Next
	}
	if _, found := balance.Param(s.req.Query(), s.be.Spec.Hash.Name); found {
		return txn.Next
	}
	x := s.transaction()
	if s.decided(x) {
		s.waitOver()
		return txn.Next
	}
	s.waitFor(noRule, txn.Need{Body: wholeBody, For: s.be.Spec.Timeouts.HTTPRequest})
	return txn.Wait
}

// takeHash takes the hash of the key that the algorithm of the backend asks for.
func (s *stream) takeHash() txn.Verdict {
	if s.assigned != nil {
		return txn.Next
	}
	h := &s.be.Spec.Hash
	if s.be.Spec.Balance == spec.BySource {
		addr := s.Source()
		if !addr.IsUnix() {
			s.hash, s.hashed = balance.SumIP(h, addr.AddrPort().Addr())
		}
		return txn.Next
	}
	if key, ok := s.hashKey(h); ok {
		s.hash, s.hashed = balance.Sum(h, key), true
	}
	return txn.Next
}

func (s *stream) hashKey(h *spec.Hash) (key []byte, ok bool) {
	switch s.be.Spec.Balance {
	case spec.ByURI:
		if !s.http {
			return nil, false
		}
		uri := s.req.Target
		if h.PathOnly {
			if uri = s.origin(); s.req.Path() == nil {
				uri = nil
			}
		}
		return balance.URIKey(h, uri), true
	case spec.ByParam:
		return s.hashParam(h)
	case spec.ByHeader:
		key, ok = s.hashSample(h)
		if h.DomainOnly {
			key = balance.Domain(key)
		}
		return key, ok && len(key) > 0
	case spec.ByRDP:
		key, ok = s.hashSample(h)
		return key, ok && len(key) > 0
	case spec.ByExpr:
		return s.hashSample(h)
	case spec.RoundRobin, spec.StaticRR, spec.LeastConn, spec.First, spec.Random, spec.BySource:
	}
	return nil, false
}

// hashParam is the value of a parameter, of the query or else of the body of a POST
// request.
func (s *stream) hashParam(h *spec.Hash) ([]byte, bool) {
	if !s.http {
		return nil, false
	}
	key, ok := balance.Param(s.req.Query(), h.Name)
	if ok || s.method != message.MethodPost {
		return key, ok
	}
	key, ok = balance.Param(s.content(&s.up, s.transaction()), h.Name)
	if !ok {
		return nil, false
	}
	for i, c := range key {
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			return key[:i], true
		case c < ' ' || c >= 0x7f: // no parameter at all
			return nil, false
		}
	}
	return key, true
}

// hashSample is the value of the expression, of which nothing more is waited for.
func (s *stream) hashSample(h *spec.Hash) ([]byte, bool) {
	x := s.transaction()
	s.show(x)
	x.Final = true
	s.t.rules.Ctx.Txn = &x.Txn
	v := h.Expr.EvalAs(s.t.rules.Ctx, txn.Bin)
	if v == nil {
		return nil, false
	}
	return v.B, true
}

// bareTxn is the transaction of the stream, or one that is good for the moment where
// it has none.
func (s *stream) bareTxn() *txn.Txn {
	if s.txn != nil {
		return &s.txn.Txn
	}
	x := &s.t.bare
	*x = txn.Txn{}
	s.identify(x)
	return x
}
