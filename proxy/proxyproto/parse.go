// Package proxyproto reads and writes the headers of the PROXY protocol, versions 1 and
// 2, by which a proxy says whose connection it is passing on
// (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt). It knows no sockets.
package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"strconv"
	"strings"
)

// Types of what follows the addresses in a header of version 2 (section 2.2).
const (
	typeALPN      = 0x01
	typeAuthority = 0x02
	typeCRC32C    = 0x03
	typeUniqueID  = 0x05
	typeSSL       = 0x20
	typeVersion   = 0x21 // and the following within typeSSL
	typeCN        = 0x22
	typeCipher    = 0x23
	typeSigAlg    = 0x24
	typeKeyAlg    = 0x25
	typeNamespace = 0x30
)

// Longest values that are taken, as in the reference.
const (
	maxAuthority = 255
	maxUniqueID  = 128
)

// signature begins a header of version 2.
var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// Sizes of headers: the longest of version 1, and the fixed part of version 2.
const (
	maxLine   = 107
	fixedSize = 16
)

// Errors of Parse.
var (
	ErrNone     = errors.New("no PROXY protocol header")
	ErrInvalid  = errors.New("invalid PROXY protocol header")
	ErrTooLong  = errors.New("PROXY protocol header is longer than a buffer")
	ErrChecksum = errors.New("wrong checksum of the PROXY protocol header")
)

// Header is what a header says.
type Header struct {
	Version int // 1 or 2
	// Source and Destination are the addresses of the connection that is passed on. They
	// are not valid where the header does not know them: then those of the connection
	// itself count.
	Source, Destination netip.AddrPort
	// Authority is the host name the client asked for, UniqueID what identifies the
	// connection, Namespace the name of the network namespace that it is in; nil: not said.
	// They are pieces of what was parsed.
	Authority, UniqueID, Namespace []byte
}

// Parse reads a header from the beginning of b, which holds at most a buffer, as large as
// limit. It returns its length, 0 if more has to come to tell.
func Parse(b []byte, limit int, h *Header) (n int, err error) {
	*h = Header{}
	switch {
	case len(b) == 0:
		return 0, nil
	case b[0] == signature[0]:
		return h.binary(b, limit)
	}
	return h.text(b)
}

// text reads version 1: "PROXY TCP4 SOURCE DESTINATION PORT PORT", or "PROXY UNKNOWN"
// and anything.
func (h *Header) text(b []byte) (int, error) {
	const word = "PROXY "
	if known := min(len(b), len(word)); string(b[:known]) != word[:known] {
		return 0, ErrNone
	}
	end := bytes.Index(b[:min(len(b), maxLine)], []byte("\r\n"))
	switch {
	case end < 0 && len(b) >= maxLine:
		return 0, ErrInvalid
	case end < 0:
		if bytes.Contains(b, []byte("\n")) {
			return 0, ErrInvalid
		}
		return 0, nil
	}
	h.Version = 1
	f := strings.Split(string(b[len(word):end]), " ")
	if f[0] == "UNKNOWN" {
		return end + 2, nil
	}
	if len(f) != 5 || f[0] != "TCP4" && f[0] != "TCP6" {
		return 0, ErrInvalid
	}
	src, err1 := address(f[1], f[3])
	dst, err2 := address(f[2], f[4])
	if err1 != nil || err2 != nil || src.Addr().Is4() != (f[0] == "TCP4") || dst.Addr().Is4() != (f[0] == "TCP4") {
		return 0, ErrInvalid
	}
	h.Source, h.Destination = src, dst
	return end + 2, nil
}

func address(ip, port string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Zone() != "" {
		return netip.AddrPort{}, ErrInvalid
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, ErrInvalid
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}

// binary reads version 2.
func (h *Header) binary(b []byte, limit int) (int, error) {
	if known := min(len(b), len(signature)); !bytes.Equal(b[:known], signature[:known]) {
		return 0, ErrNone
	}
	if len(b) < fixedSize {
		return 0, nil
	}
	size := fixedSize + int(binary.BigEndian.Uint16(b[14:]))
	if b[12]>>4 != 2 {
		return 0, ErrNone
	}
	if size > limit {
		return 0, ErrTooLong
	}
	if len(b) < size {
		return 0, nil
	}
	b = b[:size]
	h.Version = 2
	switch b[12] & 15 {
	case 0: // LOCAL: the sender speaks for itself
		return size, nil
	case 1:
	default:
		return 0, ErrInvalid
	}
	rest := b[fixedSize:]
	switch b[13] {
	case 0x11: // TCP over IPv4
		if len(rest) < 12 {
			return 0, ErrInvalid
		}
		h.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest)), binary.BigEndian.Uint16(rest[8:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest[4:])), binary.BigEndian.Uint16(rest[10:]))
		rest = rest[12:]
	case 0x21: // TCP over IPv6
		if len(rest) < 36 {
			return 0, ErrInvalid
		}
		h.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte(rest)), binary.BigEndian.Uint16(rest[32:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom16([16]byte(rest[16:])), binary.BigEndian.Uint16(rest[34:]))
		rest = rest[36:]
	default: // of another kind: nothing is known of it
		if b[13]>>4 > 3 || b[13]&15 > 2 {
			return 0, ErrInvalid // of a kind that there is not
		}
		return size, nil
	}
	return size, h.extras(b, rest)
}

// extras reads what follows the addresses.
func (h *Header) extras(whole, rest []byte) error {
	for len(rest) > 0 {
		if len(rest) < 3 {
			return ErrInvalid
		}
		kind, n := rest[0], int(binary.BigEndian.Uint16(rest[1:]))
		if len(rest) < 3+n {
			return ErrInvalid
		}
		value := rest[3 : 3+n]
		rest = rest[3+n:]
		switch kind {
		case typeCRC32C:
			if n != 4 {
				return ErrInvalid
			}
			if binary.BigEndian.Uint32(value) != checksum(whole, len(whole)-len(rest)-4) {
				return ErrChecksum
			}
		case typeAuthority:
			if n > maxAuthority {
				return ErrInvalid
			}
			h.Authority = value
		case typeUniqueID:
			if n > maxUniqueID {
				return ErrInvalid
			}
			h.UniqueID = value
		case typeNamespace:
			h.Namespace = value
		}
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is that of a header, the four bytes at off, where it belongs, taken for zero.
func checksum(b []byte, off int) uint32 {
	sum := crc32.Checksum(b[:off], castagnoli)
	sum = crc32.Update(sum, castagnoli, []byte{0, 0, 0, 0})
	return crc32.Update(sum, castagnoli, b[off+4:])
}
