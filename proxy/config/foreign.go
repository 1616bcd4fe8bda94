package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"bench/proxy/spec"
)

// byteOrderMark is what some editors put before a text in UTF-8.
const byteOrderMark = "\ufeff"

// foreignLines are the lines of a file that make no sense because of characters
// that only look like those of the language: web pages and word processors indent
// with no-break spaces and curl quotes. There is one remark about all of them.
type foreignLines struct {
	first Diagnostic // without text
	kind  string     // of its character
	lines []int
}

// shownLines is how many line numbers the remark lists.
const shownLines = 3

// lineOfPaste reads a line. One that is refused and has look-alikes is read once
// more with the real characters in their places, so that what else is wrong with
// the file is reported as usual.
func (p *parser) lineOfPaste(text string, at spec.Pos) {
	diags, errors := len(p.diags), p.errors
	p.line(text, at)
	if p.errors == errors {
		return
	}
	plain, first, kind := straighten(text)
	if kind == "" {
		return
	}
	p.diags, p.errors = p.diags[:diags], errors
	if p.odd.kind == "" {
		at.Col = first
		p.odd.first, p.odd.kind = Diagnostic{Severity: Alert, Pos: at, Source: text}, kind
	}
	p.odd.lines = append(p.odd.lines, at.Line)
	p.line(plain, at)
}

// reportForeign reports the look-alikes of a file.
func (p *parser) reportForeign(file string) {
	o := &p.odd
	if o.kind == "" {
		return
	}
	n := len(o.lines)
	where := "line"
	if n > 1 {
		where = "lines"
	}
	for i, line := range o.lines[:min(n, shownLines)] {
		sep := ", "
		if i == 0 {
			sep = " "
		}
		where += sep + strconv.Itoa(line)
	}
	if n > shownLines {
		where += fmt.Sprintf(" and %d more", n-shownLines)
	}
	d := o.first
	d.Msg = fmt.Sprintf("%s, probably copied from a web page: '%s' needs plain blanks and quotes on %s", o.kind, file, where)
	p.report(d)
}

// straighten replaces the characters of a line that only look like blanks, quotes
// and dashes. It returns the column of the first, and what that is, "" if the line
// has none.
func straighten(text string) (plain string, first int, kind string) {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 && text[i] == 0xA0 {
			r = '\u00a0' // in ISO 8859-1
		}
		as, name := lookAlike(r)
		if name == "" {
			b.WriteString(text[i : i+n])
		} else {
			b.WriteString(as)
			if kind == "" {
				first, kind = i+1, name
			}
		}
		i += n
	}
	return b.String(), first, kind
}

// lookAlike is what a character stands in for, and its name, "" if it is nothing
// of the kind.
func lookAlike(r rune) (as, name string) {
	code := fmt.Sprintf(" (U+%04X)", r)
	switch {
	case r < utf8.RuneSelf:
		return "", ""
	case r == '\u00a0' || r == '\u202f':
		return " ", "a no-break space" + code
	case r == '\ufeff' || r >= '\u200b' && r <= '\u200d' || r == '\u2060' || r == '\u00ad':
		return "", "an invisible character" + code
	case unicode.IsSpace(r) || unicode.Is(unicode.Zs, r):
		return " ", "a blank that is not the plain one" + code
	case r >= '\u201c' && r <= '\u201f':
		return `"`, "a curly quote" + code
	case r >= '\u2018' && r <= '\u201b':
		return "'", "a curly quote" + code
	case r >= '\u2010' && r <= '\u2014':
		return "-", "a dash that is not the plain one" + code
	}
	return "", ""
}
