package rule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"bench/proxy/sample"
	"bench/proxy/table"
	"bench/proxy/txn"
)

// trackPrefix is the name of the actions that track, without the number of the counter.
const trackPrefix = "track-sc"

// tracking are the actions about stick tables.
func tracking() []Action {
	early := in(Connection, Session, Content, Request, Response)
	counted := early | in(Answer)
	const value = "{ <integer> | <expression> }"
	return []Action{
		{Name: trackPrefix, Usage: "<expression> [table <table>]", Places: early, parse: parseTrack, run: runTrack, Doc: "Count what happens from here on under the sample as a key of a stick table. The number of a counter, by which samples name it, follows the action's name: track-sc0, track-sc1 and so on."},
		{Name: "sc-inc-gpc", Usage: "(<index>,<counter>)", Places: counted, parse: parseCounter, run: runIncrease, Doc: "Increase a general-purpose counter of what is tracked."},
		{Name: "sc-inc-gpc0", Usage: "(<counter>)", Places: counted, parse: parseCounter, run: runIncrease, Doc: "Increase the first general-purpose counter of what is tracked."},
		{Name: "sc-inc-gpc1", Usage: "(<counter>)", Places: counted, parse: parseCounter, run: runIncrease, Doc: "Increase the second general-purpose counter of what is tracked."},
		{Name: "sc-add-gpc", Usage: "(<index>,<counter>) " + value, Places: early, parse: parseChange, run: runIncrease, Doc: "Add to a general-purpose counter of what is tracked."},
		{Name: "sc-set-gpt", Usage: "(<index>,<counter>) " + value, Places: counted, parse: parseChange, run: runTag, Doc: "Set a general-purpose tag of what is tracked."},
		{Name: "sc-set-gpt0", Usage: "(<counter>) " + value, Places: counted, parse: parseChange, run: runTag, Doc: "Set the first general-purpose tag of what is tracked."},
	}
}

// tracker is the number of the counter that the name of an action says.
func tracker(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, trackPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 8)
	return int(n), err == nil && strconv.Itoa(int(n)) == digits
}

func parseTrack(p *Parser, r *Rule) (err error) {
	r.slot, _ = tracker(p.Words[0])
	if most := p.env().Counters; r.slot >= most {
		return &Error{Msg: fmt.Sprintf("there is no counter %d: they go from 0 to %d (tune.stick-counters)", r.slot, most-1)}
	}
	if r.expr, err = p.expression(); err != nil {
		return err
	}
	name := ""
	if p.optional("table") != "" {
		if name, err = p.word("the name of a stick table"); err != nil {
			return err
		}
	}
	what := p.Words[0]
	r.table, err = p.env().TableNamed(name, func(s *table.Spec) error {
		if !sample.Keyable(r.expr.Out(), s) {
			return fmt.Errorf("'%s': a key of stick table '%s' cannot be made of '%s': it is of type %s", what, s.Name, r.expr, s.Type)
		}
		return nil
	})
	return err
}

func runTrack(x *Runner, r *Rule) txn.Verdict {
	t := x.Ctx.Txn
	if t.Counter(r.slot).Valid() {
		return txn.Next // the first one counts
	}
	farm := t.Stream.Farm()
	to := farm.Table(int(r.table.Int))
	v := r.expr.Eval(x.Ctx)
	if v == nil {
		if x.Ctx.Unknown && !t.Final {
			x.out.Need = txn.Need{Content: true, For: x.list.Delay}
			return txn.Wait
		}
		return txn.Next
	}
	key, ok := x.Ctx.Key(v, to.Spec)
	if !ok {
		return txn.Next
	}
	var ev table.Event
	switch x.list.Place {
	case Request:
		ev = table.Request
	case Response:
		// What the status says would have been counted by now.
		ev = table.Request | table.OfStatus(t.Status)
	case Content:
		if t.Req != nil && t.Stream.Backend() >= 0 {
			ev = table.Request // in frontends it is counted behind these rules
		}
	case Connection, Session, AfterResponse, Answer, NumPlaces:
	}
	ref, ok := to.Track(key, ev, farm.Now())
	switch {
	case !ok:
	case x.list.Place == Connection || x.list.Place == Session:
		t.SessionTracked = t.Stream.TrackSession(r.slot, ref)
	default:
		t.Tracked.Put(r.slot, farm.Counters(), ref)
	}
	return txn.Next
}

// parseCounter reads "(<counter>)" or "(<index>,<counter>)".
func parseCounter(p *Parser, r *Rule) error {
	inside, err := p.parenthesised()
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(p.Words[0], "(")
	at := len(name) + 1
	counter := inside
	if index, rest, ok := strings.Cut(inside, ","); ok != strings.HasSuffix(inParentheses[name].example, ",0") {
		return &Error{Off: at, Msg: fmt.Sprintf("'%s' needs %s in parentheses, as '%s(%s)'", name, inParentheses[name].what, name, inParentheses[name].example)}
	} else if ok {
		if r.index, err = strconv.Atoi(strings.TrimSpace(index)); err != nil || r.index < 0 || r.index >= table.MaxArray {
			return &Error{Off: at, Msg: fmt.Sprintf("'%s': index '%s' is out of bounds: want 0 to %d", name, index, table.MaxArray-1)}
		}
		counter = strings.TrimSpace(rest)
	}
	most := p.env().Counters
	if r.slot, err = strconv.Atoi(counter); err != nil || r.slot < 0 || r.slot >= most {
		return &Error{Off: at, Msg: fmt.Sprintf("'%s': there is no counter '%s': they go from 0 to %d", name, counter, most-1)}
	}
	r.number = 1
	return nil
}

// parseChange reads a counter and a value: an integer of 32 bits, or an expression.
func parseChange(p *Parser, r *Rule) error {
	if err := parseCounter(p, r); err != nil {
		return err
	}
	if p.more() {
		if n, err := strconv.ParseUint(p.Words[p.at], 10, 32); err == nil {
			p.at++
			r.number = int(n)
			return nil
		} else if errors.Is(err, strconv.ErrRange) {
			p.at++
			return p.fail("'%s' does not fit into 32 bits", p.Words[p.at-1])
		}
	}
	var err error
	if r.expr, err = p.expression(); err == nil && !sample.Castable(r.expr.Out(), txn.Int) {
		err = p.fail("'%s' cannot be a number", r.expr)
	}
	return err
}

// operand is the value of a rule; false where there is none.
func (x *Runner) operand(r *Rule) (uint32, bool) {
	if r.expr == nil {
		return uint32(r.number), true
	}
	v := r.expr.EvalAs(x.Ctx, txn.Int)
	if v == nil {
		return 0, false
	}
	return uint32(v.Lo), true
}

func runIncrease(x *Runner, r *Rule) txn.Verdict {
	c := table.Counter{Number: table.GPC, Rate: table.GPCRate, Index: r.index}
	switch r.act.Name {
	case "sc-inc-gpc0":
		c = table.Counter{Number: table.GPC0, Rate: table.GPC0Rate}
	case "sc-inc-gpc1":
		c = table.Counter{Number: table.GPC1, Rate: table.GPC1Rate}
	}
	t := x.Ctx.Txn
	if ref := t.Counter(r.slot); ref.Valid() {
		if n, ok := x.operand(r); ok {
			ref.Increase(c, n, t.Stream.Farm().Now())
		}
	}
	return txn.Next
}

func runTag(x *Runner, r *Rule) txn.Verdict {
	d := table.GPT
	if r.act.Name == "sc-set-gpt0" {
		d = table.GPT0
	}
	t := x.Ctx.Txn
	if ref := t.Counter(r.slot); ref.Valid() {
		if n, ok := x.operand(r); ok {
			ref.Set(d, r.index, uint64(n), t.Stream.Farm().Now())
		}
	}
	return txn.Next
}
