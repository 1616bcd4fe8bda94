package peering

import (
	"cmp"
	"encoding/binary"
	"slices"

	"bench/proxy/table"
	"bench/proxy/varint"
)

// enough is how much is gathered before it is sent.
const enough = 16 << 10

// push sends what there is to say, as far as the other side takes it, and as much as one
// turn allows.
func (s *session) push() {
	if s.state != established {
		s.flush()
		return
	}
	for left := max(s.g.cfg.AtOnce, 1); s.state == established; {
		if len(s.out) >= enough && !s.flush() {
			return
		}
		s.asides()
		if left <= 0 {
			if s.flush() {
				s.g.l.Wake(s.again())
			}
			return
		}
		n := 0
		if s.teaching {
			n = s.lesson(left)
		} else {
			n = s.changes(left)
		}
		if n == 0 {
			s.flush()
			return
		}
		left -= n
	}
}

// flush sends what waits, and reports whether nothing does any more.
func (s *session) flush() bool {
	if s.state == closed || len(s.out) == 0 {
		return s.state != closed
	}
	n, ok := s.end.Send(s.out)
	if !ok {
		s.close(true)
		return false
	}
	if n > 0 {
		s.said = s.g.l.Now()
	}
	s.out = append(s.out[:0], s.out[n:]...)
	return len(s.out) == 0
}

// asides writes the short messages.
func (s *session) asides() {
	if s.ask {
		s.ask = false
		s.out = append(s.out, classControl, resyncRequest)
	}
	for ; s.confirms > 0; s.confirms-- {
		s.out = append(s.out, classControl, resyncConfirm)
	}
	if s.beat {
		s.beat = false
		s.p.sentBeats++
		s.out = append(s.out, classControl, heartbeat)
	}
	for i := range s.tables {
		x := &s.tables[i]
		if x.got == x.acked {
			continue
		}
		x.acked = x.got
		body := binary.BigEndian.AppendUint32(varint.Append(s.g.body[:0], x.id), x.got)
		s.out = appendMessage(s.out, acknowledge, body)
		s.g.body = body
	}
}

// teach begins to tell the other side all that is known here. What changes meanwhile is
// told behind it.
func (s *session) teach() {
	s.teaching, s.ended = true, false
	for i := range s.tables {
		x, t := &s.tables[i], s.g.cfg.Tables[i]
		_, upTo := t.Changes(nil, ^uint64(0))
		x.upTo, x.through, x.pass, x.next, x.place, x.taught = upTo, upTo, nil, 0, table.Cursor{}, false
	}
}

// lesson writes up to n entries of what is taught, and returns how many messages there
// were: 0 where there is nothing to say before the other side has confirmed.
func (s *session) lesson(n int) (sent int) {
	if s.ended {
		return 0
	}
	g := s.g
	now := g.l.Now()
	for i := range s.tables {
		x, t := &s.tables[i], g.cfg.Tables[i]
		for !x.taught {
			if sent == n || len(s.out) >= enough {
				return sent
			}
			if !t.Next(&g.entry, &x.place, now) {
				x.taught = true
				break
			}
			// All have the number of what they follow: what is acknowledged of them counts for
			// nothing.
			s.entry(i, x.upTo, !s.p.older)
			sent++
		}
	}
	s.ended = true
	kind := byte(resyncPartial)
	if g.stage == upToDate {
		kind = resyncFinished
	}
	s.out = append(s.out, classControl, kind)
	return sent + 1
}

// changes writes up to n entries that were changed, and returns how many.
func (s *session) changes(n int) (sent int) {
	g := s.g
	now := g.l.Now()
	for i := range s.tables {
		x, t := &s.tables[i], g.cfg.Tables[i]
		if len(x.pass) == 0 {
			x.pass, x.through = t.Changes(x.pass, x.upTo)
			x.next = 0
			slices.SortFunc(x.pass, func(a, b table.Change) int { return cmp.Compare(a.Number, b.Number) })
		}
		for ; x.next < len(x.pass); x.next++ {
			if sent == n || len(s.out) >= enough {
				return sent
			}
			c := x.pass[x.next]
			x.upTo = c.Number
			if t.Changed(&g.entry, c, now) {
				s.entry(i, c.Number, false)
				sent++
			}
		}
		x.upTo = x.through
		if x.pass = x.pass[:0]; cap(x.pass) > maxIdlePass {
			x.pass = nil
		}
	}
	return sent
}

// maxIdlePass is how many places of changes are kept in memory for the next time.
const maxIdlePass = 4096

// entry writes the entry at hand as one of table i, under a number.
func (s *session) entry(i int, number uint64, timed bool) {
	g, x, t := s.g, &s.tables[i], s.g.cfg.Tables[i]
	fresh := s.to != i
	if s.to = i; fresh {
		g.body = appendDefinition(g.body[:0], uint64(i+1), t.Spec)
		s.out = appendMessage(s.out, define, g.body)
	}
	kind := byte(update)
	b := g.body[:0]
	if !fresh && number == x.last+1 {
		kind = nextUpdate
	} else {
		b = binary.BigEndian.AppendUint32(b, uint32(number))
	}
	if timed {
		kind += timedUpdate - update
		b = binary.BigEndian.AppendUint32(b, uint32(max(g.entry.Left(), 0)))
	}
	b = appendKey(b, t.Spec, g.entry.Key())
	b = appendCells(b, t.Spec, &g.entry, &s.sentTxt)
	s.out = appendMessage(s.out, kind, b)
	g.body, x.last = b, number
}
