package pattern

import (
	"encoding/hex"
	"fmt"
	"slices"

	"bench/proxy/message"
	"bench/proxy/regex"
)

// Error is a pattern that is not one.
type Error struct {
	List  *List // that the pattern belongs to; nil: it is known anyway
	Index int   // of the pattern in it
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// compile makes a set of the patterns as they are written; fold makes texts and
// expressions ignore the case of ASCII letters.
func compile(m Method, fold bool, patterns []string) (*fixed, error) {
	s := &fixed{method: m, fold: fold && m != Bin}
	switch m {
	case Found, Bool, numMethods:
	case Int, Len:
		return s, s.compileRanges(patterns)
	case IP:
		return s, s.compileNetworks(patterns)
	case Meth:
		for _, p := range patterns {
			id := message.LookupMethod([]byte(p))
			s.kinds = append(s.kinds, method{id, p})
		}
	case Bin:
		all := make([]string, len(patterns))
		for i, p := range patterns {
			var err error
			if all[i], err = block(p); err != nil {
				return nil, &Error{nil, i, err}
			}
		}
		s.texts = newExact(all)
	case Reg:
		return s, s.compileExpressions(patterns)
	case Str, Beg, End, Sub, Dir, Dom:
		s.texts = textSet(m, lowerAll(patterns, fold))
	}
	return s, nil
}

// block reads a block of bytes.
func block(p string) (string, error) {
	b, err := hex.DecodeString(p)
	if err != nil {
		return "", fmt.Errorf("'%s' is not a block of bytes: want an even number of hexadecimal digits", p)
	}
	return string(b), nil
}

func lowerAll(patterns []string, fold bool) []string {
	if !fold {
		return patterns
	}
	all := make([]string, len(patterns))
	for i, p := range patterns {
		all[i] = lowerOf(p)
	}
	return all
}

func lowerOf(p string) string {
	b := []byte(p)
	message.Lower(b)
	return string(b)
}

// few is up to how many texts are compared one by one.
const few = 8

// What components of paths, and of host names, stand between.
const (
	dirDelimiters = "/?"
	domDelimiters = "/?.:"
)

// textSet chooses the structure for a method and a number of texts.
func textSet(m Method, all []string) texts {
	if m != Str && m != Dir && m != Dom && slices.Contains(all, "") {
		return always{} // every text begins, ends and is interspersed with nothing
	}
	switch m {
	case Str:
		return newExact(all)
	case Beg:
		if len(all) <= few {
			return newWords(all)
		}
		return &prefixes{tree: newRadix(all)}
	case End:
		if len(all) <= few {
			return suffixes(all)
		}
		return &reversed{tree: newRadix(reverseAll(all))}
	case Sub:
		if len(all) < 3 {
			return newPieces(all)
		}
		if a := newAutomaton(all); a != nil {
			return a
		}
		return anywhere{prefixes{tree: newRadix(all)}}
	case Dir:
		return newComponents(all, dirDelimiters)
	case Dom:
		return newComponents(all, domDelimiters)
	case Found, Bool, Int, IP, Bin, Len, Reg, Meth, numMethods:
	}
	return always{}
}

// shapes are the methods that fit what an expression may come down to.
var shapes = map[regex.Shape]Method{regex.Sub: Sub, regex.Begin: Beg, regex.End: End, regex.Exact: Str}

// compileExpressions sorts out expressions that are no more than texts and anchors,
// and makes one automaton of the others if that does not become too large.
func (s *fixed) compileExpressions(patterns []string) error {
	literals := map[Method][]string{}
	var rest []*regex.Regexp
	for i, p := range patterns {
		re, err := regex.Compile(p, s.fold)
		if err != nil {
			return &Error{nil, i, err}
		}
		if shape, texts := re.Literals(); shape != regex.NoShape {
			m := shapes[shape]
			literals[m] = append(literals[m], texts...)
			continue
		}
		rest = append(rest, re)
	}
	var all several
	for _, m := range []Method{Str, Beg, End, Sub} {
		if texts := literals[m]; texts != nil {
			all = append(all, textSet(m, texts))
		}
	}
	if s.fold && len(all) > 0 {
		s.low, all = all.simplest(), nil
	}
	if len(rest) > 1 {
		if one, err := regex.Any(rest); err == nil && one.Automatic() {
			rest = []*regex.Regexp{one}
		}
	}
	for _, re := range rest {
		all = append(all, expression{re})
	}
	s.texts = all.simplest()
	return nil
}

func reverseAll(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		b := []byte(s)
		slices.Reverse(b)
		out[i] = string(b)
	}
	return out
}
