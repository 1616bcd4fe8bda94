package txn

import (
	"sync"
	"sync/atomic"
)

// Limits are how many bytes variables may take ("tune.vars.*"); 0 is any number. What is
// counted is what the reference counts: each variable that has been set, and its text. A
// narrower scope counts in the wider ones, too.
type Limits struct {
	Session, Txn, Message, Check int
	// Process and Global hold for all that there are.
	Process, Global int

	held   atomic.Int64 // by all of the process
	shared sync.Mutex   // while a variable of the process is being set
}

// perVariable is how much a variable counts for without its text.
const perVariable = 80

// On reports whether there is any limit.
func (l *Limits) On() bool { return l.Session|l.Txn|l.Message|l.Check|l.Process|l.Global != 0 }

// within is a limit on what is held; 0: there is none.
func within(limit, held, more int) bool { return limit == 0 || held+more <= limit }

func (l *Limits) withinAll(more int) bool {
	held := int(l.held.Load())
	return within(l.Process, held, more) && within(l.Global, held, more)
}

// counted is how many bytes the text of a value counts for.
func (v *Value) counted() int {
	if v.Kind == Str || v.Kind == Bin || v.Kind == Method {
		return len(v.B)
	}
	return 0
}

// take counts some bytes more of a scope, if all limits allow it.
func (l *Limits) take(t *Txn, sc Scope, vars *Vars, n int) bool {
	message := t.ReqVars.held + t.ResVars.held
	whole := message + t.Vars.held
	session := whole
	if t.Session != nil {
		session += t.Session.held
	}
	ofMessage := sc == ScopeRequest || sc == ScopeResponse
	switch {
	case ofMessage && !within(l.Message, message, n):
	case (ofMessage || sc == ScopeTxn) && !within(l.Txn, whole, n):
	case !within(l.Session, session, n):
	case sc == ScopeCheck && !within(l.Check, vars.held, n):
	case !l.withinAll(n):
	default:
		vars.hold(n)
		return true
	}
	return false
}

// Set sets a variable of a transaction as far as there is room. One that has no room for
// its text is forgotten: half of a text would be mistaken for a whole one.
func (l *Limits) Set(t *Txn, sc Scope, vars *Vars, slot int, to *Value) {
	vars.limits = l
	before := vars.Get(slot)
	vars.hold(-before.counted())
	for len(vars.named) <= slot {
		vars.named = append(vars.named, false)
	}
	if !vars.named[slot] {
		if !l.take(t, sc, vars, perVariable) {
			return
		}
		vars.named[slot] = true
	}
	if n := to.counted(); n > 0 && !l.take(t, sc, vars, n) {
		vars.forget(slot)
		return
	}
	vars.Set(slot, to)
}

// SetShared is Set for a variable of the process, each of which counts from when somebody
// names it.
func (l *Limits) SetShared(v *SharedVar, to *Value) {
	l.shared.Lock()
	defer l.shared.Unlock()
	before := v.Get()
	more := to.counted() - before.counted()
	if !l.withinAll(more) {
		l.held.Add(-int64(before.counted()))
		v.Unset()
		return
	}
	l.held.Add(int64(more))
	v.Set(to)
}
