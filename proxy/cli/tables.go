package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/table"
)

func tableCommands() []Command {
	return []Command{
		{Words: "show table", Args: "[<table> ...]", Help: "list the stick tables, or the entries of one", Fn: showTable},
		{Words: "set table", Args: "<table> ...", Level: Operator, Help: "make or change an entry of a stick table", Fn: setTable},
		{Words: "clear table", Args: "<table> ...", Level: Operator, Help: "remove entries of a stick table", Fn: clearTable},
	}
}

const (
	noTable   = "No such table"
	noKey     = "Key value expected"
	badKey    = "Invalid key"
	notStored = "Data type not stored in this table"
	noDatum   = "Unknown data type"
)

// stickTable finds a table by name, nil if there is none.
func (r *request) stickTable(name string) *table.Table {
	for _, t := range r.s.engine.Tables() {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func showTable(r *request) error {
	if r.arg(0) == "" {
		// The last one comes first, as in the reference.
		for _, t := range slices.Backward(r.s.engine.Tables()) {
			t.Sweep(t.Now())
			if err := writeTable(r.w, t); err != nil {
				return err
			}
		}
		return nil
	}
	t := r.stickTable(r.arg(0))
	if t == nil {
		return r.fail(noTable)
	}
	// Who has come is not for everybody.
	maySee := r.access.Level >= Operator
	if r.arg(1) == "key" && !maySee {
		return r.fail("Permission denied")
	}
	t.Sweep(t.Now())
	if r.arg(1) == "key" {
		key, refusal := tableKey(t, r.arg(2), "Showing keys from tables")
		if refusal != "" {
			return r.fail(refusal)
		}
		x, ok := t.Get(key, t.Now())
		if !ok {
			return nil
		}
		if err := writeTable(r.w, t); err != nil {
			return err
		}
		return writeEntry(r.w, t, &x)
	}
	f, refusal := newTableFilter(t, r.args[1:])
	switch {
	case refusal != "":
		return r.fail(refusal)
	case f == nil && r.arg(1) != "":
		return r.fail("Optional argument only supports \"data.<store_data_type>\" <operator> <value> and key <key>")
	}
	err := writeTable(r.w, t)
	if err == nil && !maySee {
		_, err = r.w.WriteString("# contents not dumped due to insufficient privileges\n")
		return err
	}
	t.Each(t.Now(), func(x *table.Entry) bool {
		if err == nil && f.passes(x) {
			err = writeEntry(r.w, t, x)
		}
		return err == nil
	})
	return err
}

func writeTable(w io.Writer, t *table.Table) error {
	_, err := fmt.Fprintf(w, "# table: %s, type: %s, size:%d, used:%d\n", t.Name, t.Type, t.Size, t.Used())
	return err
}

func writeEntry(w io.Writer, t *table.Table, x *table.Entry) error {
	left := max(x.Left(), 0)
	if t.Expire == 0 {
		left = 0
	}
	b := fmt.Appendf(nil, "0x%012x: key=", x.ID)
	b = t.AppendKey(b, x.Key())
	b = fmt.Appendf(b, " use=%d exp=%d", x.Holders(), left)
	for _, c := range t.Columns {
		for i := range c.N {
			b = append(b, ' ')
			b = append(b, columnName(&c, i)...)
			b = append(b, '=')
			switch c.Datum.Form() {
			case table.Name:
				name := x.Name(c.Datum)
				if name == "" {
					name = "-"
				}
				b = append(b, name...)
			case table.Signed:
				b = strconv.AppendInt(b, int64(x.Value(c.Datum, i)), 10)
			case table.Unsigned, table.Long, table.Frequency:
				b = strconv.AppendUint(b, x.Value(c.Datum, i), 10)
			}
		}
	}
	_, err := w.Write(append(b, '\n'))
	return err
}

// columnName is how an element of a column is shown: "gpc1_rate(10000)" for element 1 of
// gpc_rate.
func columnName(c *table.Column, i int) string {
	name := c.Datum.String()
	if c.Datum.Array() {
		head, tail, several := strings.Cut(name, "_")
		if name = head + strconv.Itoa(i); several {
			name += "_" + tail
		}
	}
	if c.Period > 0 {
		name += "(" + strconv.FormatInt(c.Period.Milliseconds(), 10) + ")"
	}
	return name
}

// tableKey reads a key. Without one it says why.
func tableKey(t *table.Table, text, doing string) (key []byte, refusal string) {
	switch {
	case text == "":
		return nil, noKey
	case t.Type == table.Binary:
		return nil, doing + " of type other than ip, ipv6, string and integer is not supported"
	}
	key, err := t.ParseKey(text)
	if err != nil {
		return nil, badKey
	}
	return key, ""
}

// tableFilter is what entries have to be like; nil: anything.
type tableFilter []func(*table.Entry) bool

func (f tableFilter) passes(x *table.Entry) bool {
	for _, holds := range f {
		if !holds(x) {
			return false
		}
	}
	return true
}

// maxTableFilters is how many conditions there can be at a time.
const maxTableFilters = 4

// newTableFilter reads conditions, nil where words begin with none.
func newTableFilter(t *table.Table, words []string) (f tableFilter, refusal string) {
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	at := 0
	if !strings.HasPrefix(arg(0), "data.") {
		return nil, ""
	}
	for ; arg(at) != "" && len(f) < maxTableFilters; at += 3 {
		which := fmt.Sprintf("Filter entry #%d: ", len(f)+1)
		name, _ := strings.CutPrefix(arg(at), "data.")
		d, ok := table.DatumByName(name)
		switch {
		case !ok:
			return nil, which + noDatum
		case !t.Has(d):
			return nil, which + notStored
		}
		compare, ok := comparisons[arg(at+1)]
		if !ok {
			return nil, which + `Require and operator among "eq", "ne", "le", "ge", "lt", "gt"`
		}
		want, err := tableNumber(arg(at + 2))
		if err != nil {
			return nil, which + "Require a valid integer value to compare against"
		}
		f = append(f, func(x *table.Entry) bool { return compare(int64(x.Value(d, 0)), want) })
	}
	if arg(at) != "" {
		// Words are counted with those of the command.
		return nil, fmt.Sprintf("Detected extra data in filter, %dth word of input, after '%s'", at+4, arg(at-1))
	}
	return f, ""
}

// tableNumber reads a number as the reference does: without a plus sign, and a minus sign
// alone is 0.
func tableNumber(text string) (int64, error) {
	if text == "-" {
		return 0, nil
	}
	if strings.HasPrefix(text, "+") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(text, 10, 64)
}

var comparisons = map[string]func(a, b int64) bool{
	"eq": func(a, b int64) bool { return a == b }, "ne": func(a, b int64) bool { return a != b },
	"le": func(a, b int64) bool { return a <= b }, "ge": func(a, b int64) bool { return a >= b },
	"lt": func(a, b int64) bool { return a < b }, "gt": func(a, b int64) bool { return a > b },
}

func setTable(r *request) error {
	const usage = "Required arguments: <table> key <key> [data.<store_data_type> <value>]*"
	if r.arg(0) == "" {
		return r.fail(usage)
	}
	t := r.stickTable(r.arg(0))
	switch {
	case t == nil:
		return r.fail(noTable)
	case r.arg(1) == "":
		return nil // nothing to be set
	case r.arg(1) != "key":
		return r.fail(usage)
	}
	key, refusal := tableKey(t, r.arg(2), "Inserting keys into tables")
	if refusal != "" {
		return r.fail(refusal)
	}
	now := t.Now()
	e, ok := t.Make(key, now)
	if !ok {
		return r.fail("Unable to allocate a new entry")
	}
	defer e.Drop()
	e.Touch(now)
	for at := 3; r.arg(at) != ""; at += 2 {
		name, ok := strings.CutPrefix(r.arg(at), "data.")
		if !ok {
			return r.fail(`"data.<type>" followed by a value expected`)
		}
		d, ok := table.DatumByName(name)
		switch {
		case !ok:
			return r.fail(noDatum)
		case !t.Has(d):
			return r.fail(notStored)
		}
		v, err := tableNumber(r.arg(at + 1))
		if err != nil {
			return r.fail("Require a valid integer value to store")
		}
		if d.Form() == table.Name {
			continue // a name is not a number
		}
		e.Set(d, 0, uint64(v), now)
	}
	return nil
}

func clearTable(r *request) error {
	const usage = `Required arguments: <table> "data.<store_data_type>" <operator> <value> or <table> key <key>`
	if r.arg(0) == "" {
		return r.fail(usage)
	}
	t := r.stickTable(r.arg(0))
	if t == nil {
		return r.fail(noTable)
	}
	if r.arg(1) == "key" {
		key, refusal := tableKey(t, r.arg(2), "Removing keys from tables")
		if refusal != "" {
			return r.fail(refusal)
		}
		if _, held := t.Remove(key); held {
			return r.fail("Entry currently in use, cannot remove")
		}
		return nil
	}
	f, refusal := newTableFilter(t, r.args[1:])
	switch {
	case refusal != "":
		return r.fail(refusal)
	case f == nil && r.arg(1) != "":
		return r.fail(usage)
	}
	t.Clear(t.Now(), f.passes)
	return nil
}
