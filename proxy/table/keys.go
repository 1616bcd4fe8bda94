package table

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
)

// Fit makes a key of the table's length of a text or of bytes: cut where they are too
// long. dst is memory for keys that have to be filled up.
func (s *Spec) Fit(dst, b []byte) []byte {
	b = b[:min(len(b), s.Length)]
	if s.Type == Binary && len(b) < s.Length {
		dst = append(dst[:0], b...)
		return append(dst, make([]byte, s.Length-len(b))...)
	}
	for i, c := range b {
		if c == 0 && s.Type == String {
			return b[:i]
		}
	}
	return b
}

// ParseKey reads a key as it is written on the runtime API.
func (s *Spec) ParseKey(text string) ([]byte, error) {
	switch s.Type {
	case IP:
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is4() {
			return nil, fmt.Errorf("'%s' is not an IPv4 address", text)
		}
		return a.AsSlice(), nil
	case IPv6:
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is6() || a.Zone() != "" {
			return nil, fmt.Errorf("'%s' is not an IPv6 address", text)
		}
		return a.AsSlice(), nil
	case Integer:
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("'%s' is not an integer of 32 bits", text)
		}
		return binary.NativeEndian.AppendUint32(nil, uint32(n)), nil
	case String:
		return s.Fit(nil, []byte(text)), nil
	case Binary, numTypes:
	}
	return nil, fmt.Errorf("keys of type %s cannot be written as text", s.Type)
}

// AppendKey appends a key as the runtime API shows it.
func (s *Spec) AppendKey(dst, key []byte) []byte {
	switch s.Type {
	case IP:
		return netip.AddrFrom4([4]byte(key)).AppendTo(dst)
	case IPv6:
		return netip.AddrFrom16([16]byte(key)).AppendTo(dst)
	case Integer:
		return strconv.AppendUint(dst, uint64(binary.NativeEndian.Uint32(key)), 10)
	case String:
		return appendText(dst, key)
	case Binary, numTypes:
	}
	for _, c := range key {
		dst = append(dst, "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
	}
	return dst
}

// appendText appends a text in one word: what is no printable character of ASCII, and
// what separates words, is escaped.
func appendText(dst, text []byte) []byte {
	for _, c := range text {
		switch c {
		case '\t':
			dst = append(dst, `\t`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case 0x1b:
			dst = append(dst, `\e`...)
		case ' ', '\\', '=':
			dst = append(dst, '\\', c)
		default:
			if c > ' ' && c < 0x7f {
				dst = append(dst, c)
			} else {
				dst = append(dst, '\\', 'x', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
			}
		}
	}
	return dst
}
