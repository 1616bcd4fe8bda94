package table

import "encoding/binary"

// An entry is a piece of bytes:
//
//	next    the following entry of its chain, plus 1
//	hash    of the key
//	expire  when it expires, in milliseconds of the tables' clock
//	uses    by how many it is held; the highest bit: it stands in the order of expiry
//	serial  the number of its creation; 0: there is no entry here
//	the key, and the data, each aligned to 4 bytes
const (
	atNext   = 0
	atHash   = 4
	atExpire = 8
	atUses   = 12
	atSerial = 16
	atKey    = 20
)

// ordered marks an entry that stands in the order of expiry.
const ordered = 1 << 31

func get(e []byte, at int) uint32    { return binary.NativeEndian.Uint32(e[at:]) }
func put(e []byte, at int, v uint32) { binary.NativeEndian.PutUint32(e[at:], v) }

// layout is where the data of a table's entries lie.
type layout struct {
	offset [NumData]int    // of the first element; 0: not kept
	number [NumData]int    // of elements
	period [NumData]uint32 // of rates, in milliseconds
	size   int             // of an entry
	links  int             // where an entry's place in the list of changes is; 0: nobody follows them
}

func (f Form) size() int {
	switch f {
	case Long:
		return 8
	case Frequency:
		return frequencySize
	case Signed, Unsigned, Name:
	}
	return 4
}

func newLayout(s *Spec) (l layout) {
	l.size = atKey + (s.Length+3)&^3
	for _, c := range s.Columns {
		l.offset[c.Datum], l.number[c.Datum], l.period[c.Datum] = l.size, c.N, uint32(c.Period.Milliseconds())
		l.size += c.N * c.Datum.Form().size()
	}
	if s.Peers != "" {
		l.links = l.size
		l.size += linksSize
	}
	return l
}

// cell is where element i of a datum lies, and which datum that is; at is 0 where it is
// not kept. The first elements of an array stand in for the data that had a name before
// there were arrays.
func (l *layout) cell(d Datum, i int) (at int, of Datum) {
	if l.offset[d] == 0 {
		switch d {
		case GPC0:
			d = GPC
		case GPC1:
			d, i = GPC, 1
		case GPC0Rate:
			d = GPCRate
		case GPC1Rate:
			d, i = GPCRate, 1
		case GPT0:
			d = GPT
		default:
			return 0, d
		}
	}
	if l.offset[d] == 0 || i < 0 || i >= l.number[d] {
		return 0, d
	}
	return l.offset[d] + i*d.Form().size(), d
}
