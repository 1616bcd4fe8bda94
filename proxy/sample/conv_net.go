package sample

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"bench/proxy/txn"
)

// netConvs are about addresses and authorities (configuration manual, section 7.3.1).
func netConvs() []Conv {
	return []Conv{
		{Row: Row{Name: "ipmask", Usage: "(<mask4>[,<mask6>])", params: "m|m", check: checkMasks, Doc: "The network of the address: a mask or a length, and one for IPv6."}, In: txn.Address, Out: txn.Address, fn: convMask},
		{Row: Row{Name: "host_only", Doc: "The host of an authority, in lower case, without its port."}, In: txn.Str, Out: txn.Str, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.B = v.B[:portBegin(v.B)]
			return convLower(c, nil, v)
		}},
		{Row: Row{Name: "port_only", Doc: "The port of an authority, 0 without one."}, In: txn.Str, Out: txn.Int, fn: func(_ *Context, _ []Arg, v *txn.Value) bool {
			port := uint32(0)
			for _, c := range v.B[min(portBegin(v.B)+1, len(v.B)):] {
				port = port*10 + uint32(c) - '0' // of what is no number, something
			}
			v.SetInt(int64(port))
			return true
		}},
	}
}

// portBegin is where the colon before the port is, the end without one.
func portBegin(b []byte) int {
	i := bytes.LastIndexByte(b, ':')
	if i < 0 || i < bytes.LastIndexByte(b, ']') {
		return len(b)
	}
	return i
}

// checkMasks turns masks and lengths into masks.
func checkMasks(_ *Env, a []Arg) error {
	if !a[0].IP.IsValid() {
		if a[0].Int > 32 {
			return fmt.Errorf("a length of %d is too much for IPv4: want 32 at most", a[0].Int)
		}
		var m [4]byte
		binary.BigEndian.PutUint32(m[:], ^uint32(0)<<(32-a[0].Int))
		a[0].IP = netip.AddrFrom4(m)
	}
	if !a[0].IP.Is4() {
		return fmt.Errorf("'%s' is not a mask of IPv4", a[0].Str)
	}
	if a[1].set && !a[1].IP.IsValid() {
		var m [16]byte
		hi, lo := ^uint64(0), uint64(0)
		if n := a[1].Int; n <= 64 {
			hi <<= 64 - n
		} else {
			lo = ^uint64(0) << (128 - n)
		}
		binary.BigEndian.PutUint64(m[:8], hi)
		binary.BigEndian.PutUint64(m[8:], lo)
		a[1].IP = netip.AddrFrom16(m)
	}
	if a[1].set && !a[1].IP.Is6() {
		return fmt.Errorf("'%s' is not a mask of IPv6", a[1].Str)
	}
	var four, six txn.Value
	four.SetIP(a[0].IP)
	a[0].Int = int64(four.Lo)
	if a[1].set {
		b := a[1].IP.As16()
		six.Hi, six.Lo = binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	}
	a[1].hi, a[1].lo = six.Hi, six.Lo
	return nil
}

func convMask(_ *Context, a []Arg, v *txn.Value) bool {
	if v.Kind == txn.IPv6 && v.Hi == 0 && v.Lo>>32 == 0xffff {
		v.Kind, v.Lo = txn.IPv4, v.Lo&0xffffffff // one of IPv4 in disguise
	}
	if v.Kind == txn.IPv4 {
		v.Lo &= uint64(a[0].Int)
		return true
	}
	if !a[1].set {
		return false // nothing is known of IPv6
	}
	v.Hi &= a[1].hi
	v.Lo &= a[1].lo
	return true
}
