package peering

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"bench/proxy/table"
	"bench/proxy/varint"
)

// The classes of messages, and their types (peers protocol 2.1, "Messages").
const (
	classControl = 0
	classError   = 1
	classTable   = 10

	classReserved = 255
)

const (
	resyncRequest  = 0
	resyncFinished = 1
	resyncPartial  = 2
	resyncConfirm  = 3
	heartbeat      = 4
)

const (
	protocolError = 0
	sizeError     = 1
)

// Types from 128 on have a length behind them.
const (
	withLength  = 128
	update      = 128 // of an entry, with its number
	nextUpdate  = 129 // its number is the last one plus 1
	define      = 130 // of a table, which what follows is about
	switchTo    = 131 // one that was defined
	acknowledge = 132
	timedUpdate = 133 // as update, with the time that is left to the entry
	nextTimed   = 134
)

// maxMessage bounds what comes in one message. The reference sends none that is longer
// than its buffers, of 16 KiB by default.
const maxMessage = 64 << 10

var (
	errMalformed = errors.New("malformed message")
	errTooLong   = errors.New("message too long")
)

// message is one message, as a piece of what has come.
type message struct {
	class, kind byte
	body        []byte
}

// readMessage takes the first message of b, and returns how long it is, 0 if it has not
// come whole.
func readMessage(b []byte) (m message, n int, err error) {
	if len(b) < 2 {
		return m, 0, nil
	}
	m.class, m.kind = b[0], b[1]
	if m.kind < withLength {
		return m, 2, nil
	}
	size, rest, ok := varint.Read(b[2:])
	switch {
	case !ok && len(b) >= 2+varint.Max:
		return m, 0, errMalformed
	case !ok:
		return m, 0, nil
	case size > maxMessage:
		return m, 0, errTooLong
	case uint64(len(rest)) < size:
		return m, 0, nil
	}
	m.body = rest[:size]
	return m, len(b) - len(rest) + int(size), nil
}

// appendMessage appends a message of class table around its body.
func appendMessage(dst []byte, kind byte, body []byte) []byte {
	dst = varint.Append(append(dst, classTable, kind), uint64(len(body)))
	return append(dst, body...)
}

// keyTypes are the numbers of the types of keys.
var keyTypes = [...]uint64{table.IP: 4, table.IPv6: 5, table.Integer: 2, table.String: 6, table.Binary: 7}

// keyLength is the length of keys as it is told: texts count the zero behind them.
func keyLength(s *table.Spec) uint64 {
	if s.Type == table.String {
		return uint64(s.Length) + 1
	}
	return uint64(s.Length)
}

// appendDefinition appends the body of a definition.
func appendDefinition(dst []byte, id uint64, s *table.Spec) []byte {
	dst = varint.Append(dst, id)
	dst = varint.Append(dst, uint64(len(s.SharedAs)))
	dst = append(dst, s.SharedAs...)
	dst = varint.Append(dst, keyTypes[s.Type])
	dst = varint.Append(dst, keyLength(s))
	data := uint64(0)
	for _, c := range s.Columns {
		data |= 1 << c.Datum
	}
	dst = varint.Append(dst, data)
	dst = varint.Append(dst, uint64(s.Expire.Milliseconds()))
	for _, c := range s.Columns {
		rate := c.Datum.Form() == table.Frequency
		if c.Datum.Array() || rate {
			dst = varint.Append(dst, uint64(c.Datum))
		}
		if c.Datum.Array() {
			dst = varint.Append(dst, uint64(c.N))
		}
		if rate {
			dst = varint.Append(dst, uint64(c.Period.Milliseconds()))
		}
	}
	return dst
}

// definition is a table as another process has defined it.
type definition struct {
	id        uint64
	name      []byte
	keyType   uint64
	keyLength uint64
	// columns are the data that come with each entry, in this order. Types that nobody
	// knows here come behind all others.
	columns []table.Column
}

// reader takes numbers and bytes off a body, until it has failed.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) int() uint64 {
	v, rest, ok := varint.Read(r.b)
	if !ok {
		r.failed, rest = true, nil
	}
	r.b = rest
	return v
}

func (r *reader) bytes(n uint64) []byte {
	if uint64(len(r.b)) < n {
		r.failed, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// parseDefinition reads the body of a definition. What older processes do not tell, the
// periods of rates, is not needed; the lengths of arrays are. A definition is not useful
// whose data cannot be told apart: its entries are passed over.
func parseDefinition(b []byte) (d definition, useful, ok bool) {
	r := reader{b: b}
	d.id = r.int()
	d.name = r.bytes(r.int())
	d.keyType, d.keyLength = r.int(), r.int()
	data := r.int()
	if r.failed || len(d.name) == 0 {
		return d, false, false
	}
	// Behind how long entries live there is what the data are like.
	_, rest, parameters := varint.Read(r.b)
	r.b = rest
	for of := range table.NumData {
		if data>>of&1 == 0 {
			continue
		}
		c := table.Column{Datum: of, N: 1}
		rate := of.Form() == table.Frequency
		if of.Array() || rate && parameters {
			if r.int() != uint64(of) {
				return d, false, true
			}
			if of.Array() {
				n := r.int()
				if n > table.MaxArray {
					return d, false, true
				}
				c.N = int(n)
			}
			if rate {
				c.Period = time.Duration(min(r.int(), math.MaxUint32)) * time.Millisecond
			}
		}
		d.columns = append(d.columns, c)
	}
	return d, !r.failed, true
}

// appendKey appends a key.
func appendKey(dst []byte, s *table.Spec, key []byte) []byte {
	switch s.Type {
	case table.String:
		dst = varint.Append(dst, uint64(len(key)))
	case table.Integer:
		return binary.BigEndian.AppendUint32(dst, binary.NativeEndian.Uint32(key))
	case table.IP, table.IPv6, table.Binary:
	}
	return append(dst, key...)
}

// key reads a key as the table keeps it. room is memory for it.
func (r *reader) key(s *table.Spec, room []byte) []byte {
	switch s.Type {
	case table.String:
		return s.Fit(nil, r.bytes(r.int()))
	case table.Integer:
		return binary.NativeEndian.AppendUint32(room[:0], r.uint32())
	case table.IP, table.IPv6, table.Binary:
	}
	return r.bytes(uint64(s.Length))
}

// appendCells appends the data of an entry.
func appendCells(dst []byte, s *table.Spec, x *table.Entry, d *sentTexts) []byte {
	for _, c := range s.Columns {
		for i := range c.N {
			v := x.Cell(c.Datum, i)
			switch c.Datum.Form() {
			case table.Name:
				dst = d.append(dst, v.Text)
			case table.Frequency:
				dst = varint.Append(varint.Append(varint.Append(dst, uint64(v.Age)), v.Value), uint64(v.Previous))
			case table.Signed, table.Unsigned, table.Long:
				dst = varint.Append(dst, v.Value)
			}
		}
	}
	return dst
}

// cells reads the data of an entry, and appends them to dst.
func (r *reader) cells(dst []table.Cell, columns []table.Column, d *knownTexts) []table.Cell {
	for _, c := range columns {
		for i := range c.N {
			v := table.Cell{Datum: c.Datum, Index: i}
			switch c.Datum.Form() {
			case table.Name:
				text, ok := d.read(r)
				if !ok {
					continue // the table keeps what it has
				}
				v.Text = text
			case table.Frequency:
				v.Age, v.Value, v.Previous = uint32(r.int()), r.int(), uint32(r.int())
			case table.Signed, table.Unsigned, table.Long:
				v.Value = r.int()
			}
			if r.failed {
				return dst
			}
			dst = append(dst, v)
		}
	}
	return dst
}
