// Package registry keeps things that come and go while threads use them: frontends,
// backends, servers. What they are, and when it is safe to remove one, is for those
// who keep them here.
//
// Threads read a snapshot, which never changes. Each thread's own part of a thing
// (counters, idle connections) lies in a table of the thread, at the slot of the thing.
// Every thread makes its part before the thing is added to a list, and drops it after
// the thing was removed, so that a thread that finds a thing has its part of it.
package registry

import (
	"slices"
	"sync"
	"sync/atomic"
)

// List is an ordered list of things with names. The zero value is empty. All methods
// may be called from any goroutine.
type List[T comparable] struct {
	// Atomic.
	all atomic.Pointer[[]T]

	// Guarded by mu, as changes of all are.
	mu     sync.Mutex
	byName map[string]T
}

// All is the present list, in the order in which things were added. It must not be
// changed, and never changes by itself. It costs one atomic load.
func (l *List[T]) All() []T {
	if p := l.all.Load(); p != nil {
		return *p
	}
	return nil
}

// Get looks a thing up by its name.
func (l *List[T]) Get(name string) (v T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok = l.byName[name]
	return v, ok
}

// Add appends v. It reports false, and does nothing, if the name is taken.
func (l *List[T]) Add(name string, v T) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.byName[name]; taken {
		return false
	}
	if l.byName == nil {
		l.byName = map[string]T{}
	}
	l.byName[name] = v
	// Former snapshots may share the array: they end before the new element.
	all := append(l.All(), v)
	l.all.Store(&all)
	return true
}

// Remove takes out the thing with that name. It reports false if there is none.
func (l *List[T]) Remove(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.byName[name]
	if !ok {
		return false
	}
	delete(l.byName, name)
	was := l.All()
	i := slices.Index(was, v)
	all := slices.Concat(was[:i], was[i+1:])
	l.all.Store(&all)
	return true
}
