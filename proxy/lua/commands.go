package lua

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"bench/internal/loop"
	"bench/proxy/cli"
	"bench/proxy/lua/lang"
	"bench/proxy/message"
	"bench/proxy/script"
	"bench/proxy/service"
	"bench/proxy/txn"
)

// Command is one of the runtime API that a script has registered.
type Command struct {
	Words []string
	// Usage is its line in the help.
	Usage string
	f     *script.Function
}

// Commands are those that scripts have registered.
func (p *Program) Commands() []*Command { return p.commands }

// registerCLI is core.register_cli.
func (p *Program) registerCLI(l *lua.LState) int {
	list, usage, fn := l.CheckTable(1), l.CheckString(2), l.CheckFunction(3)
	var words []string
	for i := 1; i <= list.Len(); i++ {
		words = append(words, lua.LVAsString(list.RawGetInt(i)))
	}
	if len(words) == 0 || slices.Contains(words, "") {
		l.ArgError(1, "a list of words is expected")
	}
	name := "cli." + strings.Join(words, ".")
	f := p.register(l, p.services, name, name, "cli", fn)
	if !slices.ContainsFunc(p.commands, func(c *Command) bool { return c.f == f }) {
		p.commands = append(p.commands, &Command{Words: words, Usage: usage, f: f})
	}
	return 0
}

// held is how much of an answer waits for the client at most.
const held = 64 << 10

// answering is a command at work. The script runs on the loop, whoever has asked waits in
// a goroutine of its own, and writes what comes.
type answering struct {
	m     *Machine
	name  string
	c     *call // of the loop
	timer loop.Timer
	task  loop.Task

	mu    sync.Mutex
	out   []byte
	in    []byte // heard, and not taken by the script
	wants bool   // the script waits for what the client says
	mute  bool   // the client will say nothing more
	gone  bool   // nobody reads it
	over  bool
	more  chan struct{} // says that something of this has changed
}

var _ script.Applet = (*answering)(nil)

// Answer runs a command and writes what it says. It is called from outside of the loop, and
// returns when the command is over or the client takes no more; rest is what the client
// has said and the script has not used.
func (m *Machine) Answer(c *Command, words []string, client cli.Dialogue) (rest []byte, err error) {
	a := &answering{m: m, name: script.Prefix + c.f.Name, more: make(chan struct{}, 1)}
	a.task.R = a
	if !m.loop.Post(func() { a.start(c, words) }) {
		return nil, nil // the process ends
	}
	for {
		a.mu.Lock()
		out, over, wants := a.out, a.over, a.wants
		a.out, a.wants = nil, false
		rest = a.in
		a.mu.Unlock()
		if _, err := client.Write(out); err != nil {
			a.mu.Lock()
			a.gone = true
			a.mu.Unlock()
			a.Wake()
			return nil, err
		}
		if over {
			return rest, nil
		}
		if wants {
			said := client.Hear()
			a.mu.Lock()
			a.in, a.mute = append(a.in, said...), len(said) == 0
			a.mu.Unlock()
			a.Wake()
			continue
		}
		if len(out) > 0 {
			a.Wake() // there is room
		}
		select {
		case <-a.more:
		case <-m.over:
			return nil, nil
		}
	}
}

// start begins the script, on the loop.
func (a *answering) start(cmd *Command, words []string) {
	a.c = a.m.begin(cmd.f, a.m.program.Settings.Service, func(c *call) []lua.LValue {
		c.applet, c.answer, c.wake = a, &answer{begun: true}, func() { a.m.loop.Wake(&a.task) }
		return append([]lua.LValue{c.w.object("AppletTCP", c)}, texts(words)...)
	})
	if a.c == nil {
		a.finish()
		return
	}
	a.m.answers[a] = struct{}{}
	a.Run()
}

// Run implements loop.Runner: the script goes on.
func (a *answering) Run() {
	c := a.c
	if c == nil {
		return
	}
	a.m.loop.StopTimer(&a.timer)
	if a.Gone() {
		c.task.Abort(lang.ErrStopped)
	} else if !c.task.Resume() {
		if wait := c.wait(); wait > 0 {
			a.m.loop.SetTimer(&a.timer, a.m.loop.Now()+wait, a)
		}
		return
	}
	if err := c.task.Err(); err != nil && !a.Gone() {
		a.m.host.Failed(-1, fmt.Sprintf("Lua cli '<%s>': %s.", a.name, c.w.describe(err)))
	}
	a.finish()
}

// finish says that nothing more will come.
func (a *answering) finish() {
	var heard []byte
	if a.c != nil {
		heard = a.c.answer.in
		a.c.end()
		a.c = nil
		delete(a.m.answers, a)
	}
	a.mu.Lock()
	a.in, a.over = append(heard, a.in...), true
	a.mu.Unlock()
	a.tell()
}

func (a *answering) tell() {
	select {
	case a.more <- struct{}{}:
	default:
	}
}

// Expired implements loop.TimerHandler.
func (a *answering) Expired(*loop.Timer) { a.Run() }

// Wake implements script.Applet. It may be called from any goroutine.
func (a *answering) Wake() { a.m.loop.Post(a.Run) }

// Send implements script.Applet.
func (a *answering) Send(p []byte) int {
	a.mu.Lock()
	n := min(len(p), held-len(a.out))
	a.out = append(a.out, p[:n]...)
	a.mu.Unlock()
	a.tell()
	return n
}

// Gone implements script.Applet.
func (a *answering) Gone() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gone
}

// Txn implements script.Applet: there is none.
func (a *answering) Txn() *txn.Txn { return nil }

// Request implements script.Applet: there is none.
func (a *answering) Request() *message.Request { return nil }

// Receive implements script.Applet.
func (a *answering) Receive(most int) (data []byte, end bool) {
	a.mu.Lock()
	n := min(len(a.in), most)
	data, a.in = a.in[:n], a.in[n:]
	end = n == 0 && a.mute
	a.wants = n == 0 && !end
	a.mu.Unlock()
	a.tell()
	return data, end
}

// Begin implements script.Applet.
func (a *answering) Begin(service.Head) {}
