package peering

import (
	"time"

	"bench/proxy/table"
)

// receive does what a message asks for. What is not known is passed over: later versions
// may send more.
func (s *session) receive(m message) {
	switch m.class {
	case classControl:
		s.control(m.kind)
	case classError:
		s.p.errors++ // who says so hangs up
	case classReserved:
		s.refuse(protocolError)
	case classTable:
		switch m.kind {
		case define:
			s.define(m.body)
		case switchTo:
			s.switchTo(m.body)
		case update, nextUpdate, timedUpdate, nextTimed:
			s.update(m.kind, m.body)
		case acknowledge:
			s.acknowledged(m.body)
		}
	}
}

func (s *session) control(kind byte) {
	switch kind {
	case resyncRequest:
		s.teach()
	case resyncFinished, resyncPartial:
		s.confirms++
		s.g.taught(s, kind == resyncFinished)
	case resyncConfirm:
		if s.teaching && s.ended {
			s.teaching, s.ended = false, false
			for i := range s.tables {
				s.p.sent[i] = max(s.p.sent[i], s.tables[i].upTo)
			}
			if s.p == s.g.local {
				s.g.finish()
			}
		}
	case heartbeat:
		s.p.heardBeats++
	}
}

// define takes in what the following entries are about.
func (s *session) define(body []byte) {
	d, useful, ok := parseDefinition(body)
	if !ok {
		s.refuse(protocolError)
		return
	}
	if s.from = -1; !useful {
		return
	}
	for i, t := range s.g.cfg.Tables {
		if t.SharedAs != string(d.name) {
			continue
		}
		for other := range s.tables {
			if x := &s.tables[other]; x.id == d.id {
				x.defined = false // the number is another table's now
			}
		}
		if keyTypes[t.Type] == d.keyType && keyLength(t.Spec) == d.keyLength {
			x := &s.tables[i]
			x.defined, x.id, x.columns = true, d.id, d.columns
			s.from = i
		}
		return
	}
}

func (s *session) switchTo(body []byte) {
	r := reader{b: body}
	id := r.int()
	if r.failed {
		s.refuse(protocolError)
		return
	}
	s.from = -1
	for i := range s.tables {
		if x := &s.tables[i]; x.defined && x.id == id {
			s.from = i
		}
	}
}

// update takes in an entry.
func (s *session) update(kind byte, body []byte) {
	if s.from < 0 {
		return
	}
	g, x, t := s.g, &s.tables[s.from], s.g.cfg.Tables[s.from]
	r := reader{b: body}
	if kind == update || kind == timedUpdate {
		x.got = r.uint32()
	} else {
		x.got++
	}
	left := time.Duration(-1)
	if kind == timedUpdate || kind == nextTimed {
		left = time.Duration(r.uint32()) * time.Millisecond
	}
	key := r.key(t.Spec, g.key[:])
	g.cells = r.cells(g.cells[:0], x.columns, &s.heardT)
	if r.failed {
		s.refuse(protocolError)
		return
	}
	if t.Type == table.String && len(key) == 0 {
		return // no entry has such a key
	}
	t.Learn(key, g.cells, left, g.l.Now())
}

// acknowledged notes what the other side has got.
func (s *session) acknowledged(body []byte) {
	r := reader{b: body}
	id := r.int()
	number := r.uint32()
	if r.failed {
		s.refuse(protocolError)
		return
	}
	if s.teaching || id < 1 || id > uint64(len(s.tables)) {
		return
	}
	x, sent := &s.tables[id-1], &s.p.sent[id-1]
	// Only the lower half of a number is told.
	upTo := x.last - uint64(uint32(x.last)-number)
	if x.last == 0 || upTo > x.last || upTo <= *sent {
		return
	}
	if *sent = upTo; upTo == x.last && len(x.pass) == 0 {
		*sent = x.upTo
	}
}
