package config

import "bench/proxy/rule"

// Rules run in the order of their kinds, not in that of the file. misplaced warns of one that
// stands behind rules which run later; as in the reference, of those that run next only.
func (l *line) misplaced(kind ruleKind) {
	s := l.sect
	later := [numRuleKinds]struct {
		name string
		some bool
	}{
		afterSession:   {"a 'tcp-request session'", len(s.rules[rule.Session]) > 0},
		afterContent:   {"a 'tcp-request content'", len(s.rules[rule.Content]) > 0},
		afterMonitor:   {"a 'monitor fail'", len(s.monitorFail) > 0},
		afterRequest:   {"an 'http-request'", len(s.rules[rule.Request]) > 0},
		afterRedirect:  {"a 'redirect'", len(s.redirects) > 0},
		afterSwitching: {"a 'use_backend'", len(s.switching) > 0},
		afterUseServer: {"a 'use-server'", len(s.useServer) > 0},
	}
	name := l.kw.name
	if kind <= afterMonitor {
		name = l.head.text // "tcp-request", whichever they are
	}
	for _, x := range later[kind:] {
		if x.some {
			l.warn(l.head, "a '%s' rule placed after %s rule will still be processed before", name, x.name)
			return
		}
	}
}

// ruleKind is a kind of rules by the first one that runs after it.
type ruleKind int

const (
	afterSession ruleKind = iota
	afterContent
	afterMonitor
	afterRequest
	afterRedirect
	afterSwitching
	afterUseServer
	numRuleKinds
)

// ruleKinds are those of the rules of a place. Rules about answers follow no order of this sort.
var ruleKinds = map[rule.Place]ruleKind{
	rule.Connection: afterSession, rule.Session: afterContent, rule.Content: afterMonitor, rule.Request: afterRedirect,
}
