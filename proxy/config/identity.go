package config

import (
	"bench/internal/sock"
	"bench/proxy/logformat"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// identityKeywords tell servers, and logs, which request and which destination it is
// (configuration manual, section 4.2).
func identityKeywords() []keyword {
	return []keyword{
		{name: "unique-id-format", args: "<format>", scope: inDefaults | inFront, doc: "Layout of an identifier for each request.", read: func(l *line) {
			w, ok := l.one("a format")
			if !ok {
				return
			}
			f, err := logformat.CompileLog(w.text, l.sampleEnv(txn.At(txn.StepRequest), txn.StepRequest.String()))
			if err != nil {
				l.misreadFormat(err, w)
				return
			}
			l.sect.settings.uniqueID.put(f, l.pos)
		}},
		{name: "unique-id-header", args: "<name>", scope: inDefaults | inFront, doc: "Field that tells servers the identifier of \"unique-id-format\".", read: func(l *line) {
			if w, ok := l.fieldName(); ok {
				l.sect.settings.uniqueIDHeader.put(w.text, l.pos)
			}
		}},
		{name: "option originalto", args: "[except <network>] [header <name>]", scope: inAny, doc: "Tell servers the address that the client connected to, in a header field.", read: readOriginalTo},
	}
}

// fieldName reads the name of a header field, the only argument.
func (l *line) fieldName() (word, bool) {
	w, ok := l.one("the name of a header field")
	if ok && !isToken(w.text) {
		l.fail(w, "'%s' is not a valid header field name", w.text)
		return w, false
	}
	return w, ok
}

func readOriginalTo(l *line) {
	o := spec.OriginalTo{Header: "X-Original-To"}
	for rest := l.args; len(rest) > 0; rest = rest[2:] {
		if rest[0].text != "except" && rest[0].text != "header" {
			l.unknown(rest[0], "argument", []string{"except", "header"})
			return
		}
		if len(rest) < 2 {
			l.missing("a value after '" + rest[0].text + "'")
			return
		}
		w := rest[1]
		if rest[0].text == "header" {
			if !isToken(w.text) {
				l.fail(w, "'%s' is not a valid header field name", w.text)
				return
			}
			o.Header = w.text
			continue
		}
		p, err := sock.ParsePrefix(w.text)
		if err != nil {
			l.fail(w, "'%s': %v", l.kw.name, err)
			return
		}
		o.Except = append(o.Except, p)
	}
	l.sect.settings.originalTo.put(o, l.pos)
}
