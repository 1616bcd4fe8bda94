package lua

import (
	"bytes"

	lua "github.com/yuin/gopher-lua"
)

func openConcat(w *world) {
	const class = "Concat"
	w.class(class, map[string]lua.LGFunction{
		"add": func(l *lua.LState) int {
			self[*bytes.Buffer](l, class).WriteString(l.CheckString(2))
			return 0
		},
		"dump": func(l *lua.LState) int {
			l.Push(lua.LString(self[*bytes.Buffer](l, class).String()))
			return 1
		},
	}, nil)
	w.state.L.SetFuncs(w.state.Library("core"), map[string]lua.LGFunction{"concat": func(l *lua.LState) int {
		l.Push(w.object(class, &bytes.Buffer{}))
		return 1
	}})
}
