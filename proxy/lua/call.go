package lua

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/lua/lang"
	"bench/proxy/script"
	"bench/proxy/txn"
)

// call is one run of a script, as the functions see it that the script calls.
type call struct {
	w    *world
	m    *Machine // nil before the engine runs
	task *lang.Task
	t    *txn.Txn     // nil: there is no transaction
	out  *txn.Outcome // of an action
	// reply is the answer that an action has given.
	verdict    txn.Verdict
	decided    bool
	ofResponse bool
	applet     script.Applet
	answer     *answer
	// until is when a script wants to go on, 0: when it is woken.
	until int64
	over  bool
	wake  func()
	// given is what core.done has given to the caller.
	given lua.LValue
	// wakeTime is that of "act:wake_time".
	wakeTime time.Duration
}

// calling is the call that a function of the library was called by; nil while scripts are
// loaded.
func calling(l *lua.LState) *call {
	if t := lang.Current(l); t != nil {
		c, _ := t.Owner.(*call)
		return c
	}
	return nil
}

// machine is the one that a function was called on, or an error in places that have none.
func machine(l *lua.LState, what string) *call {
	c := calling(l)
	if c == nil || c.m == nil {
		l.RaiseError("%s: not available before the proxy runs", what)
	}
	return c
}

// now is the time for whoever waits.
func (c *call) now() int64 {
	if c.m != nil {
		return c.m.loop.Now()
	}
	return time.Now().UnixNano()
}

// pause waits until a time, 0 for ever, or until somebody wakes the script.
func (c *call) pause(l *lua.LState, until int64) {
	c.until = until
	c.task.Pause(l)
}

// sleep waits for a time.
func (c *call) sleep(l *lua.LState, d time.Duration) {
	until := c.now() + max(int64(d), 1)
	for c.now() < until {
		c.pause(l, until)
	}
}

// sleepHere lets the time pass that a script waits for where nothing else runs.
func (c *call) sleepHere() {
	if d := c.until - c.now(); c.until > 0 && d > 0 {
		time.Sleep(time.Duration(d))
	}
}

// wait is how many nanoseconds a script that is suspended waits at most; 0: for ever.
func (c *call) wait() int64 {
	until := c.until
	c.until = 0
	switch {
	case until == 0 && c.task.Sliced():
		return 1
	case until == 0:
		return 0
	}
	return max(until-c.now(), 1)
}

// end lets go of what the script has.
func (c *call) end() {
	c.over = true
	c.task.Release()
	c.task, c.t, c.out, c.applet = nil, nil, nil, nil
}

// alive is the call of an object, which is of no use after the script has ended that it
// was made for.
func (c *call) alive(l *lua.LState) *call {
	if c.over {
		l.RaiseError("the transaction of this object is over")
	}
	return c
}
