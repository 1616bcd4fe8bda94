package loadgen

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bench/internal/dist"
	"bench/internal/nearest"
)

// Templates describes the variables of templates, for help and messages.
const Templates = `{{seq}} the number of the request in its load, {{user}} the number of the virtual user, ` +
	`{{random A B}} a whole number from A to B, {{hex N}} and {{letters N}} so many random digits or letters`

// template is text with variables in it.
type template []piece

// piece is constant text or a variable.
type piece struct {
	text string
	kind variable
	a, b int64
}

// variable is a kind of variable.
type variable uint8

const (
	constant variable = iota
	varSeq
	varUser
	varRandom
	varHex
	varLetters
	varKey
	varValue
)

// maxRandomText bounds the length of one random text.
const maxRandomText = 1 << 20

// variableRow is a variable with its number of arguments.
type variableRow struct {
	name string
	kind variable
	args int
}

// variables lists the variables.
func variables() []variableRow {
	return []variableRow{
		{"seq", varSeq, 0},
		{"user", varUser, 0},
		{"random", varRandom, 2},
		{"hex", varHex, 1},
		{"letters", varLetters, 1},
	}
}

// parseTemplate reads text in which {{...}} is a variable.
// Protocols may have variables of their own.
func parseTemplate(text string, own ...variableRow) (template, error) {
	var t template
	for {
		before, rest, ok := strings.Cut(text, "{{")
		if before != "" {
			t = append(t, piece{text: before})
		}
		if !ok {
			return t, nil
		}
		inner, after, ok := strings.Cut(rest, "}}")
		if !ok {
			return nil, fmt.Errorf("{{%.20s has no end: want }}", rest)
		}
		p, err := parseVariable(inner, append(variables(), own...))
		if err != nil {
			return nil, fmt.Errorf("{{%s}}: %w", inner, err)
		}
		t, text = append(t, p), after
	}
}

func parseVariable(inner string, known []variableRow) (piece, error) {
	words := strings.Fields(inner)
	if len(words) == 0 {
		return piece{}, errors.New("want a variable: " + Templates)
	}
	i := slices.IndexFunc(known, func(v variableRow) bool { return v.name == words[0] })
	if i < 0 {
		names := make([]string, len(known))
		for i, v := range known {
			names[i] = v.name
		}
		hint := ""
		if n := nearest.Word(words[0], names); n != "" {
			hint = fmt.Sprintf("; did you mean %s?", n)
		}
		return piece{}, fmt.Errorf("there is no variable %q%s", words[0], hint)
	}
	v := known[i]
	if len(words)-1 != v.args {
		return piece{}, fmt.Errorf("%s takes %d arguments", words[0], v.args)
	}
	p := piece{kind: v.kind}
	for i, w := range words[1:] {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil || n < 0 || n > 1<<53 {
			return piece{}, fmt.Errorf("%q is no whole number from 0 to 2^53", w)
		}
		if i == 0 {
			p.a = n
		} else {
			p.b = n
		}
	}
	switch v.kind {
	case varRandom:
		if p.a > p.b {
			return piece{}, fmt.Errorf("%d is more than %d", p.a, p.b)
		}
	case varHex, varLetters:
		if p.a < 1 || p.a > maxRandomText {
			return piece{}, fmt.Errorf("want 1 to %d of them", maxRandomText)
		}
	case constant, varSeq, varUser, varKey, varValue:
	}
	return p, nil
}

// values are what the variables of one request stand for.
type values struct {
	seq   uint64
	user  int
	draws draws

	keys *keySpace  // of varKey
	size *dist.Size // of varValue
}

// append writes the template with its variables replaced.
func (t template) append(dst []byte, v *values) []byte {
	for i := range t {
		p := &t[i]
		switch p.kind {
		case constant:
			dst = append(dst, p.text...)
		case varSeq:
			dst = strconv.AppendUint(dst, v.seq, 10)
		case varUser:
			dst = strconv.AppendInt(dst, int64(v.user), 10)
		case varRandom:
			dst = strconv.AppendInt(dst, p.a+int64(v.draws.below(uint64(p.b-p.a)+1)), 10)
		case varHex:
			dst = v.draws.text(dst, p.a, "0123456789abcdef")
		case varLetters:
			dst = v.draws.text(dst, p.a, "abcdefghijklmnopqrstuvwxyz")
		case varKey:
			dst = v.keys.append(dst, v.keys.pick(v.seq, &v.draws))
		case varValue:
			dst = v.draws.filling(dst, v.size)
		}
	}
	return dst
}

// maxValue bounds the values of a distribution without a greatest one.
const maxValue = 64 << 20

// filling appends as many letters x as the distribution says.
func (d *draws) filling(dst []byte, size *dist.Size) []byte {
	n, fixed := size.Fixed()
	if !fixed {
		n = min(size.Quantile(d.unit()), maxValue)
	}
	from := len(dst)
	dst = slices.Grow(dst, int(n))[:from+int(n)]
	for filled := dst[from:]; len(filled) > 0; {
		filled = filled[copy(filled, lettersX):]
	}
	return dst
}

// lettersX is what fills bodies whose content does not matter.
const lettersX = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

// text appends n characters of an alphabet.
func (d *draws) text(dst []byte, n int64, alphabet string) []byte {
	for range n {
		dst = append(dst, alphabet[d.below(uint64(len(alphabet)))])
	}
	return dst
}

// fixed tells whether the template has no variables, and its text then.
func (t template) fixed() (string, bool) {
	switch {
	case len(t) == 0:
		return "", true
	case len(t) == 1 && t[0].kind == constant:
		return t[0].text, true
	}
	return "", false
}
