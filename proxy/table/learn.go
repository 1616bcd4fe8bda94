package table

import (
	"encoding/binary"
	"time"
)

// Cell is the value of one element of a datum as processes tell it each other: a number,
// or what a rate is made of, or a text.
type Cell struct {
	Datum Datum
	Index int
	Value uint64 // of a rate, the events of its current period
	// Of a rate: how many milliseconds ago that period began, and the events of the one
	// before.
	Age, Previous uint32
	Text          string
}

// Cell is the value of an element that the table holds.
func (x *Entry) Cell(d Datum, i int) Cell {
	c := Cell{Datum: d, Index: i}
	at, of := x.t.cell(d, i)
	switch of.Form() {
	case Signed:
		c.Value = uint64(int64(int32(get(x.b, at))))
	case Unsigned:
		c.Value = uint64(get(x.b, at))
	case Long:
		c.Value = binary.NativeEndian.Uint64(x.b[at:])
	case Frequency:
		r := x.b[at:]
		c.Age, c.Value, c.Previous = x.now-get(r, atTick), uint64(get(r, atCurrent)), get(r, atPrevious)
	case Name:
		c.Text = x.name
	}
	return c
}

// Learn makes the entry of a key what another process says of it. left is how long it has
// to live, negative where that begins anew. Data that the table does not hold are passed
// over, and so is the number of current connections, which are those of this process. It
// reports false without room for another entry.
func (t *Table) Learn(key []byte, cells []Cell, left time.Duration, now int64) bool {
	r, ok := t.Make(key, now)
	if !ok {
		return false
	}
	ms := millis(now)
	s, e := r.lock()
	for i := range cells {
		c := &cells[i]
		if c.Datum == ConnCur {
			continue
		}
		if t.offset[c.Datum] == 0 || c.Index >= t.number[c.Datum] {
			continue // also where an array has an element of that meaning, as in the reference
		}
		at, of := t.cell(c.Datum, c.Index)
		switch of.Form() {
		case Signed, Unsigned:
			put(e, at, uint32(c.Value))
		case Long:
			binary.NativeEndian.PutUint64(e[at:], c.Value)
		case Frequency:
			put(e[at:], atTick, ms-c.Age)
			put(e[at:], atCurrent, uint32(c.Value))
			put(e[at:], atPrevious, c.Previous)
		case Name:
			t.setName(e, c.Text)
		}
	}
	t.touch(e, ms)
	if left >= 0 && t.Expire > 0 {
		put(e, atExpire, ms+uint32(min(left, t.Expire).Milliseconds()))
	}
	r.drop(s, e)
	s.mu.Unlock()
	return true
}
