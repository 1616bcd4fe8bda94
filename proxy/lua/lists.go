package lua

import (
	lua "github.com/yuin/gopher-lua"

	"bench/proxy/pattern"
)

// openLists has what changes lists of patterns while the proxy runs.
func openLists(w *world) {
	change := func(name, kind string, do func(l *lua.LState, list *pattern.List, key string)) lua.LGFunction {
		return func(l *lua.LState) int {
			file, key := l.CheckString(1), l.CheckString(2)
			if !w.program.started {
				l.RaiseError("%s: not available while a script is loaded", name)
			}
			list := w.program.reading.Lists.Find(file)
			if list == nil {
				l.RaiseError("%s: no rule of the configuration reads the %s '%s'", name, kind, file)
			}
			do(l, list, key)
			return 0
		}
	}
	remove := func(_ *lua.LState, list *pattern.List, key string) { list.Delete(key) }
	w.state.L.SetFuncs(w.state.Library("core"), map[string]lua.LGFunction{
		"add_acl": change("add_acl", "acl", func(l *lua.LState, list *pattern.List, key string) {
			if err := list.AddIfAbsent(key); err != nil {
				l.RaiseError("add_acl: %s", err.Error())
			}
		}),
		"del_acl": change("del_acl", "acl", remove),
		"set_map": change("set_map", "map", func(l *lua.LState, list *pattern.List, key string) {
			if err := list.Put(key, l.CheckString(3)); err != nil {
				l.RaiseError("set_map: %s", err.Error())
			}
		}),
		"del_map": change("del_map", "map", remove),
	})
}
