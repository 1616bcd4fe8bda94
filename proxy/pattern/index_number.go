package pattern

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"bench/proxy/txn"
)

// numbers finds ranges of integers.
type numbers struct {
	spans
}

// spans are ranges by entry. Where no two overlap they are also there in order, to be
// searched by halves; otherwise all are gone through, for the first declared counts.
type spans struct {
	all    ranges
	sorted []numbered // nil: some overlap
}

type numbered struct {
	span
	entry int32
}

func newSpans(entries []*Entry) spans {
	s := spans{all: make(ranges, len(entries))}
	sorted := make([]numbered, len(entries))
	for i, e := range entries {
		s.all[i], _ = parseSpan(e.Key)
		sorted[i] = numbered{s.all[i], int32(i)}
	}
	slices.SortFunc(sorted, func(a, b numbered) int { return cmp.Compare(a.low, b.low) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].low <= sorted[i-1].high {
			return s
		}
	}
	s.sorted = sorted
	return s
}

func (x *spans) entry(s *segment, n int64) int32 {
	if x.sorted == nil {
		for i := range x.all {
			if x.all[i].low <= n && n <= x.all[i].high && !s.entries[i].gone.Load() {
				return int32(i)
			}
		}
		return -1
	}
	lo, hi := 0, len(x.sorted)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); x.sorted[mid].high < n {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(x.sorted) && x.sorted[lo].low <= n {
		return s.alive(x.sorted[lo].entry)
	}
	return -1
}

func (x *numbers) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	return x.entry(s, int64(v.Lo)), 0
}

// lengths is numbers for lengths of texts.
type lengths struct{ numbers }

func (x *lengths) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	return x.entry(s, int64(len(v.B))), 0
}

// prefixIndex finds the longest network that holds an address. The networks of one
// family are ranges that lie within each other or apart; what is searched is where such
// ranges begin and end, and of each stretch between the innermost network.
type prefixIndex struct {
	four, six nest
}

// nest is a family's networks.
type nest struct {
	starts []wide  // of stretches
	inner  []int32 // network of each stretch, -1: none
	nets   []nested
}

type nested struct {
	last  wide
	bits  int32
	entry int32 // the first of those with the same network
	outer int32 // the network around it, -1: none
}

func (s *segment) newPrefixes() index {
	x := &prefixIndex{}
	var four, six []nested
	var lows [2][]wide
	for i, e := range s.entries {
		p, err := parseNetwork(e.Key)
		if err != nil {
			continue // never: the list has held that it is one
		}
		low, n := bounds(p)
		n.entry = int32(i)
		if p.Addr().Is4() {
			four, lows[0] = append(four, n), append(lows[0], low)
		} else {
			six, lows[1] = append(six, n), append(lows[1], low)
		}
	}
	x.four.fill(s, four, lows[0])
	x.six.fill(s, six, lows[1])
	return x
}

// bounds are the first and last addresses of a network.
func bounds(p netip.Prefix) (low wide, n nested) {
	bits := p.Bits()
	n.bits = int32(bits)
	if p.Addr().Is4() {
		b := p.Addr().As4()
		low.lo = uint64(binary.BigEndian.Uint32(b[:]))
		n.last.lo = low.lo | (1<<(32-bits) - 1)
		return low, n
	}
	b := p.Addr().As16()
	low = wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	n.last = low
	if bits < 64 {
		n.last.hi |= ^uint64(0) >> bits
		n.last.lo = ^uint64(0)
	} else if bits < 128 {
		n.last.lo |= ^uint64(0) >> (bits - 64)
	}
	return low, n
}

// fill sorts networks by their first address, the wider ones first, and goes through
// them with a stack of those that are open.
func (x *nest) fill(s *segment, nets []nested, lows []wide) {
	order := make([]int, len(nets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Or(lows[a].compare(lows[b]), cmp.Compare(nets[a].bits, nets[b].bits)) })
	open := int32(-1)
	twin := map[int32]int32{} // the last of those with the same network
	end := func(n int32) {
		if last := x.nets[n].last; last != (wide{^uint64(0), ^uint64(0)}) {
			x.stretch(last.next(), x.nets[n].outer)
		}
	}
	for _, i := range order {
		for open >= 0 && x.nets[open].last.compare(lows[i]) < 0 {
			end(open)
			open = x.nets[open].outer
		}
		if open >= 0 && x.nets[open].bits == nets[i].bits {
			of := x.nets[open].entry
			if l, ok := twin[of]; ok {
				of = l
			}
			s.twin(of, nets[i].entry)
			twin[x.nets[open].entry] = nets[i].entry
			continue
		}
		n := nets[i]
		n.outer = open
		open = int32(len(x.nets))
		x.nets = append(x.nets, n)
		x.stretch(lows[i], open)
	}
	for ; open >= 0; open = x.nets[open].outer {
		end(open)
	}
}

// stretch begins a stretch; one of no length gives way to it.
func (x *nest) stretch(start wide, inner int32) {
	if n := len(x.starts); n > 0 && x.starts[n-1] == start {
		x.inner[n-1] = inner
		return
	}
	x.starts, x.inner = append(x.starts, start), append(x.inner, inner)
}

func (x *nest) find(s *segment, a wide) (entry, bits int32) {
	lo, hi := 0, len(x.starts)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); x.starts[mid].compare(a) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return -1, 0
	}
	for n := x.inner[lo-1]; n >= 0; n = x.nets[n].outer {
		if i := s.alive(x.nets[n].entry); i >= 0 {
			return i, x.nets[n].bits
		}
	}
	return -1, 0
}

// find looks for the address in its own family, then for what it stands for in the other
// one.
func (x *prefixIndex) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	if v.Kind == txn.IPv4 {
		if i, n := x.four.find(s, wide{0, v.Lo}); i >= 0 {
			return i, n
		}
		return x.six.find(s, wide{0, 0xffff<<32 | v.Lo})
	}
	if i, n := x.six.find(s, wide{v.Hi, v.Lo}); i >= 0 {
		return i, n
	}
	if a, ok := embedded(v); ok {
		return x.four.find(s, wide{0, uint64(a)})
	}
	return -1, 0
}

// embedded is the IPv4 address that an IPv6 one holds: mapped or compatible (RFC 4291,
// section 2.5.5), or of 6to4 (RFC 3056).
func embedded(v *txn.Value) (uint32, bool) {
	switch {
	case v.Hi == 0 && (v.Lo>>32 == 0xffff || v.Lo>>32 == 0):
		return uint32(v.Lo), true
	case v.Hi>>48 == 0x2002:
		return uint32(v.Hi >> 16), true
	}
	return 0, false
}
