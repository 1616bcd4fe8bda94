package config

import (
	"slices"
	"time"

	"bench/proxy/spec"
)

// What the engine does where the configuration is silent (configuration
// manual, sections 4.2 and 5.2).
const (
	defaultRetries    = 3
	defaultWeight     = 1
	defaultInter      = 2 * time.Second
	defaultRise       = 2
	defaultFall       = 3
	defaultPurgeDelay = 5 * time.Second
	defaultErrorLimit = 10
)

// resolve makes the configuration of what has been read: defaults applied,
// names resolved, the whole checked.
func (p *parser) resolve() *spec.Config {
	p.patterns.Number()
	cfg := &spec.Config{Global: p.global.Global, Patterns: &p.patterns, Variables: p.variables, Namespaces: p.namespaces, Sinks: p.sinks}
	p.resolveUsers()
	p.resolveOthers()
	p.resolveGlobal(&cfg.Global)
	for i, s := range p.sections {
		cfg.Proxies = append(cfg.Proxies, p.proxy(s, i))
	}
	p.numberProxies(cfg.Proxies)
	p.checkGUIDs(cfg.Proxies)
	for i, s := range p.sections {
		p.resolveBackends(cfg, s, cfg.Proxies[i])
	}
	p.resolveTracks(cfg)
	p.tables(cfg)
	p.resolveSamples(cfg)
	p.checkLists()
	p.resolvePages()
	for i, s := range p.sections {
		p.check(s, cfg.Proxies[i])
	}
	cfg.LogForwards = p.resolveLogForwards()
	cfg.Rings = p.resolveRings()
	cfg.Rated, cfg.Locals = p.rated, p.locals
	cfg.Tracing = p.tracing
	cfg.Caches = p.resolveCaches()
	cfg.Programs = p.resolvePrograms()
	p.checkResolvers(cfg)
	FullConns(cfg, cfg.Global.MaxConn)
	p.resolveHTTPClient(&cfg.Global.HTTPClient)
	p.startScripts(cfg)
	return cfg
}

func (p *parser) resolveGlobal(g *spec.Global) {
	for i := range p.global.logs {
		l := &p.global.logs[i]
		p.findRing(l)
		g.Logs = append(g.Logs, l.target)
	}
	// At least half of a buffer is for what is received.
	g.Tune.MaxRewrite = min(g.Tune.MaxRewrite, g.Tune.BufSize/2)
	g.StateFile = p.statePath(p.global.stateFile)
}

// proxy makes one proxy; what refers to others comes later.
func (p *parser) proxy(s *section, index int) *spec.Proxy {
	set := &s.settings
	px := &spec.Proxy{
		Pos: s.pos, Index: index, ID: s.id.val, ForcedID: s.id.set, GUID: s.guid.val, Name: s.name, Caps: s.caps(),
		Mode: set.mode.or(spec.ModeTCP), Disabled: set.disabled,
		ConnMode: set.connMode.or(spec.KeepAlive), LogTag: set.logTag.val,
		LogFormat: set.logFormat.or(spec.LogDefault), LogLine: set.logLine, MonitorURI: set.monitorURI.val,
	}
	p.errorAnswers(s, px)
	px.Compression = set.compression
	px.Logs = p.logTargets(set.logs)
	for i, row := range timeoutRows() {
		*row.field(&px.Timeouts) = set.timeouts[i].val
	}
	for _, row := range optionRows() {
		for _, field := range row.field(&px.Options) {
			*field = *field || set.options[row.name].val
		}
	}
	if set.forwardFor.set {
		f := set.forwardFor.val
		px.ForwardFor = &f
	}
	if set.originalTo.set {
		o := set.originalTo.val
		px.OriginalTo = &o
	}
	px.FieldNames = set.restrict.val
	px.LogData, px.ErrorLog = set.logData.val, set.errorLog.val
	if s.kind&inFront != 0 {
		px.SessRate, px.CliProbes = set.sessRate.val, set.cliProbes.val
		px.UniqueID, px.UniqueIDHeader = set.uniqueID.val, set.uniqueIDHeader.val
		px.Binds = s.binds
		px.MaxConn, px.Backlog = set.maxConn.val, set.backlog.val
		p.frontBinds(s, px)
		p.frontProtocols(s, px)
	}
	if s.kind&inBack != 0 {
		p.backend(s, px)
	}
	p.rules(s, px)
	px.Description = s.description
	px.StatsPage = p.statsPage(set.page)
	return px
}

// frontBinds gives the listeners numbers and what they have from the frontend.
func (p *parser) frontBinds(s *section, px *spec.Proxy) {
	used := map[int]bool{}
	for _, b := range px.Binds {
		if b.ID != 0 && used[b.ID] {
			p.alert(s, b.Pos, "listener id %d is used twice in '%s'", b.ID, px.Name)
		}
		used[b.ID] = true
		if n := p.global.NbThread; n > 0 && b.Threads != nil && !slices.ContainsFunc(b.Threads, func(t int) bool { return t <= n }) {
			p.alert(s, b.Pos, "no thread listens on '%s' of '%s': 'thread' names none of the %d there are", b.Text, px.Name, n)
		}
	}
	next := 1
	for _, b := range px.Binds {
		if b.Options.Backlog == 0 {
			b.Options.Backlog = px.Backlog
		}
		if b.ID == 0 {
			b.ID = freeNumber(used, &next)
		}
	}
}

func (p *parser) backend(s *section, px *spec.Proxy) {
	set := &s.settings
	p.balancing(s, px)
	p.direct(s, px)
	px.Retries = set.retries.or(defaultRetries)
	px.RetryOn = set.retry.or(spec.RetryConnFailure)
	if px.Mode != spec.ModeHTTP {
		px.RetryOn &= spec.RetryConnFailure
	}
	px.Redispatch = set.redispatch.val
	px.HTTPReuse = set.reuse.or(spec.ReuseSafe)
	px.Sticking = s.sticking
	px.ServerNameHeader = set.nameHeader.val
	px.FullConn = set.fullConn.val
	px.SrvProbes = set.srvProbes.val
	px.Check = set.check.resolve()
	if set.source.set {
		px.Source = &set.source.val
	}
	used := map[int]bool{}
	for _, d := range s.servers {
		if d.ForcedID {
			if used[d.ID] {
				p.alert(s, d.Pos, "server id %d is used twice in '%s'", d.ID, px.Name)
			}
			used[d.ID] = true
		}
	}
	next := 1
	for _, d := range s.servers {
		srv := d.server()
		p.backProtocols(px, srv)
		p.ruleTLS(s, px, d, srv)
		if srv.Agent.Check && srv.Agent.Port == 0 {
			p.warning(s, d.Pos, "server '%s' has no 'agent-port': no agent is asked", srv.Name)
			srv.Agent.Check = false
		}
		if srv.FastOpen && px.RetryOn&spec.RetryFastOpen != spec.RetryFastOpen {
			p.warning(s, d.Pos, "server '%s' has 'tfo' without effect: what is refused with the first packet has to be sent again, by 'mode http' and a 'retry-on' with conn-failure, empty-response and response-timeout", srv.Name)
		}
		if !srv.ForcedID {
			srv.ID = freeNumber(used, &next)
		}
		next++ // also of those that have a number of their own
		px.Servers = append(px.Servers, srv)
	}
	p.persistence(s, px)
	p.serverState(s, px)
}

// freeNumber takes the next number that is not used.
func freeNumber(used map[int]bool, next *int) int {
	for used[*next] {
		*next++
	}
	used[*next] = true
	return *next
}

// resolve says how servers are checked; nil: by connecting to them.
func (c *checkDraft) resolve() *spec.Check {
	if !c.kind.set {
		return nil
	}
	switch c.kind.val {
	case spec.CheckTCP:
		return &spec.Check{Kind: spec.CheckTCP, Steps: c.tcp.steps}
	case spec.CheckHTTP:
		return &spec.Check{Kind: spec.CheckHTTP, Steps: c.complete(), DisableOn404: c.on404, SendState: c.state}
	default:
		return &spec.Check{Kind: c.kind.val, User: c.user, OldUser: c.oldUser, Greeting: c.greeting, Command: c.command.val, Path: c.path.val}
	}
}

// numberProxies gives every proxy the number the statistics show.
func (p *parser) numberProxies(all []*spec.Proxy) {
	used := map[int]bool{}
	for i, px := range all {
		if px.ID != 0 && used[px.ID] {
			p.alert(p.sections[i], p.sections[i].id.pos, "id %d of '%s' is used by another proxy", px.ID, px.Name)
		}
		used[px.ID] = true
	}
	next := 1
	if len(p.global.Stats) > 0 {
		next = 2 // the stats sockets count as a proxy of their own
	}
	for _, px := range all {
		if px.ID == 0 {
			px.ID = freeNumber(used, &next)
		}
	}
}

// FullConns works out "fullconn" where it is not set: a tenth of what the frontends that
// lead to a backend may have. maxConn is that of frontends without a limit of their own,
// which may be known to the process only.
func FullConns(cfg *spec.Config, maxConn int) {
	sum := make([]int, len(cfg.Proxies))
	for _, px := range cfg.Proxies {
		if px.Caps&spec.Frontend == 0 {
			continue
		}
		limit := px.MaxConn
		if limit == 0 {
			limit = maxConn
		}
		seen := map[*spec.Proxy]bool{}
		targets := []*spec.Proxy{px.DefaultBackend}
		for _, sw := range px.Switching {
			targets = append(targets, sw.Backend)
		}
		if px.DefaultBackend == nil && px.Caps&spec.Backend != 0 {
			targets = append(targets, px)
		}
		for _, b := range targets {
			if b != nil && !seen[b] {
				seen[b] = true
				sum[b.Index] += limit
			}
		}
	}
	for i, px := range cfg.Proxies {
		if px.Caps&spec.Backend != 0 && (px.FullConn == 0 || px.FullConnAuto) {
			px.FullConn, px.FullConnAuto = (sum[i]+9)/10, true
		}
	}
}
