package lang

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// run runs a task to its end.
func run(t *testing.T, s *State, text string) error {
	t.Helper()
	fn, err := s.Load(text, "test")
	if err != nil {
		t.Fatal(err)
	}
	pool := s.Pool()
	defer pool.Close()
	task := pool.Task(fn)
	for !task.Resume() {
		// It has used its slice up.
	}
	err = task.Err()
	task.Release()
	return err
}

// printed is what a script prints.
func printed(t *testing.T, do func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out := os.Stdout
	os.Stdout = w
	var b bytes.Buffer
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(&b, r) // what is missing shows
		close(read)
	}()
	do()
	os.Stdout = out
	_ = w.Close()
	<-read
	return b.String()
}

// testdata/language.txt is what the interpreter of Lua 5.3 makes of the script beside it.
func TestLikeLua(t *testing.T) {
	text, err := os.ReadFile("testdata/language.lua")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/language.txt")
	if err != nil {
		t.Fatal(err)
	}
	got := printed(t, func() {
		s := New(false)
		fn, err := s.Load(string(text), "language.lua")
		if err == nil {
			err = s.Do(fn)
		}
		if err != nil {
			t.Error(err)
		}
	})
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("line %d: %q, want %q", i+1, strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""), strings.Join(w[min(i, len(w)):min(i+1, len(w))], ""))
		}
	}
}

// A script that computes gives its thread back, and ends when its time is over, whatever it
// catches.
func TestEndless(t *testing.T) {
	s := New(true)
	s.Slice = 100
	fn, err := s.Load("while true do pcall(function() while true do end end) end", "test")
	if err != nil {
		t.Fatal(err)
	}
	pool := s.Pool()
	defer pool.Close()
	task := pool.Task(fn)
	task.Limit = 20 * time.Millisecond
	slices := 1
	for !task.Resume() {
		slices++
		if !task.Sliced() {
			t.Fatal("it waits for something else than its next slice")
		}
	}
	if slices < 2 || !errors.Is(task.Err(), ErrTimeout) {
		t.Errorf("%d slices, %v", slices, task.Err())
	}
	task.Release()
	if err := run(t, s, "x = 1"); err != nil || s.L.GetGlobal("x") != lua.LNumber(1) {
		t.Errorf("afterwards: %v", err)
	}
}

// A task can be suspended anywhere, while others run in the same state, and be stopped then.
func TestSuspended(t *testing.T) {
	s := New(true)
	s.L.SetGlobal("wait", s.L.NewFunction(func(l *lua.LState) int {
		Current(l).Pause(l)
		return 0
	}))
	text := "local t = {3, 1, 2} table.sort(t, function(a, b) wait() return a < b end)\n" +
		"local co = coroutine.wrap(function() wait() coroutine.yield(t[1]) end)\n" +
		"pcall(function() wait() error('x') end) local v = co() + select(2, ('a'):gsub('a', function() wait() end)) n = (n or 0) + v"
	fn, err := s.Load(text, "test")
	if err != nil {
		t.Fatal(err)
	}
	pool := s.Pool()
	defer pool.Close()
	tasks := make([]*Task, 50)
	for i := range tasks {
		tasks[i] = pool.Task(fn)
	}
	for left := len(tasks) - 1; left > 0; {
		for i, task := range tasks[1:] {
			if task != nil && task.Resume() {
				if task.Err() != nil {
					t.Fatal(task.Err())
				}
				tasks[1+i] = nil
				left--
			}
		}
	}
	if n := s.L.GetGlobal("n"); n != lua.LNumber(2*(len(tasks)-1)) {
		t.Errorf("%v", n)
	}
	tasks[0].Resume()
	tasks[0].Abort(ErrStopped)
	if !errors.Is(tasks[0].Err(), ErrStopped) {
		t.Error(tasks[0].Err())
	}
}

// What must not wait fails where it would, and that is not for the script to catch.
func TestAtomic(t *testing.T) {
	s := New(false)
	s.L.SetGlobal("wait", s.L.NewFunction(func(l *lua.LState) int {
		Current(l).Pause(l)
		return 0
	}))
	fn, err := s.Load("pcall(wait) reached = true", "test")
	if err != nil {
		t.Fatal(err)
	}
	pool := s.Pool()
	defer pool.Close()
	task := pool.Task(fn)
	task.Atomic = true
	if !task.Resume() || !errors.Is(task.Err(), ErrYield) || s.L.GetGlobal("reached") != lua.LNil {
		t.Errorf("%v, %v", task.Err(), s.L.GetGlobal("reached"))
	}
}

func TestErrors(t *testing.T) {
	s := New(false)
	for text, want := range map[string]string{
		"x = = 1":                          "test:1: unexpected symbol near '='",
		"local x\n\nif x":                  "test:3: 'then' expected near '<eof>'",
		"while true do\nbreak":             "test:2: 'end' expected (to close 'while' at line 1) near '<eof>'",
		"break":                            "<break> at line 1 not inside a loop",
		"x = 'a\nb'":                       "unfinished string",
		"x = [[a":                          "unfinished long string",
		"goto nowhere":                     "no visible label 'nowhere'",
		"return 1 x = 2":                   "'<eof>' expected near 'x'",
		"f() = 1":                          "syntax error near '='",
		"(a) = 1":                          "syntax error near '='",
		"x = 0x":                           "malformed number near '0x'",
		"x = '\\q'":                        "invalid escape sequence near '\\q'",
		"local _ENV = {}":                  "'_ENV' is not supported",
		"function f() return ... end":      "cannot use '...' outside a vararg function",
		"x = " + strings.Repeat("(", 1000): "too many syntax levels",
	} {
		_, err := s.Load(text, "test")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"error('a')":                                "test:1: a",
		"local x\nx.y = 1":                          "test:2: attempt to index",
		"return 1 // 0":                             "attempt to perform 'n//0'",
		"return 1.5 & 1":                            "number has no integer representation",
		"return {} | 1":                             "attempt to perform bitwise operation on a table value",
		"return ('x'):rep(1e10)":                    "resulting string too large",
		"return ('x'):find('[a')":                   "malformed pattern (missing ']')",
		"return ('x'):gsub('x', '%2')":              "invalid capture index %2",
		"return string.format('%d', 1.5)":           "number has no integer representation",
		"require('none')":                           "module 'none' not found",
		"local function f() return f() + 1 end f()": "stack overflow",
	} {
		if err := run(t, s, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
