package lang

import (
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"
)

func fillNumbers(s *State) {
	lib := s.Library("math")
	lib.RawSetString("huge", lua.LNumber(math.Inf(1)))
	lib.RawSetString("maxinteger", lua.LNumber(math.MaxInt64))
	lib.RawSetString("mininteger", lua.LNumber(math.MinInt64))
	lib.RawSetString("mod", lua.LNil)
	s.set("math", map[string]lua.LGFunction{
		"type": func(l *lua.LState) int {
			n, ok := l.CheckAny(1).(lua.LNumber)
			switch {
			case !ok:
				l.Push(lua.LNil)
			case float64(n) == math.Trunc(float64(n)) && !math.IsInf(float64(n), 0):
				l.Push(lua.LString("integer"))
			default:
				l.Push(lua.LString("float"))
			}
			return 1
		},
		"tointeger": func(l *lua.LState) int {
			if n, ok := toNumber(l.CheckAny(1)).(lua.LNumber); ok {
				if i, ok := integer(float64(n)); ok {
					l.Push(lua.LNumber(i))
					return 1
				}
			}
			l.Push(lua.LNil)
			return 1
		},
		"ult": func(l *lua.LState) int {
			l.Push(lua.LBool(uint64(whole(l, 1)) < uint64(whole(l, 2))))
			return 1
		},
		"atan": func(l *lua.LState) int {
			l.Push(lua.LNumber(math.Atan2(float64(l.CheckNumber(1)), float64(l.OptNumber(2, 1)))))
			return 1
		},
		"log": func(l *lua.LState) int {
			n, base := float64(l.CheckNumber(1)), float64(l.OptNumber(2, math.E))
			switch base {
			case 2:
				n = math.Log2(n)
			case 10:
				n = math.Log10(n)
			case math.E:
				n = math.Log(n)
			default:
				n = math.Log(n) / math.Log(base)
			}
			l.Push(lua.LNumber(n))
			return 1
		},
		"fmod": func(l *lua.LState) int {
			l.Push(lua.LNumber(math.Mod(float64(l.CheckNumber(1)), float64(l.CheckNumber(2)))))
			return 1
		},
	})
	s.set("bit32", bit32())
}

// bit32 is the library of Lua 5.2, which the usual builds of 5.3 still have.
func bit32() map[string]lua.LGFunction {
	fold := func(start uint32, f func(a, b uint32) uint32) func(*lua.LState) uint32 {
		return func(l *lua.LState) uint32 {
			v := start
			for i := 1; i <= l.GetTop(); i++ {
				v = f(v, word(l, i))
			}
			return v
		}
	}
	and := fold(math.MaxUint32, func(a, b uint32) uint32 { return a & b })
	give := func(f func(*lua.LState) uint32) lua.LGFunction {
		return func(l *lua.LState) int {
			l.Push(lua.LNumber(f(l)))
			return 1
		}
	}
	return map[string]lua.LGFunction{
		"band":    give(and),
		"bor":     give(fold(0, func(a, b uint32) uint32 { return a | b })),
		"bxor":    give(fold(0, func(a, b uint32) uint32 { return a ^ b })),
		"bnot":    give(func(l *lua.LState) uint32 { return ^word(l, 1) }),
		"lshift":  give(func(l *lua.LState) uint32 { return uint32(shift(int64(word(l, 1)), whole(l, 2))) }),
		"rshift":  give(func(l *lua.LState) uint32 { return uint32(shift(int64(word(l, 1)), -whole(l, 2))) }),
		"lrotate": give(func(l *lua.LState) uint32 { return bits.RotateLeft32(word(l, 1), int(whole(l, 2))) }),
		"rrotate": give(func(l *lua.LState) uint32 { return bits.RotateLeft32(word(l, 1), -int(whole(l, 2))) }),
		"arshift": give(func(l *lua.LState) uint32 {
			by := whole(l, 2)
			if by < 0 {
				return uint32(shift(int64(word(l, 1)), -by))
			}
			return uint32(int32(word(l, 1)) >> min(by, 31))
		}),
		"btest": func(l *lua.LState) int {
			l.Push(lua.LBool(and(l) != 0))
			return 1
		},
		"extract": give(func(l *lua.LState) uint32 {
			at, mask := fieldOf(l, 2)
			return word(l, 1) >> at & mask
		}),
		"replace": give(func(l *lua.LState) uint32 {
			at, mask := fieldOf(l, 3)
			return word(l, 1)&^(mask<<at) | word(l, 2)&mask<<at
		}),
	}
}

func word(l *lua.LState, arg int) uint32 { return uint32(whole(l, arg)) }

// fieldOf reads the place and the width of some bits.
func fieldOf(l *lua.LState, arg int) (at int, mask uint32) {
	f, w := l.CheckInt(arg), l.OptInt(arg+1, 1)
	if f < 0 || w < 1 || f+w > 32 {
		l.RaiseError("trying to access non-existent bits")
	}
	return f, uint32(1<<w - 1)
}
