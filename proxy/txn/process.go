package txn

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
)

// ProcessVars are the variables of the process, which all threads and the runtime API
// share. Whoever names one while the configuration is read, or later, keeps what Declare
// returns: to get and to set it needs no search. The zero value holds none.
type ProcessVars struct {
	mu    sync.RWMutex
	named map[string]*SharedVar
}

// Declare returns the variable of a name, a new one that is not set for a new name. It
// lasts as long as the process.
func (p *ProcessVars) Declare(name string) *SharedVar {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.named[name]
	if v == nil {
		if p.named == nil {
			p.named = map[string]*SharedVar{}
		}
		v = &SharedVar{}
		p.named[name] = v
	}
	return v
}

// Find returns the variable of a name, nil if nobody has declared it.
func (p *ProcessVars) Find(name string) *SharedVar {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.named[name]
}

// SharedVar is one variable of the process. A value that was set is never changed, only
// replaced, so that any number of threads may read it without a lock.
type SharedVar struct{ value atomic.Pointer[Value] }

// Get returns the value; its Kind is None if the variable is not set. What it points to
// must not be changed.
func (s *SharedVar) Get() Value {
	if v := s.value.Load(); v != nil {
		return *v
	}
	return Value{}
}

// Set copies a value into the variable. It allocates, unless the variable has that value
// already.
func (s *SharedVar) Set(to *Value) {
	if v := s.value.Load(); v != nil && v.Kind == to.Kind && v.Lo == to.Lo && v.Hi == to.Hi && bytes.Equal(v.B, to.B) {
		return
	}
	v := *to
	v.B = slices.Clone(to.B)
	s.value.Store(&v)
}

// Unset forgets the value.
func (s *SharedVar) Unset() { s.value.Store(nil) }
