package config

import (
	"errors"
	"slices"

	"bench/internal/nearest"
	"bench/proxy/acl"
	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// aclKeywords name tests and choose backends by them (configuration manual, sections
// 4.2 and 7).
func aclKeywords() []keyword {
	return []keyword{
		{name: "acl", args: "<name> <sample> [<flags>] [--] [<pattern>...]", scope: inFront | inBack, strict: true, doc: "Give a test a name, for conditions; several under one name are alternatives.", read: readACL},
		{name: "use_backend", args: "<backend> [{ if | unless } <condition>]", scope: inFront, doc: "Backend of requests for which the condition holds; the first such line counts.", read: readUseBackend},
	}
}

// reservedNames are words of conditions.
func reservedNames() []string { return []string{"or", "if", "unless", "{", "}", "!", "||"} }

func readACL(l *line) {
	if !l.arity(2, maxWords, "a name and a sample") {
		return
	}
	name := l.args[0]
	if bad := invalidNameByte(name.text); bad != "" {
		l.fail(name, "character '%s' is not permitted in the name '%s' of an ACL", bad, name.text)
		return
	}
	for _, r := range reservedNames() {
		if name.text == r {
			l.fail(name, "'%s' cannot be the name of an ACL: it is a keyword of conditions", r)
			return
		}
	}
	a := l.sect.acls[name.text]
	if a == nil {
		// It is there even if the test is wrong: one mistake is one message.
		a = &acl.ACL{Name: name.text}
		l.sect.acls[name.text] = a
	}
	t, err := acl.ParseTest(texts(l.args[1:]), l.sampleEnv(txn.Between(0, txn.StepLog), "ACLs"))
	if err != nil {
		l.misread(err, 1)
		return
	}
	a.Add(t)
	l.sect.noteHTTP(t.Expr(), l.pos, l.text)
}

func texts(ws []word) []string {
	all := make([]string, len(ws))
	for i, w := range ws {
		all[i] = w.text
	}
	return all
}

// sampleEnv is what expressions of the line are compiled for: the steps at which they
// are evaluated, and those in words.
func (l *line) sampleEnv(at txn.Steps, where string) *sample.Env {
	s := l.sect
	if s == nil { // at run time, when variables and proxies have their numbers
		return &sample.Env{At: at, Where: where}
	}
	return &sample.Env{
		Names: l.p.variables, At: at, Where: where,
		Lists: &l.p.patterns, Scripts: l.p.registry(), Rated: &l.p.rated, Locals: &l.p.locals, Tracing: &l.p.tracing, File: l.pos.File, Line: l.pos.Line,
		ReqCaptures: lengths(s.reqCaptures), ResCaptures: lengths(s.resCaptures),
		Sink:     l.p.sink,
		Counters: l.p.global.Tune.StickCounters, Warn: func(msg string) { l.warn(l.head, "'%s': %s", l.kw.name, msg) },
		Later: func(r sample.Reference) {
			l.p.sampleUses = append(l.p.sampleUses, sampleUse{r, s, l.pos, l.text})
		},
	}
}

// sink gives a number to what an expression writes to. A ring must have been there before.
func (p *parser) sink(name string) (int, bool) {
	if name != builtinRing && name != "stdout" && name != "stderr" && p.others.rings[name] == nil {
		return 0, false
	}
	i := slices.Index(p.sinks, name)
	if i < 0 {
		i = len(p.sinks)
		p.sinks = append(p.sinks, name)
	}
	return i, true
}

func lengths(captures []spec.Capture) []int {
	all := make([]int, len(captures))
	for i, c := range captures {
		all[i] = c.Length
	}
	return all
}

// sampleUse is a proxy or server named in an expression before it may be known.
type sampleUse struct {
	sample.Reference
	sect *section
	pos  spec.Pos
	text string
}

// misread reports a mistake in words that were compiled; base is the index among the
// arguments of the first of them.
func (l *line) misread(err error, base int) {
	e, ok := errors.AsType[*acl.Error](err)
	if !ok {
		l.fail(l.head, "'%s': %v", l.kw.name, err)
		return
	}
	if base+e.Word < 0 || base+e.Word >= len(l.args) {
		l.missing(e.Msg)
		return
	}
	w := l.args[base+e.Word]
	if l.quoted(w) && e.Off > 0 {
		w.col++
	}
	w.col = min(w.col+e.Off, len(l.text)+1)
	l.fail(w, "'%s': %s", l.kw.name, e.Msg)
}

// quoted reports whether a word begins with a quote.
func (l *line) quoted(w word) bool {
	return w.col >= 1 && w.col <= len(l.text) && (l.text[w.col-1] == '"' || l.text[w.col-1] == '\'')
}

// cond reads what begins with "if" or "unless", and warns about ACLs that can
// never hold at these steps.
func (l *line) cond(at txn.Steps, where string, base int) (*acl.Cond, bool) {
	look := acl.Lookup{Named: l.sect.acls, Env: l.sampleEnv(at, where)}
	c, err := look.ParseCond(texts(l.args[base:]))
	if err != nil {
		l.misread(err, base)
		return nil, false
	}
	l.checkCond(c, at, where)
	return c, true
}

func (l *line) checkCond(c *acl.Cond, at txn.Steps, where string) {
	if c == nil {
		return
	}
	if a := c.Conflict(at); a != nil {
		name := "'" + a.Name + "'"
		if a.Name == "" {
			name = "in braces"
		}
		fetch := a.Tests()[0].Expr()
		l.warn(l.head, "ACL %s never holds in %s: '%s' has a value in %s only", name, where, fetch.Fetch(), fetch.At())
	}
	if e, ok := c.HTTP(); ok {
		l.sect.noteHTTP(e, l.pos, l.text)
	}
}

// needsHTTP is a sample that has a value in mode http only.
type needsHTTP struct {
	fetch string
	pos   spec.Pos
	text  string
}

// noteHTTP notes the first sample of a section that needs HTTP: its mode is known at
// its end.
func (s *section) noteHTTP(e *sample.Expr, pos spec.Pos, text string) {
	if e.HTTP() && s.http == nil {
		s.http = &needsHTTP{e.Fetch(), pos, text}
	}
}

// switchDraft is a "use_backend" line.
type switchDraft struct {
	to     reference
	format *logformat.Format // of the name; nil: to is the name
	cond   *acl.Cond
}

func readUseBackend(l *line) {
	if !l.arity(1, maxWords, "a backend") {
		return
	}
	const where = "rules that choose a backend"
	at := txn.At(txn.StepRequest) | txn.At(txn.StepContent)
	w := l.args[0]
	d := switchDraft{to: reference{w.text, l.at(w), l.text}}
	if len(l.args) > 1 {
		if next := l.args[1]; next.text != "if" && next.text != "unless" {
			l.report(Alert, next, nearest.Word(next.text, []string{"if", "unless"}), "'use_backend' expects 'if' or 'unless', not '%s'", next.text)
			return
		}
		var ok bool
		if d.cond, ok = l.cond(at, where, 1); !ok {
			return
		}
	}
	f, err := logformat.CompileText(w.text, l.sampleEnv(at, where))
	if err != nil {
		l.misreadFormat(err, w)
		return
	}
	if _, constant := f.Constant(); !constant {
		d.format = f
	}
	l.sect.switching = append(l.sect.switching, d)
}

// misreadFormat reports a mistake in a format.
func (l *line) misreadFormat(err error, w word) {
	if e, ok := errors.AsType[*logformat.Error](err); ok {
		if l.quoted(w) {
			w.col++
		}
		w.col = min(w.col+e.Off, len(l.text)+1)
		err = e.Err
	}
	l.fail(w, "'%s': %v", l.kw.name, err)
}
