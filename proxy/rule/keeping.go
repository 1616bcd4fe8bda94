package rule

import (
	"slices"
	"strconv"
	"strings"

	"bench/proxy/sample"
	"bench/proxy/txn"
)

// keeping are the actions that keep something for later.
func keeping() []Action {
	all := in(Connection, Session, Content, Answer, Request, Response, AfterResponse)
	return []Action{
		{Name: "set-var", Usage: "(<variable>[,<if>]...) <expression>", Places: all, parse: parseSetVar, run: setVar, Doc: "Set a variable to a sample, if all of the conditions hold (see the converter set-var)."},
		{Name: "set-var-fmt", Usage: "(<variable>[,<if>]...) <format>", Places: all, parse: parseSetVarFmt, run: setVarFmt, Doc: "Set a variable to a text, if all of the conditions hold."},
		{Name: "unset-var", Usage: "(<variable>)", Places: all, parse: parseVar, run: unsetVar, Doc: "Forget a variable."},
		{Name: "capture", Usage: "<expression> { len <length> | id <slot> }", Places: in(Content, Request, Response, AfterResponse), parse: parseCapture, run: runCapture, Doc: "Keep a sample for the log."},
		{Name: "set-log-level", Usage: "{ emerg | alert | crit | err | warning | notice | info | debug | silent }", Places: in(Content, Answer, Request, Response), parse: parseLogLevel, run: setLogLevel, Doc: "Log the transaction at another level, or not at all."},
	}
}

func parseVar(p *Parser, r *Rule) error {
	name, err := p.parenthesised()
	if err != nil {
		return err
	}
	if r.act.Name != "unset-var" {
		var conds []string
		if parts := strings.Split(name, ","); len(parts) > 1 {
			name, conds = parts[0], parts[1:]
		}
		if r.conds, err = sample.ParseVarConds(conds); err != nil {
			return &Error{Off: strings.IndexByte(p.Words[0], '(') + 1, Msg: err.Error()}
		}
	}
	if r.to, err = p.env().Variable(name); err != nil {
		return &Error{Off: strings.IndexByte(p.Words[0], '(') + 1, Msg: err.Error()}
	}
	return nil
}

func parseSetVar(p *Parser, r *Rule) (err error) {
	if err = parseVar(p, r); err == nil {
		r.expr, err = p.expression()
	}
	return err
}

func setVar(x *Runner, r *Rule) txn.Verdict {
	if v := r.expr.Eval(x.Ctx); v != nil && x.Ctx.Allows(r.conds, r.to, v) {
		x.Ctx.SetVar(r.to, v)
	}
	return txn.Next
}

func parseSetVarFmt(p *Parser, r *Rule) (err error) {
	if err = parseVar(p, r); err == nil {
		r.format, err = p.format("a text")
	}
	return err
}

func setVarFmt(x *Runner, r *Rule) txn.Verdict {
	if x.value.SetStr(x.text(r.format)); x.Ctx.Allows(r.conds, r.to, &x.value) {
		x.Ctx.SetVar(r.to, &x.value)
	}
	return txn.Next
}

func unsetVar(x *Runner, r *Rule) txn.Verdict {
	x.Ctx.UnsetVar(r.to)
	return txn.Next
}

func parseCapture(p *Parser, r *Rule) (err error) {
	if r.expr, err = p.expression(); err != nil {
		return err
	}
	if !sample.Castable(r.expr.Out(), txn.Str) {
		return p.fail("'%s' cannot be a text", r.expr)
	}
	env := p.env()
	declared := env.ReqCaptures
	if p.Place >= Response {
		declared = env.ResCaptures
	}
	how, err := p.word("'len' or 'id'")
	if err != nil {
		return err
	}
	switch how {
	case "len":
		if r.number, err = p.integer("a length", 1, 65535); err != nil {
			return err
		}
		if p.Place >= Response || p.AddCapture == nil {
			return p.fail("'len' is for captures of requests in a frontend: want 'id' and the slot of a 'declare capture' line")
		}
		r.slot = p.AddCapture(r.number)
	case "id":
		w, err := p.word("a slot")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(w)
		if err == nil && n >= 0 && p.AddCapture == nil {
			r.slot, r.number = n, ofFrontend // whichever the request comes through
			return nil
		}
		if err != nil || n < 0 || n >= len(declared) {
			return p.fail("capture '%s' is not declared: there are %d before this line", w, len(declared))
		}
		r.slot, r.number = n, declared[n]
	default:
		return p.fail("unknown argument '%s' of 'capture': want 'len' or 'id'", how)
	}
	return nil
}

// ofFrontend stands for the length that the frontend has declared.
const ofFrontend = -1

func runCapture(x *Runner, r *Rule) txn.Verdict {
	v := r.expr.EvalAs(x.Ctx, txn.Str)
	if v == nil {
		return txn.Next
	}
	to := &x.Ctx.Txn.ReqCaptures
	if x.list.Place >= Response {
		to = &x.Ctx.Txn.ResCaptures
	}
	length := r.number
	if length == ofFrontend {
		s := x.Ctx.Txn.Stream
		if length = s.Farm().CaptureLength(s.Frontend(), x.list.Place >= Response, r.slot); length == 0 {
			return txn.Next
		}
	}
	to.Put(r.slot, length, v.B)
	return txn.Next
}

// logLevels are in the order of syslog.
var logLevels = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

func parseLogLevel(p *Parser, r *Rule) error {
	w, err := p.word("a level")
	if err != nil {
		return err
	}
	if w == "silent" {
		r.number = -1
		return nil
	}
	i := slices.Index(logLevels, w)
	if i < 0 {
		return p.fail("unknown level '%s': want %s or silent", w, strings.Join(logLevels, ", "))
	}
	r.number = i + 1
	return nil
}

func setLogLevel(x *Runner, r *Rule) txn.Verdict {
	x.Ctx.Txn.LogLevel = r.number
	return txn.Next
}
