// Package hpack is the compression of header fields in HTTP/2 (RFC 7541).
//
// Decoding goes field by field and without garbage: text is copied to memory of the
// caller's, fields carry the number by which the engine knows their names. Encoding
// keeps no state: names that the static table has are indices, everything else is
// literal and never put into the peer's dynamic table, so that a header block may be
// dropped before it has been sent.
package hpack

import (
	"errors"

	"bench/proxy/message"
)

// DefaultTableSize is the size of a dynamic table in bytes before any setting.
const DefaultTableSize = 4096

// MaxTableSize is the largest that a Decoder can be asked to have.
const MaxTableSize = 65536

// The reasons why a header block cannot be decoded. All of them end the connection: the
// tables of both sides may differ from there on.
var (
	ErrTruncated  = errors.New("header block ends within a field")
	ErrInteger    = errors.New("integer of more than five octets")
	ErrIndex      = errors.New("index beyond the tables")
	ErrHuffman    = errors.New("malformed Huffman string")
	ErrTableSize  = errors.New("dynamic table made larger than was allowed")
	ErrLateUpdate = errors.New("size of the dynamic table changed within a header block")
	ErrMemory     = errors.New("no memory was given for a field of this size")
)

// Field is one field of a header block.
type Field struct {
	Name, Value []byte
	ID          message.HeaderID
	Pseudo      Pseudo
}

// Size is what the field counts for in limits (RFC 9113 §6.5.2).
func (f *Field) Size() int { return len(f.Name) + len(f.Value) + entrySize }

// Decoder decodes the header blocks that come over one connection. Init prepares it.
type Decoder struct {
	table table
	limit int // the largest size the peer may choose

	block []byte // what is left of the block
	first bool   // no field of it has been decoded
	mem   []byte // for text, used up to used
	used  int
}

// Init makes a Decoder that allows the peer a dynamic table of limit bytes, from
// DefaultTableSize to MaxTableSize.
func (d *Decoder) Init(limit int) {
	*d = Decoder{limit: limit}
	d.table.most = DefaultTableSize
}

// Begin starts a header block. Text that does not stand in the static table is copied to
// mem. Both must stay as they are until the last field has been decoded.
func (d *Decoder) Begin(block, mem []byte) {
	d.block, d.mem, d.used, d.first = block, mem, 0, true
}

// Used is how much of the memory the fields decoded with keep take.
func (d *Decoder) Used() int { return d.used }

// MemoryFor is the memory that is enough for a block of n bytes of which fields are kept
// until they have more than limit bytes of text.
func MemoryFor(n, limit int) int { return limit + 2*max(maxDecoded(n), MaxTableSize) }

// Next decodes the next field of the block. It reports false at the end of the block, or
// with an error. The text of a field that is kept is good as long as the memory given to
// Begin, that of another one until the next call.
func (d *Decoder) Next(f *Field, keep bool) (bool, error) {
	for len(d.block) > 0 {
		b := d.block[0]
		if b&0xe0 == 0x20 {
			if err := d.sizeUpdate(); err != nil {
				return false, err
			}
			continue
		}
		d.first = false
		used := d.used
		err := d.field(b, f)
		if !keep {
			d.used = used
		}
		return err == nil, err
	}
	d.block, d.mem = nil, nil
	return false, nil
}

// field decodes one field whose first octet is b.
func (d *Decoder) field(b byte, f *Field) error {
	if b&0x80 != 0 { // indexed
		i, err := d.integer(7)
		if err != nil {
			return err
		}
		return d.lookUp(i, f, true)
	}
	prefix := uint(4)
	insert := b&0x40 != 0
	if insert {
		prefix = 6
	}
	i, err := d.integer(prefix)
	if err != nil {
		return err
	}
	if i != 0 {
		err = d.lookUp(i, f, false)
	} else if f.Name, err = d.str(); err == nil {
		f.ID, f.Pseudo = message.Lookup(f.Name), pseudoOf(f.Name)
	}
	if err != nil {
		return err
	}
	if f.Value, err = d.str(); err != nil {
		return err
	}
	if insert {
		d.table.insert(f)
	}
	return nil
}

// lookUp takes a field, or its name only, from the tables.
func (d *Decoder) lookUp(i uint32, f *Field, whole bool) error {
	if i < uint32(len(staticTable)) {
		if i == 0 {
			return ErrIndex
		}
		*f = staticTable[i]
		return nil
	}
	if !d.table.at(int(i)-len(staticTable), f) {
		return ErrIndex
	}
	var err error
	if f.Name, err = d.copyText(f.Name); err == nil && whole {
		f.Value, err = d.copyText(f.Value)
	}
	return err
}

func (d *Decoder) copyText(p []byte) ([]byte, error) {
	if len(p) > len(d.mem)-d.used {
		return nil, ErrMemory
	}
	to := d.mem[d.used : d.used+len(p) : d.used+len(p)]
	copy(to, p)
	d.used += len(p)
	return to, nil
}

// sizeUpdate takes a change of the table's size (RFC 7541 §4.2, §6.3).
func (d *Decoder) sizeUpdate() error {
	if !d.first {
		return ErrLateUpdate
	}
	n, err := d.integer(5)
	switch {
	case err != nil:
		return err
	case int(n) > d.limit:
		return ErrTableSize
	}
	d.table.resize(int(n))
	return nil
}

// maxOctets is how many octets of an integer may follow the prefix. No length or index
// needs as many.
const maxOctets = 4

// integer decodes an integer with a prefix of that many bits (RFC 7541 §5.1).
func (d *Decoder) integer(prefix uint) (uint32, error) {
	if len(d.block) == 0 {
		return 0, ErrTruncated
	}
	top := uint32(1)<<prefix - 1
	n := uint32(d.block[0]) & top
	if n < top {
		d.block = d.block[1:]
		return n, nil
	}
	for i := 1; i < len(d.block); i++ {
		if i > maxOctets {
			return 0, ErrInteger
		}
		b := d.block[i]
		n += uint32(b&0x7f) << (7 * (i - 1))
		if b&0x80 == 0 {
			d.block = d.block[i+1:]
			return n, nil
		}
	}
	if len(d.block) > maxOctets {
		return 0, ErrInteger
	}
	return 0, ErrTruncated
}

// str decodes a string (RFC 7541 §5.2) to memory.
func (d *Decoder) str() ([]byte, error) {
	if len(d.block) == 0 {
		return nil, ErrTruncated
	}
	coded := d.block[0]&0x80 != 0
	n, err := d.integer(7)
	if err != nil {
		return nil, err
	}
	if int(n) > len(d.block) {
		return nil, ErrTruncated
	}
	raw := d.block[:n]
	d.block = d.block[n:]
	if !coded {
		return d.copyText(raw)
	}
	to := d.mem[d.used:]
	if maxDecoded(len(raw)) > len(to) {
		return nil, ErrMemory
	}
	w, ok := decodeHuffman(to, raw)
	if !ok {
		return nil, ErrHuffman
	}
	d.used += w
	return to[:w:w], nil
}
