package config

import (
	"bench/internal/nearest"
	"bench/proxy/spec"
)

// block is one open .if.
type block struct {
	pos    spec.Pos
	text   string
	taken  bool // a branch has been chosen
	active bool // the current branch is the chosen one
	inElse bool
	outer  bool // what is around it is read
}

// isBlockWord tells whether a directive opens, switches or closes a block:
// those are read in branches not taken too.
func isBlockWord(w string) bool {
	return w == ".if" || w == ".elif" || w == ".else" || w == ".endif"
}

// reading tells whether lines here are in a branch taken.
func (p *parser) reading() bool {
	return len(p.blocks) == 0 || p.blocks[len(p.blocks)-1].active
}

// directive handles a line that begins with a dot.
func (p *parser) directive(l *line) bool {
	l.kw = &keyword{name: l.head.text}
	switch l.head.text {
	case ".if":
		b := block{pos: l.pos, text: l.text, outer: p.reading()}
		if b.outer {
			b.active = p.condition(l)
			b.taken = b.active
		}
		p.blocks = append(p.blocks, b)
	case ".elif":
		b := p.innermost(l)
		if b == nil {
			return true
		}
		if b.inElse {
			l.fail(l.head, "'.elif' after '.else' in the block that begins on line %d", b.pos.Line)
			return true
		}
		b.active = b.outer && !b.taken && p.condition(l)
		b.taken = b.taken || b.active
	case ".else":
		b := p.innermost(l)
		if b == nil || !l.arity(0, 0, "") {
			return true
		}
		if b.inElse {
			l.fail(l.head, "second '.else' in the block that begins on line %d", b.pos.Line)
			return true
		}
		b.active, b.inElse = b.outer && !b.taken, true
	case ".endif":
		if p.innermost(l) != nil && l.arity(0, 0, "") {
			p.blocks = p.blocks[:len(p.blocks)-1]
		}
	case ".diag":
		l.message(Diag)
	case ".notice":
		l.message(Notice)
	case ".warning":
		l.message(Warning)
	case ".alert":
		l.message(Alert)
	default:
		l.report(Alert, l.head, nearest.Word(l.head.text, []string{".if", ".elif", ".else", ".endif", ".diag", ".notice", ".warning", ".alert"}), "unknown directive '%s'", l.head.text)
	}
	return true
}

func (p *parser) innermost(l *line) *block {
	if len(p.blocks) == 0 {
		l.fail(l.head, "'%s' without '.if'", l.head.text)
		return nil
	}
	return &p.blocks[len(p.blocks)-1]
}

// condition evaluates the arguments of .if or .elif.
func (p *parser) condition(l *line) bool {
	if len(l.args) == 0 {
		return false
	}
	ok, err := evaluate(joinWords(l.args), p.env)
	if err != nil {
		l.fail(l.args[0], "%v", err)
	}
	return ok
}

// message reports the text of .notice and its like.
func (l *line) message(s Severity) {
	switch {
	case len(l.args) > 1:
		l.fail(l.args[1], "unexpected argument '%s' for '%s': put the message in quotes", l.args[1].text, l.kw.name)
	case len(l.args) == 1:
		l.report(s, l.args[0], "", "'%s'", l.args[0].text)
	default:
		l.report(s, l.head, "", "''")
	}
}
