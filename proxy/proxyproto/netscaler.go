package proxyproto

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Errors of ParseCIP.
var (
	ErrMagic    = errors.New("another number begins the NetScaler Client IP header")
	ErrProtocol = errors.New("the NetScaler Client IP header has no packet of TCP over IP")
)

// A header of NetScaler Client IP insertion has a number that both sides know, a length,
// and the beginning of a packet of the client: the headers of IP and TCP. Between length
// and packet newer ones have a type and the length of the packet, the older ones nothing.
const (
	cipOld    = 8
	cipNew    = 12
	protoTCP  = 6
	ipv4Least = 20
	ipv6Size  = 40
	tcpLeast  = 20
)

// ParseCIP reads a header of NetScaler Client IP insertion at the beginning of b into h. It
// returns how many bytes the header has, 0 if more are needed to tell. The header must begin
// with the number magic, and have no more than limit bytes.
func ParseCIP(b []byte, magic uint32, limit int, h *Header) (n int, err error) {
	*h = Header{}
	if len(b) < cipNew {
		return 0, nil
	}
	if binary.BigEndian.Uint32(b) != magic {
		return 0, ErrMagic
	}
	var start, size int
	switch {
	case b[cipOld] == 0: // the type's first byte
		start, size = cipNew, int(binary.BigEndian.Uint16(b[10:]))
	case b[cipOld]&0xd0 == 0x40: // the version of IP, 4 or 6
		start, size = cipOld, int(binary.BigEndian.Uint32(b[4:]))
	default:
		return 0, ErrProtocol
	}
	if size > limit-start {
		return 0, ErrTooLong
	}
	if len(b) < start+size {
		return 0, nil
	}
	if err := h.packet(b[start : start+size]); err != nil {
		return 0, err
	}
	return start + size, nil
}

// packet takes the addresses of a packet.
func (h *Header) packet(p []byte) error {
	var src, dst netip.Addr
	var kind byte
	switch {
	case len(p) >= ipv4Least && p[0]>>4 == 4:
		kind = p[9]
		src, dst = netip.AddrFrom4([4]byte(p[12:])), netip.AddrFrom4([4]byte(p[16:]))
		size := int(p[0]&15) * 4
		if size < ipv4Least || size > len(p) {
			return ErrProtocol
		}
		p = p[size:]
	case len(p) >= ipv6Size && p[0]>>4 == 6:
		kind = p[6]
		src, dst = netip.AddrFrom16([16]byte(p[8:])), netip.AddrFrom16([16]byte(p[24:]))
		p = p[ipv6Size:]
	default:
		return ErrProtocol
	}
	if kind != protoTCP || len(p) < tcpLeast {
		return ErrProtocol
	}
	h.Source = netip.AddrPortFrom(src, binary.BigEndian.Uint16(p))
	h.Destination = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(p[2:]))
	return nil
}
