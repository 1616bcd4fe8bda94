package lang

import (
	"fmt"
	"math"
	"runtime/metrics"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/lua/syntax"
)

// Text is a value as a text, without asking its metatable.
func Text(v lua.LValue) string {
	if n, ok := v.(lua.LNumber); ok {
		return number(float64(n))
	}
	return v.String()
}

// number writes a number.
func number(n float64) string {
	switch {
	case math.IsNaN(n):
		return "-nan"
	case math.IsInf(n, 0):
		if n > 0 {
			return "inf"
		}
		return "-inf"
	case n == math.Trunc(n) && n >= -(1<<63) && n < 1<<63:
		return strconv.FormatInt(int64(n), 10)
	}
	return general(n, 14)
}

// general is a number in the manner of "%.<digits>g".
func general(n float64, digits int) string {
	return fmt.Sprintf("%.*g", digits, n)
}

func fillBase(s *State) {
	l := s.L
	for _, gone := range []string{"getfenv", "setfenv", "loadstring", "unpack", "module", "newproxy", "_printregs", "_GOPHER_LUA_VERSION"} {
		l.SetGlobal(gone, lua.LNil)
	}
	l.SetGlobal("_VERSION", lua.LString("Lua 5.3"))
	for name, fn := range map[string]lua.LGFunction{
		"tostring": baseToString, "tonumber": baseToNumber, "rawlen": baseRawLen, "collectgarbage": baseCollect, "xpcall": baseXPCall, "pairs": basePairs, "print": basePrint,
	} {
		l.SetGlobal(name, l.NewFunction(fn))
	}
	step := l.NewFunction(func(l *lua.LState) int {
		i := l.CheckInt(2) + 1
		v := l.GetTable(l.Get(1), lua.LNumber(i))
		if v == lua.LNil {
			return 0
		}
		l.Push(lua.LNumber(i))
		l.Push(v)
		return 2
	})
	l.SetGlobal("ipairs", l.NewFunction(func(l *lua.LState) int {
		of := l.CheckAny(1)
		l.Push(step)
		l.Push(of)
		l.Push(lua.LNumber(0))
		return 3
	}))
	l.SetGlobal("load", l.NewFunction(func(l *lua.LState) int { return load(s, l) }))
	l.SetGlobal("loadfile", l.NewFunction(func(l *lua.LState) int {
		fn, err := s.LoadFile(l.CheckString(1))
		return loaded(l, fn, err, 3)
	}))
	l.SetGlobal("dofile", l.NewFunction(func(l *lua.LState) int {
		fn, err := s.LoadFile(l.CheckString(1))
		if err != nil {
			l.RaiseError("%s", err.Error())
		}
		top := l.GetTop()
		l.Push(fn)
		l.Call(0, lua.MultRet)
		return l.GetTop() - top
	}))
}

// load takes a text, or a function that gives it in pieces.
func load(s *State, l *lua.LState) int {
	text, chunk := "", l.OptString(2, "")
	switch v := l.Get(1).(type) {
	case lua.LString:
		text = string(v)
	case *lua.LFunction:
		var b strings.Builder
		for {
			l.Push(v)
			l.Call(0, 1)
			piece := lua.LVAsString(l.Get(-1))
			l.Pop(1)
			if piece == "" {
				break
			}
			b.WriteString(piece)
		}
		text = b.String()
	default:
		l.ArgError(1, "string or function expected")
	}
	switch {
	case chunk == "":
		chunk = fmt.Sprintf("[string %q]", firstLine(text))
	case chunk[0] == '@' || chunk[0] == '=':
		chunk = chunk[1:]
	default:
		chunk = fmt.Sprintf("[string %q]", firstLine(chunk))
	}
	fn, err := s.Load(text, chunk)
	return loaded(l, fn, err, 4)
}

func firstLine(s string) string {
	const most = 40
	for i := range len(s) {
		if s[i] == '\n' || i == most {
			return s[:i] + "..."
		}
	}
	return s
}

// loaded gives a script a function that was read. env is the argument that replaces its
// globals.
func loaded(l *lua.LState, fn *lua.LFunction, err error, env int) int {
	if err != nil {
		l.Push(lua.LNil)
		l.Push(lua.LString(err.Error()))
		return 2
	}
	if l.GetTop() >= env {
		fn.Env = l.CheckTable(env)
	}
	l.Push(fn)
	return 1
}

func baseToString(l *lua.LState) int {
	v := l.CheckAny(1)
	if _, ok := v.(lua.LNumber); ok {
		l.Push(lua.LString(Text(v)))
		return 1
	}
	l.Push(l.ToStringMeta(v))
	return 1
}

func basePrint(l *lua.LState) int {
	var line strings.Builder
	for i := 1; i <= l.GetTop(); i++ {
		if i > 1 {
			line.WriteByte('\t')
		}
		if n, ok := l.Get(i).(lua.LNumber); ok {
			line.WriteString(Text(n))
		} else {
			line.WriteString(l.ToStringMeta(l.Get(i)).String())
		}
	}
	fmt.Println(line.String())
	return 0
}

func baseToNumber(l *lua.LState) int {
	v := l.CheckAny(1)
	if l.GetTop() < 2 || l.Get(2) == lua.LNil {
		l.Push(toNumber(v))
		return 1
	}
	base := l.CheckInt(2)
	if base < 2 || base > 36 {
		l.ArgError(2, "base out of range")
	}
	n, err := strconv.ParseInt(trimSpace(l.CheckString(1)), base, 64)
	if err != nil {
		l.Push(lua.LNil)
	} else {
		l.Push(lua.LNumber(n))
	}
	return 1
}

// toNumber converts a text, or is nil.
func toNumber(v lua.LValue) lua.LValue {
	switch v := v.(type) {
	case lua.LNumber:
		return v
	case lua.LString:
		if n, ok := syntax.Number(string(v)); ok {
			return lua.LNumber(n)
		}
	}
	return lua.LNil
}

func trimSpace(s string) string {
	for s != "" && (s[0] == ' ' || s[0] >= '\t' && s[0] <= '\r') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] >= '\t' && s[len(s)-1] <= '\r') {
		s = s[:len(s)-1]
	}
	return s
}

func baseRawLen(l *lua.LState) int {
	switch v := l.Get(1).(type) {
	case *lua.LTable:
		l.Push(lua.LNumber(v.Len()))
	case lua.LString:
		l.Push(lua.LNumber(len(v)))
	default:
		l.ArgError(1, "table or string expected")
	}
	return 1
}

// baseCollect answers questions about memory and leaves collecting to the process.
func baseCollect(l *lua.LState) int {
	n := 0.0
	if l.OptString(1, "collect") == "count" {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		n = float64(sample[0].Value.Uint64()) / 1024
	}
	l.Push(lua.LNumber(n))
	return 1
}

func baseXPCall(l *lua.LState) int {
	fn, handler := l.CheckAny(1), l.CheckFunction(2)
	top := l.GetTop()
	l.Push(fn)
	for i := 3; i <= top; i++ {
		l.Push(l.Get(i))
	}
	if err := l.PCall(top-2, lua.MultRet, handler); err != nil {
		l.Push(lua.LFalse)
		if api, ok := err.(*lua.ApiError); ok { //nolint:errorlint // it is made by PCall
			l.Push(api.Object)
		} else {
			l.Push(lua.LString(err.Error()))
		}
		return 2
	}
	l.Insert(lua.LTrue, top+1)
	return l.GetTop() - top
}

func basePairs(l *lua.LState) int {
	of := l.CheckAny(1)
	if meta := l.GetMetaField(of, "__pairs"); meta != lua.LNil {
		l.Push(meta)
		l.Push(of)
		l.Call(1, 3)
		return 3
	}
	l.CheckTable(1)
	l.Push(l.GetGlobal("next"))
	l.Push(of)
	l.Push(lua.LNil)
	return 3
}
