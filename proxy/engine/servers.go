package engine

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"bench/internal/sock"
	"bench/proxy/cli"
	"bench/proxy/server"
	"bench/proxy/state"
	"bench/proxy/stream"
)

// Backends implements cli.Engine.
func (e *Engine) Backends() []cli.Backend {
	var list []cli.Backend
	for _, b := range e.shared.Backends.All() {
		p := b.Spec
		cb := cli.Backend{ID: p.ID, Name: p.Name, ForcedID: p.ForcedID}
		for _, s := range b.Servers() {
			cb.Servers = append(cb.Servers, &serverHandle{e, s, "CLI"})
		}
		list = append(list, cb)
	}
	return list
}

// IdlePerThread implements cli.Engine.
func (e *Engine) IdlePerThread(list []cli.Server) [][]cli.IdleConns {
	idle := make([][]cli.IdleConns, len(list))
	e.onEach(func(t *stream.Thread) {
		for i, h := range list {
			idle[i] = append(idle[i], cli.IdleConns(t.IdleConns(h.(*serverHandle).s)))
		}
	})
	return idle
}

// Server implements cli.Engine.
func (e *Engine) Server(backend, name string) (cli.Server, error) {
	return e.serverFor("CLI", backend, name)
}

func (e *Engine) serverFor(by, backend, name string) (cli.Server, error) {
	b := e.backend(backend)
	if b == nil {
		return nil, cli.ErrNoBackend
	}
	s := serverOf(b, name)
	if s == nil {
		return nil, cli.ErrNoServer
	}
	return &serverHandle{e, s, by}, nil
}

// serverOf is backend for the servers of one.
func serverOf(b *server.Backend, name string) *server.Server {
	if id, numbered := number(name); numbered {
		return b.ServerByID(id)
	}
	s, _ := b.Server(name)
	return s
}

// backend looks a backend up by its name, or by its number behind a "#"; nil if there
// is none.
func (e *Engine) backend(name string) *server.Backend {
	if id, numbered := number(name); numbered {
		for _, b := range e.shared.Backends.All() {
			if b.Spec.ID == id {
				return b
			}
		}
		return nil
	}
	b, _ := e.shared.Backends.Get(name)
	return b
}

// number reads "#" and a number.
func number(name string) (id int, ok bool) {
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return 0, false
	}
	id, err := strconv.Atoi(digits)
	return id, err == nil
}

// serverHandle implements cli.Server.
type serverHandle struct {
	e  *Engine
	s  *server.Server
	by string // who asks, for messages
}

func (h *serverHandle) Name() string { return h.s.Spec.Name }

func (h *serverHandle) SetAdmin(a state.Admin) { h.e.setAdmin(h.s, a) }
func (h *serverHandle) Order(what state.Orders, on bool, why string) {
	h.e.members.Lock()
	defer h.e.members.Unlock()
	h.e.order(h.s, what, on, why)
}

func (h *serverHandle) SetHealth(v state.Health) {
	h.e.setHealth(h.s, v, ", changed from "+h.by)
	h.e.checks.force(h.s, v != state.Down)
}
func (h *serverHandle) SetWeight(n int)  { h.e.setWeight(h.s, n) }
func (h *serverHandle) SetMaxConn(n int) { h.s.SetMaxConn(n) }

func (h *serverHandle) SetAddr(a netip.AddrPort) {
	waited := h.s.Unresolved()
	h.s.SetAddr(sock.FromAddrPort(a))
	if waited {
		h.e.readmit(h.s)
	}
	h.e.checks.moved(h.s)
}

func (h *serverHandle) FollowPort(offset int) { h.s.FollowPort(offset) }
func (h *serverHandle) FixPort()              { h.s.FixPort() }

func (h *serverHandle) SetCheckAddr(a netip.AddrPort) { h.e.checks.setAddr(h.s, a) }
func (h *serverHandle) EnableCheck(on bool)           { h.e.checks.enable(h.s, on) }

func (h *serverHandle) EnableAgent(on bool) { h.e.checks.enableAgent(h.s, on) }
func (h *serverHandle) SetAgentSend(text string) {
	h.e.checks.changeAgent(h.s, func(a *agentCheck) { a.send = text })
}

func (h *serverHandle) SetAgentAddr(to netip.AddrPort) {
	h.e.checks.changeAgent(h.s, func(a *agentCheck) { a.own = to })
}

// SetAgentHealth implements cli.Server. The server follows, unless its checks keep it
// down.
func (h *serverHandle) SetAgentHealth(up bool) {
	h.e.checks.forceAgent(h.s, up)
	switch {
	case !up:
		h.e.setHealth(h.s, state.Down, ", changed from "+h.by)
	case !h.e.checks.checkDown(h.s):
		h.e.setHealth(h.s, state.Up, ", changed from "+h.by)
	}
}

func (h *serverHandle) ShutdownSessions() {
	h.e.onEach(func(t *stream.Thread) { t.KillServerStreams(h.s, 'K') })
}

func (h *serverHandle) State() cli.ServerState {
	s := h.s
	a := s.Addr()
	orders := s.Orders()
	st := cli.ServerState{
		ID: s.Spec.ID, ForcedID: s.Spec.ForcedID, Addr: a.AddrPort(), Dynamic: s.Dynamic, Gone: s.Removed(), EverMaint: s.EverMaint(), Warming: s.Warming(),
		Admin: s.Admin(), Own: orders.Own, Inherited: orders.Inherited, ConfiguredMaint: s.Spec.Disabled, Host: s.Host(), Renamed: s.Host() != s.Spec.Host, Follows: s.Spec.Track != nil, Named: s.Spec.Named,
		Resolved: s.Spec.Resolvers != nil, Service: s.Spec.SRV, HasTLS: s.TLS != nil, TLS: s.TLS != nil && !s.Clear.Load(), Unresolved: s.Unresolved(), Health: s.Health(),
		Weight: s.Weight(), InitialWeight: s.Spec.Weight, FixedWeight: s.Backend.Spec.FixedWeights(), LastChange: time.Since(s.Since()), MaxConn: s.MaxConn(),
		Used: s.Conns.Used(), UsedMax: s.Conns.Top(), Need: s.Conns.Need(), Idle: s.Conns.Idle(),
		IdleLimit: int64(s.Spec.PoolMaxConn), PurgeDelay: s.Spec.PoolPurgeDelay,
		Sessions: s.Cur.Load(), Queued: s.Queued.Load(),
	}
	if n, follows := s.PortOffset(); follows {
		st.FollowsPort, st.PortOffset = true, n
	}
	st.Off = h.e.off(s.Backend.Spec)
	c := h.e.checks.state(s)
	st.HasCheck, st.CheckOn = s.Spec.Check, c.Enabled
	st.CheckStatus = c.Status
	st.CheckPort = s.Spec.CheckPort
	st.CheckPaused = h.e.checks.paused(s)
	st.CheckRun, st.CheckFailed = h.e.checks.run(s)
	st.CheckHealth, st.Rise, st.Fall = c.Health, s.Spec.Rise, s.Spec.Fall
	if !st.HasCheck && s.WasRestored() {
		st.CheckHealth = st.Rise + st.Fall - 1
	}
	st.CheckAddr = h.e.checks.addr(s)
	st.HasAgent, st.AgentOn = s.Spec.Agent.Check, h.e.checks.agentState(s).Enabled
	st.AgentAddr = h.e.checks.agentAddr(s)
	return st
}

// setWeight changes a server's weight; without one it gets nothing new.
func (e *Engine) setWeight(s *server.Server, n int) {
	s.SetWeight(n)
	e.announceEmpty(s.Backend)
}

// setAdmin leaves of the orders about a server those only that make a state, and tells
// operators. As in the reference what is new comes first, so that the server takes part
// meanwhile only if it is to.
func (e *Engine) setAdmin(s *server.Server, a state.Admin) {
	e.members.Lock()
	defer e.members.Unlock()
	if a != state.Ready {
		e.order(s, a.Orders(), true, "")
	}
	for _, o := range []state.Orders{state.OrderDrain, state.OrderMaint} {
		if o != a.Orders() {
			e.order(s, o, false, "")
		}
	}
}

// order gives an order about a server, or takes it back, and tells operators, with the
// reason if there is one. The lock of the members must be held.
func (e *Engine) order(s *server.Server, what state.Orders, on bool, why string) {
	e.administer(s, s.Orders(), func() (bool, int) { return s.Decide(what, on) }, why)
}

// readmit lets a server take part again that has got an address, and tells operators.
func (e *Engine) readmit(s *server.Server) {
	e.members.Lock()
	defer e.members.Unlock()
	before := s.Orders()
	before.Unresolved = true
	e.administer(s, before, s.Readmit, "")
}

// administer changes by set what had been decided about s before, and so about the servers
// that follow it. The lock of the members must be held.
func (e *Engine) administer(s *server.Server, before server.Orders, set func() (bool, int), why string) {
	changed, requeued := set()
	if changed {
		e.adminChanged(s, before.All().Admin() == state.Maint)
	}
	now := s.Orders()
	if now == before {
		return
	}
	e.announceAdmin(s, before, now, why, requeued)
	if changed {
		e.leave(s)
	}
	e.followAdmin(s, why)
}

// adminChanged suspends checks during maintenance. What a server is after it is not what it
// was before: one that is not kept down by others is up, and then its checks decide.
func (e *Engine) adminChanged(s *server.Server, wasMaint bool) {
	if wasMaint {
		s.SetHealth(e.afterMaint(s))
	}
	e.checks.adminChanged(s, wasMaint)
}

// afterMaint is the operational state that a server leaves maintenance with.
func (e *Engine) afterMaint(s *server.Server) state.Health {
	if e.checks.agentDown(s) {
		return state.Down
	}
	if to := e.tracked(s); to != nil {
		return to.Health()
	}
	if s.Spec.Check && !s.Spec.InitState.Up() {
		return state.Down
	}
	return state.Up
}

// setHealth changes a server's operational state and tells operators; how is what
// messages say of it, a reason or a server that this one follows.
func (e *Engine) setHealth(s *server.Server, h state.Health, how string) {
	changed, requeued := s.SetHealth(h)
	if !changed {
		return
	}
	e.announceHealth(s, how, requeued)
	e.leave(s)
	e.followHealth(s)
	if h == state.Up && s.Spec.OnMarkedUp && !s.Spec.Backup {
		for _, o := range s.Backend.Servers() {
			if o.Spec.Backup {
				e.postEach(func(t *stream.Thread) { t.KillServerStreams(o, 'U') })
			}
		}
	}
}

// leave ends what connects the threads with a server that has gone down or into
// maintenance: idle connections, and where that is asked for sessions.
func (e *Engine) leave(s *server.Server) {
	if s.Running() {
		return
	}
	e.postEach(func(t *stream.Thread) {
		if s.Spec.OnMarkedDown {
			t.KillServerStreams(s, 'D')
		}
		t.CloseIdle(s)
	})
}

// SetDynamicCookies implements cli.Engine.
func (e *Engine) SetDynamicCookies(backend string, on bool) error {
	b := e.backend(backend)
	if b == nil {
		return cli.ErrNoBackend
	}
	b.SetDynamicCookies(on)
	return nil
}

// SetCookieKey implements cli.Engine.
func (e *Engine) SetCookieKey(backend, key string) error {
	b := e.backend(backend)
	if b == nil {
		return cli.ErrNoBackend
	}
	if key != "" {
		b.SetCookieKey(key)
	}
	return nil
}
