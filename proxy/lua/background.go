package lua

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"bench/internal/loop"
	"bench/proxy/lua/lang"
)

// background is a script that runs for nobody: core.register_task.
type background struct {
	m     *Machine
	c     *call
	timer loop.Timer
	task  loop.Task
}

// spawn begins one on the loop of the machine. The state has been entered.
func (m *Machine) spawn(w *world, fn *lua.LFunction) {
	b := &background{m: m}
	b.task.R = b
	c := &call{w: w, m: m, wake: func() { m.loop.Wake(&b.task) }}
	c.task = m.pool(w).Task(fn)
	c.task.Owner, c.task.Limit = c, m.program.Settings.Task
	b.c = c
	m.background[b] = struct{}{}
	m.loop.Wake(&b.task)
}

// StartTasks begins what scripts have asked for while they were loaded. It is called on the
// loop.
func (m *Machine) StartTasks(first bool) {
	worlds := []*world{m.own}
	if first {
		worlds = append(worlds, m.program.shared)
	}
	for _, w := range worlds {
		if w == nil {
			continue
		}
		w.state.Enter()
		for _, fn := range w.tasks {
			m.spawn(w, fn)
		}
		w.tasks = nil
		w.state.Leave()
	}
}

// Run implements loop.Runner.
func (b *background) Run() {
	c := b.c
	if c == nil {
		return
	}
	b.m.loop.StopTimer(&b.timer)
	if !c.task.Resume() {
		if wait := c.wait(); wait > 0 {
			b.m.loop.SetTimer(&b.timer, b.m.loop.Now()+wait, b)
		}
		return
	}
	b.c = nil
	delete(b.m.background, b)
	err := c.task.Err()
	c.end()
	if err != nil {
		b.m.host.Failed(-1, fmt.Sprintf("Lua task: %s.", c.w.describe(err)))
	}
}

// Expired implements loop.TimerHandler.
func (b *background) Expired(*loop.Timer) { b.Run() }

// Stop ends what runs in the background, at the end of the loop.
func (m *Machine) Stop() {
	for b := range m.background {
		b.c.task.Abort(lang.ErrStopped)
		b.c.end()
		b.c = nil
	}
	clear(m.background)
	for a := range m.answers {
		a.c.task.Abort(lang.ErrStopped)
		a.finish()
	}
	close(m.over)
	for s := range m.sockets {
		s.hangUp()
	}
	for _, p := range m.pools {
		p.Close()
	}
}
