package sample

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"bench/proxy/message"
	"bench/proxy/txn"
)

// Castable reports whether values of one kind can become another one at all. Whether
// a value does may depend on it, as with texts that are to become addresses.
func Castable(from, to txn.Kind) bool {
	if from == to || to == txn.None || from == txn.None {
		return true
	}
	switch to {
	case txn.Bool:
		return from == txn.Int || from == txn.Str || from == txn.IPv4 || from == txn.Address
	case txn.Int:
		return from == txn.Bool || from == txn.IPv4 || from == txn.Address || from == txn.Str
	case txn.Address, txn.IPv4, txn.IPv6:
		return from == txn.Int || from == txn.Address || from == txn.IPv4 || from == txn.IPv6 || from == txn.Str
	case txn.Str:
		return true
	case txn.Bin:
		return true
	case txn.Method:
		return from == txn.Str || from == txn.Bin
	case txn.None, txn.NumKinds:
	}
	return false
}

// Cast makes a value one of another kind, as the reference does. It reports false if
// that cannot be.
func (c *Context) Cast(v *txn.Value, to txn.Kind) bool {
	if v.Kind == to || to == txn.None {
		return true
	}
	switch to {
	case txn.Bool, txn.Int:
		return castInt(v, to)
	case txn.Address:
		return v.Kind == txn.IPv4 || v.Kind == txn.IPv6 || c.castIP(v, to)
	case txn.IPv4, txn.IPv6:
		return c.castIP(v, to)
	case txn.Str:
		return c.castStr(v)
	case txn.Bin:
		return c.castBin(v)
	case txn.Method:
		if v.Kind != txn.Str && v.Kind != txn.Bin {
			return false
		}
		v.Kind, v.Lo = txn.Method, uint64(message.LookupMethod(v.B))
		return true
	case txn.None, txn.NumKinds:
	}
	return false
}

func castInt(v *txn.Value, to txn.Kind) bool {
	switch v.Kind {
	case txn.Bool, txn.Int:
	case txn.IPv4:
	case txn.Str:
		if len(v.B) == 0 {
			return false
		}
		v.Lo = uint64(leadingInt(v.B))
	default:
		return false
	}
	if to == txn.Bool && v.Lo != 0 {
		v.Lo = 1
	}
	v.Kind = to
	return true
}

// leadingInt is the number that a text begins with, 0 if with none; what is out of
// bounds is the bound.
func leadingInt(b []byte) int64 {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg, b = b[0] == '-', b[1:]
	}
	const most = 1<<63 - 1
	n := uint64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		if n > (most-uint64(c-'0'))/10 {
			if neg {
				return -most - 1
			}
			return most
		}
		n = n*10 + uint64(c-'0')
	}
	if neg {
		return -int64(n)
	}
	return int64(n)
}

func (c *Context) castIP(v *txn.Value, to txn.Kind) bool {
	switch v.Kind {
	case txn.Int:
		v.Lo, v.Hi, v.Kind = v.Lo&0xffffffff, 0, txn.IPv4
	case txn.Str:
		a, ok := parseIP(v.B)
		if !ok {
			return false
		}
		v.SetIP(a)
		if a.Is4In6() && to != txn.IPv4 {
			v.Kind, v.Hi, v.Lo = txn.IPv6, 0, 0xffff<<32|v.Lo
		}
	case txn.IPv4, txn.IPv6:
	default:
		return false
	}
	switch {
	case to == txn.IPv6 && v.Kind == txn.IPv4:
		v.Kind, v.Hi, v.Lo = txn.IPv6, 0, 0xffff<<32|v.Lo
	case to == txn.IPv4 && v.Kind == txn.IPv6:
		if v.Hi != 0 || v.Lo>>32 != 0xffff {
			return false
		}
		v.Kind, v.Lo = txn.IPv4, v.Lo&0xffffffff
	}
	return true
}

// parseIP reads an address. netip.ParseAddr would allocate for texts that are none.
func parseIP(b []byte) (netip.Addr, bool) {
	if bytes.IndexByte(b, ':') >= 0 {
		return parseIPv6(b)
	}
	ip, ok := parseIPv4(b)
	return netip.AddrFrom4(ip), ok
}

func parseIPv4(b []byte) (ip [4]byte, ok bool) {
	part, digits, n := 0, 0, 0
	for i := 0; i <= len(b); i++ {
		switch {
		case i == len(b) || b[i] == '.':
			if digits == 0 || (part == 3) != (i == len(b)) {
				return ip, false
			}
			ip[part] = byte(n)
			part, digits, n = part+1, 0, 0
		case b[i] >= '0' && b[i] <= '9':
			if n = n*10 + int(b[i]-'0'); n > 255 || digits == 3 {
				return ip, false
			}
			digits++
		default:
			return ip, false
		}
	}
	return ip, true
}

// parseIPv6 reads groups before and behind "::" (RFC 4291, section 2.2).
func parseIPv6(b []byte) (netip.Addr, bool) {
	var ip [16]byte
	n, gap := 0, -1
	if bytes.HasPrefix(b, doubleColon) {
		gap, b = 0, b[2:]
	}
	for len(b) > 0 {
		end := bytes.IndexByte(b, ':')
		group := b
		if end >= 0 {
			group = b[:end]
		}
		if end < 0 && bytes.IndexByte(group, '.') >= 0 {
			four, ok := parseIPv4(group)
			if !ok || n > 12 {
				return netip.Addr{}, false
			}
			n += copy(ip[n:], four[:])
			break
		}
		v, ok := hexGroup(group)
		if !ok || n > 14 {
			return netip.Addr{}, false
		}
		ip[n], ip[n+1] = byte(v>>8), byte(v)
		n += 2
		if end < 0 {
			break
		}
		if b = b[end+1:]; len(b) == 0 {
			return netip.Addr{}, false
		}
		if b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, b = n, b[1:]
		}
	}
	if gap >= 0 && n < 16 {
		copy(ip[16-(n-gap):], ip[gap:n])
		clear(ip[gap : 16-(n-gap)])
		n = 16
	}
	return netip.AddrFrom16(ip), n == 16
}

var doubleColon = []byte("::")

// hexGroup reads up to four hexadecimal digits.
func hexGroup(b []byte) (v uint16, ok bool) {
	if len(b) == 0 || len(b) > 4 {
		return 0, false
	}
	for _, c := range b {
		d, ok := unhex(c)
		if !ok {
			return 0, false
		}
		v = v<<4 | uint16(d)
	}
	return v, true
}

func (c *Context) castStr(v *txn.Value) bool {
	switch v.Kind {
	case txn.Bool, txn.Int:
		if !c.keep(v, strconv.AppendInt(c.spare(), int64(v.Lo), 10)) {
			return false
		}
	case txn.IPv4, txn.IPv6:
		if !c.keep(v, appendIP(c.spare(), v)) {
			return false
		}
	case txn.Bin, txn.Method:
	default:
		return false
	}
	v.Kind = txn.Str
	return true
}

// appendIP writes an address the way inet_ntop does: an IPv4 one in an IPv6 one with dots.
func appendIP(b []byte, v *txn.Value) []byte {
	if v.Kind == txn.IPv6 && v.Hi == 0 && v.Lo>>32 == 0 && v.Lo>>16 != 0 {
		four := txn.Value{Kind: txn.IPv4, Lo: v.Lo}
		return four.IP().AppendTo(append(b, "::"...))
	}
	return v.IP().AppendTo(b)
}

func (c *Context) castBin(v *txn.Value) bool {
	switch v.Kind {
	case txn.Str, txn.Method:
	case txn.Bool, txn.Int:
		v.B = binary.BigEndian.AppendUint64(c.alloc(8)[:0], v.Lo)
	case txn.IPv4:
		v.B = binary.BigEndian.AppendUint32(c.alloc(4)[:0], uint32(v.Lo))
	case txn.IPv6:
		v.B = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(c.alloc(16)[:0], v.Hi), v.Lo)
	default:
		return false
	}
	v.Kind = txn.Bin
	return true
}
