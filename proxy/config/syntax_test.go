package config

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// expansion makes texts out of the syntax that a row declares: brackets may be left out,
// one of several alternatives is taken, dots repeat what stands before them, and names in
// angle brackets are filled in by value.
type expansion struct {
	rnd   *rand.Rand
	value func(name string) string
}

// expand is one text that a syntax allows.
func (e *expansion) expand(syntax string) string {
	text, _ := e.alternatives(syntax, 0)
	return strings.Join(strings.Fields(text), " ")
}

// alternatives reads up to the bracket that closes, and keeps one of what " | " parts.
func (e *expansion) alternatives(s string, at int) (text string, end int) {
	var all []string
	for {
		one, next := e.sequence(s, at)
		all = append(all, one)
		if !strings.HasPrefix(s[next:], " | ") {
			return all[e.rnd.IntN(len(all))], next
		}
		at = next + len(" | ")
	}
}

// sequence reads pieces up to a closing bracket or an alternative.
func (e *expansion) sequence(s string, at int) (text string, end int) {
	var b strings.Builder
	for at < len(s) && s[at] != ']' && s[at] != '}' && !strings.HasPrefix(s[at:], " | ") {
		begin := at
		piece, next := e.piece(s, at)
		b.WriteString(piece)
		at = next
		if !strings.HasPrefix(s[at:], "...") {
			continue
		}
		at += len("...")
		separator := ""
		if begin == 0 || s[begin-1] == ' ' || s[begin-1] == '[' {
			separator = " "
		}
		for range e.rnd.IntN(3) {
			more, _ := e.piece(s, begin)
			b.WriteString(separator + more)
		}
	}
	return b.String(), at
}

// piece is a bracket, a value, or a word, which may be one of several.
func (e *expansion) piece(s string, at int) (text string, end int) {
	switch s[at] {
	case '[', '{':
		inside, end := e.alternatives(s, at+1)
		if s[at] == '[' && e.rnd.IntN(2) == 0 {
			inside = ""
		}
		return inside, min(end+1, len(s))
	case '<':
		end := strings.IndexByte(s[at:], '>')
		return e.value(s[at+1 : at+end]), at + end + 1
	}
	end = at + 1
	for end < len(s) && !strings.ContainsRune(" []{}<", rune(s[end])) && !strings.HasPrefix(s[end:], "...") {
		end++
	}
	words := strings.Split(s[at:end], "|")
	return words[e.rnd.IntN(len(words))], end
}

func TestExpand(t *testing.T) {
	for syntax, want := range map[string][]string{
		"a <n>":                {"a N"},
		"{ a | b c }":          {"a", "b c"},
		"[a] b":                {"b", "a b"},
		"([<n>[,<m>]])":        {"()", "(N)", "(N,M)"},
		"x|y <n>":              {"x N", "y N"},
		"<n>...":               {"N", "N N", "N N N"},
		"<n>[,<m>]...":         {"N", "N,M", "N,M,M", "N,M,M,M"},
		"a | b":                {"a", "b"},
		"[! ]{ s <n> | t [u]}": {"s N", "t", "t u", "! s N", "! t", "! t u"},
	} {
		got := map[string]bool{}
		e := &expansion{rnd: rand.New(rand.NewPCG(1, 2)), value: strings.ToUpper}
		for range 400 {
			got[e.expand(syntax)] = true
		}
		for _, w := range want {
			if !got[w] {
				t.Errorf("%q never makes %q", syntax, w)
			}
			delete(got, w)
		}
		if len(got) > 0 {
			t.Errorf("%q makes also %v", syntax, got)
		}
	}
}
