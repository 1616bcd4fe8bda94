package lang

import (
	"errors"
	"iter"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Errors that end a task from outside.
var (
	ErrTimeout = errors.New("execution timeout")
	ErrStopped = errors.New("the script was stopped")
	// ErrYield is reported by a task that would have to wait and must not.
	ErrYield = errors.New("yield not allowed")
)

// Task runs one function of a script. It runs on the thread of whoever calls Resume, and gives
// that back when it waits, or has executed as many instructions as a slice has.
// It can do so anywhere in a script, as the interpreter runs in a coroutine.
type Task struct {
	State *State
	L     *lua.LState
	// Owner is what it runs for.
	Owner any
	// Limit is how long it may compute in all; 0: for ever.
	Limit time.Duration
	// Atomic: it can be suspended neither by itself nor by the end of its slice.
	Atomic bool
	// Finished, if not nil, is called within the state when the function has returned,
	// with its results on the stack from the index on.
	Finished func(t *Task, first int)

	pool   *Pool
	fn     *lua.LFunction
	args   []lua.LValue
	err    error
	over   bool
	sliced bool
	ended  bool // a function of the library has ended it: core.done
	ctx    meter

	next    func() (struct{}, bool)
	stop    func()
	suspend func(struct{}) bool
	used    time.Duration
	begun   time.Time // the slice at hand
	thread  *lua.LState
}

// meter counts the instructions of a task. The interpreter asks for Done before each.
type meter struct {
	t      *Task
	left   int
	killed error
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Done implements context.Context.
func (m *meter) Done() <-chan struct{} {
	if m.left--; m.left > 0 {
		return nil
	}
	return m.spent()
}

// spent ends a slice.
func (m *meter) spent() <-chan struct{} {
	if m.killed != nil {
		return closed
	}
	t := m.t
	m.left = t.State.Slice
	now := time.Now()
	t.used += now.Sub(t.begun)
	t.begun = now
	switch {
	case t.Limit > 0 && t.used >= t.Limit:
		m.kill(ErrTimeout)
		return closed
	case !t.Atomic:
		t.sliced = true
		t.giveBack()
	}
	if m.killed != nil {
		return closed
	}
	return nil
}

// kill makes every further instruction fail.
func (m *meter) kill(err error) { m.killed, m.left = err, 0 }

// Err implements context.Context.
func (m *meter) Err() error { return m.killed }

// Deadline implements context.Context.
func (m *meter) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value implements context.Context.
func (m *meter) Value(any) any { return nil }

// Current is the task that an interpreter runs for, nil outside of any.
func Current(l *lua.LState) *Task {
	if m, ok := l.Context().(*meter); ok {
		return m.t
	}
	return nil
}

// keptTasks is how many are kept for the next ones, with the stacks they have grown.
const keptTasks = 64

// Pool makes the tasks of a state on one thread, to which their coroutines are bound, and
// keeps those that are over for the next ones.
type Pool struct {
	state *State
	idle  []*Task
}

// Pool makes a pool, for the thread of whoever uses it.
func (s *State) Pool() *Pool { return &Pool{state: s} }

// Close ends the coroutines of tasks that are over.
func (p *Pool) Close() {
	for _, t := range p.idle {
		t.stop()
	}
	p.idle = nil
}

// Task takes a task for a function. The state must have been entered.
func (p *Pool) Task(fn *lua.LFunction, args ...lua.LValue) *Task {
	s := p.state
	var t *Task
	if n := len(p.idle); n > 0 {
		t = p.idle[n-1]
		p.idle = p.idle[:n-1]
	} else {
		t = &Task{State: s, pool: p}
		t.L, _ = s.L.NewThread()
		t.ctx.t = t
		t.L.SetContext(&t.ctx)
		t.next, t.stop = iter.Pull(t.work)
	}
	t.fn, t.args = fn, append(t.args[:0], args...)
	t.err, t.over, t.ended, t.used, t.thread = nil, false, false, 0, t.L
	t.ctx.killed, t.ctx.left = nil, s.Slice
	return t
}

// Release gives a task back that is over.
func (t *Task) Release() {
	t.Owner, t.Finished, t.fn, t.Limit, t.Atomic = nil, nil, nil, 0, false
	clear(t.args)
	if len(t.pool.idle) == keptTasks {
		t.stop()
		return
	}
	t.pool.idle = append(t.pool.idle, t)
}

// work runs one function after the other.
func (t *Task) work(suspend func(struct{}) bool) {
	t.suspend = suspend
	for {
		t.call()
		t.over = true
		if !suspend(struct{}{}) {
			return
		}
	}
}

// call runs the function.
func (t *Task) call() {
	t.L.SetTop(0)
	t.L.Push(t.fn)
	for _, a := range t.args {
		t.L.Push(a)
	}
	t.err = Reason(t.L.PCall(len(t.args), lua.MultRet, nil))
	if t.ctx.killed != nil {
		t.err = t.ctx.killed
	}
	if t.ended {
		t.err = nil
	}
	if t.err == nil && t.Finished != nil {
		t.Finished(t, 1)
	}
	t.L.SetTop(0)
}

// Resume goes on with the task. It reports whether that is over, and Err with what error.
func (t *Task) Resume() (over bool) {
	s := t.State
	t.sliced = false
	s.Enter()
	before := s.L.G.CurrentThread
	s.L.G.CurrentThread = t.thread
	t.begun = time.Now()
	t.next()
	t.used += time.Since(t.begun)
	t.thread = s.L.G.CurrentThread
	s.L.G.CurrentThread = before
	s.Leave()
	return t.over
}

// Sliced reports whether the task was suspended because its slice was over.
func (t *Task) Sliced() bool { return t.sliced }

// Err is what the task has ended with.
func (t *Task) Err() error { return t.err }

// Used is how long the task has computed.
func (t *Task) Used() time.Duration { return t.used }

// giveBack suspends the task until Resume.
func (t *Task) giveBack() {
	if !t.suspend(struct{}{}) {
		t.ctx.kill(ErrStopped)
	}
}

// Pause suspends the task from within a function of the library until Resume. It raises
// an error in a task that must not wait, and does not return to one that was stopped.
func (t *Task) Pause(l *lua.LState) {
	if t.Atomic {
		t.ctx.kill(ErrYield)
	} else {
		t.giveBack()
	}
	if t.ctx.killed != nil {
		l.RaiseError("%s", t.ctx.killed.Error())
	}
}

// Done ends the task from within a function of the library as if the script had returned.
func (t *Task) Done(l *lua.LState) {
	t.ended = true
	t.ctx.kill(ErrStopped)
	l.RaiseError("%s", ErrStopped.Error())
}

// Abort ends a task that is suspended, or was not begun.
func (t *Task) Abort(err error) {
	t.ctx.kill(err)
	for !t.Resume() {
		t.ctx.kill(err)
	}
}
