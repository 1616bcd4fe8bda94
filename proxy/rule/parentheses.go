package rule

import "strings"

// inParentheses are the actions that are written with something in parentheses: what, and
// an example of it.
var inParentheses = map[string]struct{ what, example string }{
	"set-var": {"a variable", "txn.name"}, "set-var-fmt": {"a variable", "txn.name"}, "unset-var": {"a variable", "txn.name"},
	"add-acl": {"a file", "/etc/names"}, "del-acl": {"a file", "/etc/names"},
	"set-map": {"a file", "/etc/names"}, "del-map": {"a file", "/etc/names"},
	"sc-inc-gpc": {"an index and a counter", "0,0"}, "sc-inc-gpc0": {"a counter", "0"}, "sc-inc-gpc1": {"a counter", "0"},
	"do-resolve": {"a variable and a 'resolvers' section", "txn.ip,dns"},
	"sc-add-gpc": {"an index and a counter", "0,0"}, "sc-set-gpt": {"an index and a counter", "0,0"}, "sc-set-gpt0": {"a counter", "0"},
}

// parenthesised is what stands in parentheses behind the action's name.
func (p *Parser) parenthesised() (string, error) {
	name, inside, ok := strings.Cut(p.Words[0], "(")
	if !ok || !strings.HasSuffix(inside, ")") || len(inside) == 1 {
		want := inParentheses[name]
		return "", &Error{Off: len(name), Msg: "'" + name + "' needs " + want.what + " in parentheses, as '" + name + "(" + want.example + ")'"}
	}
	return inside[:len(inside)-1], nil
}
