package stream

import (
	"bench/proxy/rule"
	"bench/proxy/script"
)

// RunScripts gives the thread what runs the scripts that rules and samples name. It comes
// before the loop runs.
func (t *Thread) RunScripts(m script.Machine) {
	t.scripts = m
	t.rules.Ctx.Scripts = m
	if t.ids != nil {
		t.ids.Ctx.Scripts = m
	}
}

// Rules is what runs the rules of the thread.
func (t *Thread) Rules() *rule.Runner { return t.rules }

// Wake implements txn.Stream.
func (s *stream) Wake() {
	if s.state == stateRules && s.txn != nil && s.txn.Script != nil {
		s.txn.wait.rule = 0 // what waits now begins anew
		s.again()
	}
}

// Wake implements txn.Stream: nothing of a connection without a stream waits for a script.
func (c *client) Wake() {}

// endScripts ends the scripts that are at work for a stream which ends.
func (x *transaction) endScripts() {
	if x.Script != nil {
		x.Script.Abort()
		x.Script = nil
	}
	if x.applet != nil {
		x.applet.leave()
		x.applet = nil
	}
}
