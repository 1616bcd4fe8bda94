package engine

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/proxy/log"
	"bench/proxy/resolver"
	"bench/proxy/rule"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/stream"
)

// followed are servers of one backend that have one name, and one way to look it up: they
// share its addresses. What the name servers say is followed by a goroutine, for what
// follows from it may wait for the threads.
type followed struct {
	// Constant.

	e        *Engine
	r        *resolver.Resolver
	question resolver.Question
	// again has a message where there is a reason to ask at once.
	again chan struct{}

	// Guarded by mu, which whoever asks for a service holds while there are questions about
	// hosts: such servers keep to their name.

	mu      sync.Mutex
	servers []*server.Server

	// Of the goroutine that follows.

	// found are the addresses, and when each was last heard of; valid is when the last
	// good answer came.
	found []foundAddr
	valid time.Time
	// Of a service: which host each server stands for.
	hosts map[*server.Server]*serviceHost
}

// followKey is what servers have in common that are followed together.
type followKey struct {
	backend *server.Backend
	r       *spec.Resolvers
	q       resolver.Question
}

type foundAddr struct {
	ip   netip.Addr
	last time.Time
}

// serviceHost is a host of a service, with its own addresses.
type serviceHost struct {
	host string
	port uint16
	last time.Time // it was heard of
}

// prepareResolving makes what looks names up.
func (e *Engine) prepareResolving() {
	for i, s := range e.cfg.Resolvers {
		// Each works on one loop, as its questions have one numbering.
		e.resolvers = append(e.resolvers, resolver.New(s, e.loops[i%len(e.loops)]))
	}
	for i, t := range e.threads {
		t.Rules().LookUp = e.lookUpFor(e.loops[i])
	}
	e.followed = map[followKey]*followed{}
	for _, b := range e.shared.Backends.All() {
		for _, s := range b.Servers() {
			if s.Spec.Resolvers == nil || b.Spec.Disabled {
				continue
			}
			g, _ := e.followedBy(s)
			g.servers = append(g.servers, s)
		}
	}
}

// lookUpFor is how the rules of a thread ask for addresses.
func (e *Engine) lookUpFor(l *loop.Loop) rule.LookUp {
	return func(section int, name string, ipv4First bool, done func(netip.Addr)) bool {
		name = strings.TrimSuffix(name, ".")
		if !resolver.ValidName(name) {
			return false
		}
		return e.resolvers[section].PostWish(resolver.Question{Name: name, PreferIPv4: ipv4First}, func(a resolver.Answer) {
			var ip netip.Addr
			if a.Status == resolver.Valid && len(a.Addrs) > 0 {
				ip = a.Addrs[0]
			}
			l.Post(func() { done(ip) })
		})
	}
}

// followedBy is where a server belongs by its name, and whether that is new.
func (e *Engine) followedBy(s *server.Server) (g *followed, made bool) {
	k := followKey{s.Backend, s.Spec.Resolvers, resolver.Question{Name: s.Host(), Service: s.Spec.SRV, PreferIPv4: s.Spec.PreferIPv4}}
	g = e.followed[k]
	if g == nil {
		g = &followed{
			e: e, r: e.resolverOf(k.r), question: k.q, again: make(chan struct{}, 1),
			hosts: map[*server.Server]*serviceHost{},
		}
		e.followed[k] = g
		made = true
	}
	return g, made
}

func (e *Engine) resolverOf(s *spec.Resolvers) *resolver.Resolver {
	return e.resolvers[slices.Index(e.cfg.Resolvers, s)]
}

// startResolving begins to follow names.
func (e *Engine) startResolving() {
	for _, g := range e.followed {
		go g.follow()
	}
}

// Resolvers implements cli.Engine.
func (e *Engine) Resolvers() []*resolver.Resolver { return e.resolvers }

// lookUp asks and waits for the answer. It reports false at the end of the engine.
func (g *followed) lookUp(q resolver.Question) (resolver.Answer, bool) {
	got := make(chan resolver.Answer, 1)
	if !g.r.Post(q, func(a resolver.Answer) { got <- a }) {
		return resolver.Answer{}, false
	}
	select {
	case a := <-got:
		return a, true
	case <-g.e.done:
		return resolver.Answer{}, false
	}
}

// follow asks again and again, until the engine ends.
func (g *followed) follow() {
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-g.e.done:
			return
		case <-tick.C:
		case <-g.again:
		}
		if g.abandoned() {
			return
		}
		a, ok := g.lookUp(g.question)
		if !ok {
			return
		}
		g.mu.Lock()
		g.forget()
		if g.question.Service {
			g.applyService(a)
		} else {
			g.apply(a)
		}
		g.mu.Unlock()
		tick.Reset(g.r.Spec.Resolve)
	}
}

// forget lets go of servers that have been removed: what they had is for others.
func (g *followed) forget() {
	g.servers = slices.DeleteFunc(slices.Clone(g.servers), (*server.Server).Removed)
	maps.DeleteFunc(g.hosts, func(s *server.Server, _ *serviceHost) bool { return s.Removed() })
}

// held tells whether an answer that is not good does not count yet.
func (g *followed) held(s resolver.Status, now time.Time) bool {
	h := &g.r.Spec.Hold
	d := h.Other
	switch s {
	case resolver.NX:
		d = h.NX
	case resolver.Refused:
		d = h.Refused
	case resolver.Timeout:
		d = h.Timeout
	case resolver.Valid, resolver.Other:
	}
	return !g.valid.IsZero() && now.Sub(g.valid) < d
}

// why says in logs what an answer was.
func why(s resolver.Status) string {
	switch s {
	case resolver.NX:
		return "DNS NX status"
	case resolver.Refused:
		return "DNS refused status"
	case resolver.Timeout:
		return "DNS timeout status"
	case resolver.Valid, resolver.Other:
	}
	return "unspecified DNS error"
}

// apply gives servers the addresses of an answer.
func (g *followed) apply(a resolver.Answer) {
	now := time.Now()
	if a.Status != resolver.Valid {
		if !g.held(a.Status, now) {
			for _, s := range g.servers {
				g.lose(s, why(a.Status))
			}
		}
		return
	}
	g.valid = now
	g.found = remember(g.found, a.Addrs, g.r.Spec.Hold.Obsolete, now)
	for _, s := range g.servers {
		if ip, ok := g.choose(s); ok {
			g.give(s, ip, 0, a.From)
		} else {
			g.lose(s, "No IP for server")
		}
	}
}

// remember adds addresses to those that were found, and forgets those that were not heard
// of for longer than obsolete.
func remember(found []foundAddr, addrs []netip.Addr, obsolete time.Duration, now time.Time) []foundAddr {
	for _, ip := range addrs {
		if i := slices.IndexFunc(found, func(f foundAddr) bool { return f.ip == ip }); i >= 0 {
			found[i].last = now
		} else {
			found = append(found, foundAddr{ip, now})
		}
	}
	return slices.DeleteFunc(found, func(f foundAddr) bool { return f.last != now && now.Sub(f.last) >= obsolete })
}

// choose chooses the address for a server: the one that it has, as long as that is good,
// or else the best: of the family that it prefers, in a network that it prefers, that no
// other server of the name has. Unless that is allowed, no two have one address.
func (g *followed) choose(s *server.Server) (best netip.Addr, ok bool) {
	most := -1
	for _, f := range g.found {
		if !s.Unresolved() && s.Addr().AddrPort().Addr() == f.ip {
			return f.ip, true
		}
	}
	for _, f := range g.found {
		score := 0
		if f.ip.Is4() == s.Spec.PreferIPv4 {
			score += 8
		}
		if slices.ContainsFunc(s.Spec.Prefer, func(n netip.Prefix) bool { return n.Contains(f.ip) }) {
			score += 4
		}
		if g.taken(s, f.ip) {
			if !s.Spec.AllowDup {
				continue
			}
		} else {
			score += 2
		}
		if score > most {
			best, most = f.ip, score
		}
	}
	return best, most >= 0
}

// taken tells whether another server of the name has an address.
func (g *followed) taken(s *server.Server, ip netip.Addr) bool {
	return slices.ContainsFunc(g.servers, func(o *server.Server) bool {
		return o != s && !o.Unresolved() && o.Addr().AddrPort().Addr() == ip
	})
}

// give makes an address that of a server, with its own port unless another one is given,
// and lets it take part again that had none.
func (g *followed) give(s *server.Server, ip netip.Addr, port uint16, from string) {
	e := g.e
	old := s.Addr().AddrPort()
	if port == 0 {
		port = old.Port()
	}
	to := netip.AddrPortFrom(ip, port)
	waited := s.Unresolved()
	if old == to && !waited {
		return
	}
	by := "DNS additional record"
	if from != "" {
		by = g.r.Spec.Name + "/" + from
		g.r.Updated(from)
	}
	shown := old.Addr().String()
	if waited {
		shown = "(none)"
	}
	index := s.Backend.Spec.Index
	if waited || old.Addr() != ip {
		e.proxyMessage(index, log.Notice, fmt.Sprintf("%s/%s changed its IP from %s to %s by %s.", s.Backend.Spec.Name, s.Spec.Name, shown, ip, by))
	}
	s.SetAddr(sock.FromAddrPort(to))
	if waited {
		e.members.Lock()
		if changed, _ := s.Readmit(); changed {
			e.adminChanged(s, true)
			e.proxyMessage(index, log.Notice, title(s)+" administratively READY thanks to valid DNS answer.")
			e.followAdmin(s, "")
		}
		e.members.Unlock()
	}
	e.checks.moved(s)
	e.postEach(func(t *stream.Thread) { t.CloseIdle(s) })
}

// lose takes the address of a server away.
func (g *followed) lose(s *server.Server, reason string) {
	e := g.e
	e.members.Lock()
	defer e.members.Unlock()
	changed, requeued := s.LoseAddr()
	if !changed {
		return
	}
	e.adminChanged(s, false)
	e.serverMessage(s, log.Alert, "is going DOWN for maintenance ("+reason+")", requeued)
	e.leave(s)
	e.followAdmin(s, "")
}

// applyService gives servers the hosts of a service.
func (g *followed) applyService(a resolver.Answer) {
	now := time.Now()
	if a.Status != resolver.Valid {
		if !g.held(a.Status, now) {
			for _, s := range g.servers {
				delete(g.hosts, s)
				g.lose(s, why(a.Status))
			}
		}
		return
	}
	g.valid = now
	var fresh []resolver.Service
	for _, x := range a.Services {
		s := g.serverOf(x.Host, x.Port)
		if s == nil {
			fresh = append(fresh, x)
			continue
		}
		g.hosts[s].last = now
		g.weigh(s, x.Weight)
	}
	for s, h := range g.hosts {
		if h.last != now && now.Sub(h.last) >= g.r.Spec.Hold.Obsolete {
			delete(g.hosts, s)
			g.lose(s, "SRV record expired")
		}
	}
	for _, x := range fresh {
		if s := g.serverOf(x.Host, x.Port); s != nil {
			g.weigh(s, x.Weight) // it is there twice: the last one counts
			continue
		}
		i := slices.IndexFunc(g.servers, func(s *server.Server) bool { return g.hosts[s] == nil })
		if i < 0 {
			break // there are more hosts than servers
		}
		g.hosts[g.servers[i]] = &serviceHost{x.Host, x.Port, now}
		g.weigh(g.servers[i], x.Weight)
	}
	for _, s := range g.servers {
		if h := g.hosts[s]; h != nil {
			g.addressOf(s, h, a.Services)
		}
	}
}

// serverOf is the server that stands for a host, nil if none does.
func (g *followed) serverOf(host string, port uint16) *server.Server {
	for _, s := range g.servers {
		if h := g.hosts[s]; h != nil && h.host == host && h.port == port {
			return s
		}
	}
	return nil
}

// weigh sets the weight of a server to that of a record, of 16 bits: any but 0 is at
// least 1 here.
func (g *followed) weigh(s *server.Server, weight uint16) {
	if n := (int(weight) + 255) / 256; !s.Spec.IgnoreWeight && n != s.Weight() {
		g.e.setWeight(s, n)
	}
}

// addressOf gives a server an address of its host: one that came with the records, or
// that is asked for. Only servers of one host must not have the same: several hosts may be
// one machine, with a port each.
func (g *followed) addressOf(s *server.Server, h *serviceHost, services []resolver.Service) {
	pick := func(addrs []netip.Addr, rivals []*server.Server, from string) bool {
		own := followed{servers: rivals, found: remember(nil, addrs, 0, time.Now())}
		ip, ok := own.choose(s)
		if ok {
			g.give(s, ip, h.port, from)
		}
		return ok
	}
	for _, x := range services {
		if x.Host == h.host && x.Port == h.port && len(x.Addrs) > 0 {
			if pick(x.Addrs, nil, "") {
				return
			}
		}
	}
	var rivals []*server.Server
	for o, other := range g.hosts {
		if other.host == h.host {
			rivals = append(rivals, o)
		}
	}
	a, ok := g.lookUp(resolver.Question{Name: h.host, PreferIPv4: s.Spec.PreferIPv4})
	switch {
	case !ok:
	case a.Status != resolver.Valid:
		g.lose(s, why(a.Status))
	case !pick(a.Addrs, rivals, a.From):
		g.lose(s, "No IP for server")
	}
}
