package stats

import (
	"io"
	"iter"
	"strconv"

	"bench/proxy/state"
)

// Format is how "show stat" and "show info" write.
type Format uint8

// Formats. Text is CSV for statistics and "name: value" lines for the process.
const (
	Text Format = iota
	Typed
	JSON
)

// Selection is which rows "show stat" writes; see All.
type Selection struct {
	ProxyID int // -1: all
	// Types is the sum of 1 for frontends, 2 for backends, 4 for servers and 8
	// for listeners; -1: all.
	Types    int
	ServerID int  // of servers and listeners; -1: all
	Up       bool // leave out servers that are not up
	NoMaint  bool // leave out servers in maintenance
	// Extended adds columns that the reference has not to the CSV, behind all others.
	Extended bool
	// Proxy tells whether a proxy is shown; nil: all are.
	Proxy func(name string) bool
}

// All selects every row.
func All() Selection { return Selection{ProxyID: -1, Types: -1, ServerID: -1} }

// Takes tells whether a row is selected.
func (s *Selection) Takes(r *Row) bool {
	if s.Proxy != nil && !s.Proxy(r.Proxy) {
		return false
	}
	if s.ProxyID != -1 && s.ProxyID != r.ProxyID {
		return false
	}
	if s.Types&(1<<r.Type) == 0 {
		return false
	}
	if r.Type != RowServer && r.Type != RowListener {
		return true
	}
	if s.ServerID != -1 && s.ServerID != r.ID {
		return false
	}
	if r.Type == RowServer {
		if s.Up && (r.Server.Maint || r.Server.Health != state.Up) {
			return false
		}
		if s.NoMaint && r.Server.Maint {
			return false
		}
	}
	return true
}

// WriteRows writes the selected rows as "show stat" does, without the empty
// line that ends an answer. With desc, typed output explains each field.
func WriteRows(w io.Writer, rows iter.Seq[*Row], sel Selection, format Format, desc bool) error {
	counts := sel.Up || sel.NoMaint
	var b []byte
	switch format {
	case Text:
		b = appendCSVHeader(b, sel.Extended)
	case JSON:
		b = append(b, '[')
	case Typed:
	}
	first := true
	for r := range rows {
		if !sel.Takes(r) {
			continue
		}
		switch format {
		case Text:
			b = appendCSVRow(b, r, counts, sel.Extended)
		case Typed:
			b = appendTypedRow(b, r, counts, desc)
		case JSON:
			if !first {
				b = append(b, ',')
			}
			b = appendJSONRow(b, r, counts)
		}
		first = false
		// One row at a time: the size of an answer never is the size of a buffer.
		if _, err := w.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	if format == JSON {
		b = append(b, "]\n"...)
	}
	_, err := w.Write(b)
	return err
}

func appendCSVHeader(b []byte, extended bool) []byte {
	b = append(b, "# "...)
	for i := range columns {
		b = append(append(b, columns[i].name...), ',')
	}
	b = append(b, "-,"...)
	for i := range moduleColumns {
		b = append(append(b, moduleColumns[i].name...), ',')
	}
	if extended {
		for i := range ownColumns {
			b = append(append(b, ownColumns[i].name...), ',')
		}
	}
	return append(b, '\n')
}

func appendCSVRow(b []byte, r *Row, counts, extended bool) []byte {
	for i := range columns {
		b = append(columns[i].field(r, counts).appendCSV(b), ',')
	}
	b = append(b, "-,"...)
	for i := range moduleColumns {
		b = append(moduleColumns[i].value(r).appendCSV(b), ',')
	}
	if extended {
		for i := range ownColumns {
			b = append(ownColumns[i].value(r).appendCSV(b), ',')
		}
	}
	return append(b, '\n')
}

func (v value) appendCSV(b []byte) []byte {
	if v.kind == kindStr {
		return appendCSV(b, v.s)
	}
	return v.append(b)
}

// field is the value of a column, where the status may carry counts.
func (c *column) field(r *Row, counts bool) value {
	if counts && c.name == "status" {
		return str(r.status(true))
	}
	return c.value(r)
}

// fields calls fn for every field that applies to r.
func (r *Row) fields(counts bool, fn func(pos int, c *column, v value)) {
	for i := range columns {
		if v := columns[i].field(r, counts); v.kind != kindNone {
			fn(i, &columns[i], v)
		}
	}
	for i := range moduleColumns {
		if v := moduleColumns[i].value(r); v.kind != kindNone {
			fn(len(columns)+i, &moduleColumns[i], v)
		}
	}
}

func appendTypedRow(b []byte, r *Row, counts, desc bool) []byte {
	r.fields(counts, func(pos int, c *column, v value) {
		b = append(b, letters[r.Type], '.')
		b = append(strconv.AppendInt(b, int64(r.ProxyID), 10), '.')
		b = append(strconv.AppendInt(b, int64(r.ID), 10), '.')
		b = append(strconv.AppendInt(b, int64(pos), 10), '.')
		b = appendTyped(b, c.name, c.tagsFor(r), v)
		if desc {
			b = append(append(append(b, ':', '"'), c.doc...), '"')
		}
		b = append(b, '\n')
	})
	return b
}

// appendTyped writes "name.process:tags:type:value".
func appendTyped(b []byte, name string, t tags, v value) []byte {
	b = append(append(b, name...), ".1:"...)
	b = append(append(b, t...), ':')
	b = append(append(b, v.kind.String()...), ':')
	return v.append(b)
}

var objectTypes = [...]string{RowFrontend: "Frontend", RowBackend: "Backend", RowServer: "Server", RowListener: "Listener"}

func appendJSONRow(b []byte, r *Row, counts bool) []byte {
	b = append(b, '[')
	first := true
	r.fields(counts, func(pos int, c *column, v value) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(append(b, `{"objType":"`...), objectTypes[r.Type]...), `","proxyId":`...)
		b = append(strconv.AppendInt(b, int64(r.ProxyID), 10), `,"id":`...)
		b = append(strconv.AppendInt(b, int64(r.ID), 10), ',')
		b = append(appendJSONField(b, pos, c.name, c.tagsFor(r), v), '}')
	})
	return append(b, ']')
}

func appendJSONField(b []byte, pos int, name string, t tags, v value) []byte {
	b = strconv.AppendInt(append(b, `"field":{"pos":`...), int64(pos), 10)
	b = appendJSONString(append(b, `,"name":`...), name)
	b = t.appendJSON(append(b, `},"processNum":1,`...))
	b = append(append(append(b, `,"value":{"type":"`...), v.kind.String()...), `","value":`...)
	return append(v.appendJSON(b), '}')
}
