package lang

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func fillTexts(s *State) {
	s.Library("string").RawSetString("gfind", lua.LNil)
	s.set("string", map[string]lua.LGFunction{
		"format": textFormat, "rep": textRep, "gmatch": textGmatch, "gsub": textGsub, "len": textLen,
		"find":  func(l *lua.LState) int { return textFind(l, true) },
		"match": func(l *lua.LState) int { return textFind(l, false) },
	})
}

func textLen(l *lua.LState) int {
	l.Push(lua.LNumber(len(checkText(l, 1))))
	return 1
}

// checkText takes an argument that is a text or a number.
func checkText(l *lua.LState, n int) string {
	if v, ok := l.Get(n).(lua.LNumber); ok {
		return Text(v)
	}
	return l.CheckString(n)
}

func textRep(l *lua.LState) int {
	s, n, sep := checkText(l, 1), l.CheckInt(2), l.OptString(3, "")
	if n <= 0 {
		l.Push(lua.LString(""))
		return 1
	}
	if (len(s)+len(sep))*n/n != len(s)+len(sep) || (len(s)+len(sep))*n > maxText {
		l.RaiseError("resulting string too large")
	}
	if sep == "" {
		l.Push(lua.LString(strings.Repeat(s, n)))
	} else {
		l.Push(lua.LString(strings.Repeat(s+sep, n-1) + s))
	}
	return 1
}

// newMatcher makes one for a call of the library.
func newMatcher(l *lua.LState, src, pat string) *matcher {
	return &matcher{src: src, pat: pat, fail: func(format string, a ...any) { l.RaiseError(format, a...) }}
}

// begin is the index of a text that an argument means, from 0.
func begin(l *lua.LState, arg, length int) int {
	i := l.OptInt(arg, 1)
	switch {
	case i > 0:
		return i - 1
	case i == 0 || -i > length:
		return 0
	}
	return length + i
}

// find looks for the pattern from s on. plain, without an anchor, only there.
func (m *matcher) find(s int, anchored bool, p int) (from, to int) {
	for ; s <= len(m.src); s++ {
		m.level, m.depth = 0, 0
		if e := m.match(s, p); e >= 0 {
			return s, e
		}
		if anchored {
			break
		}
	}
	return -1, -1
}

// capture is one of what was kept, or the whole match where nothing was.
func (m *matcher) capture(i, from, to int) lua.LValue {
	if i >= m.level {
		if i != 0 {
			m.fail("invalid capture index %%%d", i+1)
		}
		return lua.LString(m.src[from:to])
	}
	c := m.caps[i]
	switch c.length {
	case capPosition:
		return lua.LNumber(c.start + 1)
	case capOpen:
		m.fail("unfinished capture")
	}
	return lua.LString(m.src[c.start : c.start+c.length])
}

// push pushes all captures; the whole match where there are none, if it is wanted.
func (m *matcher) push(l *lua.LState, from, to int, whole bool) int {
	n := m.level
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		l.Push(m.capture(i, from, to))
	}
	return n
}

// textFind is "find", or "match".
func textFind(l *lua.LState, places bool) int {
	src, pat := checkText(l, 1), checkText(l, 2)
	start := begin(l, 3, len(src))
	if start > len(src) {
		l.Push(lua.LNil)
		return 1
	}
	if places && (l.ToBool(4) || !strings.ContainsAny(pat, "^$*+?.([%-")) {
		if i := strings.Index(src[start:], pat); i >= 0 {
			l.Push(lua.LNumber(start + i + 1))
			l.Push(lua.LNumber(start + i + len(pat)))
			return 2
		}
		l.Push(lua.LNil)
		return 1
	}
	m := newMatcher(l, src, pat)
	anchored := strings.HasPrefix(pat, "^")
	p := 0
	if anchored {
		p = 1
	}
	from, to := m.find(start, anchored, p)
	if from < 0 {
		l.Push(lua.LNil)
		return 1
	}
	if !places {
		return m.push(l, from, to, true)
	}
	l.Push(lua.LNumber(from + 1))
	l.Push(lua.LNumber(to))
	return 2 + m.push(l, from, to, false)
}

func textGmatch(l *lua.LState) int {
	src, pat := checkText(l, 1), checkText(l, 2)
	at, last := 0, -1
	l.Push(l.NewFunction(func(l *lua.LState) int {
		m := newMatcher(l, src, pat)
		for at <= len(src) {
			from, to := m.find(at, true, 0)
			if from < 0 || to == last {
				at++
				continue
			}
			at, last = to, to
			return m.push(l, from, to, true)
		}
		l.Push(lua.LNil)
		return 1
	}))
	return 1
}

func textGsub(l *lua.LState) int {
	src, pat := checkText(l, 1), checkText(l, 2)
	repl := l.Get(3)
	switch repl.(type) {
	case lua.LString, lua.LNumber, *lua.LTable, *lua.LFunction:
	default:
		l.ArgError(3, "string/function/table expected")
	}
	most := l.OptInt(4, len(src)+1)
	anchored := strings.HasPrefix(pat, "^")
	p := 0
	if anchored {
		p = 1
	}
	m := newMatcher(l, src, pat)
	var b strings.Builder
	n, at := 0, 0
	for n < most {
		from, to := m.find(at, true, p)
		if from >= 0 {
			n++
			b.WriteString(m.replacement(l, repl, from, to))
		}
		switch {
		case from >= 0 && to > at:
			at = to
		case at < len(src):
			b.WriteByte(src[at])
			at++
		default:
			at++
		}
		if at > len(src) || anchored {
			break
		}
	}
	if at < len(src) {
		b.WriteString(src[at:])
	}
	l.Push(lua.LString(b.String()))
	l.Push(lua.LNumber(n))
	return 2
}

// replacement is what takes the place of a match.
func (m *matcher) replacement(l *lua.LState, repl lua.LValue, from, to int) string {
	var v lua.LValue
	switch r := repl.(type) {
	case *lua.LTable:
		v = l.GetTable(r, m.capture(0, from, to))
	case *lua.LFunction:
		l.Push(r)
		l.Call(m.push(l, from, to, true), 1)
		v = l.Get(-1)
		l.Pop(1)
	default:
		return m.expand(Text(repl), from, to)
	}
	switch v.(type) {
	case lua.LString, lua.LNumber:
		return Text(v)
	}
	if lua.LVAsBool(v) {
		l.RaiseError("invalid replacement value (a %s)", v.Type())
	}
	return m.src[from:to]
}

// expand puts captures into a text.
func (m *matcher) expand(r string, from, to int) string {
	if !strings.Contains(r, "%") {
		return r
	}
	var b strings.Builder
	for i := 0; i < len(r); i++ {
		if r[i] != '%' {
			b.WriteByte(r[i])
			continue
		}
		i++
		switch {
		case i < len(r) && r[i] == '%':
			b.WriteByte('%')
		case i < len(r) && r[i] == '0':
			b.WriteString(m.src[from:to])
		case i < len(r) && isNumeral(r[i]):
			b.WriteString(Text(m.capture(int(r[i]-'1'), from, to)))
		default:
			m.fail("invalid use of '%%' in replacement string")
		}
	}
	return b.String()
}
