package rule

import (
	"strings"
	"time"

	"bench/proxy/message"
	"bench/proxy/script"
	"bench/proxy/txn"
)

// scriptAction finds an action that a script has registered for the rules at hand, nil if
// there is none of that name.
func (p *Parser) scriptAction(name string) *Action {
	short, ok := strings.CutPrefix(name, script.Prefix)
	if !ok || p.env().Scripts == nil {
		return nil
	}
	f := p.env().Scripts.Action(p.Place.String(), short)
	if f == nil {
		return nil
	}
	return &Action{Name: name, Usage: strings.TrimSpace(strings.Repeat("<argument> ", f.Args)), run: runScript, parse: func(p *Parser, r *Rule) error {
		r.script = f
		for range f.Args {
			w, err := p.word("an argument of '" + name + "'")
			if err != nil {
				return err
			}
			r.words = append(r.words, w)
		}
		return nil
	}}
}

// scriptService checks that a script has registered a service, for the kind of rules.
func (p *Parser) scriptService(name string) error {
	var f *script.Function
	if p.env().Scripts != nil {
		f = p.env().Scripts.Service(name)
	}
	switch {
	case f == nil:
		return p.fail("no script has registered a service '%s'", script.Prefix+name)
	case f.HTTP && p.Place != Request:
		return p.fail("service '%s' speaks HTTP: it belongs in '%s' rules", script.Prefix+name, Request)
	case !f.HTTP && p.Place == Request:
		return p.fail("service '%s' does not speak HTTP: it belongs in '%s' rules", script.Prefix+name, Content)
	}
	return nil
}

// runScript runs an action of a script.
func runScript(x *Runner, r *Rule) txn.Verdict {
	t := x.Ctx.Txn
	if t.Script == nil {
		if x.Ctx.Scripts == nil {
			return txn.Next
		}
		t.Script = x.Ctx.Scripts.Act(r.script, t, r.words, x.list.Place == Answer || x.list.Place >= Response)
	}
	return x.resume()
}

// limit is how long what a rule has begun may wait, 0 for ever, less: not at all.
func (x *Runner) limit() time.Duration {
	switch {
	case x.list.Place != Content && x.list.Place != Answer:
		return 0
	case x.list.Delay == 0:
		return -1 // there is no time to wait
	}
	return x.list.Delay
}

// resume goes on with what a rule has begun.
func (x *Runner) resume() txn.Verdict {
	t := x.Ctx.Txn
	x.out.Limit = x.limit()
	v := t.Script.Resume(t, x.out)
	if v == txn.Wait {
		return v
	}
	t.Script = nil
	if v == txn.Next && x.out.Stop {
		return stop
	}
	return v
}

// Part is a part of a request that scripts replace.
type Part uint8

// The parts.
const (
	Method Part = iota
	Path
	Query
	URI
	Host // the field was replaced, and a target that names the host follows it
)

// Replace replaces a part of a request as the actions of rules do. It reports false if that
// would be a request that cannot be sent.
func (x *Runner) Replace(t *txn.Txn, what Part, text []byte) bool {
	before, list := x.out, x.list
	defer func() { x.out, x.list = before, list }()
	x.out, x.list, x.Ctx.Txn = &txn.Outcome{}, &bound{List: &List{Place: Request}, run: x}, t
	switch what {
	case Method:
		return x.method(text) == txn.Next
	case Path:
		return x.path(text) == txn.Next
	case Query:
		return x.query(text) == txn.Next
	case URI:
		return x.uri(text) == txn.Next
	case Host:
		x.hostWritten(&Rule{id: message.Host})
	}
	return true
}

// Reason is the phrase for a status.
func Reason(status int) string { return string(reason(status)) }
