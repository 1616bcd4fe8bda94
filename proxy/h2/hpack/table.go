package hpack

import "bench/proxy/message"

// entrySize is what an entry counts for beyond its text (RFC 7541 §4.1).
const entrySize = 32

// table is a dynamic table. Its memory grows with what is put into it, up to twice the
// size of the table: most connections need little of it, or none.
type table struct {
	text       []byte  // of the entries, the oldest first, from start on
	start      int     // of the live text
	ring       []entry // a power of two of them
	head, n    int     // the oldest entry, and how many there are
	size, most int     // as RFC 7541 counts
}

type entry struct {
	at          uint32 // in text
	name, value uint16 // lengths
	id          message.HeaderID
	pseudo      Pseudo
}

// at returns the entry inserted i insertions ago. It is good until the next insertion.
func (t *table) at(i int, f *Field) bool {
	if i >= t.n {
		return false
	}
	e := &t.ring[(t.head+t.n-1-i)&(len(t.ring)-1)]
	mid := int(e.at) + int(e.name)
	f.Name, f.Value = t.text[e.at:mid:mid], t.text[mid:mid+int(e.value)]
	f.ID, f.Pseudo = e.id, e.pseudo
	return true
}

// resize sets the size of the table.
func (t *table) resize(most int) {
	t.most = most
	t.shrink(most)
}

// shrink drops the oldest entries until the rest is within size.
func (t *table) shrink(size int) {
	for t.size > size {
		e := &t.ring[t.head]
		n := int(e.name) + int(e.value)
		t.size -= n + entrySize
		t.start += n
		t.head = (t.head + 1) & (len(t.ring) - 1)
		t.n--
	}
	if t.n == 0 {
		t.text, t.start = t.text[:0], 0
	}
}

// insert adds a field. Its text must not lie in the table.
func (t *table) insert(f *Field) {
	n := len(f.Name) + len(f.Value)
	if n+entrySize > t.most {
		t.shrink(0) // not an error (RFC 7541 §4.4)
		return
	}
	t.shrink(t.most - n - entrySize)
	t.makeRoom(n)
	if t.n == len(t.ring) {
		t.growRing()
	}
	t.ring[(t.head+t.n)&(len(t.ring)-1)] = entry{at: uint32(len(t.text)), name: uint16(len(f.Name)), value: uint16(len(f.Value)), id: f.ID, pseudo: f.Pseudo}
	t.text = append(append(t.text, f.Name...), f.Value...)
	t.n++
	t.size += n + entrySize
}

// makeRoom makes room for n bytes of text at the end.
func (t *table) makeRoom(n int) {
	if len(t.text)+n <= cap(t.text) {
		return
	}
	live := t.text[t.start:]
	to := t.text[:0]
	if 2*(len(live)+n) > cap(t.text) {
		// Moved at most once for each time it is filled, as half of it is free then.
		to = make([]byte, 0, min(max(512, 4*(len(live)+n)), 2*t.most))
	}
	moved := uint32(t.start)
	t.text, t.start = append(to, live...), 0
	for i := range t.n {
		t.ring[(t.head+i)&(len(t.ring)-1)].at -= moved
	}
}

func (t *table) growRing() {
	bigger := make([]entry, max(8, 2*len(t.ring)))
	for i := range t.n {
		bigger[i] = t.ring[(t.head+i)&(len(t.ring)-1)]
	}
	t.ring, t.head = bigger, 0
}
