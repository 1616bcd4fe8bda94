// Package rule compiles lists of rules, such as "http-request" lines, and runs them
// over transactions: an action, what it acts with, and the condition it acts on.
//
// Actions change the messages of the transaction and its variables, or decide what
// becomes of it. They know no streams: what they decide is a verdict, and what goes
// with it a txn.Outcome.
package rule

import (
	"time"

	"bench/proxy/acl"
	"bench/proxy/logformat"
	"bench/proxy/message"
	"bench/proxy/pattern"
	"bench/proxy/regex"
	"bench/proxy/sample"
	"bench/proxy/script"
	"bench/proxy/txn"
)

// Place is the list that a rule belongs to.
type Place uint8

// The places, by the keywords that their rules begin with.
const (
	Connection    Place = iota // tcp-request connection
	Session                    // tcp-request session
	Content                    // tcp-request content
	Answer                     // tcp-response content
	Request                    // http-request
	Response                   // http-response
	AfterResponse              // http-after-response
	NumPlaces                  // how many there are
)

var placeNames = [NumPlaces]string{"tcp-request connection", "tcp-request session", "tcp-request content", "tcp-response content", "http-request", "http-response", "http-after-response"}

func (p Place) String() string { return placeNames[p] }

// Places is a set of places.
type Places uint8

func in(places ...Place) (s Places) {
	for _, p := range places {
		s |= 1 << p
	}
	return s
}

// Has reports whether a place belongs to the set.
func (s Places) Has(p Place) bool { return s>>p&1 != 0 }

// Rule is one compiled rule. It is immutable once the configuration was read.
type Rule struct {
	text string
	file string // where it stands
	line int
	cond *acl.Cond
	act  *Action
	// What the action acts with; each uses some.
	name    []byte // of a field, in lower case
	id      message.HeaderID
	format  *logformat.Format
	expr    *sample.Expr
	re      *regex.Regexp
	names   *pattern.Set // of fields, where several are meant
	to      sample.Var
	slot    int
	number  int // a status, a length, a level
	wait    time.Duration
	reply   *reply
	redir   *redirect
	value   *logformat.Format // for a key
	list    *pattern.List
	how     []byte // a realm
	conds   sample.VarConds
	rewrite func(dst, b []byte) ([]byte, bool)
	table   *sample.Arg // whose Int is the index of a stick table; nil: none is named
	index   int         // of an array
	moot    bool        // it was warned about, and does nothing
	// ipv4First: addresses of this kind are asked for before the others.
	ipv4First bool
	// service names what answers ("use-service"); script is what a script does, with words.
	service string
	script  *script.Function
	words   []string
}

// String is the rule as written.
func (r *Rule) String() string { return r.text }

// Action is the name of what it does.
func (r *Rule) Action() string { return r.act.Name }

// Cond is the condition; nil: always.
func (r *Rule) Cond() *acl.Cond { return r.cond }

// HTTP reports whether the rule needs HTTP, and the sample that does.
func (r *Rule) HTTP() (*sample.Expr, bool) {
	if r.expr != nil && r.expr.HTTP() {
		return r.expr, true
	}
	return r.cond.HTTP()
}

// List is a list of rules of one place of one proxy. It is immutable once the
// configuration was read, and shared by all threads.
type List struct {
	Place Place
	Rules []*Rule
	// Delay is how long rules about content wait for more ("tcp-request
	// inspect-delay", "tcp-response inspect-delay").
	Delay time.Duration
}

// Runner runs lists for one thread.
type Runner struct {
	Ctx *sample.Context
	// LookUp asks name servers; nil: there are none to ask.
	LookUp LookUp

	writer  logformat.Writer
	buf     []byte
	body    []byte // content of an answer, until that is sent: rules about it run meanwhile
	scrap   []byte
	parts   []byte
	value   txn.Value
	reply   message.Response
	hint    message.Response
	hinting bool // more fields are to come for it
	out     *txn.Outcome
	at      int // the rule at hand
	list    *bound
	ended   bool // nothing more will come
	resumed bool // the action at hand had to wait
}

// NewRunner makes a thread's runner. host and pid are what %H and %pid write.
func NewRunner(ctx *sample.Context, host string, pid int) *Runner {
	return &Runner{Ctx: ctx, writer: logformat.Writer{Host: host, PID: pid}}
}

// bound is a list with the runner of a thread.
type bound struct {
	*List
	run *Runner
}

// Bind makes the rules of a thread of a list; nil for a list without rules.
func (x *Runner) Bind(l *List) txn.Rules {
	if l == nil || len(l.Rules) == 0 {
		return nil
	}
	return &bound{l, x}
}

// stop is the verdict of an action that ends its list without deciding anything.
const stop txn.Verdict = 100

// Run implements txn.Rules: it goes on with the list from t.Rule.
func (l *bound) Run(t *txn.Txn, out *txn.Outcome) txn.Verdict {
	x := l.run
	x.list, x.out, x.Ctx.Txn = l, out, t
	x.ended = t.Final
	// Only rules about content may wait for samples, and only if they are told how
	// long.
	t.Final = t.Final || l.Place != Content && l.Place != Answer || l.Delay == 0
	at := t.Rule >> 1
	x.resumed = t.Rule&1 != 0
	if t.Rule == 0 {
		t.Lenient = false
	}
	t.Rule = 0
	for ; at < len(l.Rules); at++ {
		r := l.Rules[at]
		if !x.resumed {
			switch r.cond.Eval(x.Ctx) {
			case acl.No:
				continue
			case acl.Maybe:
				if !t.Final {
					// The list begins anew when more has come: what rules before this one
					// take out of the content may not have been there yet.
					t.Rule = 0
					out.Need = txn.Need{Content: true, For: l.Delay}
					return txn.Wait
				}
				continue
			case acl.Yes:
			}
		}
		x.at = at
		v := r.act.run(x, r)
		x.resumed = false
		switch v {
		case txn.Next:
		case txn.Wait:
			t.Rule = at<<1 | 1
			return v
		case stop:
			t.RuleFile, t.RuleLine = r.file, r.line
			return txn.Next
		default:
			t.RuleFile, t.RuleLine = r.file, r.line
			return v
		}
	}
	return txn.Next
}

// text writes a format into memory of the runner, good until the next one.
func (x *Runner) text(f *logformat.Format) []byte {
	x.buf = f.Append(x.buf[:0], &x.writer, x.Ctx)
	return x.buf
}

// Text writes a format into memory of the runner, good until the next one.
func (x *Runner) Text(t *txn.Txn, f *logformat.Format) []byte {
	x.Ctx.Txn = t
	return x.text(f)
}

// For has fn evaluate for a transaction, with the memory of the runner, and goes on with
// the one at hand.
func (x *Runner) For(t *txn.Txn, fn func(*sample.Context, *logformat.Writer)) {
	before := x.Ctx.Txn
	x.Ctx.Txn = t
	fn(x.Ctx, &x.writer)
	x.Ctx.Txn = before
}
