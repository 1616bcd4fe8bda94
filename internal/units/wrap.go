package units

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text between words into lines of at most width characters, the first
// behind lead and the others behind as much room. What has no space stays whole.
func Wrap(lead, text string, width int) string {
	var b strings.Builder
	room := utf8.RuneCountInString(lead)
	b.WriteString(lead)
	at := room
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case at == room: // the first of its line
		case at+1+n > width:
			b.WriteByte('\n')
			b.WriteString(strings.Repeat(" ", room))
			at = room
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	b.WriteByte('\n')
	return b.String()
}
