package tlsio

import "encoding/binary"

// Types of handshake messages (RFC 8446, section 4).
const (
	clientHello = 1
	serverHello = 2
)

// Hello is the hello of a client or of a server, in pieces of its bytes (RFC 8446, sections
// 4.1.2 and 4.1.3).
type Hello struct {
	Version           uint16
	Random, SessionID []byte
	Ciphers           []byte // of a server the one it has chosen
	Extensions        []byte
}

// ParseHello takes the content of a handshake message apart that is the hello of a client, or
// of a server.
func ParseHello(body []byte, ofServer bool) (h Hello, ok bool) {
	r := Reader{B: body}
	h.Version = r.Uint16()
	h.Random = r.Take(randomSize)
	h.SessionID = r.Take(int(r.Byte()))
	if ofServer {
		h.Ciphers = r.Take(2)
		r.Take(1)
	} else {
		h.Ciphers = r.Take(int(r.Uint16()))
		r.Take(int(r.Byte()))
	}
	if !r.Bad && len(r.B) > 0 {
		h.Extensions = r.Take(int(r.Uint16()))
	}
	return h, !r.Bad
}

// Extension is the content of an extension, and whether the hello has it.
func (h *Hello) Extension(id uint16) (content []byte, ok bool) {
	r := Reader{B: h.Extensions}
	for len(r.B) > 0 {
		kind := r.Uint16()
		content := r.Take(int(r.Uint16()))
		if r.Bad {
			return nil, false
		}
		if kind == id {
			return content, true
		}
	}
	return nil, false
}

// Numbers of extensions.
const (
	ExtServerName   = 0
	ExtGroups       = 10
	ExtPointFormats = 11
	ExtALPN         = 16
	ExtTicket       = 35
)

const randomSize = 32

// Reader takes pieces off bytes; Bad is set once there were not enough.
type Reader struct {
	B   []byte
	Bad bool
}

// Take takes n bytes, nil if there are fewer.
func (r *Reader) Take(n int) []byte {
	if n > len(r.B) {
		r.B, r.Bad = nil, true
		return nil
	}
	p := r.B[:n]
	r.B = r.B[n:]
	return p
}

// Byte takes one byte.
func (r *Reader) Byte() byte {
	if p := r.Take(1); p != nil {
		return p[0]
	}
	return 0
}

// Uint16 takes a number of two bytes.
func (r *Reader) Uint16() uint16 {
	if p := r.Take(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}
