package mysqlwire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// Commands of clients, the first byte of a payload.
const (
	ComQuit            = 0x01
	ComInitDB          = 0x02
	ComQuery           = 0x03
	ComFieldList       = 0x04
	ComStatistics      = 0x09
	ComPing            = 0x0e
	ComStmtPrepare     = 0x16
	ComStmtExecute     = 0x17
	ComStmtLongData    = 0x18
	ComStmtClose       = 0x19
	ComStmtReset       = 0x1a
	ComSetOption       = 0x1b
	ComResetConnection = 0x1f
)

// Status flags of a server.
const (
	StatusInTransaction = 1
	StatusAutocommit    = 2
)

// Type is the type of a column.
type Type byte

// Types of columns.
const (
	Int  Type = 8   // 64 bits
	Real Type = 5   // 64 bits
	Text Type = 253 // UTF-8
	Blob Type = 252 // bytes
)

// Character sets.
const (
	charsetBinary = 63
	CharsetUTF8   = 45 // utf8mb4_general_ci
)

// Column is a column of a result.
type Column struct {
	Name string
	Type Type
}

// Value is a cell: NULL, or a text that its column's type can read.
type Value struct {
	Null bool
	Text string
}

// Format is how a result is to be written.
type Format struct {
	Binary bool // the rows, as prepared statements have them
	NoEOF  bool // capability DeprecateEOF: one OK at the end in place of two EOFs
	Status uint16
}

// AppendOK appends an OK packet.
func AppendOK(b []byte, seq byte, affected, insertID uint64, status uint16) []byte {
	b, at := Begin(b, seq)
	return End(appendOK(b, 0, affected, insertID, status), at)
}

func appendOK(b []byte, header byte, affected, insertID uint64, status uint16) []byte {
	b = append(b, header)
	b = AppendInt(b, affected)
	b = AppendInt(b, insertID)
	b = binary.LittleEndian.AppendUint16(b, status)
	return append(b, 0, 0) // no warnings
}

// AppendError appends an ERR packet. State is five characters; none, as before
// the handshake, leaves it out.
func AppendError(b []byte, seq byte, code int, state, message string) []byte {
	b, at := Begin(b, seq)
	b = append(b, 0xff, byte(code), byte(code>>8))
	if state != "" {
		b = append(append(b, '#'), state...)
	}
	return End(append(b, message...), at)
}

// AppendEOF appends an EOF packet.
func AppendEOF(b []byte, seq byte, status uint16) []byte {
	return append(b, 5, 0, 0, seq, 0xfe, 0, 0, byte(status), byte(status>>8))
}

// AppendColumn appends the definition of a column.
func AppendColumn(b []byte, seq byte, c *Column) []byte {
	b, at := Begin(b, seq)
	b = AppendString(b, "def")
	for range 3 { // schema, table, original table
		b = AppendString(b, "")
	}
	b = AppendString(b, c.Name)
	b = AppendString(b, c.Name)
	charset, size, decimals := uint16(charsetBinary), uint32(20), byte(0)
	switch c.Type {
	case Text:
		charset, size = CharsetUTF8, math.MaxUint16
	case Blob:
		size = math.MaxUint16
	case Real:
		size, decimals = 22, 31
	case Int:
	}
	b = append(b, 12)
	b = binary.LittleEndian.AppendUint16(b, charset)
	b = binary.LittleEndian.AppendUint32(b, size)
	b = append(b, byte(c.Type), 0, 0, decimals, 0, 0)
	return End(b, at)
}

// AppendResult appends a whole result from sequence number 1 on.
func AppendResult(b []byte, columns []Column, rows [][]Value, f Format) ([]byte, error) {
	seq := byte(1)
	b, at := Begin(b, seq)
	b = End(AppendInt(b, uint64(len(columns))), at)
	for i := range columns {
		seq++
		b = AppendColumn(b, seq, &columns[i])
	}
	if !f.NoEOF {
		seq++
		b = AppendEOF(b, seq, f.Status)
	}
	for i, row := range rows {
		if len(row) != len(columns) {
			return b, fmt.Errorf("row %d has %d values for %d columns", i+1, len(row), len(columns))
		}
		seq++
		b, at = Begin(b, seq)
		var err error
		if b, err = appendRow(b, columns, row, f.Binary); err != nil {
			return b, fmt.Errorf("row %d: %w", i+1, err)
		}
		if len(b)-at >= MaxPayload {
			return b, fmt.Errorf("row %d is longer than 16 MiB", i+1)
		}
		b = End(b, at)
	}
	seq++
	if !f.NoEOF {
		return AppendEOF(b, seq, f.Status), nil
	}
	b, at = Begin(b, seq)
	return End(appendOK(b, 0xfe, 0, 0, f.Status), at), nil
}

func appendRow(b []byte, columns []Column, row []Value, binaryRow bool) ([]byte, error) {
	if !binaryRow {
		for _, v := range row {
			if v.Null {
				b = append(b, 0xfb)
				continue
			}
			b = AppendString(b, v.Text)
		}
		return b, nil
	}
	b = append(b, 0)
	nulls := len(b)
	b = append(b, make([]byte, (len(row)+7+2)/8)...)
	for i, v := range row {
		if v.Null {
			b[nulls+(i+2)/8] |= 1 << ((i + 2) % 8)
			continue
		}
		switch columns[i].Type {
		case Int:
			n, err := ParseInt(v.Text)
			if err != nil {
				return b, fmt.Errorf("column %s: %w", columns[i].Name, err)
			}
			b = binary.LittleEndian.AppendUint64(b, n)
		case Real:
			x, err := strconv.ParseFloat(v.Text, 64)
			if err != nil {
				return b, fmt.Errorf("column %s: %q is not a number", columns[i].Name, v.Text)
			}
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		default:
			b = AppendString(b, v.Text)
		}
	}
	return b, nil
}

// ParseInt reads a signed number of 64 bits as its two's complement.
func ParseInt(text string) (uint64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number of 64 bits", text)
	}
	return uint64(n), nil
}

// AppendPrepared appends the answer to the preparation of a statement: its
// number, its parameters and the columns of its result.
func AppendPrepared(b []byte, id uint32, params int, columns []Column, f Format) []byte {
	seq := byte(1)
	b, at := Begin(b, seq)
	b = append(b, 0)
	b = binary.LittleEndian.AppendUint32(b, id)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(columns)))
	b = binary.LittleEndian.AppendUint16(b, uint16(params))
	b = End(append(b, 0, 0, 0), at)
	list := func(n int, column func(int) *Column) {
		for i := range n {
			seq++
			b = AppendColumn(b, seq, column(i))
		}
		if n > 0 && !f.NoEOF {
			seq++
			b = AppendEOF(b, seq, f.Status)
		}
	}
	param := Column{Name: "?", Type: Text}
	list(params, func(int) *Column { return &param })
	list(len(columns), func(i int) *Column { return &columns[i] })
	return b
}

// StatementID reads the number of the statement that a COM_STMT_... payload is
// about.
func StatementID(payload []byte) (uint32, error) {
	r := reader{b: payload}
	r.byte()
	id := r.uint32()
	return id, r.err()
}
