package h2wire

import (
	"errors"

	"golang.org/x/net/http2/hpack"
)

// tableSize is how large a dynamic table the peer may fill: that before any setting.
const tableSize = 4096

// maxText bounds the text of the fields of one block.
const maxText = 128 << 10

// The reasons why a block cannot be decoded. Each ends the connection.
var (
	errTruncated = errors.New("a field block ends within a field")
	errInteger   = errors.New("a field block has an integer of too many octets")
	errIndex     = errors.New("a field block has an index beyond the tables")
	errHuffman   = errors.New("a field block has a malformed Huffman string")
	errTableSize = errors.New("a field block sets the size of the table where or how it may not")
	errTooMuch   = errors.New("a field block of more than 128 KiB of text")
)

// Decoder decodes the field blocks that come over one connection.
type Decoder struct {
	table table
	block []byte
	first bool // no field of the block has been decoded
	total int  // text of the block so far
	name  scratch
	value scratch
}

// scratch is memory that a Huffman string is decoded to.
type scratch []byte

func (s *scratch) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

// Reset makes ready for another connection.
func (d *Decoder) Reset() {
	d.table.reset()
	d.block = nil
}

// Begin starts a block, which must stay as it is until Next has come to its end.
func (d *Decoder) Begin(block []byte) { d.block, d.first, d.total = block, true, 0 }

// Next is the next field of the block, whose text is good until the next call. ok is
// false at the end.
func (d *Decoder) Next() (name, value []byte, ok bool, err error) {
	for len(d.block) > 0 && d.block[0]&0xe0 == 0x20 {
		n, err := d.integer(5)
		if err != nil {
			return nil, nil, false, err
		}
		if !d.first || n > tableSize {
			return nil, nil, false, errTableSize
		}
		d.table.resize(n)
	}
	d.first = false
	if len(d.block) == 0 {
		return nil, nil, false, nil
	}
	if name, value, err = d.field(d.block[0]); err != nil {
		return nil, nil, false, err
	}
	if d.total += len(name) + len(value); d.total > maxText {
		return nil, nil, false, errTooMuch
	}
	return name, value, true, nil
}

func (d *Decoder) field(b byte) (name, value []byte, err error) {
	prefix, insert := uint(4), b&0xc0 == 0x40
	switch {
	case b&0x80 != 0:
		i, err := d.integer(7)
		if err != nil {
			return nil, nil, err
		}
		return d.lookUp(i)
	case insert:
		prefix = 6
	}
	i, err := d.integer(prefix)
	if err != nil {
		return nil, nil, err
	}
	if i > 0 {
		name, _, err = d.lookUp(i)
	} else {
		name, err = d.text(&d.name)
	}
	if err != nil {
		return nil, nil, err
	}
	if value, err = d.text(&d.value); err != nil || !insert {
		return name, value, err
	}
	name, value = d.table.insert(name, value)
	return name, value, nil
}

// static is the table's text as bytes.
var static = staticBytes()

func staticBytes() (all [len(staticTable)][2][]byte) {
	for i, f := range staticTable {
		all[i] = [2][]byte{[]byte(f[0]), []byte(f[1])}
	}
	return all
}

func (d *Decoder) lookUp(i int) (name, value []byte, err error) {
	if i < len(static) {
		if i == 0 {
			return nil, nil, errIndex
		}
		return static[i][0], static[i][1], nil
	}
	name, value, ok := d.table.at(i - len(static))
	if !ok {
		return nil, nil, errIndex
	}
	return name, value, nil
}

// integer decodes an integer with a prefix of that many bits.
func (d *Decoder) integer(prefix uint) (int, error) {
	if len(d.block) == 0 {
		return 0, errTruncated
	}
	top := 1<<prefix - 1
	n := int(d.block[0]) & top
	d.block = d.block[1:]
	if n < top {
		return n, nil
	}
	for shift := uint(0); shift <= 21; shift += 7 {
		if len(d.block) == 0 {
			return 0, errTruncated
		}
		b := d.block[0]
		d.block = d.block[1:]
		n += int(b&0x7f) << shift
		if b&0x80 == 0 {
			return n, nil
		}
	}
	return 0, errInteger
}

// text decodes a string, to memory if it is in Huffman's code.
func (d *Decoder) text(to *scratch) ([]byte, error) {
	if len(d.block) == 0 {
		return nil, errTruncated
	}
	coded := d.block[0]&0x80 != 0
	n, err := d.integer(7)
	if err != nil {
		return nil, err
	}
	if n > len(d.block) {
		return nil, errTruncated
	}
	raw := d.block[:n]
	d.block = d.block[n:]
	if !coded {
		return raw, nil
	}
	*to = (*to)[:0]
	if _, err := hpack.HuffmanDecode(to, raw); err != nil {
		return nil, errHuffman
	}
	return *to, nil
}
