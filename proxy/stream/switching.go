package stream

import (
	"bench/proxy/acl"
	"bench/proxy/spec"
)

// switched is the backend for the stream: that of the first "use_backend" line whose
// condition holds and whose backend exists, else the default one; nil if there is none.
func (s *stream) switched() *spec.Proxy {
	px := s.fe.Spec
	if len(px.Switching) == 0 {
		return px.Target()
	}
	for i := range px.Switching {
		sw := &px.Switching[i]
		if sw.Cond != nil && !s.holds(sw.Cond) {
			continue
		}
		if sw.Name == nil {
			return sw.Backend
		}
		if b := s.backendNamed(sw); b != nil {
			return b
		}
	}
	if px.DefaultBackend != nil {
		return px.DefaultBackend
	}
	if px.Caps&spec.Backend != 0 {
		return px
	}
	return nil
}

// backendNamed is the backend that an expression names, nil if there is none of that
// name and in the stream's mode.
func (s *stream) backendNamed(sw *spec.Switch) *spec.Proxy {
	x := s.transaction()
	s.show(x)
	x.Final = true
	b := s.t.backends[string(s.t.rules.Text(&x.Txn, sw.Name))]
	if b == nil || s.http && b.Mode != spec.ModeHTTP {
		return nil
	}
	return b
}

// holds evaluates a condition, about which nothing more is waited for.
func (s *stream) holds(c *acl.Cond) bool {
	x := s.transaction()
	s.show(x)
	x.Final = true
	s.t.rules.Ctx.Txn = &x.Txn
	return c.Eval(s.t.rules.Ctx) == acl.Yes
}
