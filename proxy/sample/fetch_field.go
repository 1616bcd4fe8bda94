package sample

import (
	"bytes"
	"fmt"

	"bench/proxy/message"
	"bench/proxy/txn"
)

// side is where fields are looked for.
type side uint8

const (
	request side = iota
	response
	whichever // the response once it is there
)

func (c *Context) fields(s side) *message.Header {
	if s != request && c.Txn.Res != nil {
		return &c.Txn.Res.Header
	}
	if s != response && c.Txn.Req != nil {
		return &c.Txn.Req.Header
	}
	c.noRequest()
	return nil
}

// fieldFetches are about header fields (configuration manual, section 7.3.6): for
// each side the same rows.
func fieldFetches() []Fetch {
	var rows []Fetch
	for _, s := range []struct {
		prefix string
		side   side
		at     txn.Steps
		of     string
	}{
		{"", whichever, reading | answered, "the request, or of the response in rules of responses"},
		{"req.", request, reading, "the request"},
		{"res.", response, answered, "the response"},
	} {
		add := func(name, usage, params, doc string, out txn.Kind, fn func(*Context, []Arg, *txn.Value) bool) *Fetch {
			row := Row{Name: s.prefix + name, Usage: usage, params: params, Doc: doc + s.of + "."}
			if params == "|hi" {
				row.check = checkOccurrence
			}
			rows = append(rows, Fetch{Row: row, Out: out, At: s.at, http: true, fn: fn})
			return &rows[len(rows)-1]
		}
		const usage = "([<name>][,<occurrence>])"
		hdr := func(c *Context, a []Arg, v *txn.Value) bool { return a[0].set && c.value(s.side, a, v, false) }
		h := add("hdr", usage, "|hi", "Value of a field of ", txn.Str, hdr)
		if s.side == request {
			h.quick = opHeader
		}
		add("hdr_cnt", "([<name>])", "|h", "Number of values of a field of ", txn.Int, func(c *Context, a []Arg, v *txn.Value) bool { return c.count(s.side, a, v, false) })
		add("hdr_ip", usage, "|hi", "Address in a field of ", txn.Address, func(c *Context, a []Arg, v *txn.Value) bool { return fieldIP(c, hdr, a, v) })
		add("hdr_val", usage, "|hi", "Number in a field of ", txn.Int, asInt(hdr))
		if s.side == whichever {
			continue
		}
		add("fhdr", usage, "|hi", "Whole text of a field, commas and all, of ", txn.Str, func(c *Context, a []Arg, v *txn.Value) bool { return a[0].set && c.value(s.side, a, v, true) })
		add("fhdr_cnt", "([<name>])", "|h", "Number of fields of that name of ", txn.Int, func(c *Context, a []Arg, v *txn.Value) bool { return c.count(s.side, a, v, true) })
		add("hdr_names", "([<delimiter>])", "|s", "Names of all fields of ", txn.Str, func(c *Context, a []Arg, v *txn.Value) bool { return c.names(s.side, a, v) })
		add("hdrs", "", "", "All fields as text, line by line, of ", txn.Str, func(c *Context, _ []Arg, v *txn.Value) bool { return c.lines(s.side, v) })
		add("hdrs_bin", "", "", "All fields in binary, each name and value behind its length, of ", txn.Bin, func(c *Context, _ []Arg, v *txn.Value) bool { return c.linesBin(s.side, v) })
		cook := func(c *Context, a []Arg, v *txn.Value) bool { return c.cookie(s.side, a, v) }
		add("cook", "([<name>])", "|c", "Value of a cookie of ", txn.Str, cook)
		add("cook_val", "([<name>])", "|c", "Value of a cookie, as a number, of ", txn.Int, asInt(cook))
		add("cook_cnt", "([<name>])", "|c", "Number of cookies of that name of ", txn.Int, func(c *Context, a []Arg, v *txn.Value) bool {
			n := int64(0)
			for c.every, c.at = true, (cursor{}); c.cookie(s.side, a, v); n++ {
			}
			c.every, c.more = false, false
			v.SetInt(n)
			return c.fields(s.side) != nil
		})
	}
	return rows
}

func checkOccurrence(_ *Env, a []Arg) error {
	if a[1].Int < -maxHistory {
		return fmt.Errorf("occurrence %d is too far back: want -%d at most", a[1].Int, maxHistory)
	}
	return nil
}

// nextField is the index of the next field of a name, -1 if there is none. Without a
// name it is the next one of all.
func nextField(h *message.Header, a *Arg, from int) int {
	fields := h.Fields()
	if a.ID != message.Other {
		if from < 0 {
			return h.First(a.ID)
		}
		return h.Next(from)
	}
	for i := from + 1; i < len(fields); i++ {
		if f := &fields[i]; f.ID != message.Deleted && (len(a.Str) == 0 || f.ID == message.Other && string(f.Name) == string(a.Str)) {
			return i
		}
	}
	return -1
}

// valueEnd is where the value at the beginning of b ends: at a comma outside quotes.
func valueEnd(b []byte) int {
	if bytes.IndexByte(b, '"') < 0 {
		if i := bytes.IndexByte(b, ','); i >= 0 {
			return i
		}
		return len(b)
	}
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case !quoted && c == ',':
			return i
		}
	}
	return len(b)
}

// trim takes blanks off both ends; bytes.Trim makes a set of characters each time.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// next is the next value of a field of that name: whole fields, or what stands
// between commas.
func (at *cursor) next(h *message.Header, a *Arg, whole bool) ([]byte, bool) {
	if !at.begun {
		at.begun = true
		at.field, at.off = nextField(h, a, -1), 0
	}
	if at.field < 0 {
		return nil, false
	}
	rest := h.At(at.field).Value[at.off:]
	end := len(rest)
	if !whole {
		end = valueEnd(rest)
	}
	if end < len(rest) {
		at.off += end + 1 // behind the comma
	} else {
		at.field, at.off = nextField(h, a, at.field), 0
	}
	return trim(rest[:end]), true
}

// maxHistory is how far back an occurrence can be counted from the last one.
const maxHistory = 10

// value fetches one value: every one in turn for lists of patterns, else the one of
// the occurrence that is asked for, the last one by default.
func (c *Context) value(s side, a []Arg, v *txn.Value, whole bool) bool {
	h := c.fields(s)
	if h == nil {
		return false
	}
	v.Kind = txn.Str
	occurrence := a[1].Int
	if occurrence == 0 && c.every {
		b, ok := c.at.next(h, &a[0], whole)
		v.B, c.more = b, ok
		return ok
	}
	at := cursor{}
	if occurrence > 0 {
		for ; occurrence > 0; occurrence-- {
			b, ok := at.next(h, &a[0], whole)
			if !ok {
				return false
			}
			v.B = b
		}
		return true
	}
	back := max(int(-occurrence), 1)
	if back > maxHistory {
		return false
	}
	var last [maxHistory][]byte
	n := 0
	for {
		b, ok := at.next(h, &a[0], whole)
		if !ok {
			break
		}
		last[n%maxHistory] = b
		n++
	}
	if n < back {
		return false
	}
	v.B = last[(n-back)%maxHistory]
	return true
}

// header is the last value of a request's known field.
func (c *Context) header(id message.HeaderID, a []Arg, v *txn.Value) bool {
	if c.every {
		return c.value(request, a, v, false)
	}
	if c.Txn.Req == nil {
		return c.noRequest()
	}
	h := &c.Txn.Req.Header
	i := h.First(id)
	if i < 0 {
		return false
	}
	for n := h.Next(i); n >= 0; n = h.Next(i) {
		i = n
	}
	b := h.At(i).Value
	for end := valueEnd(b); end < len(b); end = valueEnd(b) {
		b = b[end+1:]
	}
	v.Kind, v.B = txn.Str, trim(b)
	return true
}

func (c *Context) count(s side, a []Arg, v *txn.Value, whole bool) bool {
	h := c.fields(s)
	if h == nil {
		return false
	}
	n := int64(0)
	at := cursor{}
	for {
		if _, ok := at.next(h, &a[0], whole); !ok {
			break
		}
		n++
	}
	v.SetInt(n)
	return true
}

func fieldIP(c *Context, hdr func(*Context, []Arg, *txn.Value) bool, a []Arg, v *txn.Value) bool {
	for hdr(c, a, v) {
		b := v.B
		if i := bytes.IndexByte(b, ':'); i >= 0 && bytes.IndexByte(b, '.') >= 0 && bytes.Count(b, []byte{':'}) == 1 {
			b = b[:i] // a port
		}
		if len(b) > 1 && b[0] == '[' {
			if i := bytes.IndexByte(b, ']'); i > 0 {
				b = b[1:i]
			}
		}
		if ip, ok := parseIP(b); ok {
			return v.SetIP(ip)
		}
		if !c.more {
			return false
		}
	}
	return false
}

func (c *Context) names(s side, a []Arg, v *txn.Value) bool {
	h := c.fields(s)
	if h == nil {
		return false
	}
	b := c.spare()
	for i, f := range h.All() {
		if i > 0 && len(b) > 0 {
			if a[0].set {
				b = append(b, a[0].Str...)
			} else {
				b = append(b, ',')
			}
		}
		b = append(b, f.Name...)
	}
	v.Kind = txn.Str
	return c.keep(v, b)
}

func (c *Context) lines(s side, v *txn.Value) bool {
	h := c.fields(s)
	if h == nil {
		return false
	}
	b := c.spare()
	for _, f := range h.All() {
		b = append(append(append(append(b, f.Name...), ": "...), f.Value...), "\r\n"...)
	}
	v.Kind = txn.Str
	return c.keep(v, append(b, "\r\n"...))
}
