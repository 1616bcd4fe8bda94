package pattern

import "bytes"

// words is a small set of beginnings: the first eight bytes as a masked word, then
// the rest.
type words struct{ list []word }

type word struct {
	bits, mask uint64
	len        int
	rest       string // beyond eight bytes
}

func newWords(all []string) *words {
	w := &words{}
	for _, s := range all {
		n := min(len(s), 8)
		mask := ^uint64(0)
		if n < 8 {
			mask = 1<<(8*n) - 1
		}
		w.list = append(w.list, word{tail([]byte(s[:n])), mask, len(s), s[n:]})
	}
	return w
}

func (w *words) match(b []byte) bool {
	first := tail(b)
	for i := range w.list {
		if p := &w.list[i]; (first^p.bits)&p.mask == 0 && len(b) >= p.len && (p.rest == "" || string(b[8:p.len]) == p.rest) {
			return true
		}
	}
	return false
}

// suffixes is a small set of ends.
type suffixes []string

func (s suffixes) match(b []byte) bool {
	for _, p := range s {
		if n := len(b) - len(p); n >= 0 && string(b[n:]) == p {
			return true
		}
	}
	return false
}

// pieces is a small set of texts to be found anywhere.
type pieces [][]byte

func newPieces(all []string) pieces {
	var s pieces
	for _, p := range all {
		s = append(s, []byte(p))
	}
	return s
}

func (s pieces) match(b []byte) bool {
	for _, p := range s {
		if bytes.Contains(b, p) {
			return true
		}
	}
	return false
}
