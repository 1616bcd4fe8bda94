package config

import (
	"slices"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/acl"
	"bench/proxy/spec"
)

// kinds are the sections that are read, by the word that begins them.
var kinds = [...]struct {
	word string
	kind scope
}{
	{"global", inGlobal},
	{"defaults", inDefaults},
	{"frontend", inFrontend},
	{"backend", inBackend},
	{"listen", inListen},
	{"userlist", inUserlist},
	{"http-errors", inHTTPErrors},
	{"mailers", inMailers},
	{"peers", inPeers},
	{"program", inProgram},
	{"ring", inRing},
	{"cache", inCache},
	{"log-forward", inLogForward},
	{"namespace_list", inNamespaces},
}

// kindOf is the kind of the sections that a word begins, 0 if it begins none that is
// read.
func kindOf(word string) scope {
	for i := range kinds {
		if kinds[i].word == word {
			return kinds[i].kind
		}
	}
	return 0
}

// kindName is the word that begins such a section.
func kindName(k scope) string {
	for i := range kinds {
		if kinds[i].kind == k {
			return kinds[i].word
		}
	}
	return "listen"
}

func sectionNames() []string {
	names := []string{"resolvers"}
	for i := range kinds {
		names = append(names, kinds[i].word)
	}
	for _, r := range refusedSections() {
		names = append(names, r[0])
	}
	return names
}

// beginSection handles a line that begins a section.
func (p *parser) beginSection(l *line) bool {
	head := l.head.text
	if head == "resolvers" {
		l.kw = &keyword{name: head}
		p.leaveSection()
		p.beginResolvers(l)
		return true
	}
	if p.beginOther(l) {
		return true
	}
	kind := kindOf(head)
	if kind&(inGlobal|inAny) == 0 {
		return false
	}
	l.kw = &keyword{name: head}
	p.leaveSection()
	p.look.section = head
	if kind == inGlobal {
		p.kind = inGlobal
		l.arity(0, 0, "")
		return true
	}
	s := &section{pos: l.pos, word: l.head, text: l.text, kind: kind, acls: map[string]*acl.ACL{}}
	base, ok := p.sectionHead(l, s)
	if !ok {
		p.skipping = true
		return true
	}
	s.settings = base.clone()
	if s.name != "" {
		p.look.section = s.name
	}
	p.sect = s
	if kind == inDefaults {
		p.defaults = &s.settings
		if s.name != "" {
			p.named[s.name] = s
		}
		return true
	}
	s.index = len(p.sections)
	p.checkDuplicate(l, s)
	p.sections = append(p.sections, s)
	p.byName[s.name] = append(p.byName[s.name], s)
	p.inlineBinds(l, s)
	return true
}

// sectionHead reads the name of a section and what it is based on; the
// arguments left are addresses.
func (p *parser) sectionHead(l *line, s *section) (*settings, bool) {
	base := p.defaults
	if s.kind == inDefaults {
		base = newSettings()
	}
	args := l.args
	if s.kind != inDefaults && len(args) == 0 {
		l.missing("a name")
		return nil, false
	}
	if len(args) > 0 && (s.kind != inDefaults || args[0].text != "from") {
		s.name, s.word = args[0].text, args[0]
		if bad := invalidNameByte(s.name); bad != "" {
			l.fail(args[0], "character '%s' is not permitted in the name '%s' of a %s", bad, s.name, kindName(s.kind))
			return nil, false
		}
		args = args[1:]
	}
	if len(args) > 0 && args[0].text == "from" {
		if len(args) < 2 {
			l.missing("the name of a defaults section after 'from'")
			return nil, false
		}
		from, ok := p.named[args[1].text]
		if !ok {
			names := make([]string, 0, len(p.named))
			for n := range p.named {
				names = append(names, n)
			}
			slices.Sort(names)
			l.report(Alert, args[1], nearest.Word(args[1].text, names), "unknown defaults section '%s'", args[1].text)
			return nil, false
		}
		base, args = &from.settings, args[2:]
	}
	if len(args) > 0 && s.kind == inBackend {
		l.fail(args[0], "'%s' cannot handle unexpected argument '%s'", kindName(s.kind), args[0].text)
		return nil, false
	}
	if len(args) > 0 && s.kind == inDefaults {
		// The reference passes over it without a word.
		l.warn(args[0], "'%s' is ignored on the line of a '%s' section: keywords have lines of their own", joinWords(args), kindName(s.kind))
		args = nil
	}
	l.args = args
	return base, true
}

// checkDuplicate refuses a name that a proxy with a side in common has.
func (p *parser) checkDuplicate(l *line, s *section) {
	for _, o := range p.byName[s.name] {
		if o.caps()&s.caps() != 0 {
			l.fail(s.word, "%s '%s' has the same name as the %s at %s:%d", kindName(s.kind), s.name, kindName(o.kind), o.pos.File, o.pos.Line)
			return
		}
	}
	for _, f := range p.others.forwards {
		if f.Name == s.name && s.kind&inFront != 0 {
			l.fail(s.word, "%s '%s' has the same name as the log-forward section at %s:%d", kindName(s.kind), s.name, f.File, f.Line)
			return
		}
	}
}

// inlineBinds takes addresses on the section line, as before version 1.9.
func (p *parser) inlineBinds(l *line, s *section) {
	if len(l.args) == 0 {
		return
	}
	l.warn(l.args[0], "addresses on the '%s' line are deprecated: use 'bind %s'", kindName(s.kind), joinWords(l.args))
	kw := *p.table.find([]word{{text: "bind"}}, inFrontend)
	b := &line{p: p, sect: s, kw: &kw, head: l.head, args: l.args, text: l.text, pos: l.pos}
	kw.read(b)
}

// proxyNamed finds a proxy with a side.
func (p *parser) proxyNamed(name string, side spec.Caps) *section {
	for _, s := range p.byName[name] {
		if s.caps()&side != 0 {
			return s
		}
	}
	return nil
}

// namesOfSide lists proxies with a side.
func (p *parser) namesOfSide(side spec.Caps) []string {
	var names []string
	for _, s := range p.sections {
		if s.caps()&side != 0 {
			names = append(names, strings.ToLower(s.name))
		}
	}
	return names
}
