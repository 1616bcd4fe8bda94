// Package integrity reports whether a message arrived as it was sent: digests of HTTP
// messages that leave out what a proxy may change, their canonical text, and the
// first place where two of them differ. Generator and origins share it, because both
// have to mean the same by "the same message"; each reads messages by its own parser.
//
// A digest has two parts. That of the head covers the request line or the status, the
// fields, and what is said of the body; an answer's covers the digest of the request
// it answers, too, so that the right answer to another request is a wrong one. That
// of the body is its CRC-32C and its length: both need no more than a pass over the
// bytes as they come, in whatever pieces.
package integrity

import (
	"bytes"
	"hash/crc32"
	"strconv"
)

// Fields of the check.
const (
	// Header carries the digest of a message: sixteen hexadecimal digits for the head,
	// eight for the body's CRC-32C and its length, joined by '-'. In a request
	// ";except=" with what is left out may follow, in an answer a space and the id of
	// the request it answers.
	Header = "X-Bench-Integrity"
	// HeaderReceived carries in an answer what an origin received in place of what
	// was sent: "head", "body" or "raw", '=' and base64.
	HeaderReceived = "X-Bench-Received"
	// HeaderID is the field with the id of a request. The digest covers it.
	HeaderID = "X-Bench-Id"
)

// HeadDigits is the length of the digest of the head, which the value of Header
// begins with. It differs from message to message where the rest may not.
const HeadDigits = 16

// castagnoli is the polynomial that processors compute.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Body is the digest of a body.
type Body struct {
	CRC    uint32
	Length int64
}

// Add goes on with p.
func (b *Body) Add(p []byte) {
	b.CRC = crc32.Update(b.CRC, castagnoli, p)
	b.Length += int64(len(p))
}

// BodyOf is the digest of a whole body.
func BodyOf(p []byte) (b Body) {
	b.Add(p)
	return b
}

// Digest of a message.
type Digest struct {
	Head uint64
	Body Body
}

// Seal is the digest of a head, of the sum of its parts and what it says of the body.
func Seal(sum uint64, body Body) uint64 {
	return mix(sum ^ mix(uint64(body.CRC)<<32^uint64(body.Length)))
}

// Bind is the part of an answer's sum that stands for the request it answers.
func Bind(request uint64) uint64 { return mix(request ^ 0x9e3779b97f4a7c15) }

// mix spreads the bits of x over the whole word (the finalizer of MurmurHash3).
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

const hexDigits = "0123456789abcdef"

// PutHead writes the digest of a head over the HeadDigits bytes of p.
func PutHead(p []byte, head uint64) {
	_ = p[HeadDigits-1]
	for i := HeadDigits - 1; i >= 0; i-- {
		p[i] = hexDigits[head&15]
		head >>= 4
	}
}

// AppendBody appends what follows the digest of the head.
func AppendBody(dst []byte, b Body) []byte {
	dst = append(dst, '-')
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[b.CRC>>shift&15])
	}
	dst = append(dst, '-')
	return strconv.AppendInt(dst, b.Length, 10)
}

// Append appends a digest.
func Append(dst []byte, d Digest) []byte {
	dst = append(dst, "0000000000000000"...)
	PutHead(dst[len(dst)-HeadDigits:], d.Head)
	return AppendBody(dst, d.Body)
}

// ParseHead reads the digest of a head at the beginning of p.
func ParseHead(p []byte) (head uint64, ok bool) {
	if len(p) < HeadDigits {
		return 0, false
	}
	all := byte(0)
	for _, c := range p[:HeadDigits] {
		v := hexValues[c]
		all |= v
		head = head<<4 | uint64(v&15)
	}
	return head, all < 16
}

// hexValues are the values of digits as digests are written; 255 of all else.
var hexValues = hexTable()

func hexTable() (t [256]byte) {
	for i := range t {
		t[i] = 255
	}
	for i := range len(hexDigits) {
		t[hexDigits[i]] = byte(i)
	}
	return t
}

// Parse reads a digest from the beginning of a field's value; rest is what follows it.
func Parse(value []byte) (d Digest, rest []byte, ok bool) {
	if d.Head, ok = ParseHead(value); !ok || len(value) < HeadDigits+11 || value[HeadDigits] != '-' || value[HeadDigits+9] != '-' {
		return d, nil, false
	}
	for _, c := range value[HeadDigits+1 : HeadDigits+9] {
		v := hexValues[c]
		if v > 15 {
			return d, nil, false
		}
		d.Body.CRC = d.Body.CRC<<4 | uint32(v)
	}
	n := HeadDigits + 10
	for ; n < len(value) && value[n] >= '0' && value[n] <= '9'; n++ {
		if d.Body.Length > 1<<58 {
			return d, nil, false
		}
		d.Body.Length = d.Body.Length*10 + int64(value[n]-'0')
	}
	return d, value[n:], n > HeadDigits+10
}

// exceptPrefix is between the digest of a request and what it leaves out.
const exceptPrefix = ";except="

// AppendExcept appends to the digest of a request what it leaves out.
func AppendExcept(dst []byte, x *Exceptions) []byte {
	if x.text == "" {
		return dst
	}
	dst = append(dst, exceptPrefix...)
	return append(dst, x.text...)
}

// CutExcept is the list of exceptions in what follows the digest of a request.
func CutExcept(rest []byte) (text []byte, ok bool) {
	if len(rest) == 0 {
		return nil, true
	}
	return bytes.CutPrefix(rest, []byte(exceptPrefix))
}

// MaxReceived bounds what an origin sends back of what it received, before base64.
const MaxReceived = 1400

// AppendLength appends the length of a body in decimal digits.
func AppendLength(dst []byte, b Body) []byte { return strconv.AppendInt(dst, b.Length, 10) }
