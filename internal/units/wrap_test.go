package units

import "testing"

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		lead, text string
		width      int
		want       string
	}{
		{"", "", 10, "\n"},
		{"a  ", "one two three", 80, "a  one two three\n"},
		{"a  ", "one two three", 11, "a  one two\n   three\n"},
		{"µs ", "zwei  drei", 8, "µs zwei\n   drei\n"},
		{"- ", "unbreakable x", 6, "- unbreakable\n  x\n"},
	} {
		if got := Wrap(c.lead, c.text, c.width); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.text, c.width, got, c.want)
		}
	}
}
