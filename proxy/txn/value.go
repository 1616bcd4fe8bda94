package txn

import (
	"encoding/binary"
	"net/netip"
)

// Kind is the type of a value.
type Kind uint8

// The kinds (configuration manual, section 7.3). Address stands for either version
// where only the kind of what will come is known.
const (
	None Kind = iota
	Bool
	Int
	Address
	IPv4
	IPv6
	Str
	Bin
	Method
	NumKinds
)

var kindNames = [NumKinds]string{"any", "boolean", "integer", "address", "IPv4 address", "IPv6 address", "string", "binary", "method"}

func (k Kind) String() string { return kindNames[k] }

// Value is one typed value. Integers and IPv4 addresses are in Lo, booleans too (0 or
// 1), IPv6 addresses in Hi and Lo, everything else in B. What B points to belongs to
// whoever made the value: it is good for one evaluation only.
type Value struct {
	B      []byte
	Lo, Hi uint64
	Kind   Kind
}

// SetBool makes the value a boolean.
func (v *Value) SetBool(b bool) {
	v.Kind, v.Lo = Bool, 0
	if b {
		v.Lo = 1
	}
}

// SetInt makes the value an integer.
func (v *Value) SetInt(n int64) { v.Kind, v.Lo = Int, uint64(n) }

// SetStr makes the value a string.
func (v *Value) SetStr(b []byte) { v.Kind, v.B = Str, b }

// SetIP makes the value an address; IPv4 addresses in IPv6 ones become IPv4. It
// reports false for one that is not valid.
func (v *Value) SetIP(a netip.Addr) bool {
	switch a = a.Unmap(); {
	case a.Is4():
		b := a.As4()
		v.Kind, v.Hi, v.Lo = IPv4, 0, uint64(binary.BigEndian.Uint32(b[:]))
	case a.Is6():
		b := a.As16()
		v.Kind, v.Hi, v.Lo = IPv6, binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	default:
		return false
	}
	return true
}

// IP is the address that an IPv4 or IPv6 value holds.
func (v *Value) IP() netip.Addr {
	if v.Kind == IPv4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(v.Lo))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], v.Hi)
	binary.BigEndian.PutUint64(b[8:], v.Lo)
	return netip.AddrFrom16(b)
}
