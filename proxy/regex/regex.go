// Package regex matches regular expressions against bytes, for rules: an automaton
// made when the configuration is read, one table look-up a byte, no allocation.
//
// The syntax is that of regexp/syntax, in which look-around, back references and
// possessive repetition do not exist; what PCRE has beyond it is refused. Text is
// bytes: a byte above 127 is a character of its own, and has no case.
package regex

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Regexp is a compiled expression. It is immutable and may be shared.
type Regexp struct {
	text   string
	fold   bool
	prog   *syntax.Prog
	tree   *syntax.Regexp
	sets   []byteSet // by program counter: which bytes an instruction takes
	groups int
	dfa    *dfa           // nil: it would have too many states
	slow   *regexp.Regexp // where the automaton or the search would be too large
}

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b byte)      { s[b>>6] |= 1 << (b & 63) }
func (s *byteSet) has(b byte) bool { return s[b>>6]>>(b&63)&1 != 0 }

// Compile translates an expression; fold makes it ignore the case of ASCII letters.
func Compile(text string, fold bool) (*Regexp, error) {
	flags := syntax.Perl
	if fold {
		flags |= syntax.FoldCase
	}
	tree, err := syntax.Parse(latin1(text, fold), flags)
	if err != nil {
		return nil, explain(err)
	}
	r := &Regexp{text: text, fold: fold, groups: tree.MaxCap() + 1, tree: tree.Simplify()}
	if r.prog, err = syntax.Compile(r.tree); err != nil {
		return nil, explain(err)
	}
	r.sets = make([]byteSet, len(r.prog.Inst))
	for pc := range r.prog.Inst {
		r.sets[pc] = taken(&r.prog.Inst[pc])
	}
	if r.slow, err = regexp.Compile(tree.String()); err != nil {
		return nil, explain(err)
	}
	r.dfa = r.automaton()
	return r, nil
}

// Any is an expression that matches where one of several does.
func Any(all []*Regexp) (*Regexp, error) {
	if len(all) == 1 {
		return all[0], nil
	}
	parts := make([]string, len(all))
	for i, r := range all {
		parts[i] = "(?:" + r.text + ")"
	}
	return Compile(strings.Join(parts, "|"), all[0].fold)
}

// latin1 makes a character of each byte above 127. Where case is ignored it goes into
// a group in which it is not, unless it stands in a class.
func latin1(s string, fold bool) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c > 127 && fold && !class:
			b.WriteString("(?-i:" + string(rune(c)) + ")")
		case c == '\\' && i+1 < len(s):
			b.WriteByte(c)
			i++
			b.WriteRune(rune(s[i]))
		default:
			if c == '[' {
				class = true
			} else if c == ']' {
				class = false
			}
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

// explain says what is wrong with an expression, and that PCRE would take it where
// that is likely.
func explain(err error) error {
	se, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return err
	}
	switch {
	case strings.HasPrefix(se.Expr, "(?=") || strings.HasPrefix(se.Expr, "(?!") || strings.HasPrefix(se.Expr, "(?<") || strings.HasPrefix(se.Expr, "(?>"):
		return fmt.Errorf("'%s' looks around or never goes back, which is not supported in regular expressions", se.Expr)
	case se.Code == syntax.ErrInvalidEscape && len(se.Expr) == 2 && se.Expr[1] >= '1' && se.Expr[1] <= '9':
		return fmt.Errorf("'%s' refers back, which is not supported in regular expressions", se.Expr)
	}
	return fmt.Errorf("%s in the regular expression: '%s'", se.Code, se.Expr)
}

// taken is the set of bytes that an instruction takes.
func taken(in *syntax.Inst) (s byteSet) {
	switch in.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
	default:
		return s
	}
	for b := range 256 {
		if in.MatchRune(rune(b)) {
			s.add(byte(b))
		}
	}
	return s
}

// String is the expression as written.
func (r *Regexp) String() string { return r.text }

// Automatic reports whether matching goes by an automaton; expressions with too many
// states are searched for, which is slower.
func (r *Regexp) Automatic() bool { return r.dfa != nil }

// Groups is the number of groups, the whole match included.
func (r *Regexp) Groups() int { return r.groups }

// Match reports whether the expression matches somewhere in b.
func (r *Regexp) Match(b []byte) bool {
	if r.dfa != nil {
		return r.dfa.match(b)
	}
	return r.slow.Match(b)
}

// isWord reports whether a byte belongs to words, for \b and \B.
func isWord(b byte) bool {
	return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9' || b == '_'
}
