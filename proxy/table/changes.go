package table

import (
	"encoding/binary"
	"sync/atomic"
)

// Entries that were changed here, and not by what another process has said, lie in a list
// of their shard, in the order of numbers that they get by it: whoever follows the changes
// reads what has a higher number than the last one. An entry whose number nobody has read
// yet keeps it, however often it changes, so that a busy one costs a look.
const (
	linkOlder  = 0 // the entry before in the list, plus 1
	linkNewer  = 4 // the one behind
	linkNumber = 8 // 0: it is not in the list
	linksSize  = 16
)

// changeLog is what the shards have in common of their lists.
type changeLog struct {
	number atomic.Uint64 // the last that was given
	read   atomic.Uint64 // the highest that somebody has gone up to
	called atomic.Bool   // the bell was rung, and nobody has come yet
	ring   func()
}

// Follow has ring called when there is a change to be read, from any goroutine and with a
// lock held, and not again before Changes. It comes before any use of the table.
func (t *Table) Follow(ring func()) { t.log.ring = ring }

// Shared tells whether changes are kept for others.
func (t *Table) Shared() bool { return t.links != 0 }

// list notes a change of entry i of a shard that is locked.
func (t *Table) list(s *shard, i uint32, e []byte) {
	if t.links == 0 {
		return
	}
	l := e[t.links : t.links+linksSize]
	n := binary.NativeEndian.Uint64(l[linkNumber:])
	if n > t.log.read.Load() {
		return
	}
	t.unlist(s, e)
	binary.NativeEndian.PutUint64(l[linkNumber:], t.log.number.Add(1))
	put(l, linkOlder, s.newest)
	if s.newest != 0 {
		put(s.entry(s.newest - 1)[t.links:], linkNewer, i+1)
	} else {
		s.oldest = i + 1
	}
	s.newest = i + 1
	if t.log.ring != nil && !t.log.called.Load() && t.log.called.CompareAndSwap(false, true) {
		t.log.ring()
	}
}

// unlist takes an entry out of the list of changes, if it is there.
func (t *Table) unlist(s *shard, e []byte) {
	if t.links == 0 {
		return
	}
	l := e[t.links : t.links+linksSize]
	if binary.NativeEndian.Uint64(l[linkNumber:]) == 0 {
		return
	}
	older, newer := get(l, linkOlder), get(l, linkNewer)
	if older != 0 {
		put(s.entry(older - 1)[t.links:], linkNewer, newer)
	} else {
		s.oldest = newer
	}
	if newer != 0 {
		put(s.entry(newer - 1)[t.links:], linkOlder, older)
	} else {
		s.newest = older
	}
	clear(l)
}

// Change is an entry that was changed, by its place.
type Change struct {
	Number uint64
	serial uint32
	shard  uint32
	entry  uint32
}

// LastChange is the number of the last change.
func (t *Table) LastChange() uint64 { return t.log.number.Load() }

// Changes appends to dst what was changed behind a number, without order, and returns up
// to which number that is all.
func (t *Table) Changes(dst []Change, after uint64) ([]Change, uint64) {
	t.log.called.Store(false)
	upTo := t.log.number.Load()
	for {
		// What is changed from here on gets a new number: it may have been read.
		if r := t.log.read.Load(); r >= upTo || t.log.read.CompareAndSwap(r, upTo) {
			break
		}
	}
	if upTo <= after {
		return dst, upTo
	}
	for at := range t.shards {
		s := &t.shards[at]
		s.mu.Lock()
		for next := s.newest; next != 0; {
			e := s.entry(next - 1)
			l := e[t.links:]
			n := binary.NativeEndian.Uint64(l[linkNumber:])
			if n <= after {
				break
			}
			if n <= upTo {
				dst = append(dst, Change{Number: n, serial: get(e, atSerial), shard: uint32(at), entry: next - 1})
			}
			next = get(l, linkOlder)
		}
		s.mu.Unlock()
	}
	return dst, upTo
}

// Changed copies an entry that was changed, as it is by now, to x. It reports false if it
// is gone, or has expired: whoever is told of it would begin its time anew.
func (t *Table) Changed(x *Entry, c Change, now int64) bool {
	s := &t.shards[c.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	x.t, x.now = t, millis(now)
	if e := s.entry(c.entry); get(e, atSerial) != c.serial || t.expired(e, x.now) {
		return false
	}
	x.take(s, c.shard, c.entry)
	return true
}

// Cursor is a place on the way through all entries of a table.
type Cursor struct{ shard, entry uint32 }

// Next copies the next entry behind a place to x, and reports false at the end. Entries
// that come meanwhile may be missed.
func (t *Table) Next(x *Entry, c *Cursor, now int64) bool {
	x.t, x.now = t, millis(now)
	for ; c.shard < shards; c.shard, c.entry = c.shard+1, 0 {
		if t.nextOf(x, c) {
			return true
		}
	}
	return false
}

func (t *Table) nextOf(x *Entry, c *Cursor) bool {
	s := &t.shards[c.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	for c.entry < s.made {
		i := c.entry
		c.entry++
		if e := s.entry(i); get(e, atSerial) != 0 && !t.expired(e, x.now) {
			x.take(s, c.shard, i)
			return true
		}
	}
	return false
}
