package rule

import (
	"bench/proxy/txn"
)

// listing are the actions that change lists of patterns and maps.
func listing() []Action {
	both := in(Request, Response)
	const key = "(<file>) <format>"
	return []Action{
		{Name: "add-acl", Usage: key, Places: both, parse: parseListed, run: addACL, Doc: "Add a pattern to the list of a file, unless it is there."},
		{Name: "del-acl", Usage: key, Places: both, parse: parseListed, run: delListed, Doc: "Remove a pattern from the list of a file."},
		{Name: "set-map", Usage: key + " <format>", Places: both, parse: parseSetMap, run: setMap, Doc: "Set a key of a map to a value, and add it if need be."},
		{Name: "del-map", Usage: key, Places: both, parse: parseListed, run: delListed, Doc: "Remove a key from a map."},
	}
}

func parseListed(p *Parser, r *Rule) error {
	name, err := p.parenthesised()
	if err != nil {
		return err
	}
	r.list = p.env().Patterns().File(name)
	r.list.Index()
	r.format, err = p.format("a key")
	return err
}

func parseSetMap(p *Parser, r *Rule) (err error) {
	if err = parseListed(p, r); err == nil {
		r.value, err = p.format("a value")
	}
	return err
}

func addACL(x *Runner, r *Rule) txn.Verdict {
	_ = r.list.AddIfAbsent(string(x.text(r.format))) // what is no pattern is left alone
	return txn.Next
}

func delListed(x *Runner, r *Rule) txn.Verdict {
	r.list.Delete(string(x.text(r.format)))
	return txn.Next
}

func setMap(x *Runner, r *Rule) txn.Verdict {
	key := string(x.text(r.format))
	_ = r.list.Put(key, string(x.text(r.value))) // what is no key or value is left alone
	return txn.Next
}

// List is the file whose patterns the rule changes, and whether anything has loaded it;
// "" for rules that change none.
func (r *Rule) List() (file string, loaded bool) {
	if r.list == nil {
		return "", true
	}
	return r.list.File, r.list.Loaded
}
