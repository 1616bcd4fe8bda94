package pattern

import (
	"fmt"
	"net/netip"
	"strconv"
	"sync/atomic"

	"bench/proxy/regex"
	"bench/proxy/txn"
)

// Entry is one pattern of a list, in maps with what it leads to. Its key never
// changes; its value may, at any time.
type Entry struct {
	// ID is unique within the process: what "show map" shows, and what "#" means in the
	// commands of the runtime API.
	ID uint64
	// Key is the pattern as written.
	Key string

	value atomic.Pointer[Value]
	exact atomic.Pointer[regex.Regexp] // the key compiled, as it is and
	lower atomic.Pointer[regex.Regexp] // without regard to case; nil: not yet
	gone  atomic.Bool                  // deleted, and still in an index
}

// Gone tells whether the entry has been deleted.
func (e *Entry) Gone() bool { return e.gone.Load() }

var entries atomic.Uint64

func newEntry(key string, v *Value) *Entry {
	e := &Entry{ID: entries.Add(1), Key: key}
	e.value.Store(v)
	return e
}

// expression is the key compiled. The list has held that this can be done.
func (e *Entry) expression(fold bool) *regex.Regexp {
	at := &e.exact
	if fold {
		at = &e.lower
	}
	if re := at.Load(); re != nil {
		return re
	}
	re, err := regex.Compile(e.Key, fold)
	if err != nil {
		panic(err) // it was compiled before it was taken into the list
	}
	at.Store(re)
	return re
}

// Value is what the entry leads to; nil in lists that are no maps.
func (e *Entry) Value() *Value { return e.value.Load() }

// Value is what an entry of a map leads to: a text, and what that means where the map
// is used for integers or addresses. It is immutable.
type Value struct {
	Text []byte
	Int  int64
	IP   txn.Value
}

// ParseValue reads a value for maps of a kind: txn.Str, txn.Int or txn.Address.
func ParseValue(text string, k txn.Kind) (*Value, error) {
	v := &Value{Text: []byte(text)}
	if err := v.read(k); err != nil {
		return nil, err
	}
	return v, nil
}

// read takes the text for an integer or an address.
func (v *Value) read(k txn.Kind) error {
	switch k {
	case txn.Int:
		n, err := strconv.ParseInt(string(v.Text), 10, 64)
		if err != nil {
			return fmt.Errorf("value '%s' is not an integer", v.Text)
		}
		v.Int = n
	case txn.Address, txn.IPv4, txn.IPv6:
		a, err := netip.ParseAddr(string(v.Text))
		if err != nil {
			return fmt.Errorf("value '%s' is not an address", v.Text)
		}
		v.IP.SetIP(a)
	case txn.None, txn.Bool, txn.Str, txn.Bin, txn.Method, txn.NumKinds:
	}
	return nil
}
