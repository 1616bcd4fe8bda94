package sample

import (
	"math"
	"math/bits"

	"bench/proxy/txn"
)

// numberConvs calculate (configuration manual, section 7.3.1). Sums and products that
// do not fit are the bound, as in the reference.
func numberConvs() []Conv {
	num, truth := txn.Int, txn.Bool
	with := func(name, doc string, f func(x, y int64) int64) Conv {
		return Conv{Row: Row{Name: name, Usage: "(<integer or variable>)", params: "n", Doc: doc}, In: num, Out: num, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			y := a[0].Int
			if a[0].Str == nil {
				x, ok := c.variable(&a[0])
				if !ok || !c.Cast(&x, txn.Int) {
					return false
				}
				y = int64(x.Lo)
			}
			v.SetInt(f(int64(v.Lo), y))
			return true
		}}
	}
	test := func(name, doc string, f func(x int64) bool) Conv {
		return Conv{Row: Row{Name: name, Doc: doc}, In: num, Out: truth, fn: func(_ *Context, _ []Arg, v *txn.Value) bool { v.SetBool(f(int64(v.Lo))); return true }}
	}
	alone := func(name, doc string, f func(x int64) int64) Conv {
		return Conv{Row: Row{Name: name, Doc: doc}, In: num, Out: num, fn: func(_ *Context, _ []Arg, v *txn.Value) bool { v.SetInt(f(int64(v.Lo))); return true }}
	}
	not := test("not", "Whether the value is zero.", func(x int64) bool { return x == 0 })
	return []Conv{
		with("add", "The sum.", saturatingAdd),
		with("sub", "The difference.", func(x, y int64) int64 {
			if y == math.MinInt64 {
				return saturatingAdd(saturatingAdd(x, math.MaxInt64), 1)
			}
			return saturatingAdd(x, -y)
		}),
		with("mul", "The product.", saturatingMul),
		with("div", "The quotient; by 0, the greatest integer.", func(x, y int64) int64 {
			switch {
			case y == 0, x == math.MinInt64 && y == -1:
				return math.MaxInt64
			}
			return x / y
		}),
		with("mod", "The remainder; by 0, 0.", func(x, y int64) int64 {
			if y == 0 || y == -1 {
				return 0
			}
			return x % y
		}),
		with("and", "The bits of both.", func(x, y int64) int64 { return x & y }),
		with("or", "The bits of either.", func(x, y int64) int64 { return x | y }),
		with("xor", "The bits of one of them only.", func(x, y int64) int64 { return x ^ y }),
		alone("neg", "The value with the other sign.", func(x int64) int64 {
			if x == math.MinInt64 {
				return math.MaxInt64
			}
			return -x
		}),
		alone("cpl", "The value with all bits inverted.", func(x int64) int64 { return ^x }),
		test("bool", "Whether the value is not zero.", func(x int64) bool { return x != 0 }),
		not,
		test("odd", "Whether the value is odd.", func(x int64) bool { return x&1 != 0 }),
		test("even", "Whether the value is even.", func(x int64) bool { return x&1 == 0 }),
		{Row: Row{Name: "htonl", Doc: "The value's lower 32 bits as four bytes, the most significant first."}, In: num, Out: txn.Bin, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.Kind = txn.Bin
			return c.keep(v, append(c.spare(), byte(v.Lo>>24), byte(v.Lo>>16), byte(v.Lo>>8), byte(v.Lo)))
		}},
	}
}

func saturatingAdd(x, y int64) int64 {
	switch s := x + y; {
	case x > 0 && y > 0 && s < 0:
		return math.MaxInt64
	case x < 0 && y < 0 && s >= 0:
		return math.MinInt64
	default:
		return s
	}
}

func saturatingMul(x, y int64) int64 {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	if negative := x < 0 != (y < 0); negative {
		if hi > 0 || lo > 1<<63 {
			return math.MinInt64
		}
		return -int64(lo)
	}
	if hi > 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return uint64(-x)
	}
	return uint64(x)
}
