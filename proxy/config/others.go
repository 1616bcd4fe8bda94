package config

import (
	"maps"
	"slices"

	"bench/proxy/spec"
	"bench/proxy/table"
)

// others are the sections that are neither global nor those of proxies, as far as they
// have been read: those by name, and the one being read.
type others struct {
	userlists map[string]*userlistDraft
	users     *userlistDraft
	pages     map[string]*errorPages
	page      *errorPages
	mailers   map[string]*spec.Mailers
	mailersAt map[string]spec.Pos
	mailer    *spec.Mailers
	peers     map[string]*peersDraft
	group     *peersDraft
	tables    []*table.Spec // of peers
	programs  []*programDraft
	rings     map[string]*spec.Ring
	ring      *spec.Ring
	implicit  []*spec.Ring // of "log" lines with an address of TCP
	caches    []*spec.Cache
	cache     *spec.Cache
	forwards  []*forwardDraft
	noRing    []spec.Pos // of "log" lines whose ring was reported as missing
}

// refusedSections are those that the engine cannot do without what they ask for, and
// the reasons.
func refusedSections() [][2]string {
	const newer = "it belongs to a later version of the language"
	return [][2]string{
		{"fcgi-app", "only HTTP is spoken to servers: put a web server before the application"},
		{"acme", newer},
		{"crt-store", newer},
		{"log-profile", newer},
		{"traces", newer},
	}
}

// beginOther handles a line that begins a section which is neither global nor a
// proxy's.
func (p *parser) beginOther(l *line) bool {
	head := l.head.text
	if i := slices.IndexFunc(refusedSections(), func(r [2]string) bool { return r[0] == head }); i >= 0 {
		if p.sect != nil && p.inventory.known([]word{l.head}, p.sect.kind) != "" {
			return false
		}
		p.leaveSection()
		p.skipping = true
		l.fail(l.head, "section '%s' is not supported: %s", head, refusedSections()[i][1])
		return true
	}
	kind := kindOf(head)
	if kind == 0 || kind&(inGlobal|inAny) != 0 {
		return false
	}
	l.kw = &keyword{name: head}
	p.leaveSection()
	p.kind, p.look.section = kind, head
	if kind == inNamespaces {
		l.arity(0, 0, "")
		return true
	}
	name, ok := l.one("a name")
	if ok {
		if bad := invalidNameByte(name.text); bad != "" {
			l.fail(name, "character '%s' is not permitted in the name '%s' of a section '%s'", bad, name.text, head)
			ok = false
		}
	}
	if !ok {
		p.kind, p.skipping = 0, true
		return true
	}
	p.look.section = name.text
	begin := map[scope]func(*line, word){
		inUserlist: p.beginUserlist, inHTTPErrors: p.beginHTTPErrors, inMailers: p.beginMailers, inPeers: p.beginPeers, inProgram: p.beginProgram, inRing: p.beginRing, inCache: p.beginCache, inLogForward: p.beginLogForward,
	}
	begin[kind](l, name)
	return true
}

// twice reports a section whose name another one of its kind has.
func (l *line) twice(name word, at spec.Pos) {
	l.fail(name, "section '%s %s' has the same name as the one at %s:%d", l.kw.name, name.text, at.File, at.Line)
}

// once notes the name of a section, and reports one that was there before.
func (l *line) once(name word, seen *map[string]spec.Pos) {
	if at, ok := (*seen)[name.text]; ok {
		l.twice(name, at)
	}
	if *seen == nil {
		*seen = map[string]spec.Pos{}
	}
	(*seen)[name.text] = l.pos
}

// otherSectionKeywords are those of the sections that are neither global nor proxies.
func otherSectionKeywords() []keyword {
	return slices.Concat(userlistKeywords(), httpErrorsKeywords(), mailersKeywords(), peersKeywords(), programKeywords(), ringKeywords(), cacheKeywords(), logForwardKeywords(), namespaceKeywords())
}

// resolveOthers checks what lines of these sections say of each other.
func (p *parser) resolveOthers() {
	for _, name := range slices.Sorted(maps.Keys(p.others.userlists)) {
		p.resolveUserlist(p.others.userlists[name])
	}
}
