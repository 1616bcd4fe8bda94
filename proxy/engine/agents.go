package engine

import (
	"cmp"
	"net/netip"
	"sync"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/proxy/check"
	"bench/proxy/cli"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/stats"
)

// agentCheck asks the agent of one server.
type agentCheck struct {
	// Constant.

	e *Engine
	s *server.Server
	l *loop.Loop

	// Of the loop.

	c *check.Checker

	// Guarded by mu.

	mu      sync.Mutex
	last    check.Result
	ran     bool
	health  check.Health
	enabled bool
	own     netip.AddrPort // set by the runtime API; parts that are not are as configured
	send    string
}

// addAgent makes what asks the agent of a server, if it is to have one.
func (e *Engine) addAgent(s *server.Server, enabled bool) error {
	b := s.Backend.Spec
	if b.Disabled || !s.Spec.Agent.Check {
		return nil
	}
	a := &agentCheck{e: e, s: s, l: e.loops[s.Slot%len(e.loops)], enabled: enabled, send: s.Spec.Agent.Send}
	a.health = check.NewHealth(1, 1, spec.InitUp)
	c, err := check.New(check.Config{
		Agent: &check.Agent{Addr: a.target(), Send: a.words, Apply: a.apply},
		Inter: s.Spec.Agent.Inter, Rise: 1, Fall: 1, Connect: b.Timeouts.Connect, Timeout: b.Timeouts.Check,
		Source: checkSource(s), Namespace: s.Spec.Namespace, Spread: e.cfg.Global.SpreadChecks,
	}, a.l, a.target(), a)
	if err != nil {
		return err
	}
	a.c = c
	e.checks.mu.Lock()
	defer e.checks.mu.Unlock()
	e.checks.agents[s] = a
	return nil
}

// target is where the agent is.
func (a *agentCheck) target() sock.Addr {
	addr := *a.s.Addr()
	if own := configuredAgent(a.s); own != nil {
		addr = *own
	}
	if port := a.s.Spec.Agent.Port; port > 0 {
		addr.SetPort(uint16(port))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own.Addr().IsValid() {
		port := addr.AddrPort().Port()
		addr = sock.FromAddrPort(netip.AddrPortFrom(a.own.Addr(), port))
	}
	if a.own.Port() > 0 {
		addr.SetPort(a.own.Port())
	}
	return addr
}

// words are what the agent is told first.
func (a *agentCheck) words() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.send
}

// apply carries out what the agent wants.
func (a *agentCheck) apply(r *check.Report) (warning string) {
	s := a.s
	if r.Admin != nil && r.Admin.Orders() != s.Orders().Own {
		// It waits for the threads, of which this is one.
		to := *r.Admin
		go a.e.setAdmin(s, to)
	}
	if r.Weight != "" {
		n, problem := cli.ParseWeight(r.Weight, s.Spec.Weight, s.Backend.Spec.FixedWeights())
		if problem == "" && n != s.Weight() {
			a.e.setWeight(s, n)
		}
		warning = problem
	}
	if r.MaxConn != "" {
		n, problem := cli.ParseMaxConn(r.MaxConn)
		if problem == "" && n != s.MaxConn() {
			s.SetMaxConn(n)
		}
		if warning == "" {
			warning = problem
		}
	}
	return warning
}

// Checked implements check.Listener.
func (a *agentCheck) Checked(r check.Result, h check.Health) {
	a.mu.Lock()
	changed := !a.ran || a.last.Status != r.Status || a.health.Cur != h.Cur
	a.last, a.ran, a.health = r, true, h
	a.mu.Unlock()
	if changed && a.s.Backend.Spec.Options.LogHealthChecks && r.Status != check.Checked {
		a.e.announceCheck("Agent", a.s, r, h)
	}
}

// Changed implements check.Listener.
func (a *agentCheck) Changed(up bool, r check.Result) {
	why := ""
	if !a.s.Backend.Spec.Options.LogHealthChecks {
		why = reason(r)
	}
	if !up {
		a.e.setHealth(a.s, state.Down, because(why))
		return
	}
	if !a.e.checks.checkDown(a.s) {
		a.e.setHealth(a.s, state.Up, because(why))
	}
}

// agent is what asks the agent of s, nil if it has none.
func (c *checks) agent(s *server.Server) *agentCheck {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.agents[s]
}

func (c *checks) removeAgent(s *server.Server) {
	if a := c.agent(s); a != nil {
		c.mu.Lock()
		delete(c.agents, s)
		c.mu.Unlock()
		a.l.Call(a.c.Stop)
	}
}

// agentDown tells whether the agent of s keeps it down.
func (c *checks) agentDown(s *server.Server) bool {
	a := c.agent(s)
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.enabled && !a.health.Up()
}

// checkDown tells whether health checks of s keep it down.
func (c *checks) checkDown(s *server.Server) bool {
	k := c.of(s)
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.enabled && !k.health.Up()
}

// agentState is what "show stat" tells of the agent of s.
func (c *checks) agentState(s *server.Server) stats.CheckState {
	a := c.agent(s)
	if a == nil {
		return stats.CheckState{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	st := stats.CheckState{Enabled: a.enabled, Rise: a.health.Rise, Fall: a.health.Fall, Health: a.health.Cur, Code: -1, Duration: -1}
	if !a.ran {
		st.Status, st.Desc = "INI", "Initializing"
		return st
	}
	fill(&st, &a.last)
	return st
}

// enableAgent suspends or resumes the questions to the agent of s.
func (c *checks) enableAgent(s *server.Server, on bool) {
	a := c.agent(s)
	if a == nil {
		return
	}
	a.mu.Lock()
	a.enabled = on
	a.mu.Unlock()
	a.l.Post(func() {
		if on && !s.Removed() { // meanwhile: then nobody would stop it
			a.c.Start(0)
		} else {
			a.c.Stop()
		}
	})
}

// forceAgent makes the agent's word that the server is up or down.
func (c *checks) forceAgent(s *server.Server, up bool) {
	a := c.agent(s)
	if a == nil {
		return
	}
	a.l.Post(func() {
		a.c.Force(up)
		h := a.c.Health()
		a.mu.Lock()
		a.health = h
		a.mu.Unlock()
	})
}

// changeAgent makes fn change what the runtime API may of an agent.
func (c *checks) changeAgent(s *server.Server, fn func(a *agentCheck)) {
	a := c.agent(s)
	if a == nil {
		return
	}
	a.mu.Lock()
	fn(a)
	a.mu.Unlock()
	to := a.target()
	a.l.Post(func() { a.c.SetAgent(to) })
}

// agentAddr is where the agent of s is, as far as that was configured or set.
func (c *checks) agentAddr(s *server.Server) netip.AddrPort {
	var set, configured netip.AddrPort
	if a := c.agent(s); a != nil {
		a.mu.Lock()
		set = a.own
		a.mu.Unlock()
	}
	ip, port := set.Addr(), set.Port()
	if own := configuredAgent(s); own != nil {
		configured = own.AddrPort()
	}
	if !ip.IsValid() {
		ip = configured.Addr()
	}
	if port == 0 {
		port = cmp.Or(uint16(s.Spec.Agent.Port), configured.Port())
	}
	return netip.AddrPortFrom(ip, port)
}

// configuredAgent is the address of the agent in the configuration, nil if it is the
// server's: "addr" is about agents as well as checks.
func configuredAgent(s *server.Server) *sock.Addr {
	if s.Spec.Agent.Addr != nil {
		return s.Spec.Agent.Addr
	}
	return s.Spec.CheckAddr
}
