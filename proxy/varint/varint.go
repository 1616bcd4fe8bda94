// Package varint writes and reads numbers as HAProxy's own protocols have them, those of
// peers and of agents: one below 240 is one byte; the first byte of others has their lowest
// four bits, and each further one seven.
package varint

// Max is the longest that a number may be, in bytes.
const Max = 10

// short is below what one byte has all of.
const short = 0xf0

// Append appends a number.
func Append(dst []byte, v uint64) []byte {
	if v < short {
		return append(dst, byte(v))
	}
	dst = append(dst, byte(v)|short)
	v = (v - short) >> 4
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v = (v - 0x80) >> 7
	}
	return append(dst, byte(v))
}

// Read reads a number. It reports false if b ends within it, or it is longer than one of 64
// bits can be.
func Read(b []byte) (v uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	v = uint64(b[0])
	if v < short {
		return v, b[1:], true
	}
	for i, shift := 1, 4; i < len(b) && i < Max; i, shift = i+1, shift+7 {
		v += uint64(b[i]) << shift
		if b[i] < 0x80 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}
