package pattern

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"

	"bench/proxy/message"
	"bench/proxy/regex"
	"bench/proxy/txn"
)

// View is a list as one method sees it. Threads match against what it holds at the
// moment; the list changes it, one change at a time.
type View struct {
	method Method
	fold   bool
	now    atomic.Pointer[contents]
}

// contents is what a view holds: as long as the list is as it was loaded and nobody asks
// which entry matches, a set, which is quickest; otherwise segments with an index each,
// the oldest entries first. It never changes.
type contents struct {
	fixed    *fixed
	segments []*segment
}

// segment is some of a view's entries with their index.
type segment struct {
	entries []*Entry
	twins   []int32 // of an entry, the next one with the same key; -1: none. nil: there are no twins
	index   index
}

// index finds entries of a segment.
type index interface {
	// find returns the entry that counts of those that match and are there, and how long
	// its match is where the longest counts; -1: none.
	find(s *segment, m *Memory, v *txn.Value) (entry, length int32)
}

// alive is the first of an entry and its twins that has not been deleted, -1 if all
// have been.
func (s *segment) alive(i int32) int32 {
	for i >= 0 && s.entries[i].gone.Load() {
		if s.twins == nil {
			return -1
		}
		i = s.twins[i]
	}
	return i
}

// Longest reports whether of several entries that match the one with the longest pattern
// counts, rather than the one that was declared first.
func (m Method) longest(fold bool) bool { return m == IP || m == Beg && !fold }

// newView makes a view of a list; matching gives entries if wanted.
func newView(l *List, m Method, fold, entries bool) (*View, error) {
	v := &View{method: m, fold: fold && m != Bin}
	keys := make([]string, len(l.entries))
	for i, e := range l.entries {
		keys[i] = e.Key
	}
	if entries || l.ready {
		for i, k := range keys {
			if err := v.accepts(k); err != nil {
				return nil, &Error{nil, i, err}
			}
		}
		v.rebuild(l.entries)
		return v, nil
	}
	if len(keys) == 0 {
		v.rebuild(nil)
		return v, nil
	}
	f, err := compile(m, fold, keys)
	if err != nil {
		return nil, err
	}
	f.entries = slices.Clone(l.entries)
	v.now.Store(&contents{fixed: f})
	return v, nil
}

// accepts holds that a key is a pattern of the view's method.
func (v *View) accepts(key string) error {
	switch v.method {
	case Int, Len, IP, Bin, Reg:
		_, err := compile(v.method, v.fold, []string{key})
		return err
	case Found, Bool, Meth, Str, Beg, End, Sub, Dir, Dom, numMethods:
	}
	return nil
}

// rebuild makes the view hold these entries.
func (v *View) rebuild(all []*Entry) {
	c := &contents{}
	if len(all) > 0 {
		c.segments = []*segment{v.segment(all)}
	}
	v.now.Store(c)
}

// segment indexes entries.
func (v *View) segment(all []*Entry) *segment {
	s := &segment{entries: slices.Clone(all)}
	s.index = s.newIndex(v.method, v.fold)
	return s
}

// add makes the view hold one entry more. It becomes a segment of its own, together with
// those segments before it that have no more entries than have come since: so each entry
// is indexed anew a few times only, and there are few segments.
func (v *View) add(e *Entry) {
	c := v.indexed()
	all := []*Entry{e}
	keep := len(c.segments)
	for keep > 0 && len(c.segments[keep-1].entries) <= len(all) {
		keep--
		all = append(slices.Clone(c.segments[keep].entries), all...)
	}
	all = slices.DeleteFunc(all, func(e *Entry) bool { return e.gone.Load() })
	if len(all) > 0 {
		v.now.Store(&contents{segments: append(slices.Clone(c.segments[:keep]), v.segment(all))})
	}
}

// indexed is what the view holds, in segments.
func (v *View) indexed() *contents {
	c := v.now.Load()
	if c.fixed == nil {
		return c
	}
	if len(c.fixed.entries) == 0 {
		return &contents{}
	}
	return &contents{segments: []*segment{v.segment(c.fixed.entries)}}
}

// removed follows a deletion: entries know themselves that they are gone. Once most of
// those in the view are, it is made anew of all that are there.
func (v *View) removed(all []*Entry) {
	c := v.now.Load()
	held := 0
	for _, s := range c.segments {
		held += len(s.entries)
	}
	if c.fixed != nil || held > 2*len(all)+few {
		v.rebuild(all)
	}
}

// matches reports whether an entry matches.
func (v *View) matches(m *Memory, x *txn.Value) bool {
	c := v.now.Load()
	if c.fixed != nil {
		return c.fixed.match(m, x)
	}
	return v.find(c, m, x) != nil
}

// matchesText is matches for a text, with methods that compare texts.
func (v *View) matchesText(m *Memory, b []byte) bool {
	c := v.now.Load()
	if c.fixed != nil {
		return c.fixed.matchText(m, b)
	}
	m.text.Kind, m.text.B = txn.Str, b
	return v.find(c, m, &m.text) != nil
}

// Find returns the entry that counts of those that match, nil if none does.
func (v *View) Find(m *Memory, x *txn.Value) *Entry { return v.find(v.now.Load(), m, x) }

func (v *View) find(c *contents, m *Memory, x *txn.Value) *Entry {
	if v.fold && v.method.comparesText() {
		m.text.Kind, m.text.B = txn.Str, m.lowered(x.B)
		x = &m.text
	}
	if !v.method.longest(v.fold) {
		for _, s := range c.segments {
			if i, _ := s.index.find(s, m, x); i >= 0 {
				return s.entries[i]
			}
		}
		return nil
	}
	var best *Entry
	most := int32(-1)
	for _, s := range c.segments {
		if i, n := s.index.find(s, m, x); i >= 0 && n > most {
			best, most = s.entries[i], n
		}
	}
	return best
}

// Groups are the bounds of what groups of an entry's expression match (see
// regex.Regexp.Find).
func (v *View) Groups(e *Entry, m *regex.Memory, b []byte) []int {
	return e.expression(v.fold).Find(m, b, 0)
}

// lookup is Find for lists that may not be indexed, of these entries.
func (v *View) lookup(m *Memory, x *txn.Value, all []*Entry) *Entry {
	c := v.now.Load()
	if c.fixed != nil {
		if !c.fixed.match(m, x) {
			return nil
		}
		c = &contents{segments: []*segment{v.segment(all)}}
	}
	return v.find(c, m, x)
}

// Input is the kind of value that the view compares.
func (v *View) Input() txn.Kind { return v.method.Input() }

// valueOf makes a text a value to compare.
func (m Method) valueOf(text string) (v txn.Value, ok bool) {
	v.SetStr([]byte(text))
	switch m {
	case Int, Bool:
		n, err := strconv.ParseInt(text, 10, 64)
		v.SetInt(n)
		return v, err == nil
	case IP:
		a, err := netip.ParseAddr(text)
		return v, err == nil && v.SetIP(a)
	case Bin:
		b, err := hex.DecodeString(text)
		v.Kind, v.B = txn.Bin, b
		return v, err == nil
	case Meth:
		v.Kind, v.Lo = txn.Method, uint64(message.LookupMethod(v.B))
	case Found, Len, Str, Beg, End, Sub, Dir, Dom, Reg, numMethods:
	}
	return v, true
}
