package codec

import "strings"

// Details keeps the texts of failures that servers word, so that one that comes
// again and again is made a string once.
type Details map[string]string

// Bounds of what is kept.
const (
	maxDetails    = 256
	MaxDetailSize = 160
)

// Text is text as a string. When there are too many different ones it is only what
// short says.
func (d Details) Text(text []byte, short string) string {
	text = text[:min(len(text), MaxDetailSize)]
	if s, ok := d[string(text)]; ok {
		return s
	}
	if len(d) >= maxDetails {
		return short
	}
	s := FirstRunes(text, MaxDetailSize)
	d[string(text)] = s
	return s
}

// FirstRunes is at most n bytes of text from outside, fit for a message.
func FirstRunes(text []byte, n int) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(string(text[:min(n, len(text))]), "?"))
}
