package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"bench/internal/nearest"
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/certs"
	"bench/proxy/lua"
	"bench/proxy/pattern"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// maxLine is the longest line in bytes, as a guard against files that are none.
const maxLine = 1 << 20

// maxErrors is how many errors in one file end its reading, as in HAProxy: what
// follows is rarely of use.
const maxErrors = 50

// parser reads files line by line into sections.
type parser struct {
	env       *Env
	diags     Diagnostics
	errors    int // among diags
	table     *vocabulary
	inventory *inventory
	look      lookup

	global   globalDraft
	sections []*section // proxies in order
	byName   map[string][]*section
	sect     *section            // being read, if it is a proxy's or of defaults
	kind     scope               // of the section being read otherwise; 0: none
	skipping bool                // the section being read could not be begun
	defaults *settings           // of the last defaults section
	named    map[string]*section // defaults sections by name
	blocks   []block             // open .if, innermost last
	odd      foreignLines        // of the file being read

	others   others // sections of other kinds
	unixBind unixBind
	// namespaces are those that lines name.
	namespaces map[string]*sock.Namespace
	base       basePath

	inResolvers   bool
	resolver      *spec.Resolvers            // being read
	resolvers     map[string]*spec.Resolvers // sections by name
	resolverNames []string                   // in order
	resolverUses  []sectionUse

	sinks    []string    // that expressions write to
	peerUses []reference // peers sections that tables name

	variables  *txn.Names
	rated      bool // samples ask for rates
	locals     bool // formats ask for our addresses towards servers
	tracing    tlsio.Tracing
	scripts    *lua.Program // nil: no line has asked for any
	cacheUses  []sectionUse
	sampleUses []sampleUse
	patterns   pattern.Lists
	certs      *certs.Store // files that lines refer to, read once
	changed    []listUse
	pageUses   []pageUse
}

func newParser(env *Env) *parser {
	if env == nil {
		env = &Env{}
	}
	if env.Vars == nil {
		env.Vars = map[string]string{}
	}
	p := &parser{env: env, certs: certs.NewStore(), table: newTable(keywords()), inventory: newInventory(), named: map[string]*section{}, byName: map[string][]*section{}, resolvers: map[string]*spec.Resolvers{}, defaults: newSettings(), variables: &txn.Names{}}
	p.look.vars = env.Vars
	p.global.Global, p.global.cookieLen = newGlobal(), 63
	p.global.LocalPeer = env.Vars[localPeerVariable]
	return p
}

func (p *parser) report(d Diagnostic) {
	p.diags = append(p.diags, d)
	if d.Severity == Alert {
		p.errors++
	}
}

// file reads one file. Sections end with it, blocks too.
func (p *parser) file(src *Source) {
	p.look.file, p.look.section = src.Name, ""
	p.leaveSection()
	p.blocks = nil
	p.odd = foreignLines{}
	if err := p.enterBase(src.Name); err != nil {
		p.report(Diagnostic{Severity: Alert, Pos: spec.Pos{File: src.Name, Line: 1, Col: 1}, Msg: "'default-path': " + err.Error()})
		return
	}
	defer p.reportForeign(src.Name)
	text := bytes.TrimPrefix(src.Text, []byte(byteOrderMark))
	number, before := 0, p.errors
	for len(text) > 0 {
		number++
		if p.errors-before >= maxErrors {
			p.report(Diagnostic{Severity: Alert, Pos: spec.Pos{File: src.Name, Line: number, Col: 1}, Msg: fmt.Sprintf("too many errors (%d): the rest of the file is not read", maxErrors)})
			return
		}
		raw, rest, complete := bytes.Cut(text, []byte("\n"))
		text = rest
		raw = bytes.TrimSuffix(raw, []byte("\r"))
		p.look.line = number
		at := spec.Pos{File: src.Name, Line: number, Col: 1}
		switch {
		case len(raw) > maxLine:
			p.report(Diagnostic{Severity: Alert, Pos: at, Msg: fmt.Sprintf("line of %d bytes is too long: at most %d", len(raw), maxLine)})
			return
		case bytes.IndexByte(raw, 0) >= 0:
			at.Col = bytes.IndexByte(raw, 0) + 1
			p.report(Diagnostic{Severity: Alert, Pos: at, Msg: "null character in the line: not a text file?"})
			return
		}
		p.lineOfPaste(string(raw), at)
		if !complete {
			at.Col = len(raw) + 1
			p.report(Diagnostic{Severity: Alert, Pos: at, Msg: "no line end on the last line: the file may have been truncated", Source: string(raw)})
		}
	}
	for _, b := range p.blocks {
		p.report(Diagnostic{Severity: Alert, Pos: b.pos, Word: ".if", Msg: "'.if' without '.endif'", Source: b.text})
	}
}

func (p *parser) line(text string, at spec.Pos) {
	words, err := cut(text, &p.look)
	if lex, ok := errors.AsType[*lexError](err); ok {
		at.Col = lex.col
		p.report(Diagnostic{Severity: Alert, Pos: at, Msg: lex.msg, Source: text})
		return
	}
	if len(words) == 0 || !p.reading() && !isBlockWord(words[0].text) {
		return
	}
	l := &line{p: p, head: words[0], args: words[1:], text: text, pos: spec.Pos{File: at.File, Line: at.Line, Col: words[0].col}}
	if len(words) > maxWords {
		l.fail(words[maxWords], "too many words on the line: at most %d", maxWords)
		return
	}
	for i, w := range words {
		if w.text == "" && i == 0 {
			if len(words) > 1 {
				l.warn(w, "the first word is empty, so that the line is ignored")
			}
			return
		}
		if w.text == "" {
			l.words(words[:i])
			if len(words) > i+1 {
				l.warn(w, "argument %d is empty and ends the line; what follows it is ignored", i)
			}
			words = words[:i]
			break
		}
	}
	if strings.HasPrefix(words[0].text, ".") && p.directive(l) {
		return
	}
	if p.beginSection(l) || p.skipping {
		return
	}
	if p.inResolvers {
		p.resolverLine(l)
		return
	}
	p.keyword(l, words)
}

// leaveSection ends the section being read.
func (p *parser) leaveSection() {
	p.sect, p.kind, p.inResolvers, p.skipping = nil, 0, false, false
}

// words sets the words of the line.
func (l *line) words(ws []word) { l.head, l.args = ws[0], ws[1:] }

// keyword finds the row of a line and lets it read.
func (p *parser) keyword(l *line, words []word) {
	if (words[0].text == "no" || words[0].text == "default") && len(words) > 1 {
		l.no, l.reset = words[0].text == "no", words[0].text == "default"
		words = words[1:]
		l.words(words)
	}
	sc := p.kind
	if p.sect != nil {
		sc = p.sect.kind
	} else if sc == 0 {
		l.report(Alert, words[0], nearest.Word(words[0].text, sectionNames()), "keyword '%s' outside of any section", words[0].text)
		return
	}
	kw := p.table.find(words, sc)
	if kw == nil {
		p.unknownKeyword(l, words, sc)
		return
	}
	l.kw, l.sect = kw, p.sect
	l.args = words[kw.words():]
	if l.inner = words[kw.words()-1]; kw.named {
		l.inner.text = strings.TrimPrefix(l.inner.text, kw.name[strings.LastIndexByte(kw.name, ' ')+1:])
	}
	if (l.no || l.reset) && !kw.no {
		l.fail(words[0], "'no' and 'default' are not allowed before '%s'", kw.name)
		return
	}
	if kw.scope&sc == 0 {
		p.misplaced(l, sc)
		return
	}
	l.remark(words[0], kw.name, kw.inert, kw.note)
	kw.read(l)
}

// misplaced reports a keyword in a section of the wrong kind.
func (p *parser) misplaced(l *line, sc scope) {
	where := "'" + kindName(sc) + "' section"
	switch {
	case sc == inDefaults:
		l.fail(l.head, "'%s' is not allowed in a 'defaults' section", l.kw.name)
	case l.kw.strict:
		l.fail(l.head, "'%s' is not allowed in a %s: it belongs in %s", l.kw.name, where, scopeText(l.kw.scope))
	default:
		l.warn(l.head, "'%s' is ignored in a %s: it belongs in %s", l.kw.name, where, scopeText(l.kw.scope))
	}
}

// unknownKeyword tells what is not supported from what does not exist.
func (p *parser) unknownKeyword(l *line, words []word, sc scope) {
	where := kindName(sc)
	if name := p.inventory.known(words, sc); name != "" {
		l.fail(words[0], "'%s' is not supported%s", name, whyRefused(name))
		return
	}
	if sc&(inGlobal|inAny) != 0 && l.retired(words) {
		return
	}
	head := words[0].text
	if len(words) > 1 && (p.table.heads[head] || p.inventory.heads[head]) {
		var tails []string
		for _, n := range p.allNames(sc) {
			if h, t, ok := strings.Cut(n, " "); ok && h == head {
				tails = append(tails, t)
			}
		}
		l.report(Alert, words[1], nearest.Word(words[1].text, tails), "unknown keyword '%s %s' in '%s' section", head, words[1].text, where)
		return
	}
	if len(words) == 1 && p.table.heads[head] {
		l.fail(words[0], "'%s' in '%s' section needs another word after it", head, where)
		return
	}
	firsts := p.allNames(sc)
	for i := range firsts {
		firsts[i], _, _ = strings.Cut(firsts[i], " ")
	}
	l.report(Alert, words[0], nearest.Word(head, firsts), "unknown keyword '%s' in '%s' section", head, where)
}

// allNames are the names that a section may have, supported or not.
func (p *parser) allNames(sc scope) []string {
	return append(p.table.names(sc), p.inventory.names(sc)...)
}

func scopeText(sc scope) string {
	var parts []string
	for i := range kinds {
		if sc&kinds[i].kind != 0 {
			parts = append(parts, kinds[i].word)
		}
	}
	return strings.Join(parts, ", ")
}
