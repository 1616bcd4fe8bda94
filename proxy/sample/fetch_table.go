package sample

import (
	"fmt"

	"bench/proxy/table"
	"bench/proxy/txn"
)

// trackedFetches are about what counters stand for (configuration manual, section
// 7.3.3).
func trackedFetches() (rows []Fetch) {
	const usage, indexed = "(<counter>[,<table>])", "(<index>,<counter>[,<table>])"
	for _, d := range append(numbers(), general("get_")...) {
		rows = append(rows, Fetch{Row: Row{Name: "sc_" + d.name, Usage: usage, params: "k|t", Doc: d.doc + ", of what the counter tracks."}, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.tracked(&a[0], &a[1], func(r table.Ref) bool { return d.read(c, r, 0, v) })
		}})
	}
	for _, d := range arrays("get_") {
		rows = append(rows, Fetch{Row: Row{Name: "sc_" + d.name, Usage: indexed, params: "ik|t", check: checkElement, Doc: d.doc + ", of what the counter tracks."}, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.tracked(&a[1], &a[2], func(r table.Ref) bool { return d.read(c, r, int(a[0].Int), v) })
		}})
	}
	for _, g := range changes() {
		if g.indexed {
			rows = append(rows, Fetch{Row: Row{Name: "sc_" + g.name, Usage: indexed, params: "ik|t", check: checkElement, Doc: g.doc + ", of what the counter tracks."}, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
				return c.tracked(&a[1], &a[2], func(r table.Ref) bool { return g.make(c, r, int(a[0].Int), v) })
			}})
			continue
		}
		rows = append(rows, Fetch{Row: Row{Name: "sc_" + g.name, Usage: usage, params: "k|t", Doc: g.doc + ", of what the counter tracks."}, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.tracked(&a[0], &a[1], func(r table.Ref) bool { return g.make(c, r, g.counter.Index, v) })
		}})
	}
	return append(rows,
		Fetch{Row: Row{Name: "sc_tracked", Usage: usage, params: "k|t", Doc: "Whether the counter tracks anything."}, Out: txn.Bool, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			v.SetBool(c.Txn.Counter(int(a[0].Int)).Valid())
			return true
		}},
		Fetch{Row: Row{Name: "sc_trackers", Usage: usage, params: "k|t", Doc: "How many hold the entry that the counter tracks."}, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.tracked(&a[0], &a[1], func(r table.Ref) bool { return holders(r, v, a[1].set) })
		}},
	)
}

// holders is by how many an entry is held, without ourselves if asked through another
// table's key.
func holders(r table.Ref, v *txn.Value, ours bool) bool {
	n := 0
	if r.Valid() {
		if n = r.Holders(); ours {
			n--
		}
	}
	v.SetInt(int64(n))
	return true
}

// tracked gives what a counter tracks to get: in the table it was tracked in, or the
// entry of the same key in another one, which may not be there. Without anything tracked
// there is no value.
func (c *Context) tracked(counter, other *Arg, get func(table.Ref) bool) bool {
	r := c.Txn.Counter(int(counter.Int))
	if !r.Valid() {
		return false
	}
	if !other.set {
		return get(r)
	}
	farm := c.farm()
	r, ok := r.In(farm.Table(int(other.Int)), farm.Now())
	if ok {
		defer r.Drop()
	}
	return get(r)
}

// change is something that a fetch does to an entry, whose value it is.
type change struct {
	name    string
	clear   bool
	counter table.Counter
	indexed bool
	doc     string
}

func changes() []change {
	first, second := table.Counter{Number: table.GPC0, Rate: table.GPC0Rate}, table.Counter{Number: table.GPC1, Rate: table.GPC1Rate}
	each := table.Counter{Number: table.GPC, Rate: table.GPCRate}
	return []change{
		{"clr_gpc", true, each, true, "Clear a general-purpose counter, by its number, and give what it was"},
		{"clr_gpc0", true, first, false, "Clear the first general-purpose counter, and give what it was"},
		{"clr_gpc1", true, second, false, "Clear the second general-purpose counter, and give what it was"},
		{"inc_gpc", false, each, true, "Increase a general-purpose counter, by its number, and give what it is then"},
		{"inc_gpc0", false, first, false, "Increase the first general-purpose counter, and give what it is then"},
		{"inc_gpc1", false, second, false, "Increase the second general-purpose counter, and give what it is then"},
	}
}

// make makes the change, and the value what comes of it; 0 where there is no entry, or
// nothing to be increased. There is no value where there is nothing to be cleared.
func (g *change) make(c *Context, r table.Ref, i int, v *txn.Value) bool {
	v.SetInt(0)
	if !r.Valid() {
		return true
	}
	counter := g.counter
	if g.indexed {
		counter.Index = i
	}
	now := c.farm().Now()
	n, ok := uint64(0), true
	if g.clear {
		n, ok = r.Clear(counter.Number, counter.Index, now)
	} else {
		n, _ = r.Increase(counter, 1, now)
	}
	v.SetInt(int64(n))
	return ok
}

// sourceFetches are about the client's address as a key.
func sourceFetches() (rows []Fetch) {
	const usage, indexed = "([<table>])", "(<index>[,<table>])"
	for _, d := range append(numbers(), general("get_")...) {
		rows = append(rows, Fetch{Row: Row{Name: "src_" + d.name, Usage: usage, params: "|t", check: ownTable(0), Doc: d.doc + ", of the client's address."}, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.source(&a[0], false, func(r table.Ref) bool { return d.read(c, r, 0, v) })
		}})
	}
	for _, d := range arrays("get_") {
		rows = append(rows, Fetch{Row: Row{Name: "src_" + d.name, Usage: indexed, params: "i|t", check: both(checkElement, ownTable(1)), Doc: d.doc + ", of the client's address."}, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.source(&a[1], false, func(r table.Ref) bool { return d.read(c, r, int(a[0].Int), v) })
		}})
	}
	for _, g := range changes() {
		row := Row{Name: "src_" + g.name, Usage: usage, params: "|t", check: ownTable(0), Doc: g.doc + ", of the client's address."}
		if g.indexed {
			row.Usage, row.params, row.check = indexed, "i|t", both(checkElement, ownTable(1))
		}
		rows = append(rows, Fetch{Row: row, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.source(&a[len(a)-1], true, func(r table.Ref) bool { return g.make(c, r, int(a[0].Int), v) })
		}})
	}
	return append(rows, Fetch{Row: Row{Name: "src_updt_conn_cnt", Usage: usage, params: "|t", check: ownTable(0), Doc: "Count one more connection of the client's address, and give how many those are."}, Out: txn.Int, At: always, fn: func(c *Context, a []Arg, v *txn.Value) bool {
		if !c.farm().Table(int(a[0].Int)).Holds(table.ConnCnt, 0) {
			return false
		}
		return c.source(&a[0], true, func(r table.Ref) bool {
			n, ok := r.Add(table.ConnCnt, 1, c.farm().Now())
			v.SetInt(int64(n))
			return ok
		})
	}})
}

// source gives the entry of the client's address to get, which is made if need be, or
// else may not be there. An address that cannot be a key has no value.
func (c *Context) source(of *Arg, create bool, get func(table.Ref) bool) bool {
	farm := c.farm()
	t, now := farm.Table(int(of.Int)), farm.Now()
	var src txn.Value
	if !fetchSrc(c, nil, &src) {
		return false
	}
	key, ok := c.Key(&src, t.Spec)
	if !ok {
		return false
	}
	var r table.Ref
	if create {
		r, ok = t.Make(key, now)
	} else {
		r, ok = t.Find(key, now)
	}
	if ok {
		defer r.Drop()
	} else if create {
		return false
	}
	return get(r)
}

// tableFetches are about tables as a whole.
func tableFetches() []Fetch {
	fill := func(name, doc string, n func(*table.Table) int) Fetch {
		return Fetch{Row: Row{Name: name, Usage: "([<table>])", params: "|t", check: ownTable(0), Doc: doc}, Out: txn.Int, At: inside, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			v.SetInt(int64(n(c.farm().Table(int(a[0].Int)))))
			return true
		}}
	}
	return []Fetch{
		fill("table_avl", "Free entries of a stick table.", func(t *table.Table) int { return t.Size - t.Used() }),
		fill("table_cnt", "Entries of a stick table.", (*table.Table).Used),
	}
}

// tableConvs look values up as keys of tables (configuration manual, section 7.3.1).
func tableConvs() (rows []Conv) {
	const usage, indexed = "([<table>])", "(<index>[,<table>])"
	for _, d := range append(append(numbers(), general("")...), datum{"server_id", table.ServerID, 0, "The number of the server"}) {
		rows = append(rows, Conv{Row: Row{Name: "table_" + d.name, Usage: usage, params: "|t", check: ownTable(0), Doc: d.doc + ", of the value as a key."}, Out: txn.Int, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.entry(&a[0], v, func(r table.Ref) bool { return d.read(c, r, 0, v) })
		}})
	}
	for _, d := range arrays("") {
		rows = append(rows, Conv{Row: Row{Name: "table_" + d.name, Usage: indexed, params: "i|t", check: both(checkElement, ownTable(1)), Doc: d.doc + ", of the value as a key."}, Out: txn.Int, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.entry(&a[1], v, func(r table.Ref) bool { return d.read(c, r, int(a[0].Int), v) })
		}})
	}
	// time is about when the entry was used; fallback is the value without an entry.
	time := func(name, doc string, of func(t *table.Table, left int64) int64) Conv {
		return Conv{Row: Row{Name: name, Usage: "(<table>[,<default>])", params: "t|i", Doc: doc}, Out: txn.Int, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.entry(&a[0], v, func(r table.Ref) bool {
				if !r.Valid() {
					v.SetInt(a[1].Int)
					return a[1].set
				}
				v.SetInt(of(r.Table(), r.Left(c.farm().Now())))
				return true
			})
		}}
	}
	return append(rows,
		Conv{Row: Row{Name: "in_table", Usage: usage, params: "|t", check: ownTable(0), Doc: "Whether the value is a key of the table."}, Out: txn.Bool, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.entry(&a[0], v, func(r table.Ref) bool { v.SetBool(r.Valid()); return true })
		}},
		Conv{Row: Row{Name: "table_trackers", Usage: usage, params: "|t", check: ownTable(0), Doc: "How many hold the entry of the value as a key, this converter included."}, Out: txn.Int, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.entry(&a[0], v, func(r table.Ref) bool { return holders(r, v, false) })
		}},
		time("table_expire", "Milliseconds until the entry of the value as a key expires, or a default where there is none.", func(_ *table.Table, left int64) int64 { return left }),
		time("table_idle", "Milliseconds since the entry of the value as a key was used, or a default where there is none.", func(t *table.Table, left int64) int64 { return t.Expire.Milliseconds() - left }),
	)
}

// entry gives the entry of a value to get, which may not be there. What cannot be a key
// has no value.
func (c *Context) entry(of *Arg, v *txn.Value, get func(table.Ref) bool) bool {
	farm := c.farm()
	t := farm.Table(int(of.Int))
	key, ok := c.Key(v, t.Spec)
	if !ok {
		return false
	}
	r, ok := t.Find(key, farm.Now())
	if ok {
		defer r.Drop()
	}
	return get(r)
}

// TableNamed has a table found for a rule, when all are known: "" is that of the section
// at hand. fits says what is wrong with one.
func (env *Env) TableNamed(name string, fits func(*table.Spec) error) (*Arg, error) {
	a := &Arg{}
	if err := env.table(a, name, 0, fits); err != nil {
		return nil, fmt.Errorf("'%s': %w", name, err)
	}
	return a, nil
}
