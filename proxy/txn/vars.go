package txn

import "sync"

// Scope is how long a variable lives (configuration manual, section 2.8).
type Scope uint8

// The scopes, the longest-lived first.
const (
	ScopeSession  Scope = iota // the client's connection
	ScopeTxn                   // a request and its response
	ScopeRequest               // until the response comes
	ScopeResponse              // from the response on
	ScopeCheck                 // one health check
	NumScopes
)

// Vars are the variables of one scope, by the slots that were given to their names
// when the configuration was read. The zero value holds none and is ready to use.
type Vars struct {
	slots []Value
	// What counts for limits, where there are any: which slots have been named, and bytes.
	limits *Limits
	named  []bool
	held   int
}

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
	if slot < len(v.named) && v.named[slot] {
		old := v.Get(slot)
		v.hold(-perVariable - old.counted())
		v.named[slot] = false
	}
	v.forget(slot)
}

func (v *Vars) forget(slot int) {
	if slot < len(v.slots) {
		v.slots[slot].Kind = None
	}
}

// hold counts bytes for the limits.
func (v *Vars) hold(n int) {
	v.held += n
	v.limits.held.Add(int64(n))
}

// Reset forgets all variables and keeps their memory for the next ones.
func (v *Vars) Reset() {
	for i := range v.slots {
		v.slots[i].Kind = None
	}
	if v.limits != nil {
		v.hold(-v.held)
		clear(v.named)
	}
}

// Names gives slots to the names of variables, for one configuration. Those of the
// process have no slots.
type Names struct {
	Process ProcessVars
	Limits  Limits
	mu      sync.Mutex // scripts name variables while there are transactions
	slots   [NumScopes]map[string]int
}

// Declare is Process.Declare, and counts a new variable for the limits.
func (n *Names) Declare(name string) *SharedVar {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.Process.Find(name) == nil {
		n.Limits.held.Add(perVariable)
	}
	return n.Process.Declare(name)
}

// Slot returns the slot of a name within its scope, a new one for a new name.
func (n *Names) Slot(sc Scope, name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
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

// Has reports whether a name has a slot within its scope.
func (n *Names) Has(sc Scope, name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.slots[sc][name]
	return ok
}
