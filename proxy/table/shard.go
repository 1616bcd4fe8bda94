package table

import (
	"bytes"
	"sync"
)

const (
	chunkBits = 8 // entries that are made at a time, as a power of two
	chunk     = 1 << chunkBits
)

// shard is the part of a table that one lock guards.
type shard struct {
	mu    sync.Mutex
	size  int      // of an entry
	made  uint32   // entries, used or not
	free  uint32   // the first that is not used, plus 1
	n     int      // entries in use
	heads []uint32 // of the chains, plus 1, by the hash's lower bits
	due   order
	parts [][]byte // the entries
	// The ends of the list of changes, plus 1: which entries others have to be told of, in
	// the order of their numbers.
	oldest, newest uint32

	_ [64]byte // locks of two shards are not to share a line of the cache
}

// entry is the memory of one entry.
func (s *shard) entry(i uint32) []byte {
	at := int(i&(chunk-1)) * s.size
	return s.parts[i>>chunkBits][at : at+s.size : at+s.size]
}

// find finds an entry by its key.
func (s *shard) find(t *Table, hash uint32, key []byte) (uint32, bool) {
	if len(s.heads) == 0 {
		return 0, false
	}
	for next := s.heads[hash&uint32(len(s.heads)-1)]; next != 0; {
		i := next - 1
		e := s.entry(i)
		if get(e, atHash) == hash && bytes.Equal(t.key(e), key) {
			return i, true
		}
		next = get(e, atNext)
	}
	return 0, false
}

// insert makes an empty entry.
func (s *shard) insert(hash uint32, key []byte, serial uint32) uint32 {
	if s.n >= len(s.heads) {
		s.grow()
	}
	if s.free == 0 {
		s.extend()
	}
	i := s.free - 1
	e := s.entry(i)
	s.free = get(e, atNext)
	clear(e)
	copy(e[atKey:], key)
	put(e, atHash, hash)
	put(e, atSerial, serial)
	s.link(i, e)
	s.n++
	return i
}

func (s *shard) link(i uint32, e []byte) {
	head := &s.heads[get(e, atHash)&uint32(len(s.heads)-1)]
	put(e, atNext, *head)
	*head = i + 1
}

// grow doubles the number of chains.
func (s *shard) grow() {
	old := s.heads
	s.heads = make([]uint32, max(2*len(old), 16))
	for _, next := range old {
		for next != 0 {
			e := s.entry(next - 1)
			i := next - 1
			next = get(e, atNext)
			s.link(i, e)
		}
	}
}

// extend makes room for more entries.
func (s *shard) extend() {
	s.parts = append(s.parts, make([]byte, chunk*s.size))
	for i := s.made + chunk; i > s.made; i-- {
		put(s.entry(i-1), atNext, s.free)
		s.free = i
	}
	s.made += chunk
}

// remove takes an entry out. Its mark, if it has one, goes when it is met.
func (s *shard) remove(i uint32) {
	e := s.entry(i)
	at := &s.heads[get(e, atHash)&uint32(len(s.heads)-1)]
	if *at == i+1 {
		*at = get(e, atNext)
	} else {
		for prev := *at - 1; ; {
			p := s.entry(prev)
			next := get(p, atNext)
			if next == i+1 {
				put(p, atNext, get(e, atNext))
				break
			}
			prev = next - 1
		}
	}
	put(e, atSerial, 0)
	put(e, atNext, s.free)
	s.free = i + 1
	s.n--
	if len(s.due) > 2*s.n+chunk {
		s.sweepMarks()
	}
}

// sweepMarks drops the marks of entries that are gone.
func (s *shard) sweepMarks() {
	old := s.due
	s.due = s.due[:0]
	for _, m := range old {
		if get(s.entry(m.entry), atSerial) == m.serial {
			s.due.push(m)
		}
	}
}

// enlist puts an entry into the order of expiry, unless it is there.
func (s *shard) enlist(i uint32, e []byte) {
	if uses := get(e, atUses); uses&ordered == 0 {
		put(e, atUses, uses|ordered)
		s.due.push(mark{expire: get(e, atExpire), serial: get(e, atSerial), entry: i})
	}
}

// first is the mark of the entry that nobody holds and that expires first. What is met
// of marks that are out of date is put right.
func (s *shard) first() (mark, bool) {
	for len(s.due) > 0 {
		m := s.due[0]
		e := s.entry(m.entry)
		if get(e, atSerial) != m.serial {
			s.due.pop()
			continue
		}
		if uses := get(e, atUses); uses != ordered {
			// Held: it comes back when it is let go of.
			put(e, atUses, uses&^uint32(ordered))
			s.due.pop()
			continue
		}
		if expire := get(e, atExpire); expire != m.expire {
			m.expire = expire
			s.due.sink(m)
			continue
		}
		return m, true
	}
	return mark{}, false
}
