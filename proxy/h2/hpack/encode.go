package hpack

import "bench/proxy/message"

// AppendStatus appends the pseudo-header field of a response with a status of three
// digits.
func AppendStatus(dst []byte, status int) []byte {
	if i := staticStatus(status); i != 0 {
		return append(dst, 0x80|i)
	}
	return append(dst, 8, 3, byte('0'+status/100%10), byte('0'+status/10%10), byte('0'+status%10)) // the name of entry 8
}

// AppendPseudo appends a pseudo-header field of a request.
func AppendPseudo(dst []byte, p Pseudo, value []byte) []byte {
	i := pseudoIndex[p]
	switch {
	case i == 0:
		dst = append(appendInteger(append(dst, 0), 0, 7, uint32(len(protocolName))), protocolName...)
	case string(value) == string(staticTable[i].Value):
		return append(dst, 0x80|i)
	case p != Authority && string(value) == string(staticTable[i+1].Value): // each of the others has two values
		return append(dst, 0x80|(i+1))
	default:
		dst = append(dst, i)
	}
	return append(appendInteger(dst, 0, 7, uint32(len(value))), value...)
}

const protocolName = ":protocol"

// pseudoIndex are the first entries of the static table with these names; 0: it has none.
var pseudoIndex = [...]byte{Authority: 1, Method: 2, Path: 4, Scheme: 6, Status: 8, Protocol: 0}

// AppendField appends a field as a literal that is not to be put into a dynamic table.
// name is in lower case; id is its number, message.Other if it has none.
func AppendField(dst []byte, id message.HeaderID, name, value []byte) []byte {
	i := staticIDs[id]
	if id == message.Other {
		i = staticNames[string(name)]
	}
	if i != 0 {
		dst = appendInteger(dst, 0, 4, uint32(i))
	} else {
		dst = append(dst, 0)
		dst = appendInteger(dst, 0, 7, uint32(len(name)))
		dst = append(dst, name...)
	}
	dst = appendInteger(dst, 0, 7, uint32(len(value)))
	return append(dst, value...)
}

// AppendTableSize appends what has to stand first in a block after the peer has lowered
// the size of the table: that it is n bytes from now on.
func AppendTableSize(dst []byte, n int) []byte { return appendInteger(dst, 0x20, 5, uint32(n)) }

// appendInteger appends an integer with a prefix of that many bits, beside the bits of
// first.
func appendInteger(dst []byte, first byte, prefix uint, n uint32) []byte {
	top := uint32(1)<<prefix - 1
	if n < top {
		return append(dst, first|byte(n))
	}
	dst = append(dst, first|byte(top))
	for n -= top; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}
