package config

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"bench/proxy/spec"
)

// headerNameKeywords are about the names of header fields as they are written and
// accepted (configuration manual, sections 3.1 and 4.2).
func headerNameKeywords() []keyword {
	return []keyword{
		{name: "h1-case-adjust", args: "<from> <to>", scope: inGlobal, doc: "How to write the name of a header field for peers that want capital letters in it.", read: func(l *line) {
			if l.arity(2, 2, "a name in lower case, and how to write it") {
				if err := l.p.adjustCase(l.args[0].text, l.args[1].text); err != nil {
					l.fail(l.args[0], "'h1-case-adjust': %v", err)
				}
			}
		}},
		{name: "h1-case-adjust-file", args: "<path>", scope: inGlobal, doc: "A file with lines like the arguments of \"h1-case-adjust\".", read: readCaseFile},
		{name: "option http-restrict-req-hdr-names", args: "{ preserve | delete | reject }", scope: inAny, doc: "What to do with header fields of requests whose names have other characters than letters, digits and hyphens.", read: readRestrictNames},
	}
}

// adjustCase notes how the name of a field is to be written.
func (p *parser) adjustCase(from, to string) error {
	switch {
	case !isToken(from):
		return fmt.Errorf("'%s' is not a valid header field name", from)
	case !strings.EqualFold(to, from):
		return fmt.Errorf("'%s' and '%s' differ in more than their capital letters", from, to)
	}
	if p.global.FieldCase == nil {
		p.global.FieldCase = map[string]string{}
	}
	name := strings.ToLower(from)
	if was, ok := p.global.FieldCase[name]; ok {
		return fmt.Errorf("'%s' is already to be written as '%s'", from, was)
	}
	p.global.FieldCase[name] = to
	return nil
}

func readCaseFile(l *line) {
	w, ok := l.one("a file")
	if !ok {
		return
	}
	text, err := os.ReadFile(w.text)
	if err != nil {
		l.fail(w, "'%s': %v", l.kw.name, err)
		return
	}
	number := 0
	for raw := range bytes.Lines(text) {
		number++
		names := strings.Fields(string(raw))
		if len(names) == 0 || strings.HasPrefix(names[0], "#") {
			continue
		}
		if len(names) != 2 {
			l.fail(w, "'%s': %s:%d: want a name in lower case, and how to write it", l.kw.name, w.text, number)
			return
		}
		if err := l.p.adjustCase(names[0], names[1]); err != nil {
			l.fail(w, "'%s': %s:%d: %v", l.kw.name, w.text, number, err)
			return
		}
	}
}

func readRestrictNames(l *line) {
	w, ok := l.one("preserve, delete or reject")
	if !ok {
		return
	}
	o := &l.sect.settings.restrict
	switch w.text {
	case "preserve":
		o.put(spec.AnyNames, l.pos)
	case "delete":
		o.put(spec.DeleteNames, l.pos)
	case "reject":
		o.put(spec.RejectNames, l.pos)
	default:
		l.unknown(w, "argument", []string{"preserve", "delete", "reject"})
	}
}
