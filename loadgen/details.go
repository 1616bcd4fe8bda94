package loadgen

// details keeps the texts of failures that servers word, so that one that comes
// again and again is made a string once.
type details map[string]string

// Bounds of what is kept.
const (
	maxDetails    = 256
	maxDetailSize = 160
)

// of is text as a string. When there are too many different ones it is only what
// short says.
func (d details) of(text []byte, short string) string {
	text = text[:min(len(text), maxDetailSize)]
	if s, ok := d[string(text)]; ok {
		return s
	}
	if len(d) >= maxDetails {
		return short
	}
	s := firstRunes(text, maxDetailSize)
	d[string(text)] = s
	return s
}
