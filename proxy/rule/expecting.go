package rule

import "bench/proxy/txn"

// expecting are the actions about what a connection begins with.
func expecting() []Action {
	return []Action{
		{Name: "expect-proxy", Usage: "layer4", Places: in(Connection), parse: parseLayer4, run: expectProxy, Doc: "Expect the connection to begin with a header of the PROXY protocol, and take the addresses from it."},
		{Name: "expect-netscaler-cip", Usage: "layer4", Places: in(Connection), parse: parseLayer4, run: expectCIP, Doc: "Expect the connection to begin with a header of NetScaler Client IP insertion with the number of \"accept-netscaler-cip\" on the bind line, 0 without that, and take the addresses from it."},
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

func expectCIP(x *Runner, _ *Rule) txn.Verdict {
	x.out.ExpectCIP = true
	return txn.Next
}
