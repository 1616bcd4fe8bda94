package tty

import (
	"slices"
	"strings"
	"unicode"
)

// Layout for people: text is wrapped, not cut. A width of 0 means that nothing
// bounds it: the output is a file or a pipe.

// mostLines bounds what one cell of a table may take of a terminal; in a pipe
// nothing does.
const mostLines = 12

// Wrap breaks a text into lines of at most width cells, between words where
// it can, else after punctuation, else anywhere.
func Wrap(text string, width int) []string {
	text = strings.TrimSpace(text)
	if width <= 0 || Width(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsFuncSeq(text, parts) {
		if line != "" && Width(line)+1+Width(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for Width(word) > width {
			n := breakAt(word, width)
			lines = append(lines, word[:n])
			word = word[n:]
		}
		line = word
	}
	return append(lines, line)
}

// parts reports whether a line may end at r: not within a number, whose groups of digits a
// narrow space keeps together.
func parts(r rune) bool { return unicode.IsSpace(r) && r != '\u00a0' && r != '\u202f' }

// breakAt is the number of bytes of a long word that go on a line of width cells.
func breakAt(word string, width int) int {
	used, last, soft := 0, 0, 0
	for i, r := range word {
		used += runeWidth(r)
		if used > width && i > 0 {
			break
		}
		last = i + len(string(r))
		if strings.ContainsRune(",;/=-_.", r) {
			soft = last
		}
	}
	if soft > 0 {
		return soft
	}
	return last
}

// Column is one column of a table on a terminal.
type Column struct {
	Head string
	// Right aligns figures; text is at the left.
	Right bool
	// Wraps reports that the column may become narrower than its texts, but not
	// than Least cells.
	Wraps bool
	Least int
}

// Table gives the lines of a table. Columns are as wide as their texts; where
// that is more than width, those that may wrap give way, the widest first.
func Table(columns []Column, rows [][]string, width int) []string {
	head, lines := Rows(columns, rows, width)
	if head != "" {
		return append([]string{head}, slices.Concat(lines...)...)
	}
	return slices.Concat(lines...)
}

// Rows is Table with the head, "" if no column has one, and the lines of each row apart.
func Rows(columns []Column, rows [][]string, width int) (head string, lines [][]string) {
	const gap = 2
	sizes := make([]int, len(columns))
	total := gap * (len(columns) - 1)
	for i, c := range columns {
		sizes[i] = Width(c.Head)
		for _, r := range rows {
			sizes[i] = max(sizes[i], Width(r[i]))
		}
		total += sizes[i]
	}
	for width > 0 && total > width {
		widest := -1
		for i, c := range columns {
			if c.Wraps && sizes[i] > max(c.Least, Width(c.Head)) && (widest < 0 || sizes[i] > sizes[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		sizes[widest]--
		total--
	}
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.Head
	}
	if strings.Join(heads, "") != "" {
		head = layRow(columns, sizes, heads, gap, 0)[0]
	}
	for _, r := range rows {
		lines = append(lines, layRow(columns, sizes, r, gap, width))
	}
	return head, lines
}

// layRow gives the lines of one row; cells that wrap go on below.
func layRow(columns []Column, sizes []int, cells []string, gap, width int) []string {
	broken := make([][]string, len(cells))
	height := 1
	for i, text := range cells {
		broken[i] = []string{text}
		if width > 0 && columns[i].Wraps {
			broken[i] = Wrap(text, sizes[i])
			if len(broken[i]) > mostLines {
				broken[i] = broken[i][:mostLines]
				broken[i][mostLines-1] = Fit(broken[i][mostLines-1]+"~~", sizes[i]-1) + "~"
			}
		}
		height = max(height, len(broken[i]))
	}
	lines := make([]string, height)
	for k := range lines {
		var b strings.Builder
		for i, c := range columns {
			text := ""
			if k < len(broken[i]) {
				text = broken[i][k]
			}
			pad := strings.Repeat(" ", max(0, sizes[i]-Width(text)))
			if c.Right {
				text = pad + text
			} else {
				text += pad
			}
			if i > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			b.WriteString(text)
		}
		lines[k] = strings.TrimRight(b.String(), " ")
	}
	return lines
}
