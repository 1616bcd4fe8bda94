package rule

import "bench/proxy/txn"

func parseSwitchMode(p *Parser, _ *Rule) error {
	w, err := p.word("'http'")
	switch {
	case err != nil:
		return err
	case w != "http":
		return p.fail("'switch-mode' expects 'http', not '%s'", w)
	case p.AddCapture == nil:
		return p.fail("'switch-mode' is for frontends")
	}
	return nil
}

// switchMode has no effect on what is HTTP already, as the later requests of a connection.
func switchMode(x *Runner, _ *Rule) txn.Verdict {
	x.out.ToHTTP = true
	return stop
}

// SwitchesMode tells whether a rule of the list makes HTTP of connections.
func SwitchesMode(rules []*Rule) bool {
	for _, r := range rules {
		if r.Action() == "switch-mode" {
			return true
		}
	}
	return false
}
