package config

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"bench/internal/sock"
	"bench/proxy/logformat"
	"bench/proxy/spec"
)

const (
	connectArgs = "[default] [port { <port> | <expression> }] [addr <address>] [send-proxy] [via-socks4] [ssl] [sni <name>] [alpn <protocols>] [linger] [proto <name>] [comment <text>]"
	expectArgs  = "[min-recv <number>] [comment <text>] [ok-status <status>] [error-status <status>] [tout-status <status>] [on-success <format>] [on-error <format>] [status-code <expression>]"
)

// readConnect takes the options of a rule that connects.
func readConnect(l *line) (spec.CheckStep, bool) {
	k := &spec.CheckConnect{}
	st := spec.CheckStep{Connect: k}
	for rest := l.args; len(rest) > 0; rest = rest[1:] {
		w := rest[0]
		switch w.text {
		case "default":
			k.Default = true
			continue
		case "send-proxy":
			k.Proxied = true
			continue
		case "via-socks4":
			k.BySocks = true
			continue
		case "linger":
			k.Linger = true
			continue
		case "ssl":
			k.TLS = true
			continue
		case "port", "addr", "sni", "alpn", "proto", "comment":
		default:
			l.unknown(w, "option", []string{"default", "port", "addr", "send-proxy", "via-socks4", "ssl", "sni", "alpn", "linger", "proto", "comment"})
			return st, false
		}
		if len(rest) < 2 {
			l.missing("a value after '" + w.text + "'")
			return st, false
		}
		rest = rest[1:]
		if !l.connectOption(&st, w.text, rest[0]) {
			return st, false
		}
	}
	return st, true
}

// connectOption takes an option with its value.
func (l *line) connectOption(st *spec.CheckStep, name string, w word) bool {
	k := st.Connect
	ok := true
	switch name {
	case "port":
		if strings.Trim(w.text, "0123456789") != "" {
			k.PortBy = l.checkSample(w)
			return k.PortBy != nil
		}
		k.Port, ok = l.integer(w, 1, 65535)
	case "addr":
		var a sock.Addr
		var err error
		if a, err = l.resolveAddress(w.text); err != nil {
			l.fail(w, "'addr': %v", err)
			return false
		}
		k.Addr = &a
	case "sni":
		k.SNI = w.text
	case "alpn":
		k.ALPN = l.protocols(w)
		ok = k.ALPN != nil
	case "proto":
		if w.text != "h1" && w.text != "none" {
			l.fail(w, "protocol '%s' is not supported in '%s'", w.text, l.kw.name)
			return false
		}
	case "comment":
		st.Comment = w.text
	}
	return ok
}

// expectation is what may stand before, and behind, what is expected.
type expectation struct {
	least   int
	comment string
	outcome spec.CheckOutcome
	negate  bool
}

// readExpectation takes what stands before, and returns what follows.
func readExpectation(l *line) (x expectation, rest []word, ok bool) {
	x.least = -1
	if rest, ok = x.options(l, l.args); !ok || len(rest) == 0 {
		return x, rest, ok
	}
	kind, negated := strings.CutPrefix(rest[0].text, "!")
	x.negate = negated
	if negated && kind == "" {
		return x, rest[1:], true
	}
	rest[0].text = kind
	return x, rest, true
}

// options takes those at the beginning of the words, and returns what follows.
func (x *expectation) options(l *line, words []word) (rest []word, ok bool) {
	statuses := map[string]struct {
		field *string
		known []string
	}{
		"ok-status":    {&x.outcome.OK, []string{"L7OK", "L7OKC", "L6OK", "L4OK"}},
		"error-status": {&x.outcome.Error, []string{"L7OKC", "L7RSP", "L7STS", "L6RSP", "L4CON"}},
		"tout-status":  {&x.outcome.Timeout, []string{"L7TOUT", "L6TOUT", "L4TOUT"}},
	}
	for rest = words; len(rest) > 1; rest = rest[2:] {
		name, value := rest[0], rest[1]
		switch name.text {
		case "comment":
			x.comment = value.text
		case "min-recv":
			n, ok := l.integer(value, -1, math.MaxInt32)
			if !ok {
				return nil, false
			}
			x.least = n
		case "ok-status", "error-status", "tout-status":
			s := statuses[name.text]
			if !slices.Contains(s.known, value.text) {
				l.unknown(value, "status", s.known)
				return nil, false
			}
			*s.field = value.text
		case "on-success", "on-error":
			f := l.checkFormat(value)
			if f == nil {
				return nil, false
			}
			*map[string]**logformat.Format{"on-success": &x.outcome.OnOK, "on-error": &x.outcome.OnError}[name.text] = f
		case "status-code":
			if x.outcome.Code = l.checkSample(value); x.outcome.Code == nil {
				return nil, false
			}
		default:
			return rest, true
		}
	}
	return rest, true
}

// readCheckExpect takes an expectation of an HTTP check.
func readCheckExpect(l *line) {
	x, rest, ok := readExpectation(l)
	if !ok {
		return
	}
	if len(rest) < 2 {
		l.missing("a kind and a pattern, as in 'status 200'")
		return
	}
	e := &spec.Expect{}
	kind, names := rest[0], []string{"status", "rstatus", "string", "string-lf", "rstring", "hdr", "fhdr"}
	kinds := map[string]spec.ExpectKind{"status": spec.ExpectStatus, "rstatus": spec.ExpectRStatus, "string": spec.ExpectString, "string-lf": spec.ExpectString, "rstring": spec.ExpectRString, "hdr": spec.ExpectHeader, "fhdr": spec.ExpectFullHeader}
	switch e.Kind, ok = kinds[kind.text]; {
	case !ok:
		l.unknown(kind, "kind", names)
		return
	case e.Kind == spec.ExpectHeader || e.Kind == spec.ExpectFullHeader:
		if rest = l.expectField(e, kind.text, rest[1:]); rest == nil {
			return
		}
	default:
		e.Pattern = rest[1].text
		if !l.expectPattern(e, kind.text, rest[1]) {
			return
		}
		rest = rest[2:]
	}
	if rest, ok = x.options(l, rest); !ok {
		return
	}
	if len(rest) > 0 {
		l.fail(rest[0], "'http-check expect' cannot handle unexpected argument '%s'", rest[0].text)
		return
	}
	c := l.rulesOf(&l.sect.settings.check.http)
	if last := c.last(); last != nil && last.Connect != nil {
		l.fail(l.head, "'http-check expect' is not supported behind 'http-check connect': nothing was sent")
		return
	}
	l.addStep(c, spec.CheckStep{Answer: e, MinRecv: x.least, Comment: x.comment, Outcome: x.outcome, Negate: x.negate})
}

// expectPattern checks the pattern of an expectation.
func (l *line) expectPattern(e *spec.Expect, kind string, w word) bool {
	switch e.Kind {
	case spec.ExpectStatus:
		if !isStatusList(e.Pattern) {
			l.fail(w, "'http-check expect status' expects statuses like 200,300-399, not '%s'", e.Pattern)
			return false
		}
	case spec.ExpectRStatus, spec.ExpectRString:
		return l.goodRegexp(w)
	case spec.ExpectString:
		if kind == "string-lf" {
			e.PatternBy = l.checkFormat(w)
			return e.PatternBy != nil
		}
	case spec.ExpectHeader, spec.ExpectFullHeader:
	}
	return true
}

func (l *line) goodRegexp(w word) bool {
	_, err := regexp.Compile(w.text)
	if err != nil {
		l.fail(w, "invalid regular expression '%s': %v", w.text, err)
	}
	return err == nil
}

// expectField takes what is expected of a header field, and returns what follows; nil
// after an error.
func (l *line) expectField(e *spec.Expect, kind string, rest []word) []word {
	for _, part := range []struct {
		name     string
		by, text *string
		format   **logformat.Format
	}{{"name", &e.MatchName, &e.Name, &e.NameBy}, {"value", &e.MatchValue, &e.Pattern, &e.PatternBy}} {
		formatted := len(rest) > 0 && rest[0].text == part.name+"-lf"
		switch {
		case len(rest) == 0 && part.name == "value":
			return []word{}
		case len(rest) == 0 || rest[0].text != part.name && !formatted:
			if part.name == "value" {
				return rest
			}
			l.missing("'name' and a name after '" + kind + "'")
			return nil
		}
		rest = rest[1:]
		*part.by = "str"
		if len(rest) > 1 && rest[0].text == "-m" {
			methods := []string{"str", "beg", "end", "sub", "reg"}
			if formatted {
				methods = methods[:4] // an expression is compiled when the configuration is read
			}
			if !slices.Contains(methods, rest[1].text) {
				l.unknown(rest[1], "method", methods)
				return nil
			}
			*part.by, rest = rest[1].text, rest[2:]
		}
		if len(rest) == 0 {
			l.missing("a text after '" + part.name + "'")
			return nil
		}
		if *part.by == "reg" && !l.goodRegexp(rest[0]) {
			return nil
		}
		if *part.text = rest[0].text; formatted {
			if *part.format = l.checkFormat(rest[0]); *part.format == nil {
				return nil
			}
		}
		rest = rest[1:]
	}
	return rest
}
