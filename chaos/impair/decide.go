package impair

import (
	"math"

	"bench/chaos/frame"
)

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

// hold adds the impairment's delay to the verdict, and reports whether the packet
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

// Delayed reports whether an impairment has to do with when the packet leaves.
func (v *Verdict) Delayed() bool { return v.mask != 0 }
