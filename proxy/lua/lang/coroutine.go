package lang

import (
	lua "github.com/yuin/gopher-lua"
)

// fillCoroutines makes coroutines of scripts count for the task that resumes them, and adds
// what Lua 5.1 has not.
func fillCoroutines(s *State) {
	lib := s.Library("coroutine")
	s.ctl = controls{create: lib.RawGetString("create"), resume: lib.RawGetString("resume")}
	s.set("coroutine", map[string]lua.LGFunction{
		"resume": func(l *lua.LState) int { return s.resume(l, l.CheckThread(1), 2) },
		"wrap": func(l *lua.LState) int {
			l.Push(s.ctl.create)
			l.Push(l.CheckFunction(1))
			l.Call(1, 1)
			co, ok := l.Get(-1).(*lua.LState)
			if !ok {
				l.RaiseError("cannot create a coroutine")
			}
			l.Push(l.NewFunction(func(l *lua.LState) int {
				n := s.resume(l, co, 1)
				if l.Get(-n) == lua.LTrue {
					return n - 1
				}
				l.Error(l.Get(-1), 0)
				return 0
			}))
			return 1
		},
		"isyieldable": func(l *lua.LState) int {
			l.Push(lua.LBool(l.Parent != nil || Current(l) != nil && !Current(l).Atomic))
			return 1
		},
		"running": func(l *lua.LState) int {
			l.Push(l)
			l.Push(lua.LBool(l.Parent == nil))
			return 2
		},
	})
}

// resume goes on with a coroutine, with the arguments from an index on, and returns how
// many results it has pushed.
func (s *State) resume(l *lua.LState, co *lua.LState, from int) int {
	if ctx := l.Context(); ctx != nil {
		co.SetContext(ctx)
	}
	top := l.GetTop()
	l.Push(s.ctl.resume)
	l.Push(co)
	for i := from; i <= top; i++ {
		l.Push(l.Get(i))
	}
	l.Call(top-from+2, lua.MultRet)
	return l.GetTop() - top
}
