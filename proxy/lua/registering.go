package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// openRegistering has what scripts register with.
func openRegistering(w *world) {
	p := w.program
	w.state.L.SetFuncs(w.state.Library("core"), map[string]lua.LGFunction{
		"register_fetches": func(l *lua.LState) int {
			p.register(l, p.fetches, l.CheckString(1), l.CheckString(1), "fetch", l.CheckFunction(2))
			return 0
		},
		"register_converters": func(l *lua.LState) int {
			p.register(l, p.convs, l.CheckString(1), l.CheckString(1), "converter", l.CheckFunction(2))
			return 0
		},
		"register_action": func(l *lua.LState) int {
			name, list, fn, args := l.CheckString(1), l.CheckTable(2), l.CheckFunction(3), l.OptInt(4, 0)
			if args < 0 {
				l.ArgError(4, "a number of arguments is expected")
			}
			list.ForEach(func(_, v lua.LValue) {
				place, ok := places[lua.LVAsString(v)]
				if !ok {
					l.RaiseError("there are no rules '%s': want 'tcp-req', 'tcp-res', 'http-req' or 'http-res'", lua.LVAsString(v))
				}
				p.register(l, p.actions, place+" "+name, name, "action", fn).Args = args
			})
			return 0
		},
		"register_service": func(l *lua.LState) int {
			name, mode, fn := l.CheckString(1), l.CheckString(2), l.CheckFunction(3)
			if mode != "tcp" && mode != "http" {
				l.RaiseError("there are no services for '%s': want 'http' or 'tcp'", mode)
			}
			p.register(l, p.services, name, name, "service", fn).HTTP = mode == "http"
			return 0
		},
		"register_cli": p.registerCLI,
		"register_init": func(l *lua.LState) int {
			if p.loading == nil {
				l.RaiseError("register_init: only available from the body of a script")
			}
			w.inits = append(w.inits, l.CheckFunction(1))
			return 0
		},
		"register_task": func(l *lua.LState) int {
			fn := l.CheckFunction(1)
			if c := calling(l); c != nil && c.m != nil {
				c.m.spawn(w, fn)
			} else {
				w.tasks = append(w.tasks, fn)
			}
			return 0
		},
	})
}
