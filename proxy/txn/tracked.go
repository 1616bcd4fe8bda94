package txn

import "bench/proxy/table"

// Tracked are entries of stick tables that events are counted in, by the number of the
// counter ("track-sc0" and so on). nil: none are.
type Tracked []table.Ref

// Get is the entry that a counter stands for; one that is not valid: none.
func (x Tracked) Get(i int) table.Ref {
	if i < len(x) {
		return x[i]
	}
	return table.Ref{}
}

// Put makes a counter stand for an entry. There are n counters.
func (x *Tracked) Put(i, n int, r table.Ref) {
	for len(*x) < n {
		*x = append(*x, table.Ref{})
	}
	(*x)[i] = r
}

// Leave lets go of all entries.
func (x *Tracked) Leave(now int64) {
	for i, r := range *x {
		if r.Valid() {
			r.Leave(now)
			(*x)[i] = table.Ref{}
		}
	}
	*x = (*x)[:0]
}

// Count counts events in all entries.
func (x Tracked) Count(ev table.Event, now int64) {
	for _, r := range x {
		if r.Valid() {
			r.Count(ev, now)
		}
	}
}

// Counter is the entry that a counter stands for: one of the transaction's own, or else
// of its client's connection.
func (t *Txn) Counter(i int) table.Ref {
	if r := t.Tracked.Get(i); r.Valid() {
		return r
	}
	return t.SessionTracked.Get(i)
}

// Count counts events of the transaction.
func (t *Txn) Count(ev table.Event, now int64) {
	for i := range max(len(t.Tracked), len(t.SessionTracked)) {
		if r := t.Counter(i); r.Valid() {
			r.Count(ev, now)
		}
	}
}

// CountBytes counts bytes from the client and to it.
func (t *Txn) CountBytes(in, out uint64, now int64) {
	for i := range max(len(t.Tracked), len(t.SessionTracked)) {
		if r := t.Counter(i); r.Valid() {
			r.AddBytes(in, out, now)
		}
	}
}
