package simulation

import (
	"bytes"
	"encoding/binary"
)

// The bytes of every body follow from whose they are and where they stand, so that one
// which is missing, there twice or somebody else's does not go unnoticed.

// up and down are the directions.
const (
	up   = 0
	down = 1
)

// pattern fills p with the bytes from off on.
func pattern(p []byte, id, way, off int) {
	var word [8]byte
	for i := 0; i < len(p); {
		at := off + i
		binary.LittleEndian.PutUint64(word[:], mix(uint64(id)<<33|uint64(way)<<32|uint64(at/8)))
		i += copy(p[i:], word[at%8:])
	}
}

// follows tells whether p is what the pattern has from off on.
func follows(p []byte, id, way, off int) bool {
	var want [512]byte
	for len(p) > 0 {
		n := min(len(p), len(want))
		pattern(want[:n], id, way, off)
		if !bytes.Equal(p[:n], want[:n]) {
			return false
		}
		p, off = p[n:], off+n
	}
	return true
}

// mix is SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// word is a text of n letters that is an id's own.
func word(n, id int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(mix(uint64(id)<<20|uint64(i))%26)
	}
	return string(b)
}

// appendBody appends a body, in chunks of various sizes if it is to have some.
func appendBody(b []byte, id, way, size int, chunked bool) []byte {
	if !chunked {
		return grow(b, id, way, 0, size)
	}
	for off, i := 0, 0; off < size; i++ {
		n := min(size-off, 1+int(mix(uint64(id*1000+i))%uint64(1+size)))
		b = appendHex(b, n)
		if i%3 == 1 {
			b = append(b, ";name=value"...)
		}
		b = append(b, "\r\n"...)
		b = grow(b, id, way, off, n)
		b = append(b, "\r\n"...)
		off += n
	}
	b = append(b, "0\r\n"...)
	if id%4 == 0 {
		b = append(b, "x-trailer: "...)
		b = append(b, word(id%50, id)...)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

func grow(b []byte, id, way, off, n int) []byte {
	at := len(b)
	b = append(b, make([]byte, n)...)
	pattern(b[at:], id, way, off)
	return b
}
