package config

import (
	"fmt"
	"maps"
	"slices"

	"bench/internal/nearest"
	"bench/proxy/rule"
	"bench/proxy/spec"
)

// errorPages is an "http-errors" section: answers by status.
type errorPages struct {
	pos   spec.Pos
	pages map[int][]byte
}

// errorDraft is one line that replaces standard answers: one of them, or those of an
// "http-errors" section, which need not be known yet.
type errorDraft struct {
	code   int
	raw    []byte
	answer *rule.OwnAnswer // instead of raw
	from   reference       // with a name: the section
	only   []int           // these of it; nil: all
}

func httpErrorsKeywords() []keyword {
	return []keyword{
		{name: "errorfile", args: "<status> <path>", scope: inHTTPErrors, doc: "The contents of a file as an answer of the section.", read: func(l *line) {
			if code, text, ok := l.errorFile(); ok {
				l.p.others.page.pages[code] = text
			}
		}},
		{name: "errorfiles", args: "<name> [<status>...]", scope: inAny, doc: "Send the answers of an \"http-errors\" section, or some of them, instead of the standard ones.", read: readErrorFiles},
	}
}

func (p *parser) beginHTTPErrors(l *line, name word) {
	if o := p.others.pages[name.text]; o != nil {
		l.twice(name, o.pos)
	}
	o := &errorPages{pos: l.pos, pages: map[int][]byte{}}
	if p.others.pages == nil {
		p.others.pages = map[string]*errorPages{}
	}
	p.others.pages[name.text], p.others.page = o, o
}

func readErrorFiles(l *line) {
	if !l.arity(1, maxWords, "the name of an 'http-errors' section") {
		return
	}
	d := errorDraft{from: reference{l.args[0].text, l.at(l.args[0]), l.text}}
	for _, w := range l.args[1:] {
		code, ok := l.errorStatus(w)
		if !ok {
			return
		}
		d.only = append(d.only, code)
	}
	s := &l.sect.settings
	s.errors = append(s.errors, d)
}

// errorAnswers are the answers of a proxy by status, whole ones and those that rules make:
// of what is said twice, the last word counts.
func (p *parser) errorAnswers(s *section, px *spec.Proxy) {
	px.ErrorFiles, px.Answers = map[int][]byte{}, map[int]*rule.OwnAnswer{}
	put := func(code int, raw []byte) {
		px.ErrorFiles[code] = raw
		delete(px.Answers, code)
	}
	for _, d := range s.settings.errors {
		switch {
		case d.answer != nil:
			delete(px.ErrorFiles, d.code)
			px.Answers[d.code] = d.answer
		case d.from.name == "":
			put(d.code, d.raw)
		default:
			for code, text := range p.pagesOf(&d) {
				put(code, text)
			}
		}
	}
}

// pagesOf are the answers of an "http-errors" section that a line names.
func (p *parser) pagesOf(d *errorDraft) map[int][]byte {
	o := p.others.pages[d.from.name]
	if o == nil {
		names := slices.Sorted(maps.Keys(p.others.pages))
		p.report(Diagnostic{
			Severity: Alert, Pos: d.from.pos, Word: d.from.name, Source: d.from.text,
			Msg: fmt.Sprintf("there is no section 'http-errors %s'", d.from.name), Suggestion: nearest.Word(d.from.name, names),
		})
		return nil
	}
	if d.only == nil {
		return o.pages
	}
	pages := map[int][]byte{}
	for _, code := range d.only {
		text, ok := o.pages[code]
		if !ok {
			p.report(Diagnostic{
				Severity: Warning, Pos: d.from.pos, Word: d.from.name, Source: d.from.text,
				Msg: fmt.Sprintf("section 'http-errors %s' has no answer with status %d: the standard one is sent", d.from.name, code),
			})
			continue
		}
		pages[code] = text
	}
	return pages
}

// pageUse is a rule that gives an answer of an "http-errors" section.
type pageUse struct {
	from   reference
	status int
	set    func(*rule.Page)
	line   *line
}

// resolvePages finds the answers that rules give.
func (p *parser) resolvePages() {
	for _, u := range p.pageUses {
		report := func(sev Severity, suggestion, format string, a ...any) {
			p.report(Diagnostic{Severity: sev, Pos: u.from.pos, Word: u.from.name, Source: u.from.text, Msg: fmt.Sprintf(format, a...), Suggestion: suggestion})
		}
		o := p.others.pages[u.from.name]
		if o == nil {
			report(Alert, nearest.Word(u.from.name, slices.Sorted(maps.Keys(p.others.pages))), "there is no section 'http-errors %s'", u.from.name)
			continue
		}
		text, ok := o.pages[u.status]
		if !ok {
			report(Warning, "", "section 'http-errors %s' has no answer with status %d: the standard one is sent", u.from.name, u.status)
			continue
		}
		page, err := u.line.errorPage(text)
		if err != nil {
			report(Alert, "", "the answer with status %d of section 'http-errors %s' cannot be used: %v", u.status, u.from.name, err)
			continue
		}
		u.set(page)
	}
}
