package config

import (
	"encoding/hex"
	"regexp"

	"bench/proxy/spec"
)

// tcpRule counts a tcp-check rule.
func (l *line) tcpRule() *checkDraft {
	c := &l.sect.settings.check
	if c.tcpPos.Line == 0 {
		c.tcpPos = l.pos
	}
	c.rules++
	return c
}

// addStep adds a rule of a TCP check, with the comment before it if it has none.
func (l *line) addStep(st spec.CheckStep) {
	c := l.tcpRule()
	st.Pos, st.Number = l.pos, c.rules
	if st.Comment == "" {
		st.Comment = c.remark
	}
	c.steps, c.idle = append(c.steps, st), spec.Pos{}
}

// checkBytes reads hexadecimal digits.
func (l *line) checkBytes(w word) ([]byte, bool) {
	b, err := hex.DecodeString(w.text)
	if err != nil || len(b) == 0 {
		l.fail(w, "'%s' expects pairs of hexadecimal digits, not '%s'", l.kw.name, w.text)
		return nil, false
	}
	return b, true
}

// readCheckText takes what is to be sent.
func readCheckText(l *line, binary bool) {
	if !l.arity(1, 3, "what is to be sent") {
		return
	}
	st := spec.CheckStep{Send: []byte(l.args[0].text), MinRecv: -1}
	if len(l.args) > 1 {
		if l.args[1].text != "comment" {
			l.unknown(l.args[1], "argument", []string{"comment"})
			return
		}
		if len(l.args) < 3 {
			l.missing("a text after 'comment'")
			return
		}
		st.Comment = l.args[2].text
	}
	if len(st.Send) == 0 {
		l.fail(l.args[0], "'%s' expects something to be sent", l.kw.name)
		return
	}
	if binary {
		var ok bool
		if st.Send, ok = l.checkBytes(l.args[0]); !ok {
			return
		}
	}
	l.addStep(st)
}

// readTCPExpect takes an expectation of a TCP check.
func readTCPExpect(l *line) {
	x, rest, ok := readExpectation(l)
	if !ok {
		return
	}
	st := spec.CheckStep{MinRecv: x.least, Comment: x.comment, Outcome: x.outcome, Negate: x.negate}
	if len(rest) < 2 {
		l.missing("a kind and a pattern, as in 'string +PONG'")
		return
	}
	if len(rest) > 2 {
		l.fail(rest[2], "'%s' cannot handle unexpected argument '%s'", l.kw.name, rest[2].text)
		return
	}
	kind, pattern := rest[0], rest[1]
	ok = pattern.text != ""
	switch kind.text {
	case "string":
		st.Text = []byte(pattern.text)
	case "binary":
		st.Binary = true
		st.Text, ok = l.checkBytes(pattern)
		if !ok {
			return
		}
	case "rstring", "rbinary":
		st.Regexp, st.Binary = pattern.text, kind.text == "rbinary"
		if _, err := regexp.Compile(st.Regexp); err != nil {
			l.fail(pattern, "invalid regular expression '%s': %v", st.Regexp, err)
			return
		}
	case "string-lf", "binary-lf", "custom":
		l.fail(kind, "'%s' is not supported in 'tcp-check expect'", kind.text)
		return
	default:
		l.unknown(kind, "kind", []string{"string", "rstring", "binary", "rbinary"})
		return
	}
	if !ok {
		l.fail(pattern, "'%s' expects something to be found", l.kw.name)
		return
	}
	l.addStep(st)
}
