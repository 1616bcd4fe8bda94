package lua

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/lua/lang"
	"bench/proxy/script"
)

// world is one state with what scripts have registered in it.
type world struct {
	program *Program
	state   *lang.State
	thread  int // 0: it is shared
	fns     map[*script.Function]*lua.LFunction
	classes map[string]*lua.LTable
	inits   []*lua.LFunction
	tasks   []*lua.LFunction // that wait for the start
	// samples are the methods of the classes of samples, made when they are first used.
	samples map[string]*lua.LFunction
}

// open gives the state its classes.
func (w *world) open() {
	w.samples = map[string]*lua.LFunction{}
	openCore(w)
	openRegistering(w)
	openTimes(w)
	openTxn(w)
	openSamples(w)
	openHTTP(w)
	openReply(w)
	openApplets(w)
	openMaps(w)
	openRegex(w)
	openConcat(w)
	openAddresses(w)
	openLists(w)
	openSockets(w)
	openClients(w)
	openProxies(w)
	openMissing(w)
}

// class begins a class: methods, and index for what has no method, nil for nothing.
func (w *world) class(name string, methods map[string]lua.LGFunction, index func(l *lua.LState, self *lua.LTable, key string) lua.LValue) *lua.LTable {
	l := w.state.L
	meta := l.NewTable()
	table := l.NewTable()
	l.SetFuncs(table, methods)
	meta.RawSetString("__name", lua.LString(name))
	meta.RawSetString("__index", table)
	if index != nil {
		meta.RawSetString("__index", l.NewFunction(func(l *lua.LState) int {
			key := l.Get(2)
			if v := table.RawGet(key); v != lua.LNil {
				l.Push(v)
				return 1
			}
			self, ok := l.Get(1).(*lua.LTable)
			if name, isText := key.(lua.LString); ok && isText {
				l.Push(index(l, self, string(name)))
				return 1
			}
			return 0
		}))
	}
	w.classes[name] = meta
	return table
}

// object makes an object of a class.
func (w *world) object(class string, value any) *lua.LTable {
	t := w.state.L.NewTable()
	t.RawSetInt(0, &lua.LUserData{Value: value})
	t.Metatable = w.classes[class]
	return t
}

// self is what the first argument of a method holds.
func self[T any](l *lua.LState, class string) T {
	return argument[T](l, 1, class)
}

// argument is what an object holds that is an argument.
func argument[T any](l *lua.LState, n int, class string) T {
	if t, ok := l.Get(n).(*lua.LTable); ok {
		if u, ok := t.RawGet(lua.LNumber(0)).(*lua.LUserData); ok {
			if v, ok := u.Value.(T); ok {
				return v
			}
		}
	}
	l.ArgError(n, class+" expected")
	panic("not reached")
}

// runInits runs the functions of "core.register_init".
func (w *world) runInits() error {
	pool := w.state.Pool()
	defer pool.Close()
	for _, fn := range w.inits {
		t := pool.Task(fn)
		c := &call{w: w, task: t}
		t.Owner = c
		for !t.Resume() {
			c.sleepHere() // nothing else runs yet
		}
		err := t.Err()
		t.Release()
		if err != nil {
			return fmt.Errorf("init of a script: runtime error: %w", err)
		}
	}
	return nil
}

// describe is an error of a script as it is logged.
func (w *world) describe(err error) string {
	if err == lang.ErrYield { //nolint:errorlint // it comes as it is
		return err.Error()
	}
	return fmt.Sprintf("[state-id %d] runtime error: %s", w.thread, strings.ReplaceAll(err.Error(), "\n", " "))
}
