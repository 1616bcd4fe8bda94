package codec

import (
	"strings"
	"testing"
)

func TestSearchFindsWhatIsThere(t *testing.T) {
	for _, c := range []struct{ text, in string }{{"aab", "aaab"}, {"abab", "abaabab"}, {"aaa", "aabaaa"}, {"x", "x"}, {"abcabd", "abcabcabd"}, {"aa", "abab"}} {
		s := NewSearch(c.text)
		for cut := range len(c.in) {
			k, found := s.Feed([]byte(c.in[:cut]), 0)
			if !found {
				_, found = s.Feed([]byte(c.in[cut:]), k)
			}
			if found != strings.Contains(c.in, c.text) {
				t.Errorf("%q in %q cut at %d: found %v", c.text, c.in, cut, found)
			}
		}
	}
}
