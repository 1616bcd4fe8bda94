package lua

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/lua/lang"
	"bench/proxy/pattern"
	"bench/proxy/sample"
	"bench/proxy/script"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// Settings are those of "tune.lua.*".
type Settings struct {
	// ForcedYield is how many instructions a script executes before others have their turn.
	ForcedYield int
	// Session, Task and Service are how long scripts may compute; 0: for ever.
	Session, Task, Service time.Duration
}

// Standard are the settings by default (configuration manual, section 3.2).
func Standard() Settings {
	return Settings{ForcedYield: lang.DefaultSlice, Session: 4 * time.Second, Service: 4 * time.Second}
}

// Reading is what the configuration being read has.
type Reading struct {
	Names   *txn.Names
	Lists   *pattern.Lists
	BufSize int
	// Say takes lines for the console.
	Say func(line string)
}

// Program is all scripts of a configuration, and what they have registered.
type Program struct {
	Settings Settings

	reading  Reading
	shared   *world // of "lua-load"; nil: there is none
	first    *world // of "lua-load-per-thread", for the first thread; nil: there is none
	loads    []load // of the others
	paths    [][2]string
	loading  *world
	fetches  map[string]*script.Function
	convs    map[string]*script.Function
	services map[string]*script.Function
	actions  map[string]*script.Function // by place and name
	commands []*Command
	facts    Facts
	started  bool
	proxies  []*spec.Proxy
}

// load is a "lua-load-per-thread" line.
type load struct {
	file string
	args []string
}

// New makes a program without scripts.
func New(r Reading) *Program {
	return &Program{
		Settings: Standard(), reading: r,
		fetches: map[string]*script.Function{}, convs: map[string]*script.Function{}, services: map[string]*script.Function{}, actions: map[string]*script.Function{},
	}
}

// Prepend is "lua-prepend-path": which is "path", or "cpath".
func (p *Program) Prepend(path, which string) {
	p.paths = append(p.paths, [2]string{path, which})
	for _, w := range []*world{p.shared, p.first} {
		if w != nil {
			w.state.Prepend(path, which)
		}
	}
}

// Load runs a script, which registers what it has. perThread gives it a state for each
// thread.
func (p *Program) Load(file string, args []string, perThread bool) error {
	w := p.shared
	if perThread {
		w = p.first
	}
	if w == nil {
		w = p.newWorld(perThread, 1)
		if perThread {
			p.first = w
		} else {
			p.shared = w
		}
	}
	if perThread {
		p.loads = append(p.loads, load{file, args})
	}
	return p.run(w, file, args)
}

func (p *Program) run(w *world, file string, args []string) error {
	fn, err := w.state.LoadFile(file)
	if err != nil {
		return err
	}
	values := make([]lua.LValue, len(args))
	for i, a := range args {
		values[i] = lua.LString(a)
	}
	p.loading = w
	defer func() { p.loading = nil }()
	if err := w.state.Do(fn, values...); err != nil {
		return fmt.Errorf("runtime error: %w", err)
	}
	return nil
}

// newWorld makes a state with all classes. thread is the number of the one that it belongs
// to, if it is not shared.
func (p *Program) newWorld(perThread bool, thread int) *world {
	if !perThread {
		thread = 0
	}
	w := &world{program: p, state: lang.New(!perThread), thread: thread, fns: map[*script.Function]*lua.LFunction{}, classes: map[string]*lua.LTable{}}
	w.state.Slice = p.Settings.ForcedYield
	for _, path := range p.paths {
		w.state.Prepend(path[0], path[1])
	}
	w.open()
	return w
}

// Init runs what scripts have registered for the time when the configuration has been read.
// proxies are those of the configuration. Each further thread of "lua-load-per-thread" gets its state by Machine.
func (p *Program) Init(proxies []*spec.Proxy) error {
	p.started, p.proxies = true, proxies
	for _, w := range []*world{p.shared, p.first} {
		if w == nil {
			continue
		}
		if err := w.runInits(); err != nil {
			return err
		}
	}
	return nil
}

// Fetch implements script.Registry.
func (p *Program) Fetch(name string) *script.Function { return p.fetches[name] }

// Converter implements script.Registry.
func (p *Program) Converter(name string) *script.Function { return p.convs[name] }

// Service implements script.Registry.
func (p *Program) Service(name string) *script.Function { return p.services[name] }

// places are the keywords of rules by the names that scripts use for them.
var places = map[string]string{"tcp-req": "tcp-request content", "tcp-res": "tcp-response content", "http-req": "http-request", "http-res": "http-response"}

// Action implements script.Registry.
func (p *Program) Action(place, name string) *script.Function { return p.actions[place+" "+name] }

// register notes something under a name, and the function for it in the state that is at
// hand. The same name in the states of other threads means the same.
func (p *Program) register(l *lua.LState, into map[string]*script.Function, key, name, what string, fn *lua.LFunction) *script.Function {
	w := p.loading
	if w == nil {
		l.RaiseError("%s: only available from the body of a script", what)
	}
	f := into[key]
	if f == nil {
		f = &script.Function{Name: name}
		into[key] = f
	}
	if w.fns[f] != nil {
		p.reading.Say(fmt.Sprintf("[WARNING] Lua %s '%s' already registered in this state: it is replaced", what, name))
	}
	w.fns[f] = fn
	return f
}

// env is what samples are compiled for that scripts call.
func (p *Program) env() *sample.Env {
	return &sample.Env{Names: p.reading.Names, At: txn.Between(txn.StepConnection, txn.StepLog), Where: "a script", Lists: p.reading.Lists}
}

// of is the state that a function is to be run in on a thread.
func (p *Program) of(f *script.Function, own *world) (*world, *lua.LFunction) {
	if p.shared != nil {
		if fn := p.shared.fns[f]; fn != nil {
			return p.shared, fn
		}
	}
	if own != nil {
		if fn := own.fns[f]; fn != nil {
			return own, fn
		}
	}
	return nil, nil
}
