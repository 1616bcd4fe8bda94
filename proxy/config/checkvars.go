package config

import (
	"strings"

	"bench/proxy/sample"
	"bench/proxy/spec"
)

// checkVariableKeywords are the rules of checks that set variables and forget them.
func checkVariableKeywords() []keyword {
	var rows []keyword
	for _, x := range []struct {
		name string
		of   func(*checkDraft) *checkSet
	}{{"tcp-check", (*checkDraft).ofTCP}, {"http-check", (*checkDraft).ofHTTP}} {
		add := func(name, args, doc string, value func(*line, *spec.CheckVar) bool) {
			rows = append(rows, keyword{name: x.name + " " + name, args: args, scope: inDefaults | inBack, named: true, doc: doc, read: func(l *line) {
				v := &spec.CheckVar{}
				if l.checkVariable(v, name != "unset-var") && value(l, v) {
					l.addStep(l.rulesOf(x.of(&l.sect.settings.check)), spec.CheckStep{Var: v})
				}
			}})
		}
		add("set-var", "(<variable>[,<if>]...) <expression>", "Set a variable in checks (\"check.\", \"sess.\" or \"proc.\") to a sample, if all of the conditions hold.", func(l *line, v *spec.CheckVar) bool {
			w, ok := l.one("an expression")
			if ok {
				v.Sample = l.checkSample(w)
			}
			return v.Sample != nil
		})
		add("set-var-fmt", "(<variable>[,<if>]...) <format>", "Set a variable in checks to a text, if all of the conditions hold.", func(l *line, v *spec.CheckVar) bool {
			w, ok := l.one("a text")
			if ok {
				v.Text = l.checkFormat(w)
			}
			return v.Text != nil
		})
		add("unset-var", "(<variable>)", "Forget a variable in checks.", func(l *line, _ *spec.CheckVar) bool { return l.arity(0, 0, "") })
	}
	return rows
}

// checkVariable reads the variable in parentheses behind the keyword.
func (l *line) checkVariable(v *spec.CheckVar, conditions bool) bool {
	inner, opened := strings.CutPrefix(l.inner.text, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !opened || !closed || inner == "" {
		l.fail(l.inner, "'%s' expects the name of a variable in parentheses", l.kw.name)
		return false
	}
	names := []string{inner}
	if conditions {
		names = strings.Split(inner, ",")
	}
	var err error
	if v.To, err = l.checkEnv().Variable(names[0]); err == nil {
		v.If, err = sample.ParseVarConds(names[1:])
	}
	if err != nil {
		l.fail(l.inner, "'%s': %v", l.kw.name, err)
		return false
	}
	return true
}
