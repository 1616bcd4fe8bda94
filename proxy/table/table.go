package table

import (
	"bytes"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"bench/internal/loop"
)

// shards is how many parts a table has: enough for threads to meet rarely.
const shards = 32

// Table is one stick table. All methods may be called from any goroutine. Times are
// those of loop.Nanotime.
type Table struct {
	*Spec
	layout
	seed   maphash.Seed
	used   atomic.Int64
	serial atomic.Uint32
	names  names
	log    changeLog
	// purging is held by whoever makes room, over the locks of shards.
	purging sync.Mutex
	shards  [shards]shard
}

// New makes a table.
func New(s *Spec) *Table {
	t := &Table{Spec: s, layout: newLayout(s), seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].size = t.size
	}
	return t
}

// Ref is an entry that is held, and cannot go while it is. The zero value refers to
// none.
type Ref struct {
	t     *Table
	shard uint32
	entry uint32
}

// Valid reports whether the reference is to an entry.
func (r Ref) Valid() bool { return r.t != nil }

// Table is the table of the entry.
func (r Ref) Table() *Table { return r.t }

// lock locks the entry's shard and returns its memory.
func (r Ref) lock() (*shard, []byte) {
	s := &r.t.shards[r.shard]
	s.mu.Lock()
	return s, s.entry(r.entry)
}

// millis are the milliseconds of a time. They wrap: only differences have a meaning.
func millis(now int64) uint32 { return uint32(now / int64(time.Millisecond)) }

// Used is the number of entries.
func (t *Table) Used() int { return int(t.used.Load()) }

// Now is the present time.
func (t *Table) Now() int64 { return loop.Nanotime() }

// key is that of an entry. Texts end at the first zero.
func (t *Table) key(e []byte) []byte {
	k := e[atKey : atKey+t.Length]
	if t.Type == String {
		if end := bytes.IndexByte(k, 0); end >= 0 {
			k = k[:end]
		}
	}
	return k
}

func (t *Table) locate(key []byte) (at, hash uint32) {
	h := maphash.Bytes(t.seed, key)
	return uint32(h>>32) % shards, uint32(h)
}

// expired reports whether an entry is one no more.
func (t *Table) expired(e []byte, now uint32) bool {
	return t.Expire > 0 && get(e, atUses)&^uint32(ordered) == 0 && int32(get(e, atExpire)-now) <= 0
}

// Find finds the entry of a key and holds it.
func (t *Table) Find(key []byte, now int64) (Ref, bool) {
	at, hash := t.locate(key)
	s := &t.shards[at]
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.find(t, hash, key)
	if !ok {
		return Ref{}, false
	}
	e := s.entry(i)
	if t.expired(e, millis(now)) {
		return Ref{}, false
	}
	put(e, atUses, get(e, atUses)+1)
	return Ref{t, at, i}, true
}

// Make finds the entry of a key, or makes one, and holds it. Without room for another
// one it reports false.
func (t *Table) Make(key []byte, now int64) (Ref, bool) {
	at, hash := t.locate(key)
	s := &t.shards[at]
	ms := millis(now)
	for {
		s.mu.Lock()
		i, ok := s.find(t, hash, key)
		if ok && t.expired(s.entry(i), ms) {
			t.remove(s, i)
			ok = false
		}
		if !ok {
			if t.used.Add(1) > int64(t.Size) {
				t.used.Add(-1)
				s.mu.Unlock()
				if !t.makeRoom(ms) {
					return Ref{}, false
				}
				continue
			}
			i = s.insert(hash, key, t.nextSerial())
			put(s.entry(i), atExpire, ms+t.lifetime())
		}
		e := s.entry(i)
		put(e, atUses, get(e, atUses)+1)
		s.mu.Unlock()
		return Ref{t, at, i}, true
	}
}

// nextSerial numbers entries; 0 is none's.
func (t *Table) nextSerial() uint32 {
	for {
		if n := t.serial.Add(1); n != 0 {
			return n
		}
	}
}

func (t *Table) lifetime() uint32 { return uint32(t.Expire.Milliseconds()) }

// touch notes that the entry was used.
func (t *Table) touch(e []byte, now uint32) { put(e, atExpire, now+t.lifetime()) }

// changed notes that the entry, whose shard is locked, was used and is not what it was.
func (r Ref) changed(s *shard, e []byte, now uint32) {
	r.t.touch(e, now)
	r.t.list(s, r.entry, e)
}

// Drop lets go of an entry that Find or Make held.
func (r Ref) Drop() {
	s, e := r.lock()
	r.drop(s, e)
	s.mu.Unlock()
}

func (r Ref) drop(s *shard, e []byte) {
	uses := get(e, atUses) - 1
	put(e, atUses, uses)
	if uses&^uint32(ordered) == 0 {
		s.enlist(r.entry, e)
	}
}

// Touch makes the entry begin its time anew.
func (r Ref) Touch(now int64) {
	s, e := r.lock()
	r.changed(s, e, millis(now))
	s.mu.Unlock()
}

// sweepShare is how many entries are removed with a lock held once.
const sweepShare = 128

// Sweep removes what has expired, and returns how many entries that were.
func (t *Table) Sweep(now int64) int { return t.sweep(millis(now)) }

func (t *Table) sweep(now uint32) (n int) {
	if t.Expire <= 0 {
		return 0
	}
	for i := range t.shards {
		s := &t.shards[i]
		for more := true; more; {
			more = false
			s.mu.Lock()
			for range sweepShare {
				m, ok := s.first()
				if !ok || int32(m.expire-now) > 0 {
					more = false
					break
				}
				s.due.pop()
				t.remove(s, m.entry)
				n++
				more = true
			}
			s.mu.Unlock()
		}
	}
	return n
}

// makeRoom removes what has expired, or else the entries that would expire first: a
// 256th of the table's size and one, as in the reference. It reports whether there is
// room now.
func (t *Table) makeRoom(now uint32) bool {
	t.purging.Lock()
	defer t.purging.Unlock()
	if t.used.Load() < int64(t.Size) || t.sweep(now) > 0 {
		return true
	}
	if t.NoPurge {
		return false
	}
	var marks [shards]mark
	var there [shards]bool
	look := func(i int) {
		s := &t.shards[i]
		s.mu.Lock()
		marks[i], there[i] = s.first()
		s.mu.Unlock()
	}
	for i := range t.shards {
		look(i)
	}
	// Others, who hold no lock of all, may use or remove what was the first: that costs a
	// try and counts for nothing.
	most := int(t.Size>>8) + 1
	removed := 0
	for range most + 64*shards {
		if removed == most {
			break
		}
		least := -1
		for i := range marks {
			if there[i] && (least < 0 || marks[i].before(marks[least])) {
				least = i
			}
		}
		if least < 0 {
			break
		}
		s := &t.shards[least]
		s.mu.Lock()
		// It may have been used, or removed, meanwhile.
		if m, ok := s.first(); ok && m == marks[least] {
			s.due.pop()
			t.remove(s, m.entry)
			removed++
		}
		marks[least], there[least] = s.first()
		s.mu.Unlock()
	}
	return removed > 0 || t.used.Load() < int64(t.Size)
}

// Remove removes the entry of a key. It reports whether there was one, and whether it
// had to stay because it is held.
func (t *Table) Remove(key []byte) (found, held bool) {
	at, hash := t.locate(key)
	s := &t.shards[at]
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.find(t, hash, key)
	if !ok {
		return false, false
	}
	if get(s.entry(i), atUses)&^uint32(ordered) != 0 {
		return true, true
	}
	t.remove(s, i)
	return true, false
}

// remove takes entry i out of a shard that is locked.
func (t *Table) remove(s *shard, i uint32) {
	e := s.entry(i)
	if at := t.offset[ServerKey]; at != 0 {
		t.names.release(get(e, at))
	}
	t.unlist(s, e)
	s.remove(i)
	t.used.Add(-1)
}
