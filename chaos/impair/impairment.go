package impair

import (
	"bytes"
	"math"
	"time"

	"bench/chaos/frame"
)

// impairment is a Spec at work.
type impairment struct {
	Spec
	truth   Truth
	epoch   uint32
	sides   [2]bool
	proto   [2]uint8 // of IPv4 and IPv6; 0 is all
	bits    int      // of the address prefix
	prefix  [16]byte
	chosen  uint64 // flows below it are concerned
	loss    threshold
	double  threshold
	corrupt threshold
	reorder threshold
	delayed bool
	steady  time.Duration // the delay, if it is always the same
	fixed   bool
	busy    [2]int64 // until when the limited line sends
	queue   int64
}

// threshold is a probability as the bits below which a draw must be.
type threshold struct {
	below  uint64
	always bool
}

func newThreshold(p float64) threshold {
	return threshold{below: uint64(p * 0x1p63 * 2), always: p >= 1}
}

func (t threshold) hit(bits uint64) bool { return t.always || bits < t.below }

// defaultQueue is the wait that a limited line allows for.
const defaultQueue = 50 * time.Millisecond

func newImpairment(s Spec, epoch uint32, now int64) *impairment {
	m := &impairment{
		Spec: s, epoch: epoch,
		sides: [2]bool{s.Match.Direction != DownOnly, s.Match.Direction != UpOnly},
		loss:  newThreshold(s.Loss), double: newThreshold(s.Duplicate),
		corrupt: newThreshold(s.Corrupt), reorder: newThreshold(s.Reorder),
		delayed: s.delays(), queue: int64(s.Queue), chosen: math.MaxUint64,
	}
	m.truth = newTruth(now, m.delayed)
	m.steady, m.fixed = s.Delay.Fixed()
	if m.queue == 0 {
		m.queue = int64(defaultQueue)
	}
	if c := s.Match.Connections; c > 0 && c < 1 {
		m.chosen = newThreshold(c).below
	}
	switch s.Match.Protocol {
	case "tcp":
		m.proto = [2]uint8{frame.TCP, frame.TCP}
	case "udp":
		m.proto = [2]uint8{frame.UDP, frame.UDP}
	case "icmp":
		m.proto = [2]uint8{frame.ICMP, frame.ICMPv6}
	}
	if a := s.Match.Address; a.IsValid() {
		m.prefix, m.bits = a.Addr().As16(), a.Bits()
		if a.Addr().Is4() {
			m.bits += 96
		}
	}
	return m
}

// concerns reports whether the impairment acts on packet p.
func (m *impairment) concerns(p *frame.Packet, d Direction, f *Flow, i int) bool {
	if !m.sides[d] && !m.bothSides() {
		return false
	}
	family := 0
	if p.V6 {
		family = 1
	}
	if m.proto[family] != 0 && p.Proto != m.proto[family] {
		return false
	}
	if port := m.Match.Port; port != 0 && p.Src.Port != port && p.Dst.Port != port {
		return false
	}
	if m.bits > 0 && !within(&p.Src.Addr, &m.prefix, m.bits) && !within(&p.Dst.Addr, &m.prefix, m.bits) {
		return false
	}
	s := &f.way[d].slots[i]
	if s.epoch != m.epoch {
		*s = slot{epoch: m.epoch}
		s.chosen = m.chosen == math.MaxUint64 || draw(m.Seed, drawFlow, f.id, 0) < m.chosen
		if s.chosen && f.way[1-d].slots[i].epoch != m.epoch {
			m.truth.Flows++
		}
		if b := m.Burst; b != nil {
			// The chain begins in its long-run state.
			s.bad = unit(draw(m.Seed, drawChain, f.id, uint64(d))) < b.Enter/(b.Enter+b.Leave)
		}
	}
	return s.chosen
}

// bothSides reports whether the impairment must look at packets of the direction it
// does not act on: those of a connection that it has reset.
func (m *impairment) bothSides() bool { return m.ResetAfter != nil }

func within(a, prefix *[16]byte, bits int) bool {
	n := bits / 8
	if !bytes.Equal(a[:n], prefix[:n]) {
		return false
	}
	rest := bits % 8
	return rest == 0 || (a[n]^prefix[n])>>(8-rest) == 0
}

// passes reports whether a packet is none of an impairment's business: what finds
// neighbours (RFC 4861 section 4).
func passes(p *frame.Packet) bool {
	if p.L3 == 0 {
		return true
	}
	if p.V6 && p.Proto == frame.ICMPv6 && len(p.Bytes) > p.L3+40 {
		t := p.Bytes[p.L3+40]
		return t >= 133 && t <= 137
	}
	return false
}
