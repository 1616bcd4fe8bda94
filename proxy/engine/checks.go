package engine

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/proxy/certs"
	"bench/proxy/check"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/stats"
	"bench/proxy/txn"
)

// checks are the health checks of all servers, each on the loop of one thread.
type checks struct {
	mu  sync.RWMutex
	all map[*server.Server]*serverCheck // without those that are not checked
	// agents are those of the servers that have one.
	agents map[*server.Server]*agentCheck
	// followers are the servers that follow another one, by that; constant.
	followers map[*server.Server][]*server.Server
}

// serverCheck is the check of one server.
type serverCheck struct {
	// Constant.

	e    *Engine
	s    *server.Server
	l    *loop.Loop
	logs bool               // "option log-health-checks"
	tls  []*certs.Connector // of its connections, none if they are in clear

	// Of the loop.

	c *check.Checker

	// Guarded by mu: what the runtime API reads.

	mu     sync.Mutex
	last   check.Result
	ran    bool
	health check.Health
	failed uint64
	// distrusted is how often what clients get has counted as a failed check.
	distrusted uint64
	enabled    bool
	paused     bool           // by a maintenance that has not ended while they were enabled
	uncounted  bool           // nothing has counted since a maintenance that ended while they were not
	own        netip.AddrPort // set by the runtime API, each part for itself; zero: as configured
}

// prepareChecks makes the checkers.
func (e *Engine) prepareChecks() error {
	e.checks = &checks{all: map[*server.Server]*serverCheck{}, agents: map[*server.Server]*agentCheck{}}
	e.prepareTracking()
	for _, b := range e.shared.Backends.All() {
		for _, s := range b.Servers() {
			if err := e.addCheck(s, true); err != nil {
				return err
			}
			if err := e.addAgent(s, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// addCheck makes the checker of a server, if it is to have one.
func (e *Engine) addCheck(s *server.Server, enabled bool) error {
	b := s.Backend.Spec
	if b.Disabled || !s.Spec.Check {
		return nil
	}
	k := &serverCheck{e: e, s: s, l: e.loops[s.Slot%len(e.loops)], logs: b.Options.LogHealthChecks, enabled: enabled, paused: s.Spec.Disabled || s.Unresolved() && !s.Dynamic}
	k.health = check.NewHealth(s.Spec.Rise, s.Spec.Fall, s.Spec.InitState)
	secure, err := k.secure()
	if err != nil {
		return err
	}
	thread := e.threads[s.Slot%len(e.loops)]
	c, err := check.New(check.Config{
		TLS: secure, Secure: k.secureRule, State: k.describe, Environment: k.environment, Handshakes: thread.TLS,
		Sample: thread.Sample, Probe: func(p check.Probe) txn.Stream { return thread.Checked(s, p) },
		Check: b.Check, Inter: s.Spec.Inter, FastInter: s.Spec.FastInter, DownInter: s.Spec.DownInter,
		Rise: s.Spec.Rise, Fall: s.Spec.Fall, Init: s.Spec.InitState, Connect: b.Timeouts.Connect, Timeout: b.Timeouts.Check,
		Source: checkSource(s), Namespace: s.Spec.Namespace, Proxy: checkHeader(s), Socks: s.Spec.Socks, BySocks: s.Spec.CheckBySocks, Spread: e.cfg.Global.SpreadChecks,
		HTTP2: speaksHTTP2(s.Spec),
	}, k.l, k.target(), k)
	if err != nil {
		return err
	}
	k.c = c
	if !s.Spec.InitState.Up() {
		s.SetHealth(state.Down)
	}
	s.Distrust = func(why string) {
		k.l.Post(func() {
			if s.Admin() != state.Maint {
				k.c.Distrust(s.Spec.OnError, why)
			}
		})
	}
	e.checks.mu.Lock()
	defer e.checks.mu.Unlock()
	e.checks.all[s] = k
	return nil
}

// speaksHTTP2 tells whether checks that speak HTTP speak HTTP/2 without being asked.
func speaksHTTP2(s *spec.Server) bool {
	if s.CheckProto != spec.ProtoAny {
		return s.CheckProto == spec.ProtoH2
	}
	return s.Proto == spec.ProtoH2
}

// secure is how checks of the server are secured, nil if they are in clear.
func (k *serverCheck) secure() (func() *tls.Config, error) {
	t := k.s.Spec.CheckTLS
	if t == nil {
		return nil, nil
	}
	return k.connector(t, t.CheckSNI)
}

// secureRule is the same for a rule that asks for TLS by itself.
func (k *serverCheck) secureRule(r *spec.CheckConnect) (func() *tls.Config, error) {
	t := *k.s.Spec.RuleTLS
	if r.ALPN != nil {
		t.ALPN = r.ALPN
	}
	return k.connector(&t, r.SNI)
}

func (k *serverCheck) connector(t *spec.ServerTLS, name string) (func() *tls.Config, error) {
	c, _, err := k.e.certs.Connector(t)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: checks of server '%s': %w", k.s.Spec.File, k.s.Spec.Line, k.s.Spec.Name, err)
	}
	k.tls = append(k.tls, c)
	return func() *tls.Config { return c.To([]byte(name)).Config() }, nil
}

// remove ends the checks of s, which has been removed.
func (c *checks) remove(s *server.Server) {
	c.removeAgent(s)
	k := c.of(s)
	if k == nil {
		return
	}
	for _, t := range k.tls {
		k.e.certs.Forget(t)
	}
	c.mu.Lock()
	delete(c.all, s)
	c.mu.Unlock()
	k.l.Call(k.c.Stop)
}

// checkSource is where checks of the server come from. Ranges of ports are for
// clients' connections.
func checkSource(s *server.Server) *spec.Source {
	src := s.Spec.Source
	if src == nil {
		src = s.Backend.Spec.Source
	}
	if src == nil || src.LastPort == 0 {
		return src
	}
	free := *src
	free.Addr.SetPort(0)
	return &free
}

// spreadFrom is the shortest interval that the first checks are spread over: so short ones
// are no burden when they come at once.
const spreadFrom = time.Second

// firstCheck is a check, or a question to an agent, that is to begin.
type firstCheck struct {
	interval time.Duration // of the state that its server begins with
	begin    func(delay time.Duration)
}

// startChecks begins them, spread so that they do not all come at once: over their own
// interval, or the shortest there is where that is longer.
func (e *Engine) startChecks() {
	var list []firstCheck
	for _, b := range e.shared.Backends.All() {
		for _, s := range b.Servers() {
			if k := e.checks.of(s); k != nil {
				interval := k.health.Interval(s.Spec.Inter, s.Spec.FastInter, s.Spec.DownInter)
				list = append(list, firstCheck{interval, func(delay time.Duration) { k.begin(delay, k.enabled) }})
			}
			if a := e.checks.agent(s); a != nil {
				list = append(list, firstCheck{s.Spec.Agent.Inter, func(delay time.Duration) {
					if a.enabled {
						a.l.Post(func() { a.c.Start(delay) })
					}
				}})
			}
		}
	}
	var shortest time.Duration
	for _, x := range list {
		if x.interval >= spreadFrom && (shortest == 0 || x.interval < shortest) {
			shortest = x.interval
		}
	}
	for i, x := range list {
		over := max(shortest, x.interval)
		if most := e.cfg.Global.MaxSpreadChecks; most > 0 {
			over = min(over, most)
		}
		x.begin(over * time.Duration(i) / time.Duration(len(list)))
	}
}

// target is where the checks of the server go.
func (k *serverCheck) target() sock.Addr {
	addr, at := *k.s.Addr(), k.elsewhere()
	port := at.Port()
	switch {
	case at.Addr().IsValid():
		if port == 0 {
			port = addr.AddrPort().Port()
		}
		return sock.FromAddrPort(netip.AddrPortFrom(at.Addr(), port))
	case k.s.Spec.CheckAddr != nil: // a unix socket
		return *k.s.Spec.CheckAddr
	case port > 0:
		addr.SetPort(port)
	}
	return addr
}

// elsewhere is where checks go that was configured or set: an address, a port, both, or
// neither.
func (k *serverCheck) elsewhere() netip.AddrPort {
	k.mu.Lock()
	ip, port := k.own.Addr(), k.own.Port()
	k.mu.Unlock()
	var configured netip.AddrPort
	if k.s.Spec.CheckAddr != nil {
		configured = k.s.Spec.CheckAddr.AddrPort()
	}
	if !ip.IsValid() {
		ip = configured.Addr()
	}
	if port == 0 {
		port = cmp.Or(uint16(k.s.Spec.CheckPort), configured.Port())
	}
	return netip.AddrPortFrom(ip, port)
}

// Changed implements check.Listener.
func (k *serverCheck) Changed(up bool, r check.Result) {
	if !up {
		k.setHealth(state.Down, r)
		return
	}
	if k.e.checks.agentDown(k.s) {
		return // that keeps it down
	}
	k.setHealth(state.Up, r)
	if r.Status == check.L7OKC {
		k.setHealth(state.Stopping, r)
	}
}

// Checked implements check.Listener.
func (k *serverCheck) Checked(r check.Result, h check.Health) {
	k.mu.Lock()
	wasUp, changed := k.health.Up(), !k.ran || k.last.Status != r.Status || k.health.Cur != h.Cur
	k.last, k.ran, k.health = r, true, h
	if !r.Status.OK() && wasUp {
		k.failed++
	}
	if r.Status == check.Hana {
		k.distrusted++
	}
	k.mu.Unlock()
	k.e.traceCheck(k.s, r.Status.OK(), reason(r))
	if k.logs && changed {
		k.e.announceCheck("Health", k.s, r, h)
	}
	switch {
	case r.Status == check.L7OKC && k.s.Health() == state.Up:
		k.setHealth(state.Stopping, r)
	case r.Status == check.L7OK && k.s.Health() == state.Stopping:
		k.setHealth(state.Up, r)
	}
}

// setHealth changes the state of the server because of a check. With "option
// log-health-checks" the reason has been logged with the check.
func (k *serverCheck) setHealth(h state.Health, r check.Result) {
	why := ""
	if !k.logs {
		why = reason(r)
	}
	k.e.setHealth(k.s, h, because(why))
}

// of is the check of s, nil if it has none.
func (c *checks) of(s *server.Server) *serverCheck {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.all[s]
}

// state is what "show stat" tells of the checks of s.
func (c *checks) state(s *server.Server) stats.CheckState {
	k := c.of(s)
	if k == nil {
		return stats.CheckState{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	st := stats.CheckState{
		Enabled: k.enabled, Rise: k.health.Rise, Fall: k.health.Fall, Health: k.health.Cur,
		Failed: k.failed, Distrusted: k.distrusted, Code: -1, Duration: -1,
	}
	if k.uncounted {
		st.Health = 0
	}
	if !k.ran {
		st.Status, st.Desc = "INI", "Initializing"
		return st
	}
	fill(&st, &k.last)
	return st
}

// forget counts the failed checks of s anew.
func (c *checks) forget(s *server.Server) {
	k := c.of(s)
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed, k.distrusted = 0, 0
}

// fill says what the last check has come to.
func fill(st *stats.CheckState, r *check.Result) {
	st.Status, st.Desc, st.Output = r.Status.String(), r.Status.Describe(), r.Output
	st.Duration = r.Duration.Milliseconds()
	if r.Coded() {
		st.Code = int(uint32(r.Code)) // as of a command that was killed
	}
}

// run is whether a check has finished, and whether the last one failed.
func (c *checks) run(s *server.Server) (ran, failed bool) {
	k := c.of(s)
	if k == nil {
		return false, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ran, k.ran && !k.last.Status.OK()
}

// addr is where checks go as far as that was configured or set.
func (c *checks) addr(s *server.Server) netip.AddrPort {
	if k := c.of(s); k != nil {
		return k.elsewhere()
	}
	return netip.AddrPort{}
}

// paused is whether a maintenance keeps checks of s from running. Without checks to
// resume nothing ends the pause that "disabled" begins.
func (c *checks) paused(s *server.Server) bool {
	k := c.of(s)
	if k == nil {
		return s.Spec.Disabled
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.paused
}

func (c *checks) setAddr(s *server.Server, a netip.AddrPort) {
	if k := c.of(s); k != nil {
		k.mu.Lock()
		k.own = a
		k.mu.Unlock()
		c.moved(s)
	}
}

// moved makes the checks follow a change of address.
func (c *checks) moved(s *server.Server) {
	if k := c.of(s); k != nil {
		a := k.target()
		k.l.Post(func() { k.c.SetAddr(a) })
	}
}

// enable suspends or resumes the checks of s.
func (c *checks) enable(s *server.Server, on bool) {
	k := c.of(s)
	if k == nil {
		return
	}
	k.mu.Lock()
	k.enabled, k.uncounted = on, k.uncounted && !on
	k.mu.Unlock()
	k.l.Post(func() {
		if on && s.Admin() != state.Maint {
			k.c.Resume()
		} else {
			k.c.Pause()
		}
	})
}

// begin sets the beat of the checks, whose first one comes after the delay if they are
// enabled and nobody pauses them.
func (k *serverCheck) begin(delay time.Duration, enabled bool) {
	k.l.Post(func() {
		k.c.Start(delay)
		if !enabled || k.s.Admin() == state.Maint {
			k.c.Pause()
		}
	})
}

// force makes the counting agree with a state set by the runtime API.
func (c *checks) force(s *server.Server, up bool) {
	if k := c.of(s); k != nil {
		k.mu.Lock()
		k.uncounted = false
		k.mu.Unlock()
		k.l.Post(func() { k.c.Force(up); k.publish() })
	}
}

// adminChanged suspends checks during maintenance. After it they count anew, and go on in
// their beat: a server that has just been started by whoever ends the maintenance has the
// time that it has in the reference before it is judged.
func (c *checks) adminChanged(s *server.Server, wasMaint bool) {
	k := c.of(s)
	if k == nil {
		return
	}
	k.mu.Lock()
	on := k.enabled
	if on {
		k.paused = s.Admin() == state.Maint
	}
	k.uncounted = k.uncounted || wasMaint && !on
	k.mu.Unlock()
	switch {
	case s.Admin() == state.Maint:
		k.l.Post(k.c.Pause)
	case wasMaint:
		k.l.Post(func() {
			k.c.Reset()
			k.publish()
			if on {
				k.c.Resume()
			}
		})
	}
}

// publish makes a change of the counting visible to the runtime API.
func (k *serverCheck) publish() {
	h := k.c.Health()
	k.mu.Lock()
	k.health = h
	k.mu.Unlock()
}

// checkHeader is the header of the PROXY protocol that checks of s begin with, nil for
// none: they do where they go to the same place as requests, or if they are told to.
func checkHeader(s *server.Server) *spec.ProxyHeader {
	p := &s.Spec.Proxy
	if p.Checks || p.Sends() && s.Spec.CheckAddr == nil && s.Spec.CheckPort == 0 {
		return p
	}
	return nil
}
