package lua

import (
	"net/netip"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openAddresses has what compares addresses and networks.
func openAddresses(w *world) {
	check := func(l *lua.LState, n int) netip.Prefix {
		if u, ok := l.Get(n).(*lua.LUserData); ok {
			if p, ok := u.Value.(netip.Prefix); ok {
				return p
			}
		}
		l.ArgError(n, "an address of core.parse_addr is expected")
		return netip.Prefix{}
	}
	w.state.L.SetFuncs(w.state.Library("core"), map[string]lua.LGFunction{
		"parse_addr": func(l *lua.LState) int {
			p, ok := parseNetwork(l.CheckString(1))
			if !ok {
				l.Push(lua.LNil)
				return 1
			}
			l.Push(&lua.LUserData{Value: p, Metatable: w.addressClass()})
			return 1
		},
		"match_addr": func(l *lua.LState) int {
			a, b := check(l, 1), check(l, 2)
			l.Push(lua.LBool(a.Addr().Is4() == b.Addr().Is4() && a.Overlaps(b)))
			return 1
		},
	})
}

// addressClass lets an address be printed.
func (w *world) addressClass() *lua.LTable {
	if w.classes["Address"] == nil {
		meta := w.state.L.NewTable()
		w.state.L.SetFuncs(meta, map[string]lua.LGFunction{"__tostring": func(l *lua.LState) int {
			text := "?"
			if u, ok := l.Get(1).(*lua.LUserData); ok {
				if p, ok := u.Value.(netip.Prefix); ok {
					text = p.String()
				}
			}
			l.Push(lua.LString(text))
			return 1
		}})
		w.classes["Address"] = meta
	}
	return w.classes["Address"]
}

func parseNetwork(s string) (netip.Prefix, bool) {
	addr, length, has := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	if !has {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(addr + "/" + length)
	return p, err == nil
}
