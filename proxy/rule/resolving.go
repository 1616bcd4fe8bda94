package rule

import (
	"net/netip"
	"strings"
	"time"

	"bench/proxy/sample"
	"bench/proxy/txn"
)

// LookUp finds the address of a name by the name servers of a "resolvers" section, by its
// index, and calls done on the loop of the thread, later. An address that is not valid
// says that there is none. It reports false if the name cannot be asked for.
type LookUp func(section int, name string, ipv4First bool, done func(netip.Addr)) bool

// resolving are the actions that ask name servers.
func resolving() []Action {
	return []Action{
		{Name: "do-resolve", Usage: "(<variable>,<resolvers>[,{ ipv4 | ipv6 }]) <expression>", Places: in(Content, Request), parse: parseDoResolve, run: doResolve, Doc: "Wait until the address of a host is known, and set a variable to it; IPv6 addresses are asked for first unless it says ipv4. Without an address the variable stays as it is. Rules about content wait as long as \"tcp-request inspect-delay\" allows."},
	}
}

func parseDoResolve(p *Parser, r *Rule) error {
	inside, err := p.parenthesised()
	if err != nil {
		return err
	}
	bad := func(part string, msg string) error {
		return &Error{Off: strings.LastIndex(p.Words[0], part), Msg: msg}
	}
	parts := strings.Split(inside, ",")
	if len(parts) < 2 || len(parts) > 3 || parts[1] == "" {
		return &Error{Off: strings.IndexByte(p.Words[0], '(') + 1, Msg: "'do-resolve' expects a variable, the name of a 'resolvers' section, and perhaps 'ipv4' or 'ipv6', separated by commas"}
	}
	if r.to, err = p.env().Variable(parts[0]); err != nil {
		return bad(parts[0]+",", err.Error())
	}
	if len(parts) == 3 {
		if r.ipv4First = parts[2] == "ipv4"; !r.ipv4First && parts[2] != "ipv6" {
			return bad(parts[2]+")", "addresses are 'ipv4' or 'ipv6', not '"+parts[2]+"'")
		}
	}
	if p.Resolvers == nil {
		return p.fail("no 'resolvers' section can be named here")
	}
	p.Resolvers(parts[1], func(index int) { r.index = index })
	return parseAsText(p, r)
}

// parseAsText reads an expression that can be a text.
func parseAsText(p *Parser, r *Rule) (err error) {
	if r.expr, err = p.expression(); err == nil && !sample.Castable(r.expr.Out(), txn.Str) {
		err = p.fail("'%s' is of kind %s, and cannot be a text", r.expr, r.expr.Out())
	}
	return err
}

// lookingUp is a name whose address a transaction waits for. It implements txn.Script.
type lookingUp struct {
	x        *Runner
	r        *Rule
	begun    int64
	answered bool
	left     bool // nobody waits any more
	ip       netip.Addr
}

func doResolve(x *Runner, r *Rule) txn.Verdict {
	t := x.Ctx.Txn
	if t.Script == nil {
		v := r.expr.EvalAs(x.Ctx, txn.Str)
		if v == nil || x.LookUp == nil || x.limit() < 0 {
			return txn.Next
		}
		w := &lookingUp{x: x, r: r, begun: t.Stream.Farm().Now()}
		wake := t.Stream.Wake
		if !x.LookUp(r.index, string(v.B), r.ipv4First, func(ip netip.Addr) {
			if !w.left {
				w.ip, w.answered = ip, true
				wake()
			}
		}) {
			return txn.Next
		}
		t.Script = w
	}
	return x.resume()
}

// Resume implements txn.Script.
func (w *lookingUp) Resume(t *txn.Txn, out *txn.Outcome) txn.Verdict {
	if w.answered {
		if w.x.value.SetIP(w.ip) {
			w.x.Ctx.SetVar(w.r.to, &w.x.value)
		}
		return txn.Next
	}
	out.Need = txn.Need{Script: true}
	if out.Limit > 0 {
		if out.Need.For = out.Limit - time.Duration(t.Stream.Farm().Now()-w.begun); out.Need.For <= 0 {
			w.Abort()
			return txn.Next
		}
	}
	return txn.Wait
}

// Abort implements txn.Script.
func (w *lookingUp) Abort() { w.left = true }
