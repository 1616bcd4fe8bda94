package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// missing are the functions of the reference that are not there: a script that calls one
// is told so, and not that it has called nothing.
var missing = map[string]string{
	"register_filter": "filters in scripts",
}

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
}
