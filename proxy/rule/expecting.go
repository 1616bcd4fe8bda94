package rule

import "bench/proxy/txn"

// expecting are the actions about what a connection begins with.
func expecting() []Action {
	return []Action{
		{Name: "expect-proxy", Usage: "layer4", Places: in(Connection), parse: parseLayer4, run: expectProxy, Doc: "Expect the connection to begin with a header of the PROXY protocol, and take the addresses from it."},
	}
}

func parseLayer4(p *Parser, _ *Rule) error {
	w, err := p.word("'layer4'")
	if err == nil && w != "layer4" {
		return p.fail("a connection cannot be expected to begin with '%s': want 'layer4'", w)
	}
	return err
}

func expectProxy(x *Runner, _ *Rule) txn.Verdict {
	x.out.ExpectProxy = true
	return txn.Next
}
