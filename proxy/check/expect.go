package check

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"bench/proxy/spec"
)

// writtenSteps compiles the rules of a check.
func writtenSteps(c *spec.Check, cfg *Config) ([]step, error) {
	steps := make([]step, 0, len(c.Steps)+1)
	for i := range c.Steps {
		st, err := writtenStep(c, &c.Steps[i], cfg)
		if err != nil {
			r := &c.Steps[i]
			return nil, fmt.Errorf("%s:%d: %w", r.File, r.Line, err)
		}
		steps = append(steps, st)
	}
	return steps, nil
}

func writtenStep(c *spec.Check, r *spec.CheckStep, cfg *Config) (st step, err error) {
	st = step{
		number: r.Number, comment: r.Comment, negate: r.Negate, change: r.Var, outcome: &r.Outcome,
		ok: statusNamed(r.Outcome.OK), failed: statusNamed(r.Outcome.Error), late: statusNamed(r.Outcome.Timeout),
	}
	switch {
	case r.Var != nil:
	case r.Connect != nil:
		st.connect, st.what = &connection{CheckConnect: *r.Connect}, " (connect)"
		if r.Connect.Port > 0 {
			st.what = fmt.Sprintf(" (connect port %d)", r.Connect.Port)
		}
	case r.Request != nil:
		st.say = askHTTP(c, r.Request, cfg)
	case r.Answer != nil:
		return expectHTTP(c, r, st)
	case r.SendBy != nil:
		st.say, st.what = func(c *Checker) ([]byte, bool) {
			text := c.text(r.SendBy)
			if r.Binary {
				return digits(text)
			}
			return text, true
		}, " (send)"
	case r.Send != nil:
		st.say, st.what = speech(r.Send), " (send)"
	default:
		e := &pattern{CheckStep: r}
		if r.Regexp != "" {
			if e.re, err = regexp.Compile(r.Regexp); err != nil {
				return st, fmt.Errorf("tcp-check expect: %w", err)
			}
		}
		if r.TextBy != nil {
			st.wants = e.prepare
		}
		st.expect, st.what = e.read, " (expect "+e.name()+")"
	}
	return st, nil
}

// speech says always the same.
func speech(text []byte) func(*Checker) ([]byte, bool) {
	return func(*Checker) ([]byte, bool) { return text, true }
}

// noText is what is said of an expectation of which samples leave nothing.
const noText = "log-format string evaluated to an empty string"

// pattern is what an expectation of a TCP check looks for.
type pattern struct {
	*spec.CheckStep
	re *regexp.Regexp
}

// prepare makes the text that is looked for.
func (p *pattern) prepare(c *Checker) (failure string) {
	text := c.text(p.TextBy)
	if len(text) == 0 {
		return noText
	}
	if p.Binary {
		var ok bool
		if text, ok = digits(text); !ok {
			return "Failed to parse hexastring resulting of eval of a log-format string"
		}
	}
	c.talk.wanted = string(text)
	return ""
}

// name says what is looked for.
func (p *pattern) name() string {
	switch {
	case p.re != nil && p.Binary:
		return "binary regex"
	case p.re != nil:
		return "regex"
	case p.TextBy != nil && p.Binary:
		return "log-format binary"
	case p.TextBy != nil:
		return "log-format string"
	case p.Binary:
		return fmt.Sprintf("binary '%s'", p.Text)
	}
	return fmt.Sprintf("string '%s'", p.Text)
}

// undecided tells that too little has come.
func (p *pattern) undecided(d *dialogue, text []byte) bool {
	return !d.ended && (p.re == nil && len(d.in) < len(text) || len(d.in) < p.MinRecv)
}

func (p *pattern) found(in, text []byte) bool {
	switch {
	case p.re == nil:
		return bytes.Contains(in, text)
	case p.Binary:
		return p.re.MatchString(strings.ToUpper(fmt.Sprintf("%x", in)))
	}
	return p.re.Match(in)
}

func (p *pattern) read(d *dialogue) reading {
	text := p.Text
	if p.TextBy != nil {
		text = []byte(d.wanted)
	}
	if p.undecided(d, text) {
		return reading{wait: true}
	}
	found := p.found(d.in, text)
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
	case p.TextBy != nil && p.Binary:
		text += " (log-format binary)"
	case p.TextBy != nil:
		text += " (log-format string)"
	case p.Binary:
		text += " (binary)"
	default:
		text += fmt.Sprintf(" '%s'", p.Text)
	}
	return text + fmt.Sprintf(" at step %d", p.Number)
}
