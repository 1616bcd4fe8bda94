package pattern

import (
	"cmp"
	"slices"
	"strings"

	"bench/proxy/message"
	"bench/proxy/regex"
	"bench/proxy/txn"
)

// newIndex makes the index of a segment, whose keys are patterns of the method.
func (s *segment) newIndex(m Method, fold bool) index {
	switch m {
	case Int:
		return &numbers{spans: newSpans(s.entries)}
	case Len:
		return &lengths{numbers{spans: newSpans(s.entries)}}
	case IP:
		return s.newPrefixes()
	case Meth:
		x := make(methodIndex, len(s.entries))
		for i, e := range s.entries {
			x[i] = method{message.LookupMethod([]byte(e.Key)), e.Key}
		}
		return x
	case Reg:
		return newExpressions(s.entries, fold)
	case Found, Bool, Bin, Str, Beg, End, Sub, Dir, Dom, numMethods:
	}
	keys := make([]string, len(s.entries))
	for i, e := range s.entries {
		keys[i] = e.Key
		switch {
		case m == Bin:
			keys[i], _ = block(e.Key)
		case fold:
			keys[i] = lowerOf(e.Key)
		}
	}
	switch m {
	case Beg:
		return &treeIndex{tree: s.tree(keys), longest: !fold}
	case End:
		return &endIndex{s.tree(reverseAll(keys))}
	case Dir:
		return s.components(keys, dirDelimiters)
	case Dom:
		return s.components(keys, domDelimiters)
	case Sub:
		if x := s.newSearch(keys); x != nil {
			return x
		}
		return &anywhereIndex{treeIndex{tree: s.tree(keys)}}
	case Found, Bool, Int, IP, Bin, Len, Str, Reg, Meth, numMethods:
	}
	return s.newHashIndex(keys)
}

// tree makes a tree of keys that leads to entries, those with the same key by the first
// of them.
func (s *segment) tree(keys []string) *radix {
	order := make([]int32, len(keys))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(strings.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
	sorted, values := make([]string, 0, len(keys)), make([]int32, 0, len(keys))
	for n, i := range order {
		if n > 0 && keys[i] == sorted[len(sorted)-1] {
			s.twin(order[n-1], i)
			continue
		}
		sorted, values = append(sorted, keys[i]), append(values, i)
	}
	return sortedRadix(sorted, values)
}

// twin notes that an entry has the same key as one before it.
func (s *segment) twin(of, i int32) {
	if s.twins == nil {
		s.twins = make([]int32, len(s.entries))
		for n := range s.twins {
			s.twins[n] = -1
		}
	}
	s.twins[of] = i
}

// treeIndex finds entries that a text begins with: the longest, or the first that was
// declared. Where ends is not nil, a match must reach to the end of the text or to one of
// its bytes.
type treeIndex struct {
	tree    *radix
	longest bool
	ends    *[256]bool
}

func (x *treeIndex) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	return x.from(s, v.B, -1)
}

// from goes down the tree with a text; best is what has been found before.
func (x *treeIndex) from(s *segment, b []byte, best int32) (entry, length int32) {
	r := x.tree
	at, pos := 0, 0
	for {
		n := &r.nodes[at]
		if n.end && (x.ends == nil || pos == len(b) || x.ends[b[pos]]) {
			if i := s.alive(r.values[at]); i >= 0 && (x.longest || best < 0 || i < best) {
				best, length = i, int32(pos)
			}
		}
		if pos == len(b) {
			return best, length
		}
		if at = r.child(n, b[pos]); at < 0 {
			return best, length
		}
		n = &r.nodes[at]
		pos++
		label := r.labels[n.label : n.label+uint32(n.len)]
		if len(b)-pos < len(label) || string(b[pos:pos+len(label)]) != label {
			return best, length
		}
		pos += len(label)
	}
}

// endIndex finds the first declared of the entries that a text ends with; their keys are
// reversed.
type endIndex struct{ tree *radix }

func (x *endIndex) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	r, b := x.tree, v.B
	best := int32(-1)
	at, pos := 0, len(b)
	for {
		n := &r.nodes[at]
		if n.end {
			if i := s.alive(r.values[at]); i >= 0 && (best < 0 || i < best) {
				best = i
			}
		}
		if pos == 0 {
			return best, 0
		}
		pos--
		if at = r.child(n, b[pos]); at < 0 {
			return best, 0
		}
		n = &r.nodes[at]
		label := r.labels[n.label : n.label+uint32(n.len)]
		if pos < len(label) {
			return best, 0
		}
		for i := range len(label) {
			if b[pos-1-i] != label[i] {
				return best, 0
			}
		}
		pos -= len(label)
	}
}

// componentIndex finds entries between delimiters, or a delimiter and an end.
type componentIndex struct{ treeIndex }

func (s *segment) components(keys []string, delimiters string) index {
	x := &componentIndex{treeIndex{ends: byteTable(delimiters)}}
	for i, k := range keys {
		keys[i] = strings.Trim(k, delimiters)
	}
	x.tree = s.tree(keys)
	// What is nothing but delimiters never matches.
	x.tree.nodes[0].end = false
	return x
}

func (x *componentIndex) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	best := int32(-1)
	for i := range v.B {
		if i == 0 || x.ends[v.B[i-1]] {
			best, _ = x.from(s, v.B[i:], best)
		}
	}
	return best, 0
}

// hashIndex finds the entry that is a text: see exact.
type hashIndex struct {
	slots []keySlot
	mask  uint32
	keys  []string
}

type keySlot struct {
	hash  uint32 // 0: empty
	entry int32
}

func (s *segment) newHashIndex(keys []string) index {
	size := tableSize(len(keys))
	x := &hashIndex{slots: make([]keySlot, size), mask: size - 1, keys: keys}
	last := map[int32]int32{} // of the twins of an entry
	for i, k := range keys {
		h := hash([]byte(k))
		at := h & x.mask
		for x.slots[at].hash != 0 && (x.slots[at].hash != h || keys[x.slots[at].entry] != k) {
			at = (at + 1) & x.mask
		}
		if x.slots[at].hash == 0 {
			x.slots[at] = keySlot{h, int32(i)}
			continue
		}
		of := x.slots[at].entry
		if l, ok := last[of]; ok {
			s.twin(l, int32(i))
		} else {
			s.twin(of, int32(i))
		}
		last[of] = int32(i)
	}
	return x
}

func (x *hashIndex) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	h := hash(v.B)
	for i := h & x.mask; ; i = (i + 1) & x.mask {
		t := &x.slots[i]
		if t.hash == 0 {
			return -1, 0
		}
		if t.hash == h && x.keys[t.entry] == string(v.B) {
			return s.alive(t.entry), 0
		}
	}
}

// anywhereIndex finds entries anywhere in a text, where an automaton would be too large:
// from each of its bytes a few steps down a tree.
type anywhereIndex struct{ treeIndex }

func (x *anywhereIndex) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	best := int32(-1)
	for i := range len(v.B) + 1 {
		best, _ = x.from(s, v.B[i:], best)
	}
	return best, 0
}

// methodIndex goes through methods.
type methodIndex []method

func (x methodIndex) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	for i := range x {
		if x[i].is(v) && !s.entries[i].gone.Load() {
			return int32(i), 0
		}
	}
	return -1, 0
}

// expressionIndex goes through expressions, unless one that is all of them says that
// none matches.
type expressionIndex struct {
	any *regex.Regexp // nil: it would be too large
	all []*regex.Regexp
}

func newExpressions(entries []*Entry, fold bool) index {
	x := &expressionIndex{}
	for _, e := range entries {
		x.all = append(x.all, e.expression(fold))
	}
	if len(x.all) > 1 {
		if one, err := regex.Any(x.all); err == nil && one.Automatic() {
			x.any = one
		}
	}
	return x
}

func (x *expressionIndex) find(s *segment, _ *Memory, v *txn.Value) (entry, length int32) {
	if x.any != nil && !x.any.Match(v.B) {
		return -1, 0
	}
	for i, re := range x.all {
		if !s.entries[i].gone.Load() && re.Match(v.B) {
			return int32(i), 0
		}
	}
	return -1, 0
}
