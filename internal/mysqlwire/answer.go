package mysqlwire

import "encoding/binary"

// AnswerKind is the form of an answer.
type AnswerKind uint8

// Forms of answers.
const (
	OnePacket      AnswerKind = iota // of the handshake: the caller reads it
	AnyResult                        // of COM_QUERY, COM_STMT_EXECUTE, COM_PING and the like
	PreparedResult                   // of COM_STMT_PREPARE
)

// AnswerReader reads the answer to a command from bytes as they come, for a
// client without capability DeprecateEOF. It keeps the first packet, or what there
// is room for of it, and passes over rows. Begin makes it ready for an answer.
type AnswerReader struct {
	// First is the beginning of the first packet, or of the ERR packet that ended
	// the answer.
	First []byte
	// Failed reports that the answer ended with an ERR packet.
	Failed bool
	// Rows counts the rows, Affected those that an OK packet says were changed,
	// both of all results of the answer; Bytes is the length of the rows.
	Rows, Affected, Bytes int64
	// StatementID and Params, the number of parameters, of a PreparedResult.
	StatementID uint32
	Params      int

	kind   AnswerKind
	seq    byte
	header [HeaderSize]byte
	have   int // bytes of the header
	left   int // bytes of the payload to come
	size   int // of the payload
	part   answerPart
	held   []byte // the beginning of the packet that is being read
	defs   int    // definitions to come
	lists  [2]int // of a prepared statement: parameters and columns to come
	more   bool   // the packet before was so long that this one goes on with it
}

// answerPart is what the next packet is.
type answerPart uint8

const (
	partFirst answerPart = iota
	partDefinitions
	partDefinitionsEnd
	partRows
)

// keptOfPacket is how much of a packet is kept.
const keptOfPacket = 1024

// statusMore is the status flag of an answer with another result.
const statusMore = 8

// Begin makes r ready for an answer whose first packet has this sequence number.
func (r *AnswerReader) Begin(kind AnswerKind, seq byte) {
	*r = AnswerReader{First: r.First[:0], held: r.held[:0], kind: kind, seq: seq}
}

// Seq is the sequence number of the packet that would come next.
func (r *AnswerReader) Seq() byte { return r.seq }

// Feed takes received bytes and returns how many belong to the answer, and
// whether it is complete. An error is one of ErrMalformed and ErrOrder.
func (r *AnswerReader) Feed(p []byte) (n int, done bool, err error) {
	for n < len(p) {
		if r.have < HeaderSize {
			k := copy(r.header[r.have:], p[n:])
			n, r.have = n+k, r.have+k
			if r.have < HeaderSize {
				return n, false, nil
			}
			r.size = int(r.header[0]) | int(r.header[1])<<8 | int(r.header[2])<<16
			r.left = r.size
			r.held = r.held[:0]
			if r.header[3] != r.seq {
				return n, false, ErrOrder
			}
			r.seq++
		}
		part := p[n : n+min(r.left, len(p)-n)]
		n += len(part)
		r.left -= len(part)
		if r.part == partRows {
			r.Bytes += int64(len(part))
		}
		r.held = append(r.held, part[:min(len(part), keptOfPacket-len(r.held))]...)
		if r.left > 0 {
			return n, false, nil
		}
		r.have = 0
		goesOn := r.more
		if r.more = r.size == MaxPayload; goesOn {
			continue
		}
		if done, err = r.packet(); done || err != nil {
			return n, done, err
		}
	}
	return n, false, nil
}

// packet reads a packet, which is in held.
func (r *AnswerReader) packet() (done bool, err error) {
	if r.kind == OnePacket {
		r.First = append(r.First[:0], r.held...)
		return true, nil
	}
	if r.size == 0 {
		return false, ErrMalformed
	}
	head := r.held[0]
	if head == 0xff && r.part != partDefinitions {
		r.First = append(r.First[:0], r.held...)
		r.Failed = true
		return true, nil
	}
	eof := head == 0xfe && r.size < 9
	switch r.part {
	case partFirst:
		r.First = append(r.First[:0], r.held...)
		if r.kind == PreparedResult {
			return r.prepared()
		}
		return r.first(head)
	case partDefinitions:
		if r.defs--; r.defs == 0 {
			r.part = partDefinitionsEnd
		}
	case partDefinitionsEnd:
		if !eof {
			return false, ErrMalformed
		}
		if r.kind == PreparedResult {
			return r.list(), nil
		}
		r.part = partRows
	case partRows:
		if !eof {
			r.Rows++
			return false, nil
		}
		r.Bytes -= int64(r.size)
		if r.size < 5 {
			return false, ErrMalformed
		}
		return r.over(binary.LittleEndian.Uint16(r.held[3:])), nil
	}
	return false, nil
}

// first reads the packet a result begins with.
func (r *AnswerReader) first(head byte) (done bool, err error) {
	fields := reader{b: r.held}
	switch head {
	case 0:
		fields.byte()
		r.Affected += int64(fields.int())
		fields.int()
		status := fields.uint16()
		return r.over(status), fields.err()
	case 0xfb, 0xfe: // a wish for a file, and a packet that none begins with
		return false, ErrMalformed
	}
	n := fields.int()
	if fields.bad || len(fields.b) > 0 || n < 1 || n > 1<<16 {
		return false, ErrMalformed
	}
	r.defs, r.part = int(n), partDefinitions
	return false, nil
}

// over ends a result; another one may follow.
func (r *AnswerReader) over(status uint16) bool {
	r.part = partFirst
	return status&statusMore == 0
}

func (r *AnswerReader) prepared() (done bool, err error) {
	fields := reader{b: r.held}
	if fields.byte() != 0 {
		return false, ErrMalformed
	}
	r.StatementID = fields.uint32()
	columns := int(fields.uint16())
	r.Params = int(fields.uint16())
	r.lists = [2]int{r.Params, columns}
	return r.list(), fields.err()
}

// list goes on with the next list of definitions; true if there is none.
func (r *AnswerReader) list() (done bool) {
	for i, n := range r.lists {
		if n > 0 {
			r.lists[i] = 0
			r.defs, r.part = n, partDefinitions
			return false
		}
	}
	return true
}
