package impair

import (
	"bytes"
	"errors"
	"fmt"
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

// Verdict is what becomes of a packet.
type Verdict struct {
	Drop   bool
	Due    int64 // when to send it; not later than now is at once
	Copies int   // to send besides
	Flip   bool  // a bit of it, chosen by FlipBits
	Bits   uint64
	NoFIN  bool // take the FIN from it
	NoRoom bool // close the window
	Answer bool // send a RST back to the sender
	Cut    bool // send a RST onward in its place
	ICMP   bool // send an ICMP message back to the sender
	Ticket
}

// Ticket goes with a packet that is sent on, and tells at the end whose doing its
// delay was.
type Ticket struct {
	mask    uint8 // the impairments that delay it
	limited uint8 // those of them whose line was busy
	size    int32
	came    int64
	way     *way
	number  uint64 // within its flow and direction
}

// Engine holds the impairments of a link. It belongs to one goroutine.
type Engine struct {
	active [Slots]*impairment
	epochs uint32
	flows  *table
}

// NewEngine returns an engine without impairments.
func NewEngine() *Engine { return &Engine{flows: newTable(perGeneration)} }

// Add puts an impairment to work at the time now, in nanoseconds.
func (e *Engine) Add(s Spec, now int64) error {
	if err := s.Check(); err != nil {
		return err
	}
	if e.find(s.ID) != nil {
		return fmt.Errorf("an impairment %q is at work already", s.ID)
	}
	for i := range e.active {
		if e.active[i] == nil {
			e.epochs++
			e.active[i] = newImpairment(s, e.epochs, now)
			return nil
		}
	}
	return fmt.Errorf("%d impairments are at work on the link: no room for %q", Slots, s.ID)
}

// Remove ends an impairment and returns the truth about it.
func (e *Engine) Remove(id string, now int64) (*Truth, error) {
	for i, m := range e.active {
		if m != nil && m.ID == id {
			e.active[i] = nil
			m.truth.Ended = now
			return &m.truth, nil
		}
	}
	return nil, errUnknown(id)
}

// Truth returns what an impairment did so far.
func (e *Engine) Truth(id string) (*Truth, error) {
	if m := e.find(id); m != nil {
		return &m.truth, nil
	}
	return nil, errUnknown(id)
}

// IDs lists the impairments at work.
func (e *Engine) IDs() []string {
	ids := []string{}
	for _, m := range e.active {
		if m != nil {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// Segments tells whether one of the impairments must see the packets of the wire.
func (e *Engine) Segments() bool {
	for _, m := range e.active {
		if m != nil && m.Spec.Segments() {
			return true
		}
	}
	return false
}

func (e *Engine) find(id string) *impairment {
	for _, m := range e.active {
		if m != nil && m.ID == id {
			return m
		}
	}
	return nil
}

type errUnknown string

func (e errUnknown) Error() string { return fmt.Sprintf("no impairment %q is at work", string(e)) }

// ErrUnknown tells whether err says that an impairment is not at work.
func ErrUnknown(err error) bool {
	_, ok := errors.AsType[errUnknown](err)
	return ok
}

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

// concerns tells whether the impairment acts on packet p.
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

// bothSides tells whether the impairment must look at packets of the direction it
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

// passes tells whether a packet is none of an impairment's business: what finds
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

// Decide says what becomes of a packet of direction d that came at the time now
// and takes size bytes of the wire.
func (e *Engine) Decide(p *frame.Packet, d Direction, size int, now int64) (v Verdict) {
	v.Due, v.came, v.size = now, now, int32(size)
	if passes(p) {
		return v
	}
	f := e.flows.find(p)
	w := &f.way[d]
	index := w.index<<1 | uint64(d)
	w.index++
	v.way, v.number = w, w.index
	var carried int64
	if p.Proto == frame.TCP && p.L4 > 0 {
		carried = w.carried(p)
	}
	keep, held := true, false
	for i, m := range e.active {
		if m == nil {
			continue
		}
		s := &w.slots[i]
		if !m.concerns(p, d, f, i) {
			continue
		}
		if p.Proto == frame.TCP && p.L4 > 0 && m.trigger(p, d, f, i, carried, &v) {
			continue
		}
		if !m.sides[d] {
			continue
		}
		m.truth.touch(d, size, now)
		m.lose(p, f, s, index, &v)
		if m.double.hit(draw(m.Seed, drawDuplicate, f.id, index)) {
			v.Copies++
			m.truth.Duplicated++
		}
		if m.corrupt.hit(draw(m.Seed, drawCorrupt, f.id, index)) {
			v.Flip, v.Bits = true, draw(m.Seed, drawBit, f.id, index)
			m.truth.Corrupted++
		}
		if !m.delayed || v.Drop {
			continue
		}
		if m.Overtake {
			keep = false
		}
		v.mask |= 1 << i
		if m.hold(f, i, d, size, index, &v) {
			held = true
		}
	}
	if v.Drop && !v.Cut {
		return v
	}
	if keep && !held {
		v.Due = max(v.Due, w.due)
		w.due = v.Due
	}
	return v
}

// lose decides whether the impairment loses the packet.
func (m *impairment) lose(p *frame.Packet, f *Flow, s *slot, index uint64, v *Verdict) {
	lost := m.Drop
	if m.Loss > 0 && m.loss.hit(draw(m.Seed, drawLoss, f.id, index)) {
		lost = true
	}
	if b := m.Burst; b != nil {
		u := unit(draw(m.Seed, drawChain, f.id, index+2))
		share := b.Good
		if s.bad {
			share = b.Bad
		}
		if unit(draw(m.Seed, drawBurst, f.id, index)) < share {
			lost = true
		}
		if s.bad {
			s.bad = u >= b.Leave
		} else {
			s.bad = u < b.Enter
		}
	}
	if m.Reject != NoReject {
		lost = true
		if p.Flags&frame.RST == 0 || p.Proto != frame.TCP {
			m.truth.Rejected++
			v.Answer = m.Reject == WithReset && p.Proto == frame.TCP
			v.ICMP = !v.Answer
		}
	}
	if lost {
		v.Drop = true
		m.truth.drop(f.id, index)
	}
}

// hold adds the impairment's delay to the verdict, and tells whether the packet
// is one to be overtaken.
func (m *impairment) hold(f *Flow, i int, d Direction, size int, index uint64, v *Verdict) bool {
	s := &f.way[d].slots[i]
	if m.Rate > 0 {
		line := &m.busy[d]
		if *line > v.Due {
			if *line-v.Due > m.queue {
				v.Drop = true
				m.truth.Overflowed++
				return false
			}
			v.limited |= 1 << i
		}
		*line = max(*line, v.Due) + int64(float64(size)*8e9/m.Rate)
		v.Due = *line
	}
	by := m.steady
	if !m.fixed {
		u := unit(draw(m.Seed, drawDelay, f.id, index))
		if rho := m.Correlation; rho > 0 {
			// A first-order autoregression of normal deviates, turned into the
			// law asked for: correlated, and yet distributed by that law.
			z := normal(u)
			if s.last != 0 {
				z = rho*s.last + math.Sqrt(1-rho*rho)*z
			}
			s.last = z
			u = phi(z)
		}
		by = min(m.Delay.Quantile(u), maxDelay)
	}
	held := m.reorder.hit(draw(m.Seed, drawReorder, f.id, index))
	if held {
		by += m.ReorderBy
		m.truth.Held++
	}
	v.Due += int64(by)
	m.truth.ask(by)
	return held
}

// trigger acts on what a TCP segment says. It returns true when the segment has
// met its end.
func (m *impairment) trigger(p *frame.Packet, d Direction, f *Flow, i int, carried int64, v *Verdict) bool {
	s := &f.way[d].slots[i]
	other := &f.way[1-d].slots[i]
	if s.dead || (other.dead && other.epoch == m.epoch) {
		v.Drop = true
		v.Answer = p.Flags&frame.RST == 0
		return true
	}
	if !m.sides[d] {
		return false
	}
	if after := m.ResetAfter; after != nil && p.Payload() > 0 && carried > *after {
		s.dead = true
		v.Drop, v.Answer, v.Cut = true, true, true
		m.truth.touch(d, len(p.Bytes), v.Due)
		m.truth.Resets++
		return true
	}
	if p.Flags&(frame.SYN|frame.ACK) == frame.SYN|frame.ACK && int(s.synAcks) < m.DropSynAck {
		s.synAcks++
		v.Drop = true
		m.truth.touch(d, len(p.Bytes), v.Due)
		m.truth.SynAcks++
		return true
	}
	if m.LoseFin && p.Flags&frame.FIN != 0 {
		m.truth.Fins++
		if p.Payload() == 0 {
			v.Drop = true
			m.truth.touch(d, len(p.Bytes), v.Due)
			return true
		}
		v.NoFIN = true
	}
	if m.ZeroWindow && p.Flags&(frame.SYN|frame.RST) == 0 {
		v.NoRoom = true
		m.truth.Windows++
	}
	return false
}

// Delayed tells whether an impairment has to do with when the packet leaves.
func (v *Verdict) Delayed() bool { return v.mask != 0 }
