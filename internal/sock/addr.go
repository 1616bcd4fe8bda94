// Package sock is the thin layer over the kernel's socket calls: addresses with
// their raw form prepared once, non-blocking descriptors, and errors as plain
// errno values, so that a data path built on it neither allocates nor enters
// the Go scheduler. Policy (retries, pools, timeouts) may not enter.
package sock

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Addr is an IPv4, IPv6, unix or abstract unix address in the kernel's form.
// The zero value is no address. It is comparable.
type Addr struct {
	raw [unix.SizeofSockaddrUnix]byte
	n   uint32
}

// Network families as returned by Addr.Family.
const (
	FamilyNone = unix.AF_UNSPEC
	FamilyIPv4 = unix.AF_INET
	FamilyIPv6 = unix.AF_INET6
	FamilyUnix = unix.AF_UNIX
)

// sun_path begins after the two bytes of sun_family.
const unixPathOffset = 2

// Parse reads an address as proxies write them:
//
//	127.0.0.1:80  ipv4@127.0.0.1:80  *:80  :80
//	[::1]:80  ::1:80  ipv6@::1:80  [::]:80
//	/run/x.sock  unix@run/x.sock  abns@name
//
// A missing port reads as 0. Host names are not resolved here.
func Parse(s string) (Addr, error) {
	if path, ok := strings.CutPrefix(s, "unix@"); ok {
		return UnixAddr(path)
	}
	if name, ok := strings.CutPrefix(s, "abns@"); ok {
		return AbstractAddr(name)
	}
	if strings.HasPrefix(s, "/") {
		return UnixAddr(s)
	}
	rest, want := s, 0
	for _, p := range []struct {
		prefix string
		family int
	}{{"ipv4@", FamilyIPv4}, {"ipv6@", FamilyIPv6}, {"ip@", 0}, {"tcp@", 0}, {"tcp4@", FamilyIPv4}, {"tcp6@", FamilyIPv6}, {"udp@", 0}, {"udp4@", FamilyIPv4}, {"udp6@", FamilyIPv6}} {
		if r, ok := strings.CutPrefix(rest, p.prefix); ok {
			rest, want = r, p.family
			break
		}
	}
	host, port := rest, ""
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		host, port = rest[:i], rest[i+1:]
	}
	num := uint64(0)
	if port != "" {
		var err error
		if num, err = strconv.ParseUint(port, 10, 16); err != nil {
			return Addr{}, fmt.Errorf("invalid port %q in address %q: want 0 to 65535", port, s)
		}
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "" || host == "*" {
		ip := netip.IPv4Unspecified()
		if want == FamilyIPv6 {
			ip = netip.IPv6Unspecified()
		}
		return FromAddrPort(netip.AddrPortFrom(ip, uint16(num))), nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return Addr{}, fmt.Errorf("invalid address %q: want IP:PORT, [IPv6]:PORT, a socket path or abns@NAME", s)
	}
	if want == FamilyIPv4 && !ip.Is4() || want == FamilyIPv6 && !ip.Is6() {
		return Addr{}, fmt.Errorf("address %q is not of the family its prefix names", s)
	}
	return FromAddrPort(netip.AddrPortFrom(ip, uint16(num))), nil
}

// UnixAddr returns the address of a socket in the file system. Paths are at
// most 107 bytes long.
func UnixAddr(path string) (Addr, error) {
	if path == "" || len(path) > unix.SizeofSockaddrUnix-unixPathOffset-1 {
		return Addr{}, fmt.Errorf("unix socket path of %d bytes: want 1 to %d", len(path), unix.SizeofSockaddrUnix-unixPathOffset-1)
	}
	var a Addr
	binary.NativeEndian.PutUint16(a.raw[:], unix.AF_UNIX)
	copy(a.raw[unixPathOffset:], path)
	a.n = uint32(unixPathOffset + len(path) + 1)
	return a, nil
}

// AbstractAddr returns an address in the abstract namespace. The name is padded
// with zeroes to the full length, which is what other proxies bind and connect to.
func AbstractAddr(name string) (Addr, error) {
	if name == "" || len(name) > unix.SizeofSockaddrUnix-unixPathOffset-1 {
		return Addr{}, fmt.Errorf("abstract socket name of %d bytes: want 1 to %d", len(name), unix.SizeofSockaddrUnix-unixPathOffset-1)
	}
	var a Addr
	binary.NativeEndian.PutUint16(a.raw[:], unix.AF_UNIX)
	copy(a.raw[unixPathOffset+1:], name)
	a.n = unix.SizeofSockaddrUnix
	return a, nil
}

// FromAddrPort returns the address of an IP endpoint. A zone is dropped.
func FromAddrPort(ap netip.AddrPort) Addr {
	var a Addr
	ip := ap.Addr()
	if ip.Is4() {
		binary.NativeEndian.PutUint16(a.raw[:], unix.AF_INET)
		binary.BigEndian.PutUint16(a.raw[2:], ap.Port())
		b := ip.As4()
		copy(a.raw[4:], b[:])
		a.n = unix.SizeofSockaddrInet4
		return a
	}
	binary.NativeEndian.PutUint16(a.raw[:], unix.AF_INET6)
	binary.BigEndian.PutUint16(a.raw[2:], ap.Port())
	b := ip.As16()
	copy(a.raw[8:], b[:])
	a.n = unix.SizeofSockaddrInet6
	return a
}

// ParseIP reads an address without a port; IPv6 may be in brackets. A zone ("%eth0") is none
// that can be kept.
func ParseIP(text string) (ip netip.Addr, ok bool) {
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") && strings.Contains(inner, ":") {
		text = strings.TrimSuffix(inner, "]")
	}
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return netip.Addr{}, false
	}
	return ip, true
}

// Family is one of the Family constants.
func (a *Addr) Family() int {
	if a.n < 2 {
		return FamilyNone
	}
	return int(binary.NativeEndian.Uint16(a.raw[:]))
}

// IsUnix reports whether a is a unix socket, abstract or not.
func (a *Addr) IsUnix() bool { return a.Family() == FamilyUnix }

// IsAbstract reports whether a is in the abstract unix namespace.
func (a *Addr) IsAbstract() bool {
	return a.IsUnix() && a.n > unixPathOffset && a.raw[unixPathOffset] == 0
}

// IsValid reports whether a holds an address.
func (a *Addr) IsValid() bool { return a.Family() != FamilyNone }

// AddrPort is the IP endpoint, invalid for unix addresses.
func (a *Addr) AddrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(a.raw[2:])
	switch a.Family() {
	case FamilyIPv4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a.raw[4:8])), port)
	case FamilyIPv6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(a.raw[8:24])), port)
	}
	return netip.AddrPort{}
}

// SetPort replaces the port of an IP address.
func (a *Addr) SetPort(port uint16) {
	if f := a.Family(); f == FamilyIPv4 || f == FamilyIPv6 {
		binary.BigEndian.PutUint16(a.raw[2:], port)
	}
}

// Path is the file name, or the name in the abstract namespace, of a unix address.
func (a *Addr) Path() string {
	if !a.IsUnix() || a.n <= unixPathOffset {
		return ""
	}
	p := a.raw[unixPathOffset:a.n]
	if p[0] == 0 {
		p = p[1:]
	}
	for i, c := range p {
		if c == 0 {
			p = p[:i]
			break
		}
	}
	return string(p)
}

// String writes the address as Parse reads it.
func (a *Addr) String() string {
	switch a.Family() {
	case FamilyIPv4, FamilyIPv6:
		return a.AddrPort().String()
	case FamilyUnix:
		if a.IsAbstract() {
			return "abns@" + a.Path()
		}
		return "unix@" + a.Path()
	}
	return "none"
}

// WithFamily writes the address so that it tells of what kind it is.
func (a *Addr) WithFamily() string {
	switch a.Family() {
	case FamilyIPv4:
		return "ipv4@" + a.String()
	case FamilyIPv6:
		return "ipv6@" + a.String()
	}
	return a.String()
}

// Prefix is a range of IP addresses, as in "127.0.0.0/8".
type Prefix struct{ netip.Prefix }

// ParsePrefix reads "ADDR" or "ADDR/BITS".
func ParsePrefix(s string) (Prefix, error) {
	if !strings.Contains(s, "/") {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return Prefix{}, fmt.Errorf("invalid network %q: want ADDRESS[/BITS]", s)
		}
		return Prefix{netip.PrefixFrom(ip, ip.BitLen())}, nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return Prefix{}, fmt.Errorf("invalid network %q: want ADDRESS[/BITS]", s)
	}
	return Prefix{p.Masked()}, nil
}

// Contains reports whether the IP of a lies within the prefix. A mapped IPv4 address is
// an IPv6 address.
func (p Prefix) Contains(a *Addr) bool { return p.Prefix.Contains(a.AddrPort().Addr()) }
