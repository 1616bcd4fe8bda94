// Package template is text with variables in it, of which requests are made.
package template

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bench/internal/dist"
	"bench/internal/nearest"
	"bench/loadgen/draw"
)

// Help describes the variables of templates, for help and messages.
const Help = `{{seq}} the number of the request in its load, {{user}} the number of the virtual user, ` +
	`{{random A B}} a whole number from A to B, {{hex N}} and {{letters N}} that many random digits or letters`

// Template is text with variables in it.
type Template []piece

// piece is constant text or a variable.
type piece struct {
	text string
	kind varKind
	a, b int64
}

// varKind is a kind of variable.
type varKind uint8

const (
	constant varKind = iota
	varSeq
	varUser
	varRandom
	varHex
	varLetters
	VarKey
	VarValue
)

// maxRandomText bounds the length of one random text.
const maxRandomText = 1 << 20

// Variable is a variable with its number of arguments.
type Variable struct {
	Name string
	Kind varKind
	Args int
}

// variables lists the variables.
func variables() []Variable {
	return []Variable{
		{"seq", varSeq, 0},
		{"user", varUser, 0},
		{"random", varRandom, 2},
		{"hex", varHex, 1},
		{"letters", varLetters, 1},
	}
}

// Parse reads text in which {{...}} is a variable.
// Protocols may have variables of their own.
func Parse(text string, own ...Variable) (Template, error) {
	var t Template
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

func parseVariable(inner string, known []Variable) (piece, error) {
	words := strings.Fields(inner)
	if len(words) == 0 {
		return piece{}, errors.New("want a variable: " + Help)
	}
	i := slices.IndexFunc(known, func(v Variable) bool { return v.Name == words[0] })
	if i < 0 {
		names := make([]string, len(known))
		for i, v := range known {
			names[i] = v.Name
		}
		hint := ""
		if n := nearest.Word(words[0], names); n != "" {
			hint = fmt.Sprintf("; did you mean %s?", n)
		}
		return piece{}, fmt.Errorf("there is no variable %q%s", words[0], hint)
	}
	v := known[i]
	if len(words)-1 != v.Args {
		return piece{}, fmt.Errorf("%s takes %d arguments", words[0], v.Args)
	}
	p := piece{kind: v.Kind}
	for i, w := range words[1:] {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil || n < 0 || n > 1<<53 {
			return piece{}, fmt.Errorf("%q is not a whole number from 0 to 2^53", w)
		}
		if i == 0 {
			p.a = n
		} else {
			p.b = n
		}
	}
	switch v.Kind {
	case varRandom:
		if p.a > p.b {
			return piece{}, fmt.Errorf("%d is more than %d", p.a, p.b)
		}
	case varHex, varLetters:
		if p.a < 1 || p.a > maxRandomText {
			return piece{}, fmt.Errorf("want 1 to %d of them", maxRandomText)
		}
	case constant, varSeq, varUser, VarKey, VarValue:
	}
	return p, nil
}

// Values are what the variables of one request stand for.
type Values struct {
	Seq   uint64
	User  int
	Draws draw.Draws

	Keys *draw.KeySpace // of varKey
	Size *dist.Size     // of varValue
}

// Append writes the template with its variables replaced.
func (t Template) Append(dst []byte, v *Values) []byte {
	for i := range t {
		p := &t[i]
		switch p.kind {
		case constant:
			dst = append(dst, p.text...)
		case varSeq:
			dst = strconv.AppendUint(dst, v.Seq, 10)
		case varUser:
			dst = strconv.AppendInt(dst, int64(v.User), 10)
		case varRandom:
			dst = strconv.AppendInt(dst, p.a+int64(v.Draws.Below(uint64(p.b-p.a)+1)), 10)
		case varHex:
			dst = v.Draws.Text(dst, p.a, "0123456789abcdef")
		case varLetters:
			dst = v.Draws.Text(dst, p.a, "abcdefghijklmnopqrstuvwxyz")
		case VarKey:
			dst = v.Keys.Append(dst, v.Keys.Pick(v.Seq, &v.Draws))
		case VarValue:
			dst = v.Draws.Filling(dst, v.Size)
		}
	}
	return dst
}

// Fixed reports whether the template has no variables, and its text then.
func (t Template) Fixed() (string, bool) {
	switch {
	case len(t) == 0:
		return "", true
	case len(t) == 1 && t[0].kind == constant:
		return t[0].text, true
	}
	return "", false
}

// Constants is what stands between the variables.
func (t Template) Constants() string {
	var b strings.Builder
	for i := range t {
		b.WriteString(t[i].text)
	}
	return b.String()
}

// Longest is the greatest length of the template with its variables replaced.
func (t Template) Longest() (n int64) {
	const digits = 20
	for i := range t {
		switch t[i].kind {
		case constant:
			n += int64(len(t[i].text))
		case varHex, varLetters:
			n += t[i].a
		default:
			n += digits
		}
	}
	return n
}

// WholeNumber reports whether a template always is one.
func (t Template) WholeNumber() bool {
	if text, fixed := t.Fixed(); fixed {
		_, err := strconv.ParseInt(text, 10, 64)
		return err == nil
	}
	return len(t) == 1 && (t[0].kind == varSeq || t[0].kind == varUser || t[0].kind == varRandom)
}
