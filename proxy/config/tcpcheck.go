package config

import (
	"encoding/hex"
	"regexp"
	"strings"

	"bench/proxy/spec"
)

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
func readCheckText(l *line) {
	if !l.arity(1, 3, "what is to be sent") {
		return
	}
	w := l.args[0]
	st := spec.CheckStep{MinRecv: -1}
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
	if w.text == "" {
		l.fail(w, "'%s' expects something to be sent", l.kw.name)
		return
	}
	ok := true
	switch how := strings.TrimPrefix(l.kw.name, "tcp-check send"); how {
	case "-binary":
		st.Send, ok = l.checkBytes(w)
	case "-lf", "-binary-lf":
		st.SendBy, st.Binary = l.checkFormat(w), how == "-binary-lf"
		ok = st.SendBy != nil
	default:
		st.Send = []byte(w.text)
	}
	if ok {
		l.addStep(l.rulesOf(&l.sect.settings.check.tcp), st)
	}
}

// readTCPExpect takes an expectation of a TCP check.
func readTCPExpect(l *line) {
	x, rest, ok := readExpectation(l)
	if !ok {
		return
	}
	if len(rest) < 2 {
		l.missing("a kind and a pattern, as in 'string +PONG'")
		return
	}
	kind, pattern := rest[0], rest[1]
	if rest, ok = x.options(l, rest[2:]); !ok {
		return
	}
	if len(rest) > 0 {
		l.fail(rest[0], "'%s' cannot handle unexpected argument '%s'", l.kw.name, rest[0].text)
		return
	}
	st := spec.CheckStep{MinRecv: x.least, Comment: x.comment, Outcome: x.outcome, Negate: x.negate}
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
	case "string-lf", "binary-lf":
		st.TextBy, st.Binary = l.checkFormat(pattern), kind.text == "binary-lf"
		if st.TextBy == nil {
			return
		}
	default:
		l.unknown(kind, "kind", []string{"string", "string-lf", "rstring", "binary", "binary-lf", "rbinary"})
		return
	}
	if !ok {
		l.fail(pattern, "'%s' expects something to be found", l.kw.name)
		return
	}
	l.addStep(l.rulesOf(&l.sect.settings.check.tcp), st)
}
