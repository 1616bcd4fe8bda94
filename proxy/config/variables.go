package config

import (
	"errors"
	"math"

	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// variableKeywords set variables of the process when the configuration is read
// (configuration manual, section 3.1).
func variableKeywords() []keyword {
	type limits = txn.Limits
	limit := func(scope, doc string, field func(*limits) *int) keyword {
		return keyword{name: "tune.vars." + scope + "-max-size", args: "<number>", scope: inGlobal, doc: doc, read: func(l *line) {
			if w, ok := l.one("a number of bytes"); ok {
				if n, ok := l.integer(w, 0, math.MaxInt32); ok {
					*field(&l.p.variables.Limits) = n
				}
			}
		}}
	}
	return []keyword{
		limit("global", "Bytes that all variables may take, 80 each besides their texts; 0: any number. One without room is not set.", func(v *limits) *int { return &v.Global }),
		limit("proc", "The same as tune.vars.global-max-size.", func(v *limits) *int { return &v.Process }),
		limit("sess", "Bytes for the variables of a session, with those of its transaction.", func(v *limits) *int { return &v.Session }),
		limit("txn", "Bytes for the variables of a transaction, with those of request and response.", func(v *limits) *int { return &v.Txn }),
		limit("reqres", "Bytes for the variables of a request and its response.", func(v *limits) *int { return &v.Message }),
		limit("check", "Bytes for the variables of a health check.", func(v *limits) *int { return &v.Check }),
		{name: "set-var", args: "<variable> <expression>", scope: inGlobal, doc: "Set a variable of the process (\"proc.\") to a sample that needs no transaction.", read: readSetVar},
		{name: "set-var-fmt", args: "<variable> <format>", scope: inGlobal, doc: "Set a variable of the process (\"proc.\") to a text whose samples need no transaction.", read: readSetVarFmt},
	}
}

// processVariable reads the variable that a line sets.
func (l *line) processVariable() (sample.Var, *sample.Env, bool) {
	if !l.arity(2, 2, "a variable and what it is set to") {
		return sample.Var{}, nil, false
	}
	env := &sample.Env{Names: l.p.variables, At: txn.At(txn.StepProcess), Where: "the global section", Lists: &l.p.patterns, File: l.pos.File, Line: l.pos.Line}
	to, err := env.Variable(l.args[0].text)
	if err == nil && to.Process == nil {
		err = errors.New("a variable of the process is expected, as proc.name")
	}
	if err != nil {
		l.fail(l.args[0], "'%s': %v", l.kw.name, err)
		return to, nil, false
	}
	return to, env, true
}

// outside evaluates without a transaction.
func (l *line) outside() *sample.Context {
	c := sample.NewContext(l.p.global.Tune.BufSize, 0)
	c.Txn = &txn.Txn{Final: true}
	return c
}

func readSetVar(l *line) {
	to, env, ok := l.processVariable()
	if !ok {
		return
	}
	w := l.args[1]
	e, err := sample.Compile(w.text, env)
	if err == nil {
		err = env.Check(e)
	}
	if err != nil {
		l.misreadSample(w, err)
		return
	}
	if v := e.Eval(l.outside()); v != nil {
		to.SetAtStart(v)
	}
}

// misreadSample reports a mistake in an expression.
func (l *line) misreadSample(w word, err error) {
	if se, ok := errors.AsType[*sample.Error](err); ok {
		w.col = min(w.col+se.Off, len(l.text)+1)
	}
	l.fail(w, "'%s': %v", l.kw.name, err)
}

func readSetVarFmt(l *line) {
	to, env, ok := l.processVariable()
	if !ok {
		return
	}
	f, err := logformat.CompileText(l.args[1].text, env)
	switch {
	case err != nil:
		l.misreadFormat(err, l.args[1])
	case f.HasAliases():
		l.fail(l.args[1], "'%s': aliases are about transactions, and there is none here", l.kw.name)
	default:
		v := txn.Value{}
		v.SetStr(f.Append(nil, &logformat.Writer{}, l.outside()))
		to.SetAtStart(&v)
	}
}
