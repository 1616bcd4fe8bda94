package balance

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"bench/proxy/hash"
	"bench/proxy/spec"
)

// Sum is the hash of a key ("hash-type").
func Sum(h *spec.Hash, key []byte) uint32 {
	var n uint32
	switch h.Function {
	case spec.SDBM:
		n = hash.SDBM(key)
	case spec.DJB2:
		n = hash.DJB2(key)
	case spec.WT6:
		n = hash.WT6(key)
	case spec.CRC32:
		n = hash.CRC32(key)
	case spec.NoFunction:
		n = uint32(leading(key))
	}
	return stir(h, n)
}

func stir(h *spec.Hash, n uint32) uint32 {
	if h.Avalanche {
		return hash.Avalanche(n)
	}
	return n
}

// leading is the number that a key begins with, 0 if with none.
func leading(key []byte) (n uint64) {
	for _, c := range key {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

// SumIP is the hash of an address: its words of 32 bits, one laid upon the other. There
// is none of clients without an address.
func SumIP(h *spec.Hash, ip netip.Addr) (uint32, bool) {
	switch {
	case ip.Is4():
		b := ip.As4()
		return stir(h, binary.BigEndian.Uint32(b[:])), true
	case ip.Is6():
		b := ip.As16()
		n := uint32(0)
		for i := 0; i < len(b); i += 4 {
			n ^= binary.BigEndian.Uint32(b[i:])
		}
		return stir(h, n), true
	}
	return 0, false
}

// URIKey is the part of a URI that is hashed.
func URIKey(h *spec.Hash, uri []byte) []byte {
	if h.Len > 0 && h.Len < len(uri) {
		uri = uri[:h.Len]
	}
	slashes := 0
	for i, c := range uri {
		switch {
		case c == '/':
			if slashes++; slashes == h.Slashes {
				return uri[:i]
			}
		case c == '?' && !h.Whole:
			return uri[:i]
		}
	}
	return uri
}

// Param is the value of the first parameter of a name in a query, or in a body of the
// same form. It is not decoded.
func Param(query []byte, name string) ([]byte, bool) {
	for len(query) > len(name) {
		if query[len(name)] == '=' && string(query[:len(name)]) == name {
			value := query[len(name)+1:]
			if i := bytes.IndexByte(value, '&'); i >= 0 {
				value = value[:i]
			}
			return value, true
		}
		i := bytes.IndexByte(query, '&')
		if i < 0 {
			break
		}
		query = query[i+1:]
	}
	return nil, false
}

// Domain is the part of a host name before its last dot and behind the one before that
// ("use_domain_only"); all of a name without dots. Where dots follow each other it is
// what the reference makes of them.
func Domain(host []byte) []byte {
	begin, end, dotted := len(host), len(host), false
	for ; begin > 0; begin-- {
		switch {
		case dotted:
			if host[begin-1] == '.' {
				return host[begin:end]
			}
		case begin < len(host) && host[begin] == '.':
			end, dotted = begin, true
		}
	}
	return host[:end]
}
