package check

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"syscall"

	"bench/internal/poller"
	"bench/proxy/spec"
)

// script is a compiled TCP check with rules ("option tcp-check").
type script struct {
	steps []scriptStep
}

type scriptStep struct {
	spec.CheckStep
	re *regexp.Regexp
	// chain is the rule to go back to when more comes: the first of those in a row
	// that forbid something.
	chain int
}

// dialogue is how far a script has got in one check.
type dialogue struct {
	step  int
	sent  int    // of what the step sends
	in    []byte // received since something was sent last
	stale bool   // in was looked at: wait for more
	ended bool   // no more will come
}

func (d *dialogue) reset() { *d = dialogue{in: d.in[:0]} }

// passed is what is said of a check of which all rules have held.
const passed = "(tcp-check)"

// newScript compiles the rules of a TCP check; nil if there are none.
func newScript(c *spec.Check) (*script, error) {
	if c == nil || c.Kind != spec.CheckTCP || len(c.Steps) == 0 {
		return nil, nil
	}
	s := &script{}
	for i, st := range c.Steps {
		x := scriptStep{CheckStep: st, chain: i}
		if st.Regexp != "" {
			var err error
			if x.re, err = regexp.Compile(st.Regexp); err != nil {
				return nil, fmt.Errorf("%s:%d: tcp-check expect: %w", st.File, st.Line, err)
			}
		}
		for k := i - 1; k >= 0 && st.Send == nil && c.Steps[k].Send == nil; k-- {
			if c.Steps[k].Negate {
				x.chain = k
			}
		}
		s.steps = append(s.steps, x)
	}
	return s, nil
}

// where says at which rule a check has stopped.
func (s *script) where(c *Checker) string {
	k := c.cfg.Check
	switch {
	case k == nil || k.Kind != spec.CheckTCP:
		return ""
	case !c.wired && k.Connect > 0:
		return fmt.Sprintf(" at step %d of tcp-check (connect)", k.Connect)
	case !c.wired:
		return " at initial connection step of tcp-check"
	case s == nil:
		return ""
	}
	st := &s.steps[min(c.talk.step, len(s.steps)-1)]
	text := fmt.Sprintf(" at step %d of tcp-check", st.Number)
	switch {
	case st.Send != nil:
		text += " (send)"
	case st.re != nil && st.Binary:
		text += " (expect binary regex)"
	case st.re != nil:
		text += " (expect regex)"
	case st.Binary:
		text += fmt.Sprintf(" (expect binary '%s')", st.Text)
	default:
		text += fmt.Sprintf(" (expect string '%s')", st.Text)
	}
	if st.Comment != "" {
		text += " comment: '" + st.Comment + "'"
	}
	return text
}

// play follows the rules as far as that goes.
func (c *Checker) play() {
	d := &c.talk
	for d.step < len(c.script.steps) {
		st := &c.script.steps[d.step]
		if st.Send != nil {
			if !c.say(st.Send) {
				return
			}
			d.step, d.sent, d.in, d.stale = d.step+1, 0, d.in[:0], false
			continue
		}
		if (d.stale || len(d.in) == 0) && !d.ended && !c.hear() {
			return
		}
		switch held, wait := st.holds(d); {
		case wait:
			d.step, d.stale = st.chain, true
		case held:
			d.step, d.stale = d.step+1, false
		default:
			c.finish(Result{Status: L7Rsp, Output: st.complaint(d)})
			return
		}
	}
	c.finish(Result{Status: L7OK, Output: passed})
}

// say sends what is left of a text and reports whether all is gone.
func (c *Checker) say(text []byte) bool {
	d := &c.talk
	for d.sent < len(text) {
		n, errno := c.send(text[d.sent:])
		d.sent += max(n, 0)
		switch {
		case errno == syscall.EAGAIN, errno == 0 && d.sent < len(text):
			c.l.Rearm(c.fd, poller.Out)
			return false
		case errno != 0:
			c.finish(Result{Status: SockErr, Output: capital(errno.Error()) + c.script.where(c)})
			return false
		}
	}
	return true
}

// hear reads what there is. It reports false if that is nothing, or the check is over.
func (c *Checker) hear() bool {
	d := &c.talk
	before := len(d.in)
	for {
		buf := c.l.Scratch()
		n, more, errno := c.recv(buf)
		switch {
		case errno == syscall.EAGAIN:
			if len(d.in) > before {
				return true
			}
			c.l.Rearm(c.fd, poller.In)
			return false
		case errno != 0 && len(d.in) == 0:
			c.finish(Result{Status: SockErr, Output: capital(errno.Error()) + c.script.where(c)})
			return false
		case errno != 0, n == 0:
			d.ended = true
		}
		d.in = append(d.in, buf[:min(max(n, 0), maxAnswer-len(d.in))]...)
		d.ended = d.ended || len(d.in) == maxAnswer
		if d.ended {
			return true
		}
		if !more {
			if len(d.in) > before {
				return true
			}
			c.l.Rearm(c.fd, poller.In)
			return false
		}
	}
}

// holds tells whether a rule holds, or that it is to wait for more.
func (st *scriptStep) holds(d *dialogue) (held, wait bool) {
	if len(d.in) == 0 && d.ended {
		return false, false
	}
	if !d.ended && (st.re == nil && len(d.in) < len(st.Text) || len(d.in) < st.MinRecv) {
		return false, true
	}
	match := false
	switch {
	case st.re == nil:
		match = bytes.Contains(d.in, st.Text)
	case st.Binary:
		match = st.re.MatchString(strings.ToUpper(fmt.Sprintf("%x", d.in)))
	default:
		match = st.re.Match(d.in)
	}
	if !match && !d.ended && st.MinRecv < 0 {
		return false, true
	}
	return match != st.Negate, false
}

// complaint says why a rule does not hold.
func (st *scriptStep) complaint(d *dialogue) string {
	text := ""
	if len(d.in) == 0 {
		text = fmt.Sprintf("TCPCHK got an empty response at step %d", st.Number)
		if st.Comment != "" {
			text += " comment: '" + st.Comment + "'"
		}
		return text
	}
	text = "TCPCHK did not match content"
	if st.Negate {
		text = "TCPCHK matched unwanted content"
	}
	switch {
	case st.re != nil && st.Binary:
		text += fmt.Sprintf(" (binary regex) at step %d", st.Number)
	case st.re != nil:
		text += fmt.Sprintf(" (regex) at step %d", st.Number)
	case st.Binary:
		text += fmt.Sprintf(" (binary) at step %d", st.Number)
	default:
		text += fmt.Sprintf(" '%s' at step %d", st.Text, st.Number)
	}
	if st.Comment != "" {
		text += " comment: " + st.Comment
	}
	return text
}
