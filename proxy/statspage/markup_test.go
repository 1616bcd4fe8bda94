package statspage

import (
	"strings"
	"testing"
)

// Text stays text, also in the place of an attribute's value.
func TestTextIsNoMarkup(t *testing.T) {
	for text, want := range map[string]string{
		`<b>&"'`: "&lt;b&gt;&amp;&#34;&#39;", "a\x00b\nc": "a b c", "x\u202ey": "x y", "\xff": "\ufffd", "plain": "plain",
	} {
		var b strings.Builder
		m := &markup{w: &b}
		m.text(text).flush()
		if b.String() != want {
			t.Errorf("%q is %q, want %q", text, b.String(), want)
		}
	}
}
