package regex

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// Shape is how a finite set of texts is matched.
type Shape uint8

// The shapes.
const (
	NoShape Shape = iota // not a finite set
	Sub                  // anywhere
	Begin                // at the beginning
	End                  // at the end
	Exact                // the whole text
)

// maxLiterals is how many texts an expression may stand for, to be matched as a set.
const maxLiterals = 64

// Literals takes an expression apart that is no more than a few fixed texts and
// anchors, which sets match faster than an automaton. The texts are in lower case if
// the expression ignores case.
func (r *Regexp) Literals() (Shape, []string) {
	parts := []*syntax.Regexp{r.tree}
	for len(parts) == 1 && (parts[0].Op == syntax.OpConcat || parts[0].Op == syntax.OpCapture) {
		parts = parts[0].Sub
	}
	begin, end := false, false
	for len(parts) > 0 && parts[0].Op == syntax.OpBeginText {
		begin, parts = true, parts[1:]
	}
	for len(parts) > 0 && parts[len(parts)-1].Op == syntax.OpEndText {
		end, parts = true, parts[:len(parts)-1]
	}
	// .* at an end says nothing; values hold no newlines, at which it would stop.
	for len(parts) > 1 && isAnything(parts[0]) {
		begin, parts = false, parts[1:]
	}
	for len(parts) > 1 && isAnything(parts[len(parts)-1]) {
		end, parts = false, parts[:len(parts)-1]
	}
	texts := []string{""}
	for _, p := range parts {
		if texts = product(texts, r.language(p)); texts == nil {
			return NoShape, nil
		}
	}
	if (!begin || !end) && slices.Contains(texts, "") {
		return NoShape, nil
	}
	switch {
	case begin && end:
		return Exact, texts
	case begin:
		return Begin, texts
	case end:
		return End, texts
	}
	return Sub, texts
}

// isAnything reports whether a part is ".*".
func isAnything(p *syntax.Regexp) bool {
	for p.Op == syntax.OpCapture {
		p = p.Sub[0]
	}
	return p.Op == syntax.OpStar && (p.Sub[0].Op == syntax.OpAnyCharNotNL || p.Sub[0].Op == syntax.OpAnyChar)
}

// language is the set of texts that a part matches, nil if it is infinite or large.
func (r *Regexp) language(p *syntax.Regexp) []string {
	switch p.Op {
	case syntax.OpEmptyMatch:
		return []string{""}
	case syntax.OpCapture:
		return r.language(p.Sub[0])
	case syntax.OpLiteral:
		var b strings.Builder
		for _, c := range p.Rune {
			letter := c|0x20 >= 'a' && c|0x20 <= 'z'
			if c > 127 || letter && (p.Flags&syntax.FoldCase != 0) != r.fold {
				return nil
			}
			if letter && r.fold {
				c |= 0x20
			}
			b.WriteByte(byte(c))
		}
		return []string{b.String()}
	case syntax.OpCharClass:
		return r.class(p.Rune)
	case syntax.OpQuest:
		if sub := r.language(p.Sub[0]); sub != nil {
			return append(slices.Clip(sub), "")
		}
	case syntax.OpConcat:
		texts := []string{""}
		for _, s := range p.Sub {
			if texts = product(texts, r.language(s)); texts == nil {
				return nil
			}
		}
		return texts
	case syntax.OpAlternate:
		var texts []string
		for _, s := range p.Sub {
			more := r.language(s)
			if more == nil || len(texts)+len(more) > maxLiterals {
				return nil
			}
			texts = append(texts, more...)
		}
		return texts
	default: // repeats, or looks at its neighbours
	}
	return nil
}

// class is the set of one-byte texts of a character class.
func (r *Regexp) class(ranges []rune) []string {
	var texts []string
	for i := 0; i < len(ranges); i += 2 {
		for c := ranges[i]; c <= ranges[i+1]; c++ {
			if c > 127 {
				if r.fold {
					continue // the parser's folding beyond ASCII
				}
				return nil
			}
			if r.fold && c >= 'A' && c <= 'Z' {
				continue // the lower-case letter is there, too
			}
			if texts = append(texts, string(c)); len(texts) > maxLiterals {
				return nil
			}
		}
	}
	return texts
}

func product(a, b []string) []string {
	if b == nil || len(a)*len(b) > maxLiterals {
		return nil
	}
	all := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y)
		}
	}
	return all
}
