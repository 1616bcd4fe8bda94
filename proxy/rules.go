package proxy

import (
	"bench/proxy/hold"
	"bench/proxy/spec"
	"bench/proxy/stream"
	"bench/proxy/txn"
)

// ruleList runs rules one after the other.
type ruleList []txn.Rules

// Run implements txn.Rules.
func (l ruleList) Run(t *txn.Txn, out *txn.Outcome) txn.Verdict {
	for t.Rule < len(l) {
		switch v := l[t.Rule].Run(t, out); v {
		case txn.Next:
			t.Rule++
		case txn.Wait:
			return v
		default:
			t.Rule = 0
			return v
		}
	}
	t.Rule = 0
	return txn.Next
}

// refusal answers with one of the standard answers.
type refusal int

// Run implements txn.Rules.
func (r refusal) Run(_ *txn.Txn, out *txn.Outcome) txn.Verdict {
	out.Status, out.Denied = int(r), true
	return txn.Answered
}

// rulesOf compiles the rules of all proxies; nil if nobody has any.
func rulesOf(cfg *spec.Config) []stream.Rules {
	var all []stream.Rules
	for i, p := range cfg.Proxies {
		if len(p.RequestRules) == 0 {
			continue
		}
		if all == nil {
			all = make([]stream.Rules, len(cfg.Proxies))
		}
		var l ruleList
		for _, r := range p.RequestRules {
			switch r.Action {
			case spec.ActionWaitForBody:
				l = append(l, &hold.Body{For: r.Time, AtLeast: r.Bytes})
			case spec.ActionTarpit:
				l = append(l, hold.Tarpit{}, refusal(r.Status))
			}
		}
		all[i].Request = l
	}
	return all
}
