package lua

import (
	"fmt"
	"math/rand/v2"
	"time"

	lua "github.com/yuin/gopher-lua"

	"bench/internal/loop"
	"bench/proxy/cli"
	"bench/proxy/lua/lang"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/script"
	"bench/proxy/txn"
)

// Host is what scripts ask of the process. It may be asked from any goroutine.
type Host interface {
	// Log sends a message to the logs of a proxy, or of the process for -1, and to the
	// console unless the process is quiet.
	Log(proxy, level int, text string)
	// Failed is Log for an error of a script.
	Failed(proxy int, text string)
	// Runtime is what scripts look at and change of the engine. Its methods may have to
	// wait for a loop, so that none but those of single servers may be called on one.
	Runtime() cli.Engine
}

// Facts are what scripts may know of the configuration.
type Facts struct {
	// Resolve finds what a sample names.
	Resolve func(sample.Reference) error
	// Counters is the number of counters that can track entries of stick tables.
	Counters int
	// Rated is Env.Rated: whether it is known how often something happens.
	Rated bool
	// Client is how requests are made.
	Client Requests
}

// Machine runs the program on the loop of one thread. It implements script.Machine.
type Machine struct {
	program *Program
	loop    *loop.Loop
	host    Host
	wires   Wires
	rules   *rule.Runner
	own     *world // of this thread; nil: there is none
	ctx     *sample.Context
	calls   map[string]*sample.Call
	pools   map[*world]*lang.Pool
	value   []byte // of the last fetch or converter
	// background are the scripts that run for nobody.
	background map[*background]struct{}
	sockets    map[*socket]struct{}
	answers    map[*answering]struct{}
	over       chan struct{} // closed at the end of the loop
}

var _ script.Machine = (*Machine)(nil)

// Start notes what is known now that the configuration has been read.
func (p *Program) Start(f Facts) { p.facts = f }

// Machine makes that of a thread, whose number counts from 1.
func (p *Program) Machine(thread int, l *loop.Loop, host Host, rules *rule.Runner, wires Wires) (*Machine, error) {
	m := &Machine{program: p, loop: l, host: host, rules: rules, wires: wires, sockets: map[*socket]struct{}{}, answers: map[*answering]struct{}{}, over: make(chan struct{}), calls: map[string]*sample.Call{}, background: map[*background]struct{}{}, pools: map[*world]*lang.Pool{}, ctx: sample.NewContext(p.reading.BufSize, rand.Uint64())}
	if p.first != nil {
		if thread == 1 {
			m.own = p.first
			return m, nil
		}
		m.own = p.newWorld(true, thread)
		for _, line := range p.loads {
			if err := p.run(m.own, line.file, line.args); err != nil {
				return nil, fmt.Errorf("script '%s' on thread %d: %w", line.file, thread, err)
			}
		}
		if err := m.own.runInits(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// begin makes a call of a function.
func (m *Machine) begin(f *script.Function, limit time.Duration, args func(c *call) []lua.LValue) *call {
	w, fn := m.program.of(f, m.own)
	if w == nil {
		return nil
	}
	return m.start(w, fn, limit, args)
}

func (m *Machine) start(w *world, fn *lua.LFunction, limit time.Duration, args func(c *call) []lua.LValue) *call {
	w.state.Enter()
	defer w.state.Leave()
	c := &call{w: w, m: m}
	c.task = m.pool(w).Task(fn, args(c)...)
	c.task.Owner, c.task.Limit = c, limit
	return c
}

// pool is that of the machine for a state.
func (m *Machine) pool(w *world) *lang.Pool {
	p := m.pools[w]
	if p == nil {
		p = w.state.Pool()
		m.pools[w] = p
	}
	return p
}

// proxyOf is the proxy whose logs a message about a transaction goes to.
func proxyOf(t *txn.Txn) int {
	if t == nil || t.Stream == nil {
		return -1
	}
	if b := t.Stream.Backend(); b >= 0 {
		return b
	}
	return t.Stream.Frontend()
}

// Fetch implements script.Machine.
func (m *Machine) Fetch(f *script.Function, t *txn.Txn, args []string, v *txn.Value) bool {
	return m.compute("sample-fetch", f, t, v, func(c *call) []lua.LValue {
		return append([]lua.LValue{c.w.txnObject(c)}, texts(args)...)
	})
}

// Convert implements script.Machine.
func (m *Machine) Convert(f *script.Function, t *txn.Txn, args []string, v *txn.Value) bool {
	return m.compute("sample-converter", f, t, v, func(*call) []lua.LValue {
		return append([]lua.LValue{lua.LString(v.B)}, texts(args)...)
	})
}

func texts(args []string) []lua.LValue {
	var list []lua.LValue
	for _, a := range args {
		list = append(list, lua.LString(a))
	}
	return list
}

// compute runs a function that gives a value and cannot wait.
func (m *Machine) compute(what string, f *script.Function, t *txn.Txn, v *txn.Value, args func(c *call) []lua.LValue) bool {
	before := m.ctx.Txn
	defer func() { m.ctx.Txn = before }()
	c := m.begin(f, m.program.Settings.Session, args)
	if c == nil {
		return false
	}
	c.t = t
	c.task.Atomic = true
	ok := false
	c.task.Finished = func(task *lang.Task, first int) {
		result := c.given
		if result == nil && task.L.GetTop() >= first {
			result = task.L.Get(first)
		}
		if ok = result != nil; ok {
			m.fromLua(result, v)
		}
	}
	c.task.Resume()
	err := c.task.Err()
	if c.decided {
		ok = false
	}
	c.end()
	if err != nil {
		m.host.Failed(proxyOf(t), fmt.Sprintf("Lua %s '%s': %s.", what, f.Name, c.w.describe(err)))
		return false
	}
	return ok
}
