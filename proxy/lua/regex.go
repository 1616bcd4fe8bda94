package lua

import (
	lua "github.com/yuin/gopher-lua"

	"bench/proxy/regex"
)

func openRegex(w *world) {
	const class = "Regex"
	var memory regex.Memory
	find := func(l *lua.LState) ([]int, string) {
		re, text := self[*regex.Regexp](l, class), l.CheckString(2)
		return re.Find(&memory, []byte(text), 0), text
	}
	methods := w.class(class, map[string]lua.LGFunction{
		"exec": func(l *lua.LState) int {
			loc, _ := find(l)
			l.Push(lua.LBool(loc != nil))
			return 1
		},
		"match": func(l *lua.LState) int {
			loc, text := find(l)
			if loc == nil {
				l.Push(lua.LFalse)
				return 1
			}
			list := l.NewTable()
			for i := 0; i+1 < len(loc); i += 2 {
				part := lua.LString("")
				if loc[i] >= 0 {
					part = lua.LString(text[loc[i]:loc[i+1]])
				}
				list.Append(part)
			}
			l.Push(lua.LTrue)
			l.Push(list)
			return 2
		},
	}, nil)
	w.state.L.SetFuncs(methods, map[string]lua.LGFunction{"new": func(l *lua.LState) int {
		re, err := regex.Compile(l.CheckString(1), !l.ToBool(2))
		if err != nil {
			l.Push(lua.LFalse)
			l.Push(lua.LString(err.Error()))
			return 2
		}
		l.Push(lua.LTrue)
		l.Push(w.object(class, re))
		return 2
	}})
	w.state.L.SetGlobal(class, methods)
}
