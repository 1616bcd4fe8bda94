package lua

import (
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/message"
	"bench/proxy/txn"
)

// toLua is a value as scripts see it.
func (m *Machine) toLua(v *txn.Value) lua.LValue {
	switch v.Kind {
	case txn.Bool, txn.Int:
		return lua.LNumber(int64(v.Lo))
	case txn.Str, txn.Bin:
		return lua.LString(v.B)
	case txn.Method:
		if len(v.B) > 0 {
			return lua.LString(v.B)
		}
	case txn.None:
		return lua.LNil
	case txn.IPv4, txn.IPv6, txn.Address, txn.NumKinds:
	}
	c := *v
	if !m.ctx.Text(&c) {
		return lua.LNil
	}
	return lua.LString(c.B)
}

// fromLua makes a value of what a script gives. Its text is copied.
func (m *Machine) fromLua(from lua.LValue, v *txn.Value) {
	switch x := from.(type) {
	case lua.LNumber:
		v.SetInt(0) // a number that is no integer, as in the reference
		if n := int64(x); float64(n) == float64(x) {
			v.SetInt(n)
		}
	case lua.LString:
		m.value = append(m.value[:0], x...)
		v.SetStr(m.value)
	default:
		v.SetBool(from == lua.LTrue)
	}
}

// argText is an argument as the configuration would have it.
func argText(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LNumber:
		return strconv.FormatInt(int64(v), 10)
	case lua.LString:
		return string(v)
	case lua.LBool:
		if v {
			return "1"
		}
		return "0"
	}
	return ""
}

// headers is a table of header fields: of each name, in lower case, the values from index 0 on.
func headers(l *lua.LState, h *message.Header) *lua.LTable {
	t := l.NewTable()
	for _, f := range h.All() {
		values, ok := t.RawGetString(string(f.Name)).(*lua.LTable)
		if !ok {
			values = l.NewTable()
			t.RawSetString(string(f.Name), values)
			values.RawSetInt(0, lua.LString(f.Value))
			continue
		}
		values.RawSetInt(values.Len()+1, lua.LString(f.Value))
	}
	return t
}
