package txn

import (
	"bytes"
	"sync/atomic"
)

// Scope is how long a variable lives (configuration manual, section 2.8).
type Scope uint8

// The scopes, the longest-lived first.
const (
	ScopeSession  Scope = iota // the client's connection
	ScopeTxn                   // a request and its response
	ScopeRequest               // until the response comes
	ScopeResponse              // from the response on
	NumScopes
)

// Vars are the variables of one scope, by the slots that were given to their names
// when the configuration was read. The zero value holds none and is ready to use.
type Vars struct{ slots []Value }

// Get returns a variable; its Kind is None if it was not set. What it points to is
// good until the variable is set again.
func (v *Vars) Get(slot int) Value {
	if slot >= len(v.slots) {
		return Value{}
	}
	return v.slots[slot]
}

// Set copies a value into the variable. It allocates only when the text is longer
// than all that the slot has held before.
func (v *Vars) Set(slot int, to *Value) {
	for len(v.slots) <= slot {
		v.slots = append(v.slots, Value{})
	}
	s := &v.slots[slot]
	b := append(s.B[:0], to.B...)
	*s = *to
	s.B = b
}

// Unset forgets the variable.
func (v *Vars) Unset(slot int) {
	if slot < len(v.slots) {
		v.slots[slot].Kind = None
	}
}

// Reset forgets all variables and keeps their memory for the next ones.
func (v *Vars) Reset() {
	for i := range v.slots {
		v.slots[i].Kind = None
	}
}

// Names gives slots to the names of variables, for one configuration.
type Names struct {
	slots   [NumScopes]map[string]int
	process map[string]*Cell
}

// Cell returns the variable of the process of a name.
func (n *Names) Cell(name string) *Cell {
	if n.process == nil {
		n.process = map[string]*Cell{}
	}
	if n.process[name] == nil {
		n.process[name] = &Cell{}
	}
	return n.process[name]
}

// Cell is a variable of the process, which all threads share. Its value is replaced as a
// whole, so that who reads it has one that nobody changes.
type Cell struct{ value atomic.Pointer[Value] }

// Get returns the value; its Kind is None if there is none.
func (c *Cell) Get() Value {
	if v := c.value.Load(); v != nil {
		return *v
	}
	return Value{}
}

// Set copies a value into the variable. Other than for variables of a connection, this takes
// new memory, unless the value is the same.
func (c *Cell) Set(to *Value) {
	if old := c.value.Load(); old != nil && old.Kind == to.Kind && old.Lo == to.Lo && old.Hi == to.Hi && bytes.Equal(old.B, to.B) {
		return
	}
	v := *to
	v.B = bytes.Clone(to.B)
	c.value.Store(&v)
}

// Unset forgets the value.
func (c *Cell) Unset() { c.value.Store(nil) }

// Slot returns the slot of a name within its scope, a new one for a new name.
func (n *Names) Slot(sc Scope, name string) int {
	if n.slots[sc] == nil {
		n.slots[sc] = map[string]int{}
	}
	slot, ok := n.slots[sc][name]
	if !ok {
		slot = len(n.slots[sc])
		n.slots[sc][name] = slot
	}
	return slot
}
