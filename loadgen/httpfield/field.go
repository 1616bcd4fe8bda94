// Package httpfield has what is to be known of the text of HTTP fields (RFC 9110 section
// 5), as the generator reads it: origins and the engine have their own.
package httpfield

import "bytes"

// ListItems yields the elements of a comma-separated list, empty ones left out.
func ListItems(v []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(v) > 0 {
			item := v
			if i := bytes.IndexByte(v, ','); i >= 0 {
				item, v = v[:i], v[i+1:]
			} else {
				v = nil
			}
			if item = Trim(item); len(item) > 0 && !yield(item) {
				return
			}
		}
	}
}

// Trim removes optional white space (RFC 9110 section 5.6.3) from both ends.
func Trim(v []byte) []byte {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	for len(v) > 0 && (v[len(v)-1] == ' ' || v[len(v)-1] == '\t') {
		v = v[:len(v)-1]
	}
	return v
}

// FoldEqual compares without regard to case; lower has only lower-case letters
// and '-'.
func FoldEqual(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// TokenLength is the length of the token (RFC 9110 section 5.6.2) at the start of l.
func TokenLength(l []byte) int {
	for i, c := range l {
		if c < 0x80 && tokenBits[c>>6]&(1<<(c&63)) != 0 {
			continue
		}
		return i
	}
	return len(l)
}

// tokenBits has one bit for each ASCII character that may stand in a token:
// letters, digits and !#$%&'*+-.^_`|~
var tokenBits = [2]uint64{
	0x03ff6cfa00000000,
	0x57ffffffc7fffffe,
}

// InvalidValue finds the characters that may never stand in a field value. Line
// feeds cannot: lines are cut at them.
func InvalidValue(v []byte) bool {
	return bytes.IndexByte(v, '\r') >= 0 || bytes.IndexByte(v, 0) >= 0
}

// NotVisible reports whether a character may not stand in a path or a host.
func NotVisible(r rune) bool { return r <= ' ' || r == 0x7f }
