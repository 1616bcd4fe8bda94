package h2wire

// entryOverhead is what an entry counts for beside its text (RFC 7541 section 4.1).
const entryOverhead = 32

// entry is a field in a table.
type entry struct{ at, name, value int }

// table is the dynamic table that a peer fills. Entries stand one behind the other, the
// oldest first; what is no longer used before them goes when there is enough of it.
type table struct {
	text    []byte
	entries []entry
	old     int // entries that have been evicted, at the beginning
	size    int
	most    int
}

func (t *table) reset() {
	t.text, t.entries, t.old, t.size, t.most = t.text[:0], t.entries[:0], 0, 0, tableSize
}

// at is the entry with a number, of which the latest has 0.
func (t *table) at(i int) (name, value []byte, ok bool) {
	if i >= len(t.entries)-t.old {
		return nil, nil, false
	}
	name, value = t.read(t.entries[len(t.entries)-1-i])
	return name, value, true
}

func (t *table) read(e entry) (name, value []byte) {
	return t.text[e.at : e.at+e.name], t.text[e.at+e.name : e.at+e.name+e.value]
}

func (t *table) resize(n int) {
	t.most = n
	t.evict(0)
}

// evict makes room for so many bytes.
func (t *table) evict(room int) {
	for t.size+room > t.most && t.old < len(t.entries) {
		e := t.entries[t.old]
		t.size -= e.name + e.value + entryOverhead
		t.old++
	}
}

// insert adds a field, which may stand in the table itself, and returns it where it does
// not move before the next call. One that is larger than the table empties it.
func (t *table) insert(name, value []byte) (n, v []byte) {
	size := len(name) + len(value) + entryOverhead
	if size > t.most {
		t.evict(t.most + 1)
		return name, value
	}
	e := entry{len(t.text), len(name), len(value)}
	t.text = append(append(t.text, name...), value...)
	t.evict(size)
	t.entries, t.size = append(t.entries, e), t.size+size
	if e.at > 4*tableSize {
		t.compact()
	}
	return t.read(t.entries[len(t.entries)-1])
}

// compact moves what is used to the beginning.
func (t *table) compact() {
	from := t.entries[t.old].at
	t.text = t.text[:copy(t.text, t.text[from:])]
	t.entries = t.entries[:copy(t.entries, t.entries[t.old:])]
	t.old = 0
	for i := range t.entries {
		t.entries[i].at -= from
	}
}
