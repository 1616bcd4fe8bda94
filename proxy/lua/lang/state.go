package lang

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/lua/syntax"
)

// State is one world of scripts, with globals of its own. Whoever runs something in it, or
// touches its values, is inside Enter and Leave; tasks see to that themselves.
type State struct {
	L *lua.LState
	// Slice is how many instructions a task executes before it gives its thread back.
	Slice int

	shared bool
	mu     sync.Mutex
	ctl    controls
}

// controls are functions of the library that others call.
type controls struct{ create, resume lua.LValue }

// Limits of a script's memory, which is on the heap otherwise.
const (
	firstRegistry = 256
	maxRegistry   = 1 << 20
	maxCalls      = 1 << 11
	// maxText is the longest text that one call makes out of nothing.
	maxText = 64 << 20
)

// DefaultSlice is that of "tune.lua.forced-yield".
const DefaultSlice = 10000

// New makes a state. One that is shared may be entered from several threads.
func New(shared bool) *State {
	s := &State{shared: shared, Slice: DefaultSlice}
	s.L = lua.NewState(lua.Options{
		CallStackSize: maxCalls, RegistrySize: firstRegistry, RegistryMaxSize: maxRegistry, RegistryGrowStep: 1024,
		SkipOpenLibs: true, MinimizeStackMemory: true,
	})
	for _, lib := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.IoLibName, lua.OpenIo},
		{lua.OsLibName, lua.OpenOs},
		{lua.StringLibName, lua.OpenString},
		{lua.MathLibName, lua.OpenMath},
		{lua.DebugLibName, lua.OpenDebug},
		{lua.CoroutineLibName, lua.OpenCoroutine},
	} {
		s.L.Push(s.L.NewFunction(lib.open))
		s.L.Push(lua.LString(lib.name))
		s.L.Call(1, 0)
	}
	s.fill()
	return s
}

// fill replaces what is not as in Lua 5.3.
func (s *State) fill() {
	fillBase(s)
	fillModules(s)
	fillNumbers(s)
	fillTables(s)
	fillTexts(s)
	fillPack(s)
	fillUTF8(s)
	fillOperators(s)
	fillCoroutines(s)
	fillOS(s)
}

// Enter waits until nobody else is in a shared state.
func (s *State) Enter() {
	if s.shared {
		s.mu.Lock()
	}
}

// Leave ends what Enter began.
func (s *State) Leave() {
	if s.shared {
		s.mu.Unlock()
	}
}

// Library returns a table of the library, a new one if there is none.
func (s *State) Library(name string) *lua.LTable {
	if t, ok := s.L.GetGlobal(name).(*lua.LTable); ok {
		return t
	}
	t := s.L.NewTable()
	s.L.SetGlobal(name, t)
	return t
}

// set puts functions into a table of the library.
func (s *State) set(table string, fns map[string]lua.LGFunction) {
	s.L.SetFuncs(s.Library(table), fns)
}

// LoadFile reads a script into a function.
func (s *State) LoadFile(path string) (*lua.LFunction, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		if p, ok := errors.AsType[*os.PathError](err); ok {
			err = p.Err
		}
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	return s.Load(string(b), path)
}

// Load makes a function of the text of a script.
func (s *State) Load(text, chunk string) (*lua.LFunction, error) {
	proto, err := syntax.Compile(text, chunk)
	if err != nil {
		return nil, err
	}
	return s.L.NewFunctionFromProto(proto), nil
}

// Do calls a function outside of any task: it cannot be suspended.
func (s *State) Do(fn *lua.LFunction, args ...lua.LValue) error {
	s.L.Push(fn)
	for _, a := range args {
		s.L.Push(a)
	}
	return Reason(s.L.PCall(len(args), 0, nil))
}

// Reason is an error of a script without the trace of where it happened.
func Reason(err error) error {
	api, ok := errors.AsType[*lua.ApiError](err)
	if !ok {
		return err
	}
	if api.Object == nil || api.Object == lua.LNil {
		if api.Cause != nil {
			return api.Cause
		}
		return errors.New(strings.TrimSpace(api.Error()))
	}
	if t, ok := api.Object.(*lua.LTable); ok {
		return &TableError{t}
	}
	return errors.New(Text(api.Object))
}

// TableError is an error that is a table.
type TableError struct{ Table *lua.LTable }

func (e *TableError) Error() string { return "error object is a table value" }
