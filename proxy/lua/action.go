package lua

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"bench/proxy/lua/lang"
	"bench/proxy/script"
	"bench/proxy/txn"
)

// What actions return.
const (
	actContinue = iota
	actStop
	actYield
	actError
	actDone
	actDeny
	actAbort
	actInvalid
)

// action is an action at work. It implements txn.Script.
type action struct {
	m          *Machine
	f          *script.Function
	args       []string
	ofResponse bool
	c          *call
	result     int
	begun      int64
}

// Act implements script.Machine.
func (m *Machine) Act(f *script.Function, _ *txn.Txn, args []string, ofResponse bool) txn.Script {
	return &action{m: m, f: f, args: args, ofResponse: ofResponse, begun: m.loop.Now()}
}

// Resume implements txn.Script.
func (a *action) Resume(t *txn.Txn, out *txn.Outcome) txn.Verdict {
	if a.c == nil && !a.start(t) {
		return txn.Next
	}
	c := a.c
	c.t, c.out = t, out
	over := c.task.Resume()
	if !over {
		wait := time.Duration(c.wait())
		if left := out.Limit - time.Duration(a.m.loop.Now()-a.begun); out.Limit != 0 {
			if out.Limit < 0 || left <= 0 {
				a.Abort()
				a.m.host.Failed(proxyOf(t), fmt.Sprintf("Lua function '%s': aborting Lua processing on expired timeout.", a.f.Name))
				return txn.Next
			}
			if wait == 0 || wait > left {
				wait = left
			}
		}
		out.Need = txn.Need{Script: true, For: wait}
		return txn.Wait
	}
	err, v, decided, wakeTime := c.task.Err(), c.verdict, c.decided, c.wakeTime
	c.end()
	a.c = nil
	switch {
	case err != nil:
		a.m.host.Failed(proxyOf(t), fmt.Sprintf("Lua function '%s': %s.", a.f.Name, c.w.describe(err)))
		return txn.Next
	case decided:
		return v
	}
	return a.outcome(out, wakeTime)
}

// start makes the call.
func (a *action) start(t *txn.Txn) bool {
	a.result = actContinue
	a.c = a.m.begin(a.f, a.m.program.Settings.Session, func(c *call) []lua.LValue {
		c.t = t
		return append([]lua.LValue{c.w.txnObject(c)}, texts(a.args)...)
	})
	if a.c == nil {
		return false
	}
	a.c.ofResponse = a.ofResponse
	a.c.wake = t.Stream.Wake
	a.c.task.Finished = func(task *lang.Task, first int) {
		if task.L.GetTop() >= first {
			if n, ok := task.L.Get(-1).(lua.LNumber); ok {
				a.result = int(n)
			}
		}
	}
	return true
}

// again is how long an action that yields without saying how long is left alone.
const again = 100 * time.Millisecond

// outcome is what the number means that an action has returned.
func (a *action) outcome(out *txn.Outcome, wakeTime time.Duration) txn.Verdict {
	switch a.result {
	case actStop, actDone:
		out.Stop = true
		return txn.Next
	case actYield:
		if wakeTime <= 0 {
			wakeTime = again
		}
		if out.Limit != 0 && (out.Limit < 0 || a.m.loop.Now()-a.begun >= int64(out.Limit)) {
			a.m.host.Failed(-1, fmt.Sprintf("Lua function '%s': aborting Lua processing on expired timeout.", a.f.Name))
			return txn.Next
		}
		out.Need = txn.Need{Script: true, For: wakeTime}
		return txn.Wait
	case actError:
		out.Status, out.Internal, out.Unread = 500, true, true
	case actDeny:
		out.Status, out.Denied = 403, true
		if a.ofResponse {
			out.Status = 502
		}
	case actInvalid:
		out.Status, out.Invalid, out.Unread = 400, true, true
		if a.ofResponse {
			out.Status = 502
		}
	case actAbort:
		if a.ofResponse {
			out.Aborted = true
			return txn.Gone
		}
		out.Status, out.Unread = 503, true // nobody has answered, as in the reference
	default:
		return txn.Next
	}
	return txn.Answered
}

// Abort implements txn.Script.
func (a *action) Abort() {
	if c := a.c; c != nil {
		a.c = nil
		c.task.Abort(lang.ErrStopped)
		c.end()
	}
}
