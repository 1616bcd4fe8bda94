package lang

import (
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/lua/syntax"
)

func fillUTF8(s *State) {
	s.Library("utf8").RawSetString("charpattern", lua.LString("[\x00-\x7f\xc2-\xf4][\x80-\xbf]*"))
	s.set("utf8", map[string]lua.LGFunction{
		"char": func(l *lua.LState) int {
			var b []byte
			for i := 1; i <= l.GetTop(); i++ {
				r := whole(l, i)
				if r < 0 || r > utf8.MaxRune {
					l.ArgError(i, "value out of range")
				}
				b = syntax.AppendRune(b, rune(r))
			}
			l.Push(lua.LString(b))
			return 1
		},
		"codepoint": utf8Codepoint, "len": utf8Len, "offset": utf8Offset, "codes": utf8Codes,
	})
}

// place is an index of a text, from 0, that an argument means.
func place(l *lua.LState, arg, standard, length int) int {
	i := l.OptInt(arg, standard)
	if i < 0 {
		i += length + 1
	}
	return i - 1
}

func utf8Codepoint(l *lua.LState) int {
	s := l.CheckString(1)
	from := place(l, 2, 1, len(s))
	to := place(l, 3, from+1, len(s))
	if from < 0 {
		l.ArgError(2, "out of range")
	}
	if to >= len(s) {
		l.ArgError(3, "out of range")
	}
	n := 0
	for i := from; i <= to; n++ {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 {
			l.RaiseError("invalid UTF-8 code")
		}
		l.Push(lua.LNumber(r))
		i += size
	}
	return n
}

func utf8Len(l *lua.LState) int {
	s := l.CheckString(1)
	from, to := place(l, 2, 1, len(s)), place(l, 3, -1, len(s))
	if from < 0 || from > len(s) {
		l.ArgError(2, "initial position out of string")
	}
	n := 0
	for i := from; i <= to && i < len(s); n++ {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 {
			l.Push(lua.LNil)
			l.Push(lua.LNumber(i + 1))
			return 2
		}
		i += size
	}
	l.Push(lua.LNumber(n))
	return 1
}

func utf8Offset(l *lua.LState) int {
	s, n := l.CheckString(1), l.CheckInt(2)
	standard := 1
	if n <= 0 {
		standard = len(s) + 1
	}
	i := place(l, 3, standard, len(s))
	if i < 0 || i > len(s) {
		l.ArgError(3, "position out of range")
	}
	inside := func(i int) bool { return i < len(s) && s[i]&0xc0 == 0x80 }
	if n == 0 {
		for i > 0 && inside(i) {
			i--
		}
		l.Push(lua.LNumber(i + 1))
		return 1
	}
	if inside(i) {
		l.RaiseError("initial position is a continuation byte")
	}
	for ; n < 0 && i > 0; n++ {
		for i--; i > 0 && inside(i); i-- {
		}
	}
	if n > 0 {
		for n--; n > 0 && i < len(s); n-- {
			for i++; inside(i); i++ {
			}
		}
	}
	if n != 0 {
		l.Push(lua.LNil)
	} else {
		l.Push(lua.LNumber(i + 1))
	}
	return 1
}

func utf8Codes(l *lua.LState) int {
	s := l.CheckString(1)
	l.Push(l.NewFunction(func(l *lua.LState) int {
		i := l.CheckInt(2)
		if i > 0 {
			_, size := utf8.DecodeRuneInString(s[i-1:])
			i += size - 1
		}
		if i >= len(s) {
			return 0
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 {
			l.RaiseError("invalid UTF-8 code")
		}
		l.Push(lua.LNumber(i + 1))
		l.Push(lua.LNumber(r))
		return 2
	}))
	l.Push(lua.LString(s))
	l.Push(lua.LNumber(0))
	return 3
}
