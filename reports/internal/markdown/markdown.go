// Package markdown writes Markdown in which texts from outside stay texts.
package markdown

import (
	"fmt"
	"io"
	"strings"
)

// Writer writes lines and keeps the first error.
type Writer struct {
	W   io.Writer
	Err error
}

// Line writes a line as it is: texts from outside go through Escape first.
func (m *Writer) Line(format string, args ...any) {
	if m.Err == nil {
		_, m.Err = fmt.Fprintf(m.W, format+"\n", args...)
	}
}

// Row writes a line of a table and escapes its cells.
func (m *Writer) Row(cells ...string) {
	for i, c := range cells {
		cells[i] = Escape(c)
	}
	m.Line("| %s |", strings.Join(cells, " | "))
}

// Table writes the head of a table.
func (m *Writer) Table(head ...string) {
	m.Line("\n| %s |\n|%s", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
}

// Escape makes a text safe within Markdown: no markup, no table breaks, no HTML.
func Escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		case '\\', '`', '*', '_', '[', ']', '|', '#', '!', '~':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
