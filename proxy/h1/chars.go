package h1

import (
	"encoding/binary"
	"math/bits"
)

// Classes of bytes, as bits of class[].
const (
	cToken  uint8 = 1 << iota // tchar, RFC 9110 §5.6.2
	cHost                     // reg-name or dotted address: unreserved, sub-delims, "%"
	cLit                      // inside an IP-literal: hexadecimal digits, ":", ".", and the IPvFuture characters
	cScheme                   // after the first letter of a URI scheme
	cHex
	cRelaxed // admitted in field names by accept-invalid-http-request
)

// class holds the classes of every byte; never written to.
var class = func() (t [256]uint8) {
	set := func(c uint8, s string) {
		for i := range len(s) {
			t[s[i]] |= c
		}
	}
	const (
		alpha = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		digit = "0123456789"
	)
	set(cToken, alpha+digit+"!#$%&'*+-.^_`|~")
	set(cHost, alpha+digit+"-._~!$&'()*+,;=%")
	set(cLit, alpha+digit+"-._~!$&'()*+,;=:%")
	set(cScheme, alpha+digit+"+-.")
	set(cHex, digit+"abcdefABCDEF")
	for c := 0x21; c < 256; c++ {
		if c != ':' && c != 0x7f {
			t[c] |= cRelaxed
		}
	}
	return t
}()

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanValue returns the index of the first byte of b from i on that is a control
// character other than tab, len(b) when there is none.
func scanValue(b []byte, i int) int {
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			// The lowest flagged byte is exact; borrows only spoil those above.
			del := w ^ 0x7f*ones
			if m := ((w-0x20*ones)&^w | (del-ones)&^del) & highs; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				goto found
			}
			i += 8
		}
		for ; i < len(b); i++ {
			if c := b[i]; c < 0x20 || c == 0x7f {
				goto found
			}
		}
		return i
	found:
		if b[i] != '\t' {
			return i
		}
		i++
	}
}

// scanTarget returns the index of the first byte of b from i on that is not a
// visible ASCII character, len(b) when there is none.
func scanTarget(b []byte, i int) int {
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		del := w ^ 0x7f*ones
		if m := ((w-0x21*ones)&^w | (del-ones)&^del | w) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(b) && b[i]-0x21 < 0x7f-0x21 {
		i++
	}
	return i
}

// scanToken returns the index of the first byte of b from i on that is not a
// token character, len(b) when there is none.
func scanToken(b []byte, i int) int {
	for i < len(b) && class[b[i]]&cToken != 0 {
		i++
	}
	return i
}
