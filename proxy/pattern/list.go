package pattern

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"bench/proxy/txn"
)

// List is a list of patterns that can be changed while threads match against it: that of
// a file, or of the patterns on one line of the configuration. What threads match
// against are its views, which follow every change at once. All methods may be called
// from any goroutine.
type List struct {
	// Constant once the configuration was read.

	// ID is the number by which the runtime API knows the list.
	ID int
	// File is the list's file; "" for patterns on a line.
	File string
	// Map: its entries have values.
	Map bool
	// Loaded: its file has been read; rules may name one that nothing else uses.
	Loaded bool
	uses   []string // what uses it, in words
	ready  bool     // it is changed often: its views are indexed from the beginning

	// Guarded by mu.

	mu      sync.Mutex
	entries []*Entry            // in order of their addition
	byKey   map[string][]*Entry // nil until somebody asks
	byID    map[uint64]*Entry
	pending map[uint32][]*Entry // of versions that are being prepared
	current uint32
	next    uint32
	kinds   []txn.Kind // of values
	views   []*View
	scratch Memory // for Lookup
}

// Description says in words where the patterns come from and what uses them.
func (l *List) Description() string {
	if l.File == "" {
		if len(l.uses) == 0 {
			return ""
		}
		return l.uses[0]
	}
	text := "pattern loaded from file '" + l.File + "'"
	if len(l.uses) > 0 {
		text += " used by " + strings.Join(l.uses, ", by ")
	}
	return text
}

// Used notes what uses the list.
func (l *List) Used(by string) { l.uses = append(l.uses, by) }

// Versions are the version that is in use and the last one that is being prepared, and
// the number of entries in use.
func (l *List) Versions() (current, next uint32, count int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current, l.next, len(l.entries)
}

// InUse are the entries of the version in use, in order.
func (l *List) InUse() []*Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Entries are those of a version, in order.
func (l *List) Entries(version uint32) []*Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if version == l.current {
		return slices.Clone(l.entries)
	}
	return slices.Clone(l.pending[version])
}

// value reads a value as all maps that use the list want it.
func (l *List) value(text string) (*Value, error) {
	if !l.Map {
		if text != "" {
			return nil, fmt.Errorf("the patterns of an ACL have no values")
		}
		return nil, nil
	}
	v := &Value{Text: []byte(text)}
	for _, k := range l.kinds {
		if err := v.read(k); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Kind is what the values of a map are taken for: txn.Str unless something else was asked
// for.
func (l *List) Kind() txn.Kind {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kinds) == 0 {
		return txn.Str
	}
	return l.kinds[0]
}

// Add adds an entry to the version in use.
func (l *List) Add(key, value string) (*Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(key, value)
}

func (l *List) add(key, value string) (*Entry, error) {
	e, err := l.make(key, value)
	if err != nil {
		return nil, err
	}
	l.entries = append(l.entries, e)
	if l.byKey != nil {
		l.byKey[key] = append(l.byKey[key], e)
	}
	if l.byID != nil {
		l.byID[e.ID] = e
	}
	for _, v := range l.views {
		v.add(e)
	}
	return e, nil
}

// make makes an entry that all views understand.
func (l *List) make(key, value string) (*Entry, error) {
	v, err := l.value(value)
	if err != nil {
		return nil, err
	}
	for _, w := range l.views {
		if err := w.accepts(key); err != nil {
			return nil, err
		}
	}
	return newEntry(key, v), nil
}

// AddIfAbsent adds a pattern unless it is there.
func (l *List) AddIfAbsent(key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.keyed(key)) > 0 {
		return nil
	}
	_, err := l.add(key, "")
	return err
}

// keyed are the entries of the version in use with that key.
func (l *List) keyed(key string) []*Entry {
	if l.byKey == nil {
		l.byKey = make(map[string][]*Entry, len(l.entries))
		for _, e := range l.entries {
			l.byKey[e.Key] = append(l.byKey[e.Key], e)
		}
	}
	return l.byKey[key]
}

func (l *List) numbered(id uint64) *Entry {
	if l.byID == nil {
		l.byID = make(map[uint64]*Entry, len(l.entries))
		for _, e := range l.entries {
			l.byID[e.ID] = e
		}
	}
	return l.byID[id]
}

// Set changes the value of all entries with a key. It reports how many there are.
func (l *List) Set(key, value string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.set(l.keyed(key), value)
}

// SetID changes the value of one entry. It reports whether there is one.
func (l *List) SetID(id uint64, value string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.numbered(id)
	if e == nil {
		return false, nil
	}
	_, err := l.set([]*Entry{e}, value)
	return true, err
}

func (l *List) set(all []*Entry, value string) (int, error) {
	v, err := l.value(value)
	if err != nil {
		return len(all), err
	}
	for _, e := range all {
		e.value.Store(v)
	}
	return len(all), nil
}

// Put changes the value of a key, or adds it.
func (l *List) Put(key, value string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all := l.keyed(key); len(all) > 0 {
		_, err := l.set(all, value)
		return err
	}
	_, err := l.add(key, value)
	return err
}

// Delete removes all entries with a key. It reports how many there were.
func (l *List) Delete(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.keyed(key)
	l.remove(all)
	return len(all)
}

// DeleteID removes one entry. It reports whether there was one.
func (l *List) DeleteID(id uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.numbered(id)
	if e != nil {
		l.remove([]*Entry{e})
	}
	return e != nil
}

func (l *List) remove(all []*Entry) {
	if len(all) == 0 {
		return
	}
	for _, e := range all {
		e.gone.Store(true)
		delete(l.byID, e.ID)
	}
	key := all[0].Key
	if left := slices.DeleteFunc(slices.Clone(l.byKey[key]), func(e *Entry) bool { return e.gone.Load() }); len(left) > 0 {
		l.byKey[key] = left
	} else {
		delete(l.byKey, key)
	}
	l.entries = slices.DeleteFunc(l.entries, func(e *Entry) bool { return e.gone.Load() })
	for _, v := range l.views {
		v.removed(l.entries)
	}
}

// Prepare begins a version that nobody sees until it is committed.
func (l *List) Prepare() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = max(l.next, l.current) + 1
	return l.next
}

// VersionError says which versions there are.
type VersionError struct{ Version, Current, Next uint32 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("there is no version %d: want one from %d to %d", e.Version, e.Current, e.Next)
}

// known holds that a version is the one in use or being prepared.
func (l *List) known(version uint32) error {
	if version < l.current || version > max(l.next, l.current) {
		return &VersionError{version, l.current, max(l.next, l.current)}
	}
	return nil
}

// AddTo adds an entry to a version.
func (l *List) AddTo(version uint32, key, value string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.known(version); err != nil {
		return err
	}
	if version == l.current {
		_, err := l.add(key, value)
		return err
	}
	e, err := l.make(key, value)
	if err != nil {
		return err
	}
	if l.pending == nil {
		l.pending = map[uint32][]*Entry{}
	}
	l.pending[version] = append(l.pending[version], e)
	return nil
}

// Commit makes a version that was prepared the one in use. Threads see all of it, or
// nothing.
func (l *List) Commit(version uint32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.known(version); err != nil {
		return err
	}
	if version == l.current {
		return nil
	}
	all := l.pending[version]
	maps.DeleteFunc(l.pending, func(v uint32, _ []*Entry) bool { return v <= version })
	l.current = version
	l.replace(all)
	return nil
}

// Clear removes all entries of a version.
func (l *List) Clear(version uint32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.known(version); err != nil {
		return err
	}
	if version != l.current {
		delete(l.pending, version)
		return nil
	}
	l.replace(nil)
	return nil
}

// replace makes these the entries in use.
func (l *List) replace(all []*Entry) {
	l.entries, l.byKey, l.byID = all, nil, nil
	for _, v := range l.views {
		v.rebuild(all)
	}
}

// Hit is what one view of a list makes of a value.
type Hit struct {
	Method Method
	Fold   bool   // cases are alike
	Entry  *Entry // nil: nothing matches
	// Tree: the entries lie in an index; otherwise they are gone through.
	Tree bool
}

// Lookup matches a value, as text, the way each view of the list does.
func (l *List) Lookup(value string) []Hit {
	l.mu.Lock()
	defer l.mu.Unlock()
	var hits []Hit
	for _, v := range l.views {
		h := Hit{Method: v.method, Fold: v.fold, Tree: v.method != Reg && v.method != Meth}
		if x, ok := v.method.valueOf(value); ok {
			h.Entry = v.lookup(&l.scratch, &x, l.entries)
		}
		hits = append(hits, h)
	}
	return hits
}
