package lua

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/sample"
	"bench/proxy/txn"
)

// kept is what a script has kept with a transaction.
type kept struct {
	w *world
	v lua.LValue
}

// common are the methods that transactions and applets have.
func common(w *world, class string) map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"get_priv": func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			if c.t != nil {
				if k, ok := c.t.Kept.(kept); ok && k.w == w {
					l.Push(k.v)
					return 1
				}
			}
			l.Push(lua.LNil)
			return 1
		},
		"set_priv": func(l *lua.LState) int {
			if c := self[*call](l, class).alive(l); c.t != nil {
				c.t.Kept = kept{w, l.Get(2)}
			}
			return 0
		},
		"get_var": func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			v, ok := c.variable(l, false)
			l.Push(lua.LNil)
			if ok {
				before := c.m.ctx.Txn
				c.m.ctx.Txn = c.t
				value := c.m.ctx.Var(v)
				c.m.ctx.Txn = before
				l.Push(c.m.toLua(&value))
			}
			return 1
		},
		"set_var": func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			v, ok := c.variable(l, !l.ToBool(4))
			if ok {
				var value txn.Value
				c.m.fromLua(l.CheckAny(3), &value)
				c.with(func(x *sample.Context) { x.SetVar(v, &value) })
			}
			l.Push(lua.LBool(ok))
			return 1
		},
		"unset_var": func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			v, ok := c.variable(l, false)
			if ok {
				c.with(func(x *sample.Context) { x.UnsetVar(v) })
			}
			l.Push(lua.LBool(ok))
			return 1
		},
		"log": func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			w.log(c, proxyOf(c.t), checkLevel(l, 2), l.CheckString(3))
			return 0
		},
		"deflog": func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			w.log(c, proxyOf(c.t), 0, l.CheckString(2))
			return 0
		},
	}
}

// with does something with the samples of the transaction.
func (c *call) with(do func(x *sample.Context)) {
	x := c.m.ctx
	before := x.Txn
	x.Txn = c.t
	do(x)
	x.Txn = before
}

// variable is the one that the second argument names. One that nothing names yet is made,
// or not.
func (c *call) variable(l *lua.LState, create bool) (sample.Var, bool) {
	if c.t == nil {
		return sample.Var{}, false
	}
	name := l.CheckString(2)
	env := c.m.program.env()
	if !create && !env.Known(name) {
		return sample.Var{}, false
	}
	v, err := env.Variable(name)
	if err != nil {
		return sample.Var{}, false
	}
	return v, true
}

func openTxn(w *world) {
	const class = "TXN"
	methods := common(w, class)
	for name, level := range loggers {
		methods[name] = func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			w.log(c, proxyOf(c.t), level, l.CheckString(2))
			return 0
		}
	}
	number := func(set func(c *call, n int)) lua.LGFunction {
		return func(l *lua.LState) int {
			c := self[*call](l, class).alive(l)
			set(c, l.CheckInt(2))
			return 0
		}
	}
	methods["set_loglevel"] = func(l *lua.LState) int {
		c := self[*call](l, class).alive(l)
		c.t.LogLevel = checkLevel(l, 2) + 1
		return 0
	}
	methods["set_tos"] = number(func(c *call, n int) { c.t.Stream.SetTOS(uint8(n)) })
	methods["set_mark"] = number(func(c *call, n int) { c.t.Stream.SetMark(uint32(n)) })
	methods["set_priority_class"] = number(func(c *call, n int) { c.t.Class = min(max(n, -2047), 2047) })
	methods["set_priority_offset"] = number(func(c *call, n int) { c.t.Offset = min(max(n, -524287), 524287) })
	methods["reply"] = txnReply
	methods["done"] = txnDone
	w.class(class, methods, func(l *lua.LState, self *lua.LTable, key string) lua.LValue {
		return w.part(l, self, key)
	})
}

// part is an attribute of a transaction, or of an applet, made when it is asked for.
func (w *world) part(l *lua.LState, of *lua.LTable, key string) lua.LValue {
	u, ok := of.RawGet(lua.LNumber(0)).(*lua.LUserData)
	if !ok {
		return lua.LNil
	}
	c, ok := u.Value.(*call)
	if !ok {
		return lua.LNil
	}
	var v *lua.LTable
	switch key {
	case "f", "sf":
		v = w.object("Fetches", &samples{c: c, texts: strings.HasPrefix(key, "s")})
	case "c", "sc":
		v = w.object("Converters", &samples{c: c, converters: true, texts: strings.HasPrefix(key, "s")})
	case "req", "res", "http_req", "http_res":
		l.RaiseError("txn.%s: channels in scripts are not supported", key)
	case "http":
		if c.over || c.t == nil || c.t.Req == nil && c.t.Res == nil {
			return lua.LNil
		}
		v = w.object("HTTP", c)
	default:
		return lua.LNil
	}
	of.RawSetString(key, v)
	return v
}

// txnObject makes the object of a transaction.
func (w *world) txnObject(c *call) *lua.LTable { return w.object("TXN", c) }
