package lua

import (
	lua "github.com/yuin/gopher-lua"

	"bench/proxy/sample"
	"bench/proxy/txn"
)

// methodsOfMaps are the ways to look up in a map, in the order of their numbers.
var methodsOfMaps = []string{"int", "ip", "str", "beg", "sub", "dir", "dom", "end", "reg"}

func openMaps(w *world) {
	const class = "Map"
	lookup := func(missing lua.LValue) lua.LGFunction {
		return func(l *lua.LState) int {
			k := self[*sample.Call](l, class)
			c := machine(l, "lookup")
			in := txn.Value{}
			if n, ok := l.Get(2).(lua.LNumber); ok {
				in.SetInt(int64(n))
			} else {
				in.SetStr([]byte(l.CheckString(2)))
			}
			result := missing
			c.with(func(x *sample.Context) {
				if v, err := k.Convert(x, in); err == nil && v != nil {
					result = c.m.toLua(v)
				}
			})
			l.Push(result)
			return 1
		}
	}
	methods := w.class(class, map[string]lua.LGFunction{"lookup": lookup(lua.LNil), "slookup": lookup(lua.LString(""))}, nil)
	for i, n := range methodsOfMaps {
		methods.RawSetString("_"+n, lua.LNumber(i))
		if n != "end" {
			methods.RawSetString(n, lua.LNumber(i))
		}
	}
	w.state.L.SetFuncs(methods, map[string]lua.LGFunction{"new": func(l *lua.LState) int {
		file, how := l.CheckString(1), l.OptInt(2, 2)
		if w.program.loading == nil {
			l.RaiseError("Map.new: only available while a script is loaded")
		}
		if how < 0 || how >= len(methodsOfMaps) {
			l.ArgError(2, "a method of maps is expected")
		}
		k, err := sample.CallConv("map_"+methodsOfMaps[how], []string{file}, w.program.env())
		if err != nil {
			l.RaiseError("Map.new: %s", err.Error())
		}
		l.Push(w.object(class, k))
		return 1
	}})
	w.state.L.SetGlobal(class, methods)
}
