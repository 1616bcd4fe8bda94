// Package sample takes values out of a transaction and converts them: fetches and
// converters, each one row of a table, compiled to flat programs that allocate
// nothing when they run.
//
// A fetch reads the transaction and never the stream; what it needs to know of the
// engine it asks through txn.Stream and txn.Farm.
package sample

import (
	"math/rand/v2"

	"bench/proxy/pattern"
	"bench/proxy/regex"
	"bench/proxy/script"
	"bench/proxy/txn"
)

// Context is what one thread evaluates with. What an evaluation gives is good until
// the next one.
type Context struct {
	Txn *txn.Txn
	// Unknown is set by an evaluation that failed only because not enough has come
	// yet.
	Unknown bool
	// Scripts runs those that expressions name; nil: there are none.
	Scripts script.Machine
	// Patterns and Regex are the memory of matching.
	Patterns pattern.Memory
	Regex    regex.Memory

	v     txn.Value // the register
	room  []byte    // what converters write to
	used  int
	more  bool // the fetch may have another value
	every bool // values are asked for one by one
	at    cursor
	rand  *rand.Rand
}

// cursor is where a fetch with several values goes on.
type cursor struct {
	begun bool
	field int // index of a header field
	off   int // in its value, or in a query
}

// NewContext makes a thread's context. size is that of a buffer (tune.bufsize), which
// no text made by converters can exceed.
func NewContext(size int, seed uint64) *Context {
	return &Context{room: make([]byte, 2*size), rand: rand.New(rand.NewPCG(seed, seed^0x9E3779B97F4A7C15))}
}

// alloc returns n bytes that are good for this evaluation, nil if so many cannot be
// had.
func (c *Context) alloc(n int) []byte {
	if len(c.room)-c.used < n {
		return nil
	}
	b := c.room[c.used : c.used+n : c.used+n]
	c.used += n
	return b
}

// spare is all the room that is left, to append to; keep takes what was appended.
func (c *Context) spare() []byte { return c.room[c.used:c.used:len(c.room)] }

// keep makes what was appended to spare the value's text. It reports false for what
// did not fit.
func (c *Context) keep(v *txn.Value, b []byte) bool {
	if len(b) > len(c.room)-c.used {
		return false
	}
	c.used += len(b)
	v.B = b
	return true
}

// copied makes the value's text one that may be changed.
func (c *Context) copied(v *txn.Value) bool {
	b := c.alloc(len(v.B))
	if b == nil && len(v.B) > 0 {
		return false
	}
	copy(b, v.B)
	v.B = b
	return true
}
