package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// missing are the functions of the reference that are not there: a script that calls one
// is told so, and not that it has called nothing.
var missing = map[string]string{
	"tcp": "sockets of scripts", "httpclient": "requests of scripts", "get_info": "the figures of the process",
	"register_filter": "filters in scripts", "register_cli": "commands of the runtime API in scripts",
}

// missingTables are the same for tables.
var missingTables = map[string]string{"proxies": "proxies as objects", "frontends": "proxies as objects", "backends": "proxies as objects"}

// openMissing refuses what is not supported.
func openMissing(w *world) {
	l := w.state.L
	core := w.state.Library("core")
	for name, what := range missing {
		core.RawSetString(name, l.NewFunction(func(l *lua.LState) int {
			l.RaiseError("core.%s: %s are not supported", name, what)
			return 0
		}))
	}
	meta := l.NewTable()
	meta.RawSetString("__index", l.NewFunction(func(l *lua.LState) int {
		key := lua.LVAsString(l.Get(2))
		if what, ok := missingTables[key]; ok {
			l.RaiseError("core.%s: %s are not supported", key, what)
		}
		return 0
	}))
	core.Metatable = meta
}
