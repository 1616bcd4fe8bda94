package config

import (
	"slices"

	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// checkSet are the rules of checks of one kind. Those of a section take the place of all
// that its defaults have.
type checkSet struct {
	sect  *section
	pos   spec.Pos // of the first one
	steps []spec.CheckStep
	rules int      // comments included
	note  string   // of a comment before
	idle  spec.Pos // of a comment that no rule has followed

	// Of "option httpchk".

	request  *httpRequest
	followed bool // the rule that sends a request stood before it
}

func (c *checkSet) clone() checkSet {
	d := *c
	d.steps = slices.Clone(c.steps)
	return d
}

// rulesOf are the rules that the line adds to.
func (l *line) rulesOf(c *checkSet) *checkSet {
	if c.sect != l.sect {
		*c = checkSet{sect: l.sect}
	}
	return c
}

// count counts a rule, or a comment.
func (l *line) count(c *checkSet) {
	if c.pos.Line == 0 {
		c.pos = l.pos
	}
	c.rules++
}

// last is the last of the rules that is not about variables, nil if there is none.
func (c *checkSet) last() *spec.CheckStep {
	for i := len(c.steps) - 1; i >= 0; i-- {
		if c.steps[i].Var == nil {
			return &c.steps[i]
		}
	}
	return nil
}

// connects tells whether the first of those rules connects.
func (c *checkSet) connects() bool {
	i := slices.IndexFunc(c.steps, func(s spec.CheckStep) bool { return s.Var == nil })
	return i >= 0 && c.steps[i].Connect != nil
}

// asks is the index of the first rule that sends a request, if nothing but the rule that
// connects stands before it; -1 without one.
func (c *checkSet) asks() int {
	for i := range c.steps {
		switch s := &c.steps[i]; {
		case s.Request != nil:
			return i
		case s.Answer != nil:
			return -1
		}
	}
	return -1
}

// addStep adds a rule, with the comment before it if it has none: one that stands before
// several expectations belongs to all of them.
func (l *line) addStep(c *checkSet, st spec.CheckStep) {
	l.count(c)
	st.Pos, st.Number = l.pos, c.rules
	switch {
	case st.Var == nil && st.Comment == "":
		st.Comment = c.note
	case st.Var != nil && c.note != "":
		l.warn(l.head, "the comment before '%s' has no effect: nothing is said of variables", l.kw.name)
	}
	c.idle = spec.Pos{}
	if st.Var != nil || st.Connect != nil || st.Send != nil || st.SendBy != nil || st.Request != nil {
		c.note = ""
	}
	c.steps = append(c.steps, st)
}

// readCheckComment takes a comment.
func readCheckComment(l *line, c *checkSet) {
	if w, ok := l.one("a text"); ok {
		c = l.rulesOf(c)
		l.count(c)
		c.note, c.idle = w.text, l.pos
	}
}

// addConnect adds a rule that connects.
func (l *line) addConnect(c *checkSet) {
	st, ok := readConnect(l)
	if !ok {
		return
	}
	c = l.rulesOf(c)
	switch last := c.last(); {
	case last != nil && !c.connects():
		l.fail(l.head, "the first rule must be '%s', too, where one of them is", l.kw.name)
	case last != nil && last.Request != nil:
		l.fail(l.head, "'%s' is not supported behind a request without anything expected of its answer", l.kw.name)
	default:
		l.addStep(c, st)
	}
}

// checkEnv is what expressions in rules of checks are compiled for.
func (l *line) checkEnv() *sample.Env {
	return l.sampleEnv(txn.At(txn.StepCheck), "rules of "+txn.StepCheck.String())
}

// checkFormat reads a text with samples; nil after an error.
func (l *line) checkFormat(w word) *logformat.Format {
	f, err := logformat.CompileRaw(w.text, l.checkEnv())
	switch {
	case err != nil:
		l.misreadFormat(err, w)
		return nil
	case f.Empty():
		l.fail(w, "'%s' expects a text", l.kw.name)
		return nil
	}
	return f
}

// checkSample reads an expression; nil after an error.
func (l *line) checkSample(w word) *sample.Expr {
	env := l.checkEnv()
	e, err := sample.Compile(w.text, env)
	if err == nil {
		err = env.Check(e)
	}
	if err != nil {
		l.misreadSample(w, err)
		return nil
	}
	return e
}
