package pattern

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"bench/internal/sock"
	"bench/proxy/txn"
)

// networks is a set of addresses: ranges in order, none touching another, so that a
// search by halves finds the only one that can hold an address.
type networks struct {
	four []range4
	six  []range6
}

type range4 struct{ low, high uint32 }

// wide is an IPv6 address as a number.
type wide struct{ hi, lo uint64 }

type range6 struct{ low, high wide }

func (w wide) compare(o wide) int {
	if c := cmp.Compare(w.hi, o.hi); c != 0 {
		return c
	}
	return cmp.Compare(w.lo, o.lo)
}

func (w wide) next() wide {
	lo, carry := bits.Add64(w.lo, 1, 0)
	return wide{w.hi + carry, lo}
}

// has looks for an address in its own family, and for what it stands for in the other
// one.
func (n *networks) has(v *txn.Value) bool {
	if v.Kind == txn.IPv4 {
		return n.has4(uint32(v.Lo)) || len(n.six) > 0 && n.has6(wide{0, 0xffff<<32 | v.Lo})
	}
	if n.has6(wide{v.Hi, v.Lo}) {
		return true
	}
	a, ok := embedded(v)
	return ok && n.has4(a)
}

func (n *networks) has6(w wide) bool {
	lo, hi := 0, len(n.six)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); n.six[mid].high.compare(w) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(n.six) && n.six[lo].low.compare(w) <= 0
}

func (n *networks) has4(a uint32) bool {
	lo, hi := 0, len(n.four)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); n.four[mid].high < a {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(n.four) && n.four[lo].low <= a
}

// compileNetworks reads addresses and networks, with a length or a mask.
func (s *fixed) compileNetworks(patterns []string) error {
	for i, p := range patterns {
		if err := s.nets.add(p); err != nil {
			return &Error{nil, i, err}
		}
	}
	s.nets.tidy()
	return nil
}

func (n *networks) add(p string) error {
	prefix, err := parseNetwork(p)
	if err != nil {
		return err
	}
	low, net := bounds(prefix)
	if prefix.Addr().Is4() {
		n.four = append(n.four, range4{uint32(low.lo), uint32(net.last.lo)})
	} else {
		n.six = append(n.six, range6{low, net.last})
	}
	return nil
}

// parseNetwork reads an address or a network.
func parseNetwork(p string) (netip.Prefix, error) {
	text := p
	// IPv4 networks may have masks that are not prefixes in the reference; nobody
	// writes those.
	addr, mask, _ := strings.Cut(p, "/")
	if _, err := netip.ParseAddr(addr); err == nil && strings.Contains(mask, ".") {
		length, err := maskLength(mask)
		if err != nil {
			return netip.Prefix{}, err
		}
		text = fmt.Sprintf("%s/%d", addr, length)
	}
	pre, err := sock.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("'%s' is not an address or a network: want one such as 192.0.2.0/24 or 2001:db8::/32", p)
	}
	return pre.Masked(), nil
}

// maskLength turns a mask such as 255.255.0.0 into a length.
func maskLength(mask string) (int, error) {
	a, err := netip.ParseAddr(mask)
	if err != nil || !a.Is4() {
		return 0, fmt.Errorf("'%s' is not a mask: want one such as 255.255.0.0, or a length", mask)
	}
	b := a.As4()
	m := binary.BigEndian.Uint32(b[:])
	if n := bits.OnesCount32(m); m == ^uint32(0)<<(32-n) {
		return n, nil
	}
	return 0, fmt.Errorf("mask '%s' is not the beginning of an address", mask)
}

// tidy sorts the ranges and joins those that touch.
func (n *networks) tidy() {
	slices.SortFunc(n.four, func(a, b range4) int { return cmp.Compare(a.low, b.low) })
	four := n.four[:0]
	for _, r := range n.four {
		if last := len(four) - 1; last >= 0 && (r.low <= four[last].high || r.low-1 == four[last].high) {
			four[last].high = max(four[last].high, r.high)
			continue
		}
		four = append(four, r)
	}
	n.four = four
	slices.SortFunc(n.six, func(a, b range6) int { return a.low.compare(b.low) })
	six := n.six[:0]
	for _, r := range n.six {
		if last := len(six) - 1; last >= 0 && (r.low.compare(six[last].high) <= 0 || six[last].high.next() == r.low) {
			if r.high.compare(six[last].high) > 0 {
				six[last].high = r.high
			}
			continue
		}
		six = append(six, r)
	}
	n.six = six
}
