package redisorigin

import (
	"iter"
	"slices"
)

// entry is one key's value.
type entry struct {
	value  []byte
	expiry int64 // milliseconds since 1970; 0: never
}

// database is one of the numbered databases. The zero value is empty.
type database struct {
	keys     map[string]*entry
	volatile int   // keys that expire
	bytes    int64 // of keys and values
	expired  uint64
	watchers map[string][]*session // by the keys they watch
}

// entryCost is what a key costs besides its bytes.
const entryCost = 64

// get finds a key that has not expired.
func (d *database) get(key []byte, now int64) *entry {
	e := d.keys[string(key)]
	if e == nil || e.expiry == 0 || e.expiry > now {
		return e
	}
	d.remove(key, e)
	d.expired++
	return nil
}

// set gives a key a value; its expiry is left alone. It copies both.
func (d *database) set(key, value []byte) *entry {
	e := d.keys[string(key)]
	if e == nil {
		if d.keys == nil {
			d.keys = make(map[string]*entry)
		}
		e = &entry{}
		d.keys[string(key)] = e
		d.bytes += int64(len(key)) + entryCost
	}
	d.replace(key, e, append(e.value[:0], value...))
	return e
}

// put is set with an expiry; 0 is never.
func (d *database) put(key, value []byte, expiry int64) { d.setExpiry(d.set(key, value), expiry) }

// replace changes the value of an entry to one that is not copied.
func (d *database) replace(key []byte, e *entry, value []byte) {
	d.bytes += int64(len(value) - len(e.value))
	e.value = value
	d.touch(key)
}

// expire sets when an entry ends; 0 is never.
func (d *database) expire(key []byte, e *entry, when int64) {
	d.setExpiry(e, when)
	d.touch(key)
}

func (d *database) setExpiry(e *entry, when int64) {
	if e.expiry != 0 {
		d.volatile--
	}
	if when != 0 {
		d.volatile++
	}
	e.expiry = when
}

func (d *database) remove(key []byte, e *entry) {
	d.setExpiry(e, 0)
	d.bytes -= int64(len(key)+len(e.value)) + entryCost
	delete(d.keys, string(key))
	d.touch(key)
}

// watch lets a session know when a key changes.
func (d *database) watch(key string, s *session) {
	if d.watchers == nil {
		d.watchers = make(map[string][]*session)
	}
	d.watchers[key] = append(d.watchers[key], s)
}

func (d *database) unwatch(key string, s *session) {
	rest := slices.DeleteFunc(d.watchers[key], func(other *session) bool { return other == s })
	if d.watchers[key] = rest; len(rest) == 0 {
		delete(d.watchers, key)
	}
}

// touch tells those who watch a key that it has changed.
func (d *database) touch(key []byte) {
	for _, s := range d.watchers[string(key)] {
		s.tx.touched = true
	}
}

// maxSweep bounds the keys looked at in one sweep; they come in random order.
const maxSweep = 10_000

// sweep takes expired keys away.
func (d *database) sweep(now int64) {
	if d.volatile == 0 {
		return
	}
	left := maxSweep
	for key, e := range d.keys {
		if e.expiry != 0 && e.expiry <= now {
			d.remove([]byte(key), e)
			d.expired++
		}
		if left--; left == 0 {
			break
		}
	}
}

// flush takes all keys away.
func (d *database) flush() {
	for key := range d.watchers {
		if d.keys[key] != nil {
			d.touch([]byte(key))
		}
	}
	*d = database{expired: d.expired, watchers: d.watchers}
}

// live iterates over the keys that have not expired.
func (d *database) live(now int64) iter.Seq2[string, *entry] {
	return func(yield func(string, *entry) bool) {
		for key, e := range d.keys {
			if (e.expiry == 0 || e.expiry > now) && !yield(key, e) {
				return
			}
		}
	}
}
