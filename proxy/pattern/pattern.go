// Package pattern matches values against sets of patterns, each method by the
// structure that costs least for the number of patterns there are; matching allocates
// nothing.
//
// Patterns are kept in lists, which may change while threads match against them. What
// threads use are views, one for each method by which a list is matched: immutable
// contents behind a pointer, which every change of the list replaces.
package pattern

import (
	"bench/proxy/message"
	"bench/proxy/regex"
	"bench/proxy/txn"
)

// Method is how a value is compared with a pattern.
type Method uint8

// The methods (configuration manual, section 7.1).
const (
	Found Method = iota // there is a value
	Bool                // it is true
	Int                 // it lies within a range
	IP                  // it lies in a network
	Bin                 // it is this block of bytes
	Len                 // its length lies within a range
	Str                 // it is this text
	Beg                 // it begins so
	End                 // it ends so
	Sub                 // it contains this
	Dir                 // a part between slashes is this
	Dom                 // a part between dots or colons is this
	Reg                 // an expression matches
	Meth                // it is this method
	numMethods
)

// methods are their names, and the kind of value that each compares.
var methods = [numMethods]struct {
	name string
	kind txn.Kind
}{
	Found: {"found", txn.None}, Bool: {"bool", txn.Bool}, Int: {"int", txn.Int}, IP: {"ip", txn.Address}, Bin: {"bin", txn.Bin},
	Len: {"len", txn.Str}, Str: {"str", txn.Str}, Beg: {"beg", txn.Str}, End: {"end", txn.Str}, Sub: {"sub", txn.Str},
	Dir: {"dir", txn.Str}, Dom: {"dom", txn.Str}, Reg: {"reg", txn.Str}, Meth: {"meth", txn.Method},
}

func (m Method) String() string { return methods[m].name }

// Input is the kind of value that a method compares; None is any.
func (m Method) Input() txn.Kind { return methods[m].kind }

// TakesPatterns reports whether a method compares with anything.
func (m Method) TakesPatterns() bool { return m != Found && m != Bool }

// comparesText reports whether a method looks texts up by their bytes.
func (m Method) comparesText() bool {
	switch m {
	case Str, Beg, End, Sub, Dir, Dom:
		return true
	case Found, Bool, Int, IP, Bin, Len, Reg, Meth, numMethods:
	}
	return false
}

// Methods lists their names.
func Methods() []string {
	var names []string
	for i := range methods {
		if Method(i) != Meth { // which is that of values which are methods
			names = append(names, methods[i].name)
		}
	}
	return names
}

// ByName finds a method.
func ByName(name string) (Method, bool) {
	for i := range methods {
		if methods[i].name == name && Method(i) != Meth {
			return Method(i), true
		}
	}
	return 0, false
}

// Default is the method for values of a kind where none is named.
func Default(k txn.Kind) (Method, bool) {
	switch k {
	case txn.Bool:
		return Bool, true
	case txn.Int:
		return Int, true
	case txn.Address, txn.IPv4, txn.IPv6:
		return IP, true
	case txn.Str:
		return Str, true
	case txn.Bin:
		return Bin, true
	case txn.Method:
		return Meth, true
	case txn.None, txn.NumKinds:
	}
	return 0, false
}

// Memory is what matching writes to: one for each thread, used again and again.
type Memory struct {
	lower []byte
	text  txn.Value
}

// Set is what an ACL compares values with: one list or several, by one method.
type Set struct {
	method Method
	views  []*View
}

// NewSet makes a set of lists.
func NewSet(m Method, fold bool, lists ...*List) (*Set, error) {
	s := &Set{method: m}
	for _, l := range lists {
		v, err := l.View(m, fold, false)
		if err != nil {
			return nil, err
		}
		s.views = append(s.views, v)
	}
	return s, nil
}

// Compile makes a set of patterns that nobody will change.
func Compile(m Method, fold bool, patterns []string) (*Set, error) {
	return NewSet(m, fold, NewList(patterns))
}

// Match reports whether a pattern matches the value, which must be of the kind that
// the method compares.
func (s *Set) Match(m *Memory, v *txn.Value) bool {
	switch s.method {
	case Found:
		return true
	case Bool:
		return v.Lo != 0
	case Int, IP, Bin, Len, Str, Beg, End, Sub, Dir, Dom, Reg, Meth, numMethods:
	}
	for _, w := range s.views {
		if w.matches(m, v) {
			return true
		}
	}
	return false
}

// MatchText is Match for a text, with methods that compare texts.
func (s *Set) MatchText(m *Memory, b []byte) bool {
	for _, w := range s.views {
		if w.matchesText(m, b) {
			return true
		}
	}
	return false
}

// fixed is a set that does not change, and answers whether any of its patterns matches,
// not which one.
type fixed struct {
	method  Method
	fold    bool
	entries []*Entry
	texts   texts // nil for methods about other things than text
	low     texts // for expressions: matched against the text in lower case; nil: none
	ranges  ranges
	nets    networks
	kinds   []method // for Meth
}

// texts is a set of texts in the structure that fits.
type texts interface {
	match(b []byte) bool
}

// method is a known method, or the name of another one.
type method struct {
	id   message.Method
	name string
}

func (s *fixed) match(m *Memory, v *txn.Value) bool {
	switch s.method {
	case Int:
		return s.ranges.has(int64(v.Lo))
	case Len:
		return s.ranges.has(int64(len(v.B)))
	case IP:
		return s.nets.has(v)
	case Meth:
		for i := range s.kinds {
			if s.kinds[i].is(v) {
				return true
			}
		}
		return false
	case Found, Bool, Str, Beg, End, Sub, Dir, Dom, Reg, Bin, numMethods:
	}
	return s.matchText(m, v.B)
}

func (s *fixed) matchText(m *Memory, b []byte) bool {
	if s.fold {
		if s.method != Reg {
			return s.texts.match(m.lowered(b))
		}
		if s.low != nil && s.low.match(m.lowered(b)) {
			return true
		}
	}
	return s.texts.match(b)
}

func (k *method) is(v *txn.Value) bool {
	return k.id == message.Method(v.Lo) && (k.id != message.MethodOther || k.name == string(v.B))
}

// lowered is b in lower case, in memory of the thread's.
func (m *Memory) lowered(b []byte) []byte {
	m.lower = append(m.lower[:0], b...)
	message.Lower(m.lower)
	return m.lower
}

// expression matches by an automaton.
type expression struct{ re *regex.Regexp }

func (e expression) match(b []byte) bool { return e.re.Match(b) }

// several matches by several structures.
type several []texts

// simplest is the same without the list where that has one element.
func (s several) simplest() texts {
	if len(s) == 1 {
		return s[0]
	}
	return s
}

func (s several) match(b []byte) bool {
	for _, t := range s {
		if t.match(b) {
			return true
		}
	}
	return false
}

// always matches everything.
type always struct{}

func (always) match([]byte) bool { return true }
