package reports

import (
	"strings"
	"unicode"

	"bench/internal/units"
	"bench/reports/series"
)

// Text on a terminal: every cell counts, so widths are those of a terminal.

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

func textWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// fit cuts a text to at most n cells, the last one "~" where something was cut.
func fit(s string, n int) string {
	if textWidth(s) <= n {
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

// left and right pad a text to n cells, cutting what is longer.
func left(s string, n int) string {
	s = fit(s, n)
	return s + strings.Repeat(" ", max(0, n-textWidth(s)))
}

func right(s string, n int) string {
	s = fit(s, n)
	return strings.Repeat(" ", max(0, n-textWidth(s))) + s
}

// style turns words into what a terminal shows: colours if it has them, only
// ASCII if it cannot show more.
type style struct {
	color, ascii bool
}

const (
	ansiReset   = "\x1b[0m"
	ansiBold    = "\x1b[1m"
	ansiFail    = "\x1b[1;35m"
	ansiPass    = "\x1b[1;32m"
	ansiUnsure  = "\x1b[1;33m"
	ansiMuted   = "\x1b[2m"
	ansiReverse = "\x1b[7m"
)

// verdict colours a word as its verdict.
func (s style) verdict(word string) string {
	switch word {
	case "PASS", "OK":
		return s.paint(ansiPass, word)
	case "FAIL":
		return s.paint(ansiFail, word)
	default:
		return s.paint(ansiUnsure, word)
	}
}

func (s style) paint(code, text string) string {
	if !s.color || strings.TrimSpace(text) == "" {
		return text
	}
	return code + text + ansiReset
}

// safe makes a text one line that the terminal can show. It must hold no colour
// yet.
func (s style) safe(text string) string {
	text = series.OneLine(text)
	if s.ascii {
		text = toASCII(text)
	}
	return text
}

// plain is safe, cut to width cells.
func (s style) plain(line string, width int) string { return fit(s.safe(line), width) }

// toASCII spells units and comparisons in ASCII; other characters become "?".
func toASCII(s string) string {
	s = strings.NewReplacer("·", "-", "…", "...", "≠", "!=", "–", "-", "—", "-").Replace(units.ASCII(s))
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, s)
}
