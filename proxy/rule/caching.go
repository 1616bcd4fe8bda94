package rule

import "bench/proxy/txn"

// caching are the actions about caches.
func caching() []Action {
	return []Action{
		{Name: "cache-use", Usage: "<name>", Places: in(Request), parse: parseCache, run: func(x *Runner, r *Rule) txn.Verdict {
			x.Ctx.Txn.Stream.UseCache(r.number)
			return txn.Next
		}, Doc: "Answer with what a cache has kept for such a request, if there is something, when all rules about requests have been followed."},
		{Name: "cache-store", Usage: "<name>", Places: in(Response), parse: parseCache, run: func(x *Runner, r *Rule) txn.Verdict {
			x.Ctx.Txn.Stream.StoreCache(r.number)
			return txn.Next
		}, Doc: "Keep the response in a cache, as its head is now, if a cache was asked for it before and RFC 9111 allows it."},
	}
}

func parseCache(p *Parser, r *Rule) error {
	name, err := p.word("the name of a 'cache' section")
	if err != nil {
		return err
	}
	if p.Cache == nil {
		return p.fail("'%s' cannot be named here", name)
	}
	p.Cache(name, func(index int) { r.number = index })
	return nil
}
