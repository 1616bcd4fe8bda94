// Package mysqlwire reads and writes packets of the MySQL client/server
// protocol 4.1: framing, handshake version 10, results as text and binary. What
// statements mean and who speaks may not enter.
package mysqlwire

import (
	"encoding/binary"
	"errors"
)

// HeaderSize is the length of a packet's header: three bytes of length and one
// of sequence number.
const HeaderSize = 4

// MaxPayload is the longest payload of a packet; one of exactly this length
// would go on in the next.
const MaxPayload = 1<<24 - 1

// ErrTooLong is a packet that goes on in the next one.
var ErrTooLong = errors.New("a packet of 16 MiB or more")

// ErrMalformed is a payload that is not what it should be.
var ErrMalformed = errors.New("malformed packet")

// ErrOrder is a packet with another sequence number than that which is due.
var ErrOrder = errors.New("packets out of order")

// ParsePacket reads the packet at the beginning of b. The payload aliases b; n
// is the length of the whole packet, 0 without an error asks for more bytes.
func ParsePacket(b []byte) (payload []byte, seq byte, n int, err error) {
	if len(b) < HeaderSize {
		return nil, 0, 0, nil
	}
	size := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	if size == MaxPayload {
		return nil, 0, 0, ErrTooLong
	}
	n = HeaderSize + size
	if len(b) < n {
		return nil, 0, 0, nil
	}
	return b[HeaderSize:n:n], b[3], n, nil
}

// Begin appends the header of a packet to be finished by End, which wants to
// know where it began.
func Begin(b []byte, seq byte) (out []byte, at int) {
	return append(b, 0, 0, 0, seq), len(b)
}

// End writes the length of the packet begun at a position, whose payload is all
// that follows; it must be shorter than MaxPayload.
func End(b []byte, at int) []byte {
	size := len(b) - at - HeaderSize
	b[at], b[at+1], b[at+2] = byte(size), byte(size>>8), byte(size>>16)
	return b
}

// AppendInt appends a length-encoded integer.
func AppendInt(b []byte, n uint64) []byte {
	switch {
	case n < 251:
		return append(b, byte(n))
	case n < 1<<16:
		return append(b, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(b, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xfe), n)
}

// AppendString appends a length-encoded string.
func AppendString[T []byte | string](b []byte, s T) []byte {
	return append(AppendInt(b, uint64(len(s))), s...)
}

// reader takes fields off a payload. After a field that is not there all that
// follow are empty, and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) byte() byte {
	if p := r.bytes(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if p := r.bytes(2); p != nil {
		return binary.LittleEndian.Uint16(p)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if p := r.bytes(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

// zero reads up to a NUL, or to the end if there is none.
func (r *reader) zero() []byte {
	for i, c := range r.b {
		if c == 0 {
			p := r.b[:i]
			r.b = r.b[i+1:]
			return p
		}
	}
	return r.bytes(len(r.b))
}

// int reads a length-encoded integer.
func (r *reader) int() uint64 {
	size := 0
	switch c := r.byte(); c {
	case 0xfc:
		size = 2
	case 0xfd:
		size = 3
	case 0xfe:
		size = 8
	case 0xfb, 0xff:
		r.bad = true
		return 0
	default:
		return uint64(c)
	}
	n := uint64(0)
	for i, c := range r.bytes(size) {
		n |= uint64(c) << (8 * i)
	}
	return n
}

// string reads a length-encoded string.
func (r *reader) string() []byte {
	n := r.int()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	return r.bytes(int(n))
}
