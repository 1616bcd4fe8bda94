package table

import (
	"bytes"
	"slices"

	"bench/internal/giveway"
)

// Entry is a copy of an entry at one moment.
type Entry struct {
	t    *Table
	b    []byte
	name string
	now  uint32
	ID   uint64 // of the place where it was
}

// Key is the key of the entry.
func (x *Entry) Key() []byte { return x.t.key(x.b) }

// Holders is by how many it was held.
func (x *Entry) Holders() int { return int(get(x.b, atUses) &^ uint32(ordered)) }

// Left is the time until it expires, in milliseconds.
func (x *Entry) Left() int64 { return int64(int32(get(x.b, atExpire) - x.now)) }

// Value is element i of a datum that the table holds.
func (x *Entry) Value(d Datum, i int) uint64 {
	at, of := x.t.cell(d, i)
	return x.t.value(x.b, at, of, x.now)
}

// Name is a datum that is a text, "" where none is kept.
func (x *Entry) Name(Datum) string { return x.name }

// Get copies the entry of a key.
func (t *Table) Get(key []byte, now int64) (Entry, bool) {
	x := Entry{t: t}
	ok := t.copyTo(&x, key, now)
	return x, ok
}

func (t *Table) copyTo(x *Entry, key []byte, now int64) bool {
	at, hash := t.locate(key)
	s := &t.shards[at]
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.find(t, hash, key)
	if !ok {
		return false
	}
	e := s.entry(i)
	if x.now = millis(now); t.expired(e, x.now) {
		return false
	}
	x.take(s, at, i)
	return true
}

// take copies entry i of a shard that is locked.
func (x *Entry) take(s *shard, at, i uint32) {
	e := s.entry(i)
	x.b, x.name, x.ID = append(x.b[:0], e...), x.t.nameOf(e), uint64(at)<<32|uint64(i)
}

// Each calls fn with a copy of each entry, in the order of keys, until it returns false.
// Entries that come or go meanwhile may be missed. No lock is held while fn runs; what
// it is given is good until it returns.
func (t *Table) Each(now int64, fn func(*Entry) bool) {
	keys := t.keys()
	x := Entry{t: t}
	for _, k := range keys {
		if t.copyTo(&x, k, now) && !fn(&x) {
			return
		}
	}
}

// keys are the keys of all entries, in order.
func (t *Table) keys() [][]byte {
	var pacer giveway.Pacer
	list := make([][]byte, 0, t.Used())
	var room []byte
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for j := uint32(0); j < s.made; j++ {
			if e := s.entry(j); get(e, atSerial) != 0 {
				k := t.key(e)
				if len(room)+len(k) > cap(room) {
					room = make([]byte, 0, max(16<<10, len(k)))
				}
				room = append(room, k...)
				list = append(list, room[len(room)-len(k):len(room):len(room)])
			}
			if j%sweepShare == sweepShare-1 {
				s.mu.Unlock()
				pacer.Step()
				s.mu.Lock()
			}
		}
		s.mu.Unlock()
	}
	return inOrder(list)
}

// sortedTogether is how many keys are put in order at a stretch.
const sortedTogether = 512

// inOrder puts keys in order, and gives way to others meanwhile: there may be millions.
func inOrder(list [][]byte) [][]byte {
	var pacer giveway.Pacer
	for run := range slices.Chunk(list, sortedTogether) {
		slices.SortFunc(run, bytes.Compare)
		pacer.Step()
	}
	from, to := list, make([][]byte, 0, len(list))
	for width := sortedTogether; width < len(list); width *= 2 {
		for pair := range slices.Chunk(from, 2*width) {
			a, b := pair[:min(width, len(pair))], pair[min(width, len(pair)):]
			for len(a)+len(b) > 0 {
				if len(b) == 0 || len(a) > 0 && bytes.Compare(a[0], b[0]) <= 0 {
					to, a = append(to, a[0]), a[1:]
				} else {
					to, b = append(to, b[0]), b[1:]
				}
				if len(to)%sortedTogether == 0 {
					pacer.Step()
				}
			}
		}
		from, to = to, from[:0]
	}
	return from
}

// Clear removes all entries that nobody holds.
func (t *Table) Clear(now int64, which func(*Entry) bool) {
	t.Each(now, func(x *Entry) bool {
		if which == nil || which(x) {
			t.Remove(x.Key())
		}
		return true
	})
}
