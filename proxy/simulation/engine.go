package simulation

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/internal/virtual"
	"bench/proxy/cache"
	"bench/proxy/certs"
	"bench/proxy/config"
	"bench/proxy/h1"
	"bench/proxy/log"
	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/table"
)

// engine is the engine on a machine: what proxy/engine makes of a configuration, without
// what has threads and sockets of its own there.
type engine struct {
	m        *virtual.Machine
	shared   *stream.Shared
	threads  []*stream.Thread
	loops    []*loop.Loop
	listener *stream.Listener
	store    *certs.Store
	inner    []string // how servers are connected to, in words
	moves    []Move   // that are under way, one after the other

	probes    map[*server.Server]*probe
	followers map[*server.Server][]*server.Server // of a server, those that track it
	unchecked bool                                // no server is checked any more
	farm      farm
	books     *books
}

// maxFD is one above the highest descriptor that a plan needs.
const maxFD = 256

func address(a, b byte, port uint16) sock.Addr {
	return sock.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, a, b}), port))
}

// front is where clients connect to.
var front = address(0, 1, 80)

// origin is the address of a server.
func origin(i int) sock.Addr { return address(2, byte(1+i), 80) }

// text is the configuration of a plan, with a certificate in a file.
func (p *Plan) text(cert string) string {
	var b strings.Builder
	b.WriteString("global\n")
	for _, line := range p.Global {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	mode := "http"
	if p.TCP {
		mode = "tcp"
	}
	options := ""
	switch {
	case p.TLS:
		options = " ssl crt " + cert + " alpn h2,http/1.1"
	case p.H2:
		options = " proto h2"
	}
	if len(p.Cache) > 0 {
		b.WriteString("cache c\n")
		for _, line := range p.Cache {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	fmt.Fprintf(&b, "listen px\n  mode %s\n  bind 10.0.0.1:80%s\n  log 127.0.0.1 local0\n", mode, options)
	for _, line := range p.Proxy {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	for i, options := range p.Servers {
		fmt.Fprintf(&b, "  server s%d 10.0.2.%d:80 %s %s\n", i+1, i+1, options, strings.Join(p.inner(), " "))
	}
	if p.Keys != "" {
		fmt.Fprintf(&b, "backend t\n  %s\n", p.Keys)
	}
	return b.String()
}

// inner is how the proxy connects to its servers, in words.
func (p *Plan) inner() (words []string) {
	if p.Inner {
		words = append(words, "ssl", "verify", "none")
	}
	switch {
	case p.InnerH2 && p.Inner:
		words = append(words, "alpn", "h2")
	case p.InnerH2:
		words = append(words, "proto", "h2")
	}
	return words
}

// start makes the engine of a plan, which accepts from a socket that listens.
func start(p *Plan, m *virtual.Machine, books *books, fd int) (*engine, error) {
	id, err := identity()
	if err != nil {
		return nil, err
	}
	text := p.text(id.file)
	cfg, diags := config.Load([]config.Source{{Name: "plan", Text: []byte(text)}}, &config.Env{Vars: map[string]string{}, Version: "2.6.12"})
	if err := diags.Err(); err != nil {
		return nil, fmt.Errorf("%w in:\n%s", err, text)
	}
	sh := &stream.Shared{Config: cfg}
	sh.MaxConn.Store(1000)
	sh.Pipes.Max = 20
	for _, s := range cfg.Tables {
		sh.Tables = append(sh.Tables, table.New(s))
	}
	for _, c := range cfg.Caches {
		sh.Caches = append(sh.Caches, cache.New(c))
	}
	standard := map[int]*h1.Reply{}
	for _, code := range h1.ReplyCodes() {
		standard[code] = h1.StandardReply(code)
	}
	sh.Errors = make([]map[int]*h1.Reply, len(cfg.Proxies))
	sinks := make([]log.Sink, len(cfg.Proxies))
	for i, px := range cfg.Proxies {
		sh.Errors[i], sinks[i] = standard, books
		if px.Caps&spec.Backend != 0 {
			be := server.NewBackend(px, &sh.Slots)
			be.Clock = clock{m}
			sh.Backends.Add(px.Name, be)
		}
		if px.Caps&spec.Frontend != 0 {
			f := &stream.Frontend{Spec: px, Logs: true, Limits: h1.Limits{
				MaxHead:   cfg.Global.Tune.BufSize - cfg.Global.Tune.MaxRewrite,
				MaxFields: cfg.Global.Tune.HTTPMaxHdr,
			}}
			f.MaxConn.Store(1000)
			sh.Frontends.Add(px.Name, f)
		}
	}
	e := &engine{
		m: m, shared: sh, store: certs.NewStore(), inner: p.inner(), books: books,
		probes: map[*server.Server]*probe{}, followers: map[*server.Server][]*server.Server{},
	}
	fe := sh.Frontends.All()[0]
	e.listener = &stream.Listener{FD: fd, Bind: fe.Spec.Binds[0], Frontend: fe, Addr: front}
	if err := e.secure(); err != nil {
		return nil, err
	}
	for id := 1; id <= p.Threads; id++ {
		poll := m.NewPoller(p.Edges)
		l, err := loop.NewOn(poll, maxFD)
		if err != nil {
			return nil, err
		}
		t := stream.NewThread(id, l, sh, sinks)
		e.loops, e.threads = append(e.loops, l), append(e.threads, t)
		m.Drive(poll, l.Turn)
	}
	for _, t := range e.threads {
		if err := t.Listen(e.listener); err != nil {
			return nil, err
		}
	}
	if err := e.addChecks(); err != nil {
		return nil, err
	}
	e.changed()
	if slices.ContainsFunc(sh.Tables, func(t *table.Table) bool { return t.Expire > 0 }) {
		m.After(sweepEvery, e.sweep)
	}
	return e, nil
}

// clock is that of a machine for what has no loop.
type clock struct{ *virtual.Machine }

// Now implements server.Clock.
func (c clock) Now() time.Time { return time.Unix(0, c.Machine.Now()) }

// secure readies what TLS takes.
func (e *engine) secure() (err error) {
	if b := e.listener.Bind.TLS; b != nil {
		if e.listener.TLS, _, err = e.store.Acceptor(b); err != nil {
			return err
		}
	}
	for _, be := range e.shared.Backends.All() {
		for _, s := range be.Servers() {
			if err := e.secureServer(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// secureServer is secure for one server.
func (e *engine) secureServer(s *server.Server) (err error) {
	if s.Spec.TLS != nil {
		s.TLS, _, err = e.store.Connector(s.Spec.TLS)
	}
	return err
}

// retire stops the engine softly, as for another one that has taken its place.
func (e *engine) retire() {
	e.shared.StopTime.Store(e.m.Now())
	e.shared.Stopping.Store(true)
	for i, t := range e.threads {
		e.loops[i].Post(func() {
			t.Drain(e.listener)
			t.Unlisten(e.listener)
		})
	}
}

// stop ends the loops, which no longer turn.
func (e *engine) stop() {
	for _, t := range e.threads {
		t.Unlisten(e.listener)
	}
	for _, l := range e.loops {
		l.End()
	}
}
