package table

import "encoding/binary"

// Event is a set of things that entries count, each as a number and as a rate.
type Event uint8

// The events.
const (
	Connection Event = 1 << iota // what is tracked begins; it counts as current until Leave
	Session                      // a connection that rules have let in
	Request                      // an HTTP request
	Error                        // one that its client is to blame for
	Failure                      // one that its server is to blame for
)

// counters are what each event counts in.
var counters = [...]struct{ number, rate Datum }{
	{ConnCnt, ConnRate}, {SessCnt, SessRate}, {HTTPReqCnt, HTTPReqRate}, {HTTPErrCnt, HTTPErrRate}, {HTTPFailCnt, HTTPFailRate},
}

// Count counts events. An entry that holds a datum of theirs begins its time anew.
func (r Ref) Count(ev Event, now int64) {
	s, e := r.lock()
	if ms := millis(now); r.t.count(e, ev, ms) {
		r.changed(s, e, ms)
	}
	s.mu.Unlock()
}

// count counts events, and tells whether that has changed the entry.
func (t *Table) count(e []byte, ev Event, now uint32) (kept bool) {
	for i := range counters {
		if ev>>i&1 == 0 {
			continue
		}
		c := &counters[i]
		if at := t.offset[c.number]; at != 0 {
			put(e, at, get(e, at)+1)
			kept = true
		}
		if at := t.offset[c.rate]; at != 0 {
			addRate(e[at:], t.period[c.rate], now, 1)
			kept = true
		}
	}
	if at := t.offset[ConnCur]; at != 0 && ev&Connection != 0 {
		put(e, at, get(e, at)+1)
	}
	return kept || ev&Connection != 0
}

// Track finds or makes the entry of a key, holds it until Leave, and counts events,
// Connection among them. Without room for another one it reports false.
func (t *Table) Track(key []byte, ev Event, now int64) (Ref, bool) {
	r, ok := t.Make(key, now)
	if ok {
		r.Count(Connection|ev, now)
	}
	return r, ok
}

// Leave ends Track.
func (r Ref) Leave(now int64) {
	s, e := r.lock()
	if at := r.t.offset[ConnCur]; at != 0 {
		if n := get(e, at); n > 0 {
			put(e, at, n-1)
		}
		r.changed(s, e, millis(now))
	}
	r.drop(s, e)
	s.mu.Unlock()
}

// AddBytes counts bytes from clients and to them.
func (r Ref) AddBytes(in, out uint64, now int64) {
	s, e := r.lock()
	ms := millis(now)
	a, b := r.t.addBytes(e, BytesInCnt, BytesInRate, in, ms), r.t.addBytes(e, BytesOutCnt, BytesOutRate, out, ms)
	if a || b {
		r.changed(s, e, ms)
	}
	s.mu.Unlock()
}

func (t *Table) addBytes(e []byte, number, rate Datum, n uint64, now uint32) (kept bool) {
	if n == 0 {
		return false
	}
	if at := t.offset[number]; at != 0 {
		binary.NativeEndian.PutUint64(e[at:], binary.NativeEndian.Uint64(e[at:])+n)
		kept = true
	}
	if at := t.offset[rate]; at != 0 {
		addRate(e[at:], t.period[rate], now, uint32(n))
		kept = true
	}
	return kept
}

// Value reads element i of a datum, of which only arrays have others than 0. It reports
// false for what the table does not hold. Signed numbers come as int64.
func (r Ref) Value(d Datum, i int, now int64) (uint64, bool) {
	at, of := r.t.cell(d, i)
	if at == 0 {
		return 0, false
	}
	s, e := r.lock()
	v := r.t.value(e, at, of, millis(now))
	s.mu.Unlock()
	return v, true
}

func (t *Table) value(e []byte, at int, of Datum, now uint32) uint64 {
	switch of.Form() {
	case Signed:
		return uint64(int64(int32(get(e, at))))
	case Long:
		return binary.NativeEndian.Uint64(e[at:])
	case Frequency:
		return readRate(e[at:], t.period[of], now)
	case Unsigned, Name:
	}
	return uint64(get(e, at))
}

// Holds reports whether the table holds element i of a datum.
func (t *Table) Holds(d Datum, i int) bool {
	at, _ := t.cell(d, i)
	return at != 0
}

// Set sets element i of a datum. A rate is set to what it reports at this moment. It
// reports false for what the table does not hold.
func (r Ref) Set(d Datum, i int, v uint64, now int64) bool {
	at, of := r.t.cell(d, i)
	if at == 0 || of.Form() == Name {
		return false
	}
	s, e := r.lock()
	defer s.mu.Unlock()
	switch of.Form() {
	case Long:
		binary.NativeEndian.PutUint64(e[at:], v)
	case Frequency:
		setRate(e[at:], millis(now), uint32(v))
	case Signed, Unsigned, Name:
		put(e, at, uint32(v))
	}
	r.changed(s, e, millis(now))
	return true
}

// Counter names a general-purpose counter: its number, and its rate.
type Counter struct {
	Number, Rate Datum
	Index        int
}

// Increase adds n to a counter. It returns the counter, or where only the rate is kept
// the events of its current period, and false where neither is.
func (r Ref) Increase(c Counter, n uint32, now int64) (uint64, bool) {
	number, _ := r.t.cell(c.Number, c.Index)
	rate, of := r.t.cell(c.Rate, c.Index)
	if number == 0 && rate == 0 {
		return 0, false
	}
	s, e := r.lock()
	defer s.mu.Unlock()
	v, ms := uint32(0), millis(now)
	if rate != 0 {
		v = addRate(e[rate:], r.t.period[of], ms, n)
	}
	if number != 0 {
		v = get(e, number) + n
		put(e, number, v)
	}
	r.changed(s, e, ms)
	return uint64(v), true
}

// Add adds n to a datum that is a number of 32 bits, and returns what it is then.
func (r Ref) Add(d Datum, n uint32, now int64) (uint64, bool) {
	at, _ := r.t.cell(d, 0)
	if at == 0 {
		return 0, false
	}
	s, e := r.lock()
	defer s.mu.Unlock()
	v := get(e, at) + n
	put(e, at, v)
	r.changed(s, e, millis(now))
	return uint64(v), true
}

// Clear sets a datum to zero and returns what it was.
func (r Ref) Clear(d Datum, i int, now int64) (uint64, bool) {
	at, of := r.t.cell(d, i)
	if at == 0 || of.Form() == Name {
		return 0, false
	}
	s, e := r.lock()
	defer s.mu.Unlock()
	v := r.t.value(e, at, of, millis(now))
	put(e, at, 0)
	r.changed(s, e, millis(now))
	return v, true
}

// Holders is by how many the entry is held, this reference included.
func (r Ref) Holders() int {
	s, e := r.lock()
	defer s.mu.Unlock()
	return int(get(e, atUses) &^ uint32(ordered))
}

// Left is the time until the entry expires, in milliseconds.
func (r Ref) Left(now int64) int64 {
	s, e := r.lock()
	defer s.mu.Unlock()
	return int64(int32(get(e, atExpire) - millis(now)))
}

// Key appends the key of the entry to dst.
func (r Ref) Key(dst []byte) []byte {
	s, e := r.lock()
	defer s.mu.Unlock()
	return append(dst, r.t.key(e)...)
}

// In finds the entry of the same key in another table, and holds it. Keys of another
// type are not the same.
func (r Ref) In(t *Table, now int64) (Ref, bool) {
	if t.Type != r.t.Type {
		return Ref{}, false
	}
	var room [256]byte
	key := r.Key(room[:0])
	switch {
	case len(key) > t.Length:
		key = key[:t.Length]
	case t.Type == Binary:
		key = append(key, make([]byte, t.Length-len(key))...)
	}
	return t.Find(key, now)
}

// OfStatus are the events that the status of a response stands for: what the client is
// to blame for, and what the server is. Two say that the server cannot do what it was
// asked, which is no failure (configuration manual, "http_fail_cnt").
func OfStatus(status int) Event {
	switch {
	case status >= 400 && status <= 499:
		return Error
	case status >= 500 && status <= 599 && status != 501 && status != 505:
		return Failure
	}
	return 0
}
