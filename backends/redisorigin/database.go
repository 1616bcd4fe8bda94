package redisorigin

import "iter"

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
	d.bytes += int64(len(value) - len(e.value))
	e.value = append(e.value[:0], value...)
	return e
}

// grew notes that a value has changed its length.
func (d *database) grew(by int) { d.bytes += int64(by) }

// expire sets when an entry ends; 0 is never.
func (d *database) expire(e *entry, when int64) {
	if e.expiry != 0 {
		d.volatile--
	}
	if when != 0 {
		d.volatile++
	}
	e.expiry = when
}

func (d *database) remove(key []byte, e *entry) {
	d.expire(e, 0)
	d.bytes -= int64(len(key)+len(e.value)) + entryCost
	delete(d.keys, string(key))
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
func (d *database) flush() { *d = database{expired: d.expired} }

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
