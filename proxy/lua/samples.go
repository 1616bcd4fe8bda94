package lua

import (
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/sample"
	"bench/proxy/txn"
)

// samples is what objects of the classes Fetches and Converters hold: converters tells
// which, and texts whether everything they give is a text.
type samples struct {
	c                 *call
	converters, texts bool
}

// named are those of fetches and converters as scripts write them, made the first time
// that a script needs them.
var named = sync.OnceValue(func() [2]map[string]string {
	name := strings.NewReplacer(".", "_", "-", "_", "+", "_")
	all := [2]map[string]string{{}, {}}
	add := func(to map[string]string, n string) { to[name.Replace(n)] = n }
	for _, f := range sample.Fetches() {
		add(all[0], f.Name)
		for _, other := range sample.OtherNames(f.Name) {
			add(all[0], other)
		}
	}
	for _, c := range sample.Convs() {
		add(all[1], c.Name)
	}
	return all
})

func openSamples(w *world) {
	for i, class := range []string{"Fetches", "Converters"} {
		w.class(class, nil, func(l *lua.LState, _ *lua.LTable, key string) lua.LValue {
			full, ok := named()[i][key]
			if !ok {
				return lua.LNil
			}
			fn := w.samples[class+key]
			if fn == nil {
				fn = l.NewFunction(func(l *lua.LState) int { return callSample(l, class, full) })
				w.samples[class+key] = fn
			}
			return fn
		})
	}
}

// callSample calls a fetch or a converter.
func callSample(l *lua.LState, class, name string) int {
	s := self[*samples](l, class)
	c := s.c.alive(l)
	m := c.m
	from := 2
	if s.converters {
		from = 3
	}
	var args []string
	for i := from; i <= l.GetTop(); i++ {
		args = append(args, argText(l.Get(i)))
	}
	k := m.sampleCall(l, s.converters, name, args)
	before := m.ctx.Txn
	m.ctx.Txn = c.t
	if c.t == nil {
		m.ctx.Txn = &txn.Txn{Final: true}
	}
	var v *txn.Value
	var err error
	if s.converters {
		in := txn.Value{}
		switch x := l.Get(2).(type) {
		case lua.LNumber:
			in.SetInt(int64(x))
		case lua.LString:
			in.SetStr([]byte(x))
		default:
			in.SetBool(x == lua.LTrue)
		}
		v, err = k.Convert(m.ctx, in)
	} else if c.t != nil {
		v = k.Fetch(m.ctx)
	}
	result := lua.LNil
	if v != nil {
		result = m.toLua(v)
	}
	m.ctx.Txn = before
	if err != nil {
		l.RaiseError("%s", err.Error())
	}
	if s.texts {
		result = asText(result)
	}
	l.Push(result)
	return 1
}

func asText(v lua.LValue) lua.LValue {
	switch v := v.(type) {
	case lua.LString:
		return v
	case lua.LNumber:
		return lua.LString(argText(v))
	}
	return lua.LString("")
}

// keptCalls is how many calls are kept that were readied.
const keptCalls = 1024

// sampleCall readies a call, or takes one that was readied before.
func (m *Machine) sampleCall(l *lua.LState, converter bool, name string, args []string) *sample.Call {
	key := name + "\x00" + strings.Join(args, "\x00")
	if converter {
		key = "\x00" + key
	}
	if k := m.calls[key]; k != nil {
		return k
	}
	var failed error
	env := m.program.env()
	env.Counters = m.program.facts.Counters
	env.Later = func(r sample.Reference) {
		if err := m.program.facts.Resolve(r); err != nil && failed == nil {
			failed = err
		}
	}
	ready := sample.CallFetch
	if converter {
		ready = sample.CallConv
	}
	k, err := ready(name, args, env)
	if err == nil {
		err = failed
	}
	if err != nil {
		l.RaiseError("these arguments cannot be used: %s", err.Error())
	}
	if len(m.calls) >= keptCalls {
		clear(m.calls)
	}
	m.calls[key] = k
	return k
}
