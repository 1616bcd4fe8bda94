package lang

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func fillTables(s *State) {
	lib := s.Library("table")
	lib.RawSetString("getn", lua.LNil)
	lib.RawSetString("maxn", lua.LNil)
	s.set("table", map[string]lua.LGFunction{
		"pack": func(l *lua.LState) int {
			t := l.CreateTable(l.GetTop(), 1)
			for i := 1; i <= l.GetTop(); i++ {
				t.RawSetInt(i, l.Get(i))
			}
			t.RawSetString("n", lua.LNumber(l.GetTop()))
			l.Push(t)
			return 1
		},
		"unpack": tableUnpack, "move": tableMove, "concat": tableConcat, "remove": tableRemove, "insert": tableInsert,
	})
}

// maxUnpacked is how many values fit on the stack at once.
const maxUnpacked = maxRegistry / 4

func tableUnpack(l *lua.LState) int {
	of := l.CheckAny(1)
	from, to := l.OptInt(2, 1), 0
	if l.Get(3) == lua.LNil {
		to = length(l, of)
	} else {
		to = l.CheckInt(3)
	}
	if from > to {
		return 0
	}
	if to-from >= maxUnpacked || to-from < 0 {
		l.RaiseError("too many results to unpack")
	}
	for i := from; i <= to; i++ {
		l.Push(l.GetTable(of, lua.LNumber(i)))
	}
	return to - from + 1
}

// length is that of a value, by its metatable if that says so.
func length(l *lua.LState, v lua.LValue) int {
	if l.GetMetaField(v, "__len") == lua.LNil {
		switch v := v.(type) {
		case *lua.LTable:
			return v.Len()
		case lua.LString:
			return len(v)
		}
	}
	return l.ObjLen(v)
}

func tableMove(l *lua.LState) int {
	from, first, last, at := l.CheckTable(1), l.CheckInt(2), l.CheckInt(3), l.CheckInt(4)
	to := from
	if l.Get(5) != lua.LNil {
		to = l.CheckTable(5)
	}
	if at > last || at <= first || to != from {
		for i := first; i <= last; i++ {
			l.SetTable(to, lua.LNumber(at+i-first), l.GetTable(from, lua.LNumber(i)))
		}
	} else {
		for i := last; i >= first; i-- {
			l.SetTable(to, lua.LNumber(at+i-first), l.GetTable(from, lua.LNumber(i)))
		}
	}
	l.Push(to)
	return 1
}

func tableConcat(l *lua.LState) int {
	t, sep := l.CheckTable(1), l.OptString(2, "")
	from, to := l.OptInt(3, 1), 0
	if l.Get(4) == lua.LNil {
		to = length(l, t)
	} else {
		to = l.CheckInt(4)
	}
	var b strings.Builder
	for i := from; i <= to; i++ {
		v := l.GetTable(t, lua.LNumber(i))
		switch v.(type) {
		case lua.LString, lua.LNumber:
			b.WriteString(Text(v))
		default:
			l.RaiseError("invalid value (at index %d) in table for 'concat'", i)
		}
		if i < to {
			b.WriteString(sep)
		}
	}
	l.Push(lua.LString(b.String()))
	return 1
}

func tableInsert(l *lua.LState) int {
	t := l.CheckTable(1)
	size := length(l, t)
	at := size + 1
	switch l.GetTop() {
	case 2:
	case 3:
		if at = l.CheckInt(2); at < 1 || at > size+1 {
			l.ArgError(2, "position out of bounds")
		}
		for i := size; i >= at; i-- {
			l.SetTable(t, lua.LNumber(i+1), l.GetTable(t, lua.LNumber(i)))
		}
	default:
		l.RaiseError("wrong number of arguments to 'insert'")
	}
	l.SetTable(t, lua.LNumber(at), l.Get(l.GetTop()))
	return 0
}

func tableRemove(l *lua.LState) int {
	t := l.CheckTable(1)
	size := length(l, t)
	at := l.OptInt(2, size)
	if l.GetTop() > 1 && size+1 != at && (at < 1 || at > size+1) && !(size == 0 && at == 0) {
		l.ArgError(2, "position out of bounds")
	}
	v := l.GetTable(t, lua.LNumber(at))
	for ; at < size; at++ {
		l.SetTable(t, lua.LNumber(at), l.GetTable(t, lua.LNumber(at+1)))
	}
	l.SetTable(t, lua.LNumber(at), lua.LNil)
	l.Push(v)
	return 1
}
