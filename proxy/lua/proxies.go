package lua

import (
	"maps"
	"net/netip"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/cli"
	"bench/proxy/spec"
	"bench/proxy/state"
	"bench/proxy/stats"
)

// What objects of the classes Proxy, Server and Listener hold.
type (
	proxyOfScript  struct{ px *spec.Proxy }
	serverOfScript struct {
		px   *spec.Proxy
		name string
	}
	listenerOfScript struct {
		px *spec.Proxy
		id int
	}
)

// away does work in a goroutine of its own, for which threads may have to wait for each
// other, while the script waits for it. The work must not touch the script's values.
func (c *call) away(l *lua.LState, work func()) {
	if c.task.Atomic {
		l.RaiseError("not possible in a fetch or a converter, which cannot wait")
	}
	done := false
	go func() {
		work()
		c.m.loop.Post(func() {
			if done = true; !c.over {
				c.wake()
			}
		})
	}()
	for !done {
		c.pause(l, 0)
	}
}

// openProxies has the proxies of the configuration, and their servers, as objects.
func openProxies(w *world) {
	openProxyClass(w)
	openServerClass(w)
	w.class("Listener", map[string]lua.LGFunction{"get_stats": func(l *lua.LState) int {
		of := self[*listenerOfScript](l, "Listener")
		return pushStats(l, of.px, func(r *stats.Row) bool { return r.Type == stats.RowListener && r.ID == of.id })
	}}, nil)
	w.state.L.SetFuncs(w.state.Library("core"), map[string]lua.LGFunction{"get_info": func(l *lua.LState) int {
		c := machine(l, "core.get_info")
		var info stats.Info
		c.away(l, func() { info = c.m.host.Runtime().Info() })
		t := l.NewTable()
		for name, v := range stats.InfoFigures(&info) {
			t.RawSetString(name, figure(v))
		}
		l.Push(t)
		return 1
	}})
	core := w.state.Library("core")
	meta := w.state.L.NewTable()
	meta.RawSetString("__index", w.state.L.NewFunction(func(l *lua.LState) int {
		switch key := lua.LVAsString(l.Get(2)); key {
		case "proxies", "frontends", "backends":
			if !w.program.started {
				return 0
			}
			w.listProxies()
			l.Push(core.RawGetString(key))
			return 1
		}
		return 0
	}))
	core.Metatable = meta
}

// listProxies makes the objects, the first time that a script asks for any.
func (w *world) listProxies() {
	l := w.state.L
	core := w.state.Library("core")
	lists := map[string]*lua.LTable{}
	for _, name := range []string{"proxies", "frontends", "backends"} {
		lists[name] = l.NewTable()
		core.RawSetString(name, lists[name])
	}
	for _, px := range w.program.proxies {
		t := w.object("Proxy", &proxyOfScript{px})
		t.RawSetString("name", lua.LString(px.Name))
		t.RawSetString("uuid", lua.LString(strconv.Itoa(px.ID)))
		servers, listeners := l.NewTable(), l.NewTable()
		for _, s := range px.Servers {
			o := w.object("Server", &serverOfScript{px, s.Name})
			o.RawSetString("name", lua.LString(s.Name))
			o.RawSetString("puid", lua.LString(strconv.Itoa(s.ID)))
			servers.RawSetString(s.Name, o)
		}
		for i, b := range px.Binds {
			name := b.Name
			if name == "" {
				name = "sock-" + strconv.Itoa(i+1)
			}
			listeners.RawSetString(name, w.object("Listener", &listenerOfScript{px, b.ID}))
		}
		t.RawSetString("servers", servers)
		t.RawSetString("listeners", listeners)
		lists["proxies"].RawSetString(px.Name, t)
		if px.Caps&spec.Frontend != 0 {
			lists["frontends"].RawSetString(px.Name, t)
		}
		if px.Caps&spec.Backend != 0 {
			lists["backends"].RawSetString(px.Name, t)
		}
	}
}

func openProxyClass(w *world) {
	const class = "Proxy"
	text := func(get func(px *spec.Proxy) string) lua.LGFunction {
		return func(l *lua.LState) int {
			l.Push(lua.LString(get(self[*proxyOfScript](l, class).px)))
			return 1
		}
	}
	front := func(do func(f cli.Frontend)) lua.LGFunction {
		return func(l *lua.LState) int {
			px, c := self[*proxyOfScript](l, class).px, machine(l, class)
			c.away(l, func() {
				if f, ok := c.m.host.Runtime().Frontend(px.Name); ok {
					do(f)
				}
			})
			return 0
		}
	}
	w.class(class, map[string]lua.LGFunction{
		"get_cap": text(func(px *spec.Proxy) string {
			return map[spec.Caps]string{spec.Frontend: "frontend", spec.Backend: "backend", spec.Frontend | spec.Backend: "proxy"}[px.Caps&(spec.Frontend|spec.Backend)]
		}),
		"get_mode": text(func(px *spec.Proxy) string {
			if px.Mode == spec.ModeHTTP {
				return "http"
			}
			return "tcp"
		}),
		"pause":  front(cli.Frontend.Disable),
		"resume": front(cli.Frontend.Enable),
		"stop":   front(cli.Frontend.Shutdown),
		"shut_bcksess": func(l *lua.LState) int {
			px, c := self[*proxyOfScript](l, class).px, machine(l, class)
			c.away(l, func() {
				for _, s := range px.Servers {
					if h, err := c.m.host.Runtime().Server(px.Name, s.Name); err == nil && s.Backup {
						h.ShutdownSessions()
					}
				}
			})
			return 0
		},
		"get_stats": func(l *lua.LState) int {
			px, row := self[*proxyOfScript](l, class).px, stats.RowFrontend
			if px.Caps&spec.Backend != 0 {
				row = stats.RowBackend
			}
			return pushStats(l, px, func(r *stats.Row) bool { return r.Type == row })
		},
	}, nil)
}

// pushStats is the row of a proxy that is wanted as a table.
func pushStats(l *lua.LState, px *spec.Proxy, wanted func(r *stats.Row) bool) int {
	c := machine(l, "get_stats")
	found := map[string]any{}
	c.away(l, func() {
		for r := range c.m.host.Runtime().Rows(false) {
			if r.ProxyID == px.ID && wanted(r) {
				maps.Insert(found, stats.Figures(r))
				return
			}
		}
	})
	t := l.NewTable()
	for name, v := range found {
		t.RawSetString(name, figure(v))
	}
	l.Push(t)
	return 1
}

// figure is one of the statistics as scripts see it.
func figure(v any) lua.LValue {
	switch v := v.(type) {
	case string:
		return lua.LString(v)
	case int64:
		return lua.LNumber(v)
	}
	return lua.LNil
}

// handle is the server of a method.
func handle(l *lua.LState) (cli.Server, *call) {
	s, c := self[*serverOfScript](l, "Server"), machine(l, "Server")
	h, err := c.m.host.Runtime().Server(s.px.Name, s.name)
	if err != nil {
		l.RaiseError("server '%s/%s': %s", s.px.Name, s.name, err.Error())
	}
	return h, c
}

func openServerClass(w *world) {
	number := func(get func(s *cli.ServerState) int) lua.LGFunction {
		return func(l *lua.LState) int {
			h, _ := handle(l)
			s := h.State()
			l.Push(lua.LNumber(get(&s)))
			return 1
		}
	}
	// change is a method that has an effect; possible tells whether the server has what
	// for.
	always := func(*cli.ServerState) bool { return true }
	change := func(possible func(s *cli.ServerState) bool, do func(h cli.Server)) lua.LGFunction {
		return func(l *lua.LState) int {
			h, c := handle(l)
			if s := h.State(); possible(&s) {
				c.away(l, func() { do(h) })
			}
			return 0
		}
	}
	// parsed is a method with a text, which returns what is wrong with it.
	parsed := func(what string, read func(s *cli.ServerState, text string) (int, string), do func(h cli.Server, n int)) lua.LGFunction {
		return func(l *lua.LState) int {
			h, c := handle(l)
			text, s := l.CheckString(2), h.State()
			n, problem := read(&s, text)
			if text == "" {
				problem = "Require " + what + "."
			}
			if problem != "" {
				l.Push(lua.LString(problem))
				return 1
			}
			c.away(l, func() { do(h, n) })
			l.Push(lua.LNil)
			return 1
		}
	}
	admin := func(a state.Admin) lua.LGFunction { return change(always, func(h cli.Server) { h.SetAdmin(a) }) }
	// Only servers that are not those of others in the end have a health of their own.
	own := func(s *cli.ServerState) bool { return !s.Follows }
	force := func(to state.Health) lua.LGFunction { return change(own, func(h cli.Server) { h.SetHealth(to) }) }
	checks := func(on bool) lua.LGFunction {
		return change(func(s *cli.ServerState) bool { return s.HasCheck }, func(h cli.Server) { h.EnableCheck(on) })
	}
	hasAgent := func(s *cli.ServerState) bool { return s.HasAgent }
	agent := func(on bool) lua.LGFunction { return change(hasAgent, func(h cli.Server) { h.EnableAgent(on) }) }
	says := func(up bool) lua.LGFunction {
		return change(hasAgent, func(h cli.Server) { h.SetAgentHealth(up) })
	}
	w.class("Server", map[string]lua.LGFunction{
		"get_weight":  number(func(s *cli.ServerState) int { return s.Weight }),
		"get_maxconn": number(func(s *cli.ServerState) int { return s.MaxConn }),
		"is_draining": number(func(s *cli.ServerState) int {
			if s.Admin == state.Drain {
				return 1
			}
			return 0
		}),
		"get_addr": func(l *lua.LState) int {
			h, _ := handle(l)
			l.Push(lua.LString(addressText(h.State().Addr)))
			return 1
		},
		"set_weight": parsed("<weight> or <weight%>", func(s *cli.ServerState, text string) (int, string) {
			return cli.ParseWeight(text, s.InitialWeight, s.FixedWeight)
		}, cli.Server.SetWeight),
		"set_maxconn": parsed("<maxconn>", func(_ *cli.ServerState, text string) (int, string) { return cli.ParseMaxConn(text) }, cli.Server.SetMaxConn),
		"set_addr": func(l *lua.LState) int {
			h, c := handle(l)
			addr, port := l.CheckString(2), ""
			if l.GetTop() > 2 {
				port = argText(l.Get(3))
			}
			said := ""
			c.away(l, func() { said, _ = cli.Move(h, addr, port, port != "", " by 'Lua script'") })
			l.Push(lua.LString(said))
			return 1
		},
		"get_stats": func(l *lua.LState) int {
			s := self[*serverOfScript](l, "Server")
			return pushStats(l, s.px, func(r *stats.Row) bool { return r.Type == stats.RowServer && r.Name == s.name })
		},
		"shut_sess":        change(always, cli.Server.ShutdownSessions),
		"set_drain":        admin(state.Drain),
		"set_maint":        admin(state.Maint),
		"set_ready":        admin(state.Ready),
		"check_enable":     checks(true),
		"check_disable":    checks(false),
		"check_force_up":   force(state.Up),
		"check_force_nolb": force(state.Stopping),
		"check_force_down": force(state.Down),
		"agent_enable":     agent(true),
		"agent_disable":    agent(false),
		"agent_force_up":   says(true),
		"agent_force_down": says(false),
	}, nil)
}

// addressText is an address with its port; unix sockets have none.
func addressText(a netip.AddrPort) string {
	if !a.IsValid() {
		return "unknown"
	}
	return a.String()
}
