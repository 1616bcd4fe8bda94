// Package tty lays text out for terminals, where every cell counts: widths, cutting,
// wrapping, tables, colours, and what a terminal can show. What the text says is for
// others.
package tty

import (
	"strings"
	"unicode"

	"bench/internal/units"
	"bench/reports/series"
)

// runeWidth is the number of cells a rune takes: two for East Asian wide
// characters, none for combining marks.
func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff ||
		r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd):
		return 2
	default:
		return 1
	}
}

// Width is the number of cells a text takes.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// Fit cuts a text to at most n cells, the last one "~" where something was cut.
func Fit(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		if used+runeWidth(r) > n-1 {
			break
		}
		used += runeWidth(r)
		b.WriteRune(r)
	}
	if n > 0 {
		b.WriteByte('~')
	}
	return b.String()
}

// Left pads a text to n cells, cutting what is longer.
func Left(s string, n int) string {
	s = Fit(s, n)
	return s + strings.Repeat(" ", max(0, n-Width(s)))
}

// Right is Left with the text at the right.
func Right(s string, n int) string {
	s = Fit(s, n)
	return strings.Repeat(" ", max(0, n-Width(s))) + s
}

// Style turns words into what a terminal shows: colours if it has them, only
// ASCII if it cannot show more.
type Style struct {
	Color, ASCII bool
}

// Codes of colours.
const (
	Reset   = "\x1b[0m"
	Bold    = "\x1b[1m"
	Fail    = "\x1b[1;35m"
	Pass    = "\x1b[1;32m"
	Unsure  = "\x1b[1;33m"
	Muted   = "\x1b[2m"
	Reverse = "\x1b[7m"
)

// Verdict colours a word as its verdict.
func (s Style) Verdict(word string) string {
	switch word {
	case "PASS", "OK":
		return s.Paint(Pass, word)
	case "FAIL":
		return s.Paint(Fail, word)
	default:
		return s.Paint(Unsure, word)
	}
}

// Paint gives a text a colour, if there are colours.
func (s Style) Paint(code, text string) string {
	if !s.Color || strings.TrimSpace(text) == "" {
		return text
	}
	return code + text + Reset
}

// Safe makes a text one line that the terminal can show. It must hold no colour
// yet.
func (s Style) Safe(text string) string {
	text = series.OneLine(text)
	if s.ASCII {
		text = ASCII(text)
	}
	return text
}

// Plain is Safe, cut to width cells.
func (s Style) Plain(line string, width int) string { return Fit(s.Safe(line), width) }

// ASCII spells units and comparisons in ASCII; other characters become "?".
func ASCII(s string) string {
	s = strings.NewReplacer("·", "-", "…", "...", "≠", "!=", "–", "-", "—", "-").Replace(units.ASCII(s))
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, s)
}
