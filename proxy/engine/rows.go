package engine

import (
	"os"
	"runtime"
	"time"

	"bench/internal/loop"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/stats"
	"bench/proxy/stream"
)

// Info implements cli.Engine.
func (e *Engine) Info() stats.Info {
	g := &e.cfg.Global
	sh := e.shared
	info := stats.Info{
		Version: e.opt.Version, ReleaseDate: e.opt.ReleaseDate,
		Node: e.node, Description: g.Description,
		Threads: len(e.threads), Pid: os.Getpid(), Started: e.started, Now: time.Now(),
		UlimitN: e.fds, MaxSock: e.fds, MaxConn: int(sh.MaxConn.Load()), HardMaxConn: e.hard,
		CurrConns: uint64(sh.Conns.Load()), MaxPipes: e.maxPipes,
		ConnRateLimit: uint64(sh.ConnPace.Limit()), SessRateLimit: uint64(sh.SessPace.Limit()),
		MaxTLSConns: g.TLS.MaxConns, TLSConns: uint64(max(sh.TLSConns.Load(), 0)), TLSRateLimit: uint64(sh.TLSPace.Limit()),
		CompLimit: uint64(sh.CompressionPace.Limit()) << 10,
		Stopping:  sh.Stopping.Load(), Jobs: e.Jobs(),
	}
	e.mu.Lock()
	info.Listeners = len(e.listeners) + len(e.stats)
	e.mu.Unlock()
	var sum stats.Process
	now := loop.Nanotime()
	var idle, wall int64
	e.onEach(func(t *stream.Thread) {
		sum.Sum(&t.Process, now)
		sum.LogsDropped += e.senders[t.ID-1].Dropped
		info.Tasks += t.Loop.Timers() + t.Loop.Tasks()
		info.RunQueue += t.Loop.Tasks()
		info.PipesUsed += t.PipesUsed()
		info.PipesFree += t.PipesFree()
		info.CumTLSConns += t.TLS.Stats().Conns
		idle += t.Loop.Idle()
		wall += now - e.startMono
	})
	info.Process(&sum, now)
	info.DroppedLogs += e.messages.dropped()
	info.RecvLogs = e.relayed.Load()
	if e.api != nil {
		info.DebugCommands, info.Tainted = e.api.Debugged(), e.api.Tainted()
	}
	if wall > 0 {
		info.IdlePct = int(min(100*idle/wall, 100))
	}
	info.ActivePeers, info.ConnectedPeer = e.countPeers()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	info.MemAlloc, info.MemUsed = m.Sys, m.HeapInuse
	return info
}

// http1 derives the counters of the HTTP/1 codec: every connection and request of an HTTP
// proxy is its that is not of HTTP/2.
func http1(r *stats.Row, conns uint64) {
	if !r.HTTP {
		return
	}
	t := &r.Totals
	t.H1 = stats.H1{
		OpenConns: r.Sessions.Cur, OpenStreams: r.Sessions.Cur, Conns: conns, Streams: t.Requests,
		BytesIn: t.BytesIn, BytesOut: t.BytesOut, SplicedIn: t.H1.SplicedIn, SplicedOut: t.H1.SplicedOut,
	}
	if h := &t.H2; r.Type == stats.RowFrontend {
		t.H1.OpenConns -= h.OpenConns
		t.H1.OpenStreams -= h.OpenConns
		t.H1.Conns -= h.Conns
		t.H1.Streams -= h.Streams
		t.H1.BytesIn -= h.BytesIn
		t.H1.BytesOut -= h.BytesOut
	}
	if r.Type == stats.RowBackend {
		t.H1.Streams = t.Connects + t.Reuses
		t.H1.Conns -= min(t.H1.Conns, t.H2.Conns)
		t.H1.Streams -= min(t.H1.Streams, t.H2.Streams)
		// Seen from the servers, responses come in and requests go out.
		t.H1.BytesIn, t.H1.BytesOut = t.BytesOut-t.OwnOut, t.BytesIn-t.OwnIn
	}
}

// proxyMembers are the sides of a proxy.
type proxyMembers struct {
	f *stream.Frontend // nil: no frontend side
	b *server.Backend  // nil: no backend side
}

// proxies are all proxies in the order of configuration.
func (e *Engine) proxies() []proxyMembers {
	var list []proxyMembers
	at := func(p *spec.Proxy) *proxyMembers {
		for len(list) <= p.Index {
			list = append(list, proxyMembers{})
		}
		return &list[p.Index]
	}
	for _, f := range e.shared.Frontends.All() {
		at(f.Spec).f = f
	}
	for _, b := range e.shared.Backends.All() {
		at(b.Spec).b = b
	}
	return list
}

// servers are those of the backend side.
func (p *proxyMembers) servers() []*server.Server {
	if p.b == nil {
		return nil
	}
	return p.b.Servers()
}

func (e *Engine) frontendRow(f *stream.Frontend, t stats.Totals) stats.Row {
	p := f.Spec
	r := stats.Row{Type: stats.RowFrontend, Proxy: p.Name, ProxyID: p.ID, HTTP: p.Mode == spec.ModeHTTP, GUID: p.GUID, Totals: t}
	r.Sessions = stats.Level{Cur: f.Cur.Load(), Max: f.Cur.Max(), Limit: f.MaxConn.Load()}
	r.Queue = stats.Level{Limit: -1}
	r.SessRateLimit = int64(f.SessPace.Limit())
	r.State = e.listenState(f)
	http1(&r, t.Conns)
	return r
}

func (e *Engine) listenState(f *stream.Frontend) stats.ListenState {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case f.Stopped.Load() || f.Spec.Disabled || e.shared.Stopping.Load():
		return stats.Stopped
	case e.paused[f]:
		return stats.Paused
	case f.Cur.Load() >= f.MaxConn.Load():
		return stats.Full
	}
	return stats.Open
}

func (e *Engine) listenerRows(rows []stats.Row, f *stream.Frontend, sums []stats.Listener) []stats.Row {
	state := e.listenState(f)
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, l := range e.listeners {
		if l.Frontend != f || i > 0 && e.listeners[i-1].Index == l.Index {
			continue
		}
		now, most := int64(0), int64(0) // over the sockets of the line
		for _, s := range e.listeners[i:] {
			if s.Index == l.Index {
				now, most = now+s.Cur.Load(), most+s.Cur.Max()
			}
		}
		c := &sums[l.Index]
		name := l.Bind.Name
		if name == "" {
			name = "sock-" + itoa(l.Bind.ID)
		}
		addr := l.Addr.String()
		if l.Addr.IsUnix() {
			addr = "unix" // as the reference shows it: the name may be a temporary one
		}
		rows = append(rows, stats.Row{
			Type: stats.RowListener, Proxy: f.Spec.Name, ProxyID: f.Spec.ID, Name: name, ID: l.Bind.ID,
			HTTP: f.Spec.Mode == spec.ModeHTTP, GUID: l.Bind.GUID, Totals: c.Totals(), State: state, Addr: addr,
			Sessions: stats.Level{Cur: now, Max: most, Limit: int64(l.Bind.MaxConn)}, Queue: stats.Level{Limit: -1},
		})
	}
	return rows
}

func (e *Engine) serverRow(s *server.Server, t stats.Totals, idle stream.Idle, now time.Time) stats.Row {
	p := s.Backend.Spec
	r := stats.Row{
		Type: stats.RowServer, Proxy: p.Name, ProxyID: p.ID, Name: s.Spec.Name, ID: s.Spec.ID,
		HTTP: p.Mode == spec.ModeHTTP, GUID: s.Spec.GUID, Totals: t,
	}
	switch a := s.Addr(); {
	case s.Unresolved(): // it has none
	case a.IsUnix():
		r.Addr = "unix" // as the reference shows it
	default:
		to := *a
		if n, follows := s.PortOffset(); follows {
			to.SetPort(uint16(n)) // as the reference shows it
		}
		r.Addr = to.String()
	}
	r.Sessions = stats.Level{Cur: s.Cur.Load(), Max: s.Cur.Max(), Limit: limitOrNone(s.MaxConn())}
	r.Queue = stats.Level{Cur: s.Queued.Load(), Max: s.Queued.Max(), Limit: limitOrNone(s.Spec.MaxQueue)}
	down, downs := s.Downtime(now)
	r.Server = stats.ServerRow{
		Health: s.Health(), Maint: s.Admin() == state.Maint, Drain: s.Admin() == state.Drain,
		Backup: s.Spec.Backup, Observed: s.Spec.Observe != spec.ObserveNothing, Weight: s.Effective(), UserWeight: s.Weight(),
		Downs: downs, LastChange: int64(now.Sub(s.Since()).Seconds()), DownTime: int64(down.Seconds()),
		Cookie: s.Spec.Cookie, IdleConns: idle.Unsafe + idle.Safe, UnsafeIdle: idle.Unsafe, SafeIdle: idle.Safe, UsedConns: s.Conns.Used(),
		NeedConns: s.Conns.Need(), IdleLimit: int64(s.Spec.PoolMaxConn),
	}
	if s.Warming() && s.Running() && s.Admin() != state.Drain && s.Weight() > 0 {
		r.Server.Throttle = (100*s.Share() + server.ShareScale - 1) / (server.ShareScale * s.Weight())
	}
	if s.Unresolved() {
		r.Server.MaintReason = "resolution"
	}
	if to := e.tracked(s); to != nil {
		judge := e.judge(s)
		r.Server.Tracked, r.Server.Followed, r.Server.FollowedAgent = via(to), e.checks.state(judge), e.checks.agentState(judge)
		if s.Orders().Inherited&state.OrderMaint != 0 {
			r.Server.MaintReason = "via " + via(to)
		}
	}
	r.Server.Check, r.Server.Agent = e.checks.state(s), e.checks.agentState(s)
	return r
}

func limitOrNone(n int) int64 {
	if n <= 0 {
		return -1
	}
	return int64(n)
}

func backendRow(b *server.Backend, t stats.Totals, now time.Time) stats.Row {
	p := b.Spec
	r := stats.Row{Type: stats.RowBackend, Proxy: p.Name, ProxyID: p.ID, HTTP: p.Mode == spec.ModeHTTP, GUID: p.GUID, Totals: t}
	r.Sessions = stats.Level{Cur: b.Cur.Load(), Max: b.Cur.Max(), Limit: int64(max(p.FullConn, 1))}
	r.Queue = stats.Level{Cur: b.Queued.Load(), Max: b.Queued.Max(), Limit: -1}
	active, backup, weight := b.Count()
	down, downs, since := b.Downtime(now)
	servers, up := b.Servers(), 0 // those of now: it may be long since their rows were made
	for _, s := range servers {
		if s.Running() {
			up++
		}
	}
	r.Backend = stats.BackendRow{
		Up: len(servers) == 0 || active+backup > 0, Active: active, Backup: backup, Servers: len(servers), UpServers: up,
		Weight: weight, UserWeight: weight, Downs: downs, LastChange: int64(now.Sub(since).Seconds()), DownTime: int64(down.Seconds()),
		Algorithm: string(p.Balance),
	}
	if p.Cookie != nil {
		r.Backend.CookieName = p.Cookie.Name
	}
	http1(&r, t.Connects)
	return r
}

// ClearCounters implements cli.Engine.
func (e *Engine) ClearCounters(all bool) {
	e.members.Lock()
	defer e.members.Unlock()
	sh := e.shared
	sh.Conns.ResetMax()
	proxies := e.proxies()
	for i := range proxies {
		p := &proxies[i]
		if p.f != nil {
			p.f.Cur.ResetMax()
		}
		if p.b != nil {
			p.b.Cur.ResetMax()
			p.b.Queued.ResetMax()
		}
		for _, s := range p.servers() {
			s.Cur.ResetMax()
			s.Queued.ResetMax()
			if all {
				s.ForgetDowns()
				e.checks.forget(s)
			}
		}
	}
	for _, r := range e.resolvers {
		for i := range r.Spec.Nameservers {
			if all {
				r.Counters(i).Reset()
			}
		}
	}
	e.onEach(func(t *stream.Thread) {
		t.Process.ResetMax()
		for i := range proxies {
			p := &proxies[i]
			if p.f != nil {
				clearSet(&t.Fronts[i].C, all)
			}
			if p.b != nil {
				clearSet(&t.Backs[i].C, all)
			}
			for _, s := range p.servers() {
				clearSet(&t.Server(s).C, all)
			}
		}
		for _, side := range t.Listeners {
			if all && side != nil {
				side.C.Reset()
			}
		}
	})
}

// clearSet clears the highest values of a set of counters, or all of it.
func clearSet(c interface {
	ResetMax()
	Reset()
}, all bool,
) {
	if all {
		c.Reset()
	} else {
		c.ResetMax()
	}
}
