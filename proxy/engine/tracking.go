package engine

import (
	"bench/proxy/server"
	"bench/proxy/state"
)

// prepareTracking finds who follows whom ("track").
func (e *Engine) prepareTracking() {
	e.checks.followers = map[*server.Server][]*server.Server{}
	for _, b := range e.shared.Backends.All() {
		for _, s := range b.Servers() {
			if to := e.tracked(s); to != nil {
				e.checks.followers[to] = append(e.checks.followers[to], s)
			}
		}
	}
	for to, list := range e.checks.followers {
		if e.tracked(to) == nil && to.Admin() == state.Maint {
			e.inheritMaint(list)
		}
	}
}

// inheritMaint puts servers into maintenance at the start because the one that they follow
// is, and those that follow them.
func (e *Engine) inheritMaint(list []*server.Server) {
	for _, s := range list {
		s.Inherit(state.OrderMaint)
		e.inheritMaint(e.checks.followers[s])
	}
}

// tracked is the server that s follows, nil if none.
func (e *Engine) tracked(s *server.Server) *server.Server {
	t := s.Spec.Track
	if t == nil {
		return nil
	}
	b := e.backend(e.cfg.Proxies[t.Proxy].Name)
	if b == nil {
		return nil
	}
	to, _ := b.Server(t.Server)
	return to
}

// via names the server that others follow.
func via(s *server.Server) string { return s.Backend.Spec.Name + "/" + s.Spec.Name }

// followHealth gives the state of s to those that follow it.
func (e *Engine) followHealth(s *server.Server) {
	for _, f := range e.checks.followers[s] {
		e.setHealth(f, s.Health(), " via "+via(s))
	}
}

// followAdmin is followHealth for what operators have decided, and why. The lock of the
// members must be held.
func (e *Engine) followAdmin(s *server.Server, why string) {
	all := s.Orders().All()
	for _, f := range e.checks.followers[s] {
		e.administer(f, f.Orders(), func() (bool, int) { return f.Inherit(all) }, why)
	}
}

// judge is the server whose checks say how s is: the end of what it follows.
func (e *Engine) judge(s *server.Server) *server.Server {
	for to := e.tracked(s); to != nil; to = e.tracked(s) {
		s = to
	}
	return s
}
