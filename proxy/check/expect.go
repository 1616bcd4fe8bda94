package check

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"bench/proxy/spec"
)

// writtenSteps compiles the rules of a TCP check.
func writtenSteps(c *spec.Check) ([]step, error) {
	steps := make([]step, 0, len(c.Steps)+1)
	for i := range c.Steps {
		st, err := writtenStep(&c.Steps[i])
		if err != nil {
			return nil, err
		}
		steps = append(steps, st)
	}
	return steps, nil
}

func writtenStep(r *spec.CheckStep) (step, error) {
	st := step{
		number: r.Number, comment: r.Comment, negate: r.Negate,
		ok: statusNamed(r.Outcome.OK), failed: statusNamed(r.Outcome.Error), late: statusNamed(r.Outcome.Timeout),
	}
	switch {
	case r.Connect != nil:
		st.connect, st.what = &connection{CheckConnect: *r.Connect}, " (connect)"
		if r.Connect.Port > 0 {
			st.what = fmt.Sprintf(" (connect port %d)", r.Connect.Port)
		}
		return st, nil
	case r.Send != nil:
		st.say, st.what = func(*Checker) []byte { return r.Send }, " (send)"
		return st, nil
	}
	e := &pattern{CheckStep: r}
	if r.Regexp != "" {
		var err error
		if e.re, err = regexp.Compile(r.Regexp); err != nil {
			return step{}, fmt.Errorf("%s:%d: tcp-check expect: %w", r.File, r.Line, err)
		}
	}
	st.expect, st.what = e.read, " (expect "+e.name()+")"
	return st, nil
}

// pattern is what an expectation of a TCP check looks for.
type pattern struct {
	*spec.CheckStep
	re *regexp.Regexp
}

// name says what is looked for.
func (p *pattern) name() string {
	switch {
	case p.re != nil && p.Binary:
		return "binary regex"
	case p.re != nil:
		return "regex"
	case p.Binary:
		return fmt.Sprintf("binary '%s'", p.Text)
	}
	return fmt.Sprintf("string '%s'", p.Text)
}

// undecided tells that too little has come.
func (p *pattern) undecided(d *dialogue) bool {
	return !d.ended && (p.re == nil && len(d.in) < len(p.Text) || len(d.in) < p.MinRecv)
}

func (p *pattern) found(in []byte) bool {
	switch {
	case p.re == nil:
		return bytes.Contains(in, p.Text)
	case p.Binary:
		return p.re.MatchString(strings.ToUpper(fmt.Sprintf("%x", in)))
	}
	return p.re.Match(in)
}

func (p *pattern) read(d *dialogue) reading {
	if p.undecided(d) {
		return reading{wait: true}
	}
	found := p.found(d.in)
	switch {
	case !found && !d.ended && p.MinRecv < 0:
		return reading{wait: true}
	case found != p.Negate:
		return reading{text: passed}
	}
	return fails(L7Rsp, p.complaint())
}

// complaint says why the rule does not hold.
func (p *pattern) complaint() string {
	text := "TCPCHK did not match content"
	if p.Negate {
		text = "TCPCHK matched unwanted content"
	}
	switch {
	case p.re != nil && p.Binary:
		text += " (binary regex)"
	case p.re != nil:
		text += " (regex)"
	case p.Binary:
		text += " (binary)"
	default:
		text += fmt.Sprintf(" '%s'", p.Text)
	}
	text += fmt.Sprintf(" at step %d", p.Number)
	if p.Comment != "" {
		text += " comment: " + p.Comment
	}
	return text
}
