package sample

import (
	"errors"
	"fmt"

	"bench/proxy/pattern"
	"bench/proxy/regex"
	"bench/proxy/txn"
)

// mapConvs look values up in files (configuration manual, section 7.3.1, "map").
func mapConvs() []Conv {
	var rows []Conv
	add := func(name string, m pattern.Method, out txn.Kind, doc string) {
		fn := mapTo(out)
		if name == "map_regm" {
			fn = mapGroups
		}
		rows = append(rows, Conv{
			Row: Row{Name: name, Usage: "(<file>[,<default>])", params: "s|s", check: checkMap(m, out, name == "map_regm"), Doc: doc},
			In:  m.Input(), Out: out, fn: fn,
		})
	}
	methods := []struct {
		name string
		m    pattern.Method
		doc  string
	}{
		{"map_str", pattern.Str, "is the text"},
		{"map_beg", pattern.Beg, "is the longest that the text begins with"},
		{"map_end", pattern.End, "ends the text"},
		{"map_sub", pattern.Sub, "is part of the text"},
		{"map_dir", pattern.Dir, "is a component of the path"},
		{"map_dom", pattern.Dom, "is a component of the host name"},
		{"map_reg", pattern.Reg, "matches the text, as an expression"},
		{"map_int", pattern.Int, "is or holds the integer"},
		{"map_ip", pattern.IP, "is the smallest network around the address"},
	}
	add("map", pattern.Str, txn.Str, "The value, in a map, of the key that is the text; or the default.")
	for _, x := range methods {
		add(x.name, x.m, txn.Str, "The value, in a map, of the key that "+x.doc+"; or the default.")
		add(x.name+"_int", x.m, txn.Int, "As "+x.name+", for integers.")
		add(x.name+"_ip", x.m, txn.Address, "As "+x.name+", for addresses.")
	}
	add("map_regm", pattern.Reg, txn.Str, "As map_reg; \\1 and so on in the value are groups of the expression.")
	return rows
}

// mapArg is a map that a converter uses.
type mapArg struct {
	view   *pattern.View
	absent *pattern.Value // the default, nil: none
}

func checkMap(m pattern.Method, out txn.Kind, groups bool) func(*Env, []Arg) error {
	return func(env *Env, a []Arg) error {
		l := env.Patterns().File(string(a[0].Str))
		if err := env.Patterns().Load(l, true); err != nil {
			return err
		}
		l.Used("map at" + env.Location())
		v, err := l.View(m, false, true)
		if err == nil {
			err = l.Values(out)
		}
		if err != nil {
			if e, ok := errors.AsType[*pattern.Error](err); ok {
				return fmt.Errorf("line %d of '%s': %w", l.Line(e.Index), l.File, err)
			}
			return err
		}
		a[0].table = &mapArg{view: v}
		if a[1].set {
			if a[0].table.absent, err = pattern.ParseValue(string(a[1].Str), out); err != nil {
				return fmt.Errorf("as a default, %w", err)
			}
		}
		return nil
	}
}

// found is the value for a key, nil if there is none.
func (t *mapArg) found(c *Context, v *txn.Value) (*pattern.Entry, *pattern.Value) {
	if e := t.view.Find(&c.Patterns, v); e != nil {
		return e, e.Value()
	}
	return nil, t.absent
}

func mapTo(out txn.Kind) func(*Context, []Arg, *txn.Value) bool {
	return func(c *Context, a []Arg, v *txn.Value) bool {
		_, x := a[0].table.found(c, v)
		if x == nil {
			return false
		}
		switch out {
		case txn.Int:
			v.SetInt(x.Int)
		case txn.Address:
			*v = x.IP
		default:
			v.SetStr(x.Text)
		}
		return true
	}
}

// mapGroups is map_regm: the value is a template for the groups of the expression.
func mapGroups(c *Context, a []Arg, v *txn.Value) bool {
	e, x := a[0].table.found(c, v)
	if e == nil {
		if x != nil {
			v.SetStr(x.Text)
		}
		return x != nil
	}
	loc := a[0].table.view.Groups(e, &c.Regex, v.B)
	if loc == nil {
		return false
	}
	v.Kind = txn.Str
	return c.keep(v, regex.Expand(c.spare(), x.Text, v.B, loc))
}
