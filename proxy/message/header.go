package message

import "iter"

// Field is one header field line. Name is a lower-case token, Value has no
// surrounding blanks. A Field whose ID is Deleted no longer belongs to the
// message.
type Field struct {
	Name, Value []byte
	ID          HeaderID
}

// Header is the ordered list of fields of a message. Looking up a known field
// (one with a HeaderID) costs O(1) whatever the number of fields. Deleting leaves
// a mark instead of moving the rest, so indices stay valid while iterating.
//
// The zero value is empty and ready to use. A Header copied by assignment shares
// its fields with the original.
type Header struct {
	fields []Field
	live   int
	has    uint64 // bit per HeaderID: first[] is valid
	first  [numHeaderIDs]int16
}

// MaxFields is the highest number of fields a Header can hold, the upper bound
// of tune.http.maxhdr.
const MaxFields = 32767

// Reset empties the header and keeps its memory.
func (h *Header) Reset() {
	h.fields = h.fields[:0]
	h.live = 0
	h.has = 0
}

// Len is the number of fields of the message.
func (h *Header) Len() int { return h.live }

// Fields returns all entries in order, including deleted ones, which the caller
// must skip (ID == Deleted). Valid until the next change.
func (h *Header) Fields() []Field { return h.fields }

// At returns the entry at index i of Fields.
func (h *Header) At(i int) *Field { return &h.fields[i] }

// All iterates over the fields in order with their index for At and DelAt.
// Fields added while iterating may or may not be seen.
func (h *Header) All() iter.Seq2[int, *Field] {
	return func(yield func(int, *Field) bool) {
		for i := range h.fields {
			if f := &h.fields[i]; f.ID != Deleted && !yield(i, f) {
				return
			}
		}
	}
}

// Append adds a field at the end without looking its name up: for codecs, which
// know the ID already. name must be a lower-case token (a codec may lower it
// later, in place). Nothing is copied.
func (h *Header) Append(id HeaderID, name, value []byte) {
	if id != Other {
		if bit := uint64(1) << id; h.has&bit == 0 {
			h.has |= bit
			h.first[id] = int16(len(h.fields))
		}
	}
	h.live++
	n := len(h.fields)
	if n == cap(h.fields) {
		h.fields = append(h.fields, Field{Name: name, Value: value, ID: id})
		return
	}
	h.fields = h.fields[:n+1] // filled in place: cheaper than a copy
	f := &h.fields[n]
	f.Name, f.Value, f.ID = name, value, id
}

// Add adds a field at the end. name must be a lower-case token and value clean
// (see the package comment); nothing is copied.
func (h *Header) Add(name, value []byte) { h.Append(Lookup(name), name, value) }

// AddID adds a known field at the end.
func (h *Header) AddID(id HeaderID, value []byte) { h.Append(id, idNames[id], value) }

// Has reports whether a known field is present.
func (h *Header) Has(id HeaderID) bool { return h.has&(1<<id) != 0 }

// First returns the index of the first field with this ID, or -1. With Next it
// walks over the repetitions:
//
//	for i := h.First(id); i >= 0; i = h.Next(i) { v := h.At(i).Value }
func (h *Header) First(id HeaderID) int {
	if !h.Has(id) {
		return -1
	}
	return int(h.first[id])
}

// Next returns the index of the next field after i with the same known ID, or -1.
func (h *Header) Next(i int) int {
	id := h.fields[i].ID
	for i++; i < len(h.fields); i++ {
		if h.fields[i].ID == id {
			return i
		}
	}
	return -1
}

// GetID returns the value of the first field with this ID, nil when there is none.
func (h *Header) GetID(id HeaderID) []byte {
	if !h.Has(id) {
		return nil
	}
	return h.fields[h.first[id]].Value
}

// Get returns the value of the first field with this lower-case name, nil when
// there is none.
func (h *Header) Get(name string) []byte {
	if i := h.Index(name, -1); i >= 0 {
		return h.fields[i].Value
	}
	return nil
}

// Index returns the index of the next field with this lower-case name after
// index from (-1 to start), or -1.
func (h *Header) Index(name string, from int) int {
	if id := LookupString(name); id != Other {
		if from < 0 {
			return h.First(id)
		}
		for i := from + 1; i < len(h.fields); i++ {
			if h.fields[i].ID == id {
				return i
			}
		}
		return -1
	}
	for i := from + 1; i < len(h.fields); i++ {
		if f := &h.fields[i]; f.ID == Other && string(f.Name) == name {
			return i
		}
	}
	return -1
}

// Each iterates over the values of all fields with this lower-case name.
func (h *Header) Each(name string) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for i := h.Index(name, -1); i >= 0; i = h.Index(name, i) {
			if !yield(i, h.fields[i].Value) {
				return
			}
		}
	}
}

// DelAt removes the field at index i. Deleting twice does nothing.
func (h *Header) DelAt(i int) {
	f := &h.fields[i]
	if f.ID == Deleted {
		return
	}
	if f.ID != Other && int(h.first[f.ID]) == i {
		if n := h.Next(i); n >= 0 {
			h.first[f.ID] = int16(n)
		} else {
			h.has &^= 1 << f.ID
		}
	}
	*f = Field{ID: Deleted}
	h.live--
}

// DelID removes all fields with this ID and returns how many there were.
func (h *Header) DelID(id HeaderID) int {
	n := 0
	for h.Has(id) {
		h.DelAt(int(h.first[id]))
		n++
	}
	return n
}

// Remove removes all fields with this lower-case name, whose ID is known, and returns
// how many there were.
func (h *Header) Remove(id HeaderID, name []byte) int {
	if id != Other {
		return h.DelID(id)
	}
	n := 0
	for i := range h.fields {
		if f := &h.fields[i]; f.ID == Other && string(f.Name) == string(name) {
			h.DelAt(i)
			n++
		}
	}
	return n
}

// Del removes all fields with this lower-case name and returns how many there were.
func (h *Header) Del(name string) int {
	n := 0
	for i := h.Index(name, -1); i >= 0; {
		next := h.Index(name, i)
		h.DelAt(i)
		n++
		i = next
	}
	return n
}

// SetID leaves one field with this ID, holding value: the first keeps its place,
// repetitions go.
func (h *Header) SetID(id HeaderID, value []byte) {
	i := h.First(id)
	if i < 0 {
		h.AddID(id, value)
		return
	}
	h.fields[i].Value = value
	for n := h.Next(i); n >= 0; n = h.Next(i) {
		h.DelAt(n)
	}
}

// Set leaves one field with this lower-case name, holding value: the first keeps
// its place, repetitions go. Neither name nor value is copied.
func (h *Header) Set(name, value []byte) {
	id := Lookup(name)
	if id != Other {
		h.SetID(id, value)
		return
	}
	first := -1
	for i := range h.fields {
		f := &h.fields[i]
		if f.ID != Other || string(f.Name) != string(name) {
			continue
		}
		if first < 0 {
			first = i
			f.Value = value
			continue
		}
		h.DelAt(i)
	}
	if first < 0 {
		h.Append(Other, name, value)
	}
}
