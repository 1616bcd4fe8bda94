package codec

import "bytes"

// Search finds a text in a stream (Knuth, Morris and Pratt).
type Search struct {
	Text  string
	bytes []byte // the same
	back  []int  // after a mismatch behind i characters, so many are still matched
}

// NewSearch prepares the search for a text.
func NewSearch(text string) Search {
	s := Search{Text: text, bytes: []byte(text), back: make([]int, len(text)+1)}
	for i, k := 1, 0; i < len(text); i++ {
		for k > 0 && text[i] != text[k] {
			k = s.back[k]
		}
		if text[i] == text[k] {
			k++
		}
		s.back[i+1] = k
	}
	return s
}

// Feed goes on with k characters matched; found when they are all.
func (s *Search) Feed(p []byte, k int) (matched int, found bool) {
	for _, c := range p {
		for k > 0 && s.Text[k] != c {
			k = s.back[k]
		}
		if s.Text[k] == c {
			if k++; k == len(s.Text) {
				return 0, true
			}
		}
	}
	return k, false
}

// Through goes on with what is matched, and stops behind the text if it comes.
func (s *Search) Through(p []byte, matched *int) (n int, found bool) {
	if *matched == 0 { // most of the time all of it is there
		if i := bytes.Index(p, s.bytes); i >= 0 {
			return i + len(s.bytes), true
		}
	}
	for i := range p {
		if *matched, found = s.Feed(p[i:i+1], *matched); found {
			return i + 1, true
		}
	}
	return len(p), false
}
