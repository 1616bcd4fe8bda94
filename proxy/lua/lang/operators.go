package lang

import (
	"math"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/lua/syntax"
)

// operators are what package syntax makes calls of, by their names there: the method of a
// metatable, and what they do with numbers.
var operators = map[string]struct {
	event string
	bits  func(a, b int64) int64
}{
	"//": {"__idiv", nil},
	"&":  {"__band", func(a, b int64) int64 { return a & b }},
	"|":  {"__bor", func(a, b int64) int64 { return a | b }},
	"~":  {"__bxor", func(a, b int64) int64 { return a ^ b }},
	"<<": {"__shl", func(a, b int64) int64 { return shift(a, b) }},
	">>": {"__shr", func(a, b int64) int64 { return shift(a, -b) }},
	"~ ": {"__bnot", func(a, _ int64) int64 { return ^a }},
}

// shift shifts to the left, or for a negative number to the right, without a sign.
func shift(a, by int64) int64 {
	switch {
	case by <= -64 || by >= 64:
		return 0
	case by < 0:
		return int64(uint64(a) >> uint(-by))
	}
	return a << uint(by)
}

func fillOperators(s *State) {
	lib := s.Library("string")
	for _, name := range syntax.Helpers {
		op := operators[name]
		lib.RawSetString(name, s.L.NewFunction(func(l *lua.LState) int {
			a, b := l.Get(1), l.Get(2)
			if l.GetTop() < 2 {
				b = a
			}
			x, isNumber := toNumber(a).(lua.LNumber)
			y, also := toNumber(b).(lua.LNumber)
			switch {
			case !isNumber || !also:
				l.Push(overloaded(l, op.event, a, b, op.bits != nil))
			case op.bits == nil:
				l.Push(divide(l, float64(x), float64(y)))
			default:
				l.Push(lua.LNumber(op.bits(asInteger(l, x), asInteger(l, y))))
			}
			return 1
		}))
	}
}

func divide(l *lua.LState, x, y float64) lua.LNumber {
	if y == 0 && x == math.Trunc(x) {
		l.RaiseError("attempt to perform 'n//0'")
	}
	return lua.LNumber(math.Floor(x / y))
}

func asInteger(l *lua.LState, n lua.LNumber) int64 {
	i, ok := integer(float64(n))
	if !ok {
		l.RaiseError("number has no integer representation")
	}
	return i
}

// overloaded asks the metatables of operands that are no numbers.
func overloaded(l *lua.LState, event string, a, b lua.LValue, bits bool) lua.LValue {
	for _, v := range []lua.LValue{a, b} {
		if fn := l.GetMetaField(v, event); fn != lua.LNil {
			l.Push(fn)
			l.Push(a)
			l.Push(b)
			l.Call(2, 1)
			return l.Get(-1)
		}
	}
	bad := a
	if toNumber(a) != lua.LNil {
		bad = b
	}
	what := "perform arithmetic"
	if bits {
		what = "perform bitwise operation"
	}
	l.RaiseError("attempt to %s on a %s value", what, bad.Type())
	return nil
}
