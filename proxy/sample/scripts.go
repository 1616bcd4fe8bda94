package sample

import (
	"errors"
	"fmt"
	"strings"

	"bench/proxy/script"
	"bench/proxy/txn"
)

// scriptArgs are those of what scripts have registered: up to five texts.
const scriptArgs = "|sssss"

// scriptFetch finds a fetch that a script has registered, nil if there is none of that
// name.
func (env *Env) scriptFetch(name string) *Fetch {
	name, ok := strings.CutPrefix(name, script.Prefix)
	if !ok || env.Scripts == nil {
		return nil
	}
	f := env.Scripts.Fetch(name)
	if f == nil {
		return nil
	}
	return &Fetch{
		Row: Row{Name: script.Prefix + name, Usage: "(<argument>...)", params: scriptArgs}, Out: txn.Str, At: reading | answered | asked,
		fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.Scripts != nil && c.Scripts.Fetch(f, c.Txn, given(a), v)
		},
	}
}

// scriptConv is the same for converters.
func (env *Env) scriptConv(name string) *Conv {
	name, ok := strings.CutPrefix(name, script.Prefix)
	if !ok || env.Scripts == nil {
		return nil
	}
	f := env.Scripts.Converter(name)
	if f == nil {
		return nil
	}
	return &Conv{
		Row: Row{Name: script.Prefix + name, Usage: "(<argument>...)", params: scriptArgs}, In: txn.Str, Out: txn.Str,
		fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.Scripts != nil && c.Scripts.Convert(f, c.Txn, given(a), v)
		},
	}
}

// given are the arguments that were given.
func given(a []Arg) []string {
	var texts []string
	for i := range a {
		if a[i].set {
			texts = append(texts, string(a[i].Str))
		}
	}
	return texts
}

// Call is a fetch, or a converter, that a script calls.
type Call struct {
	expr Expr
	in   txn.Kind
}

// CallFetch readies a fetch of a name to be called with arguments.
func CallFetch(name string, args []string, env *Env) (*Call, error) {
	f, first := findFetch(name)
	if f == nil {
		return nil, fmt.Errorf("there is no sample fetch '%s'", name)
	}
	read, err := f.read(env, append(first, args...), make([]int, len(first)+len(args)), 0)
	if err != nil {
		return nil, err
	}
	return &Call{expr: Expr{text: name, name: f.Name, out: f.Out, at: f.At, http: f.http, ops: []op{f.compile(read)}}}, nil
}

// CallConv does the same for a converter.
func CallConv(name string, args []string, env *Env) (*Call, error) {
	c := FindConv(name)
	if c == nil {
		return nil, fmt.Errorf("there is no converter '%s'", name)
	}
	read, err := c.read(env, args, make([]int, len(args)), 0)
	if err != nil {
		return nil, err
	}
	return &Call{in: c.In, expr: Expr{text: name, ops: []op{{fn: c.fn, args: read}}}}, nil
}

// errTooLong is for values that do not fit in a buffer.
var errTooLong = errors.New("the value is longer than a buffer")

// Fetch calls a fetch. The value is good until the next evaluation; nil: there is none.
func (k *Call) Fetch(c *Context) *txn.Value { return k.expr.Eval(c) }

// Convert calls a converter with a value.
func (k *Call) Convert(c *Context, in txn.Value) (*txn.Value, error) {
	c.every, c.at, c.used, c.more, c.Unknown = false, cursor{}, 0, false, false
	v := &c.v
	*v = in
	if !c.copied(v) {
		return nil, errTooLong
	}
	if k.in != txn.None && !c.Cast(v, k.in) || !k.expr.ops[0].fn(c, k.expr.ops[0].args, v) {
		return nil, nil
	}
	return v, nil
}

// Text casts the value of the last evaluation to a text.
func (c *Context) Text(v *txn.Value) bool { return c.Cast(v, txn.Str) }
