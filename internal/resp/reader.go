package resp

import "bytes"

// Reader reads replies, of either version, from bytes as they come. It keeps of
// a reply what reports whether it is the wanted one, and passes over the rest:
// the parts of arrays and maps, attributes, and what a server pushes in between.
// Begin makes it ready for a reply.
type Reader struct {
	// Kind is the first byte of the reply, 0 until that has come.
	Kind byte
	// Null reports that the reply is the absence of a value.
	Null bool
	// Bytes is the length of all bulk strings of the reply.
	Bytes int64
	// Text is the line of a reply that is one, and at most Keep bytes of a bulk
	// string; of errors always the beginning.
	Text []byte
	// Keep is how much of a bulk string the caller wants.
	Keep int

	before int64 // values to come of attributes and pushes in front
	left   int64 // values to come of the reply
	bulk   int64 // bytes to come of a bulk string and its line end
	own    bool  // which is the reply, not a part of it
	keep   int   // how much of it Text takes
	held   []byte
}

// Bounds against replies without end.
const (
	maxLine     = 64 << 10
	maxElements = 1 << 32 // of one reply, or what is pushed before it
	maxError    = 256     // bytes kept of an error in a bulk string
)

// Begin makes r ready for the next reply.
func (r *Reader) Begin() {
	*r = Reader{Keep: r.Keep, left: 1, Text: r.Text[:0], held: r.held[:0]}
}

// Feed takes received bytes and returns how many belong to the reply, and
// whether it is complete. An error is a [ProtocolError].
func (r *Reader) Feed(p []byte) (n int, done bool, err error) {
	for r.left > 0 {
		if n == len(p) {
			return n, false, nil
		}
		if r.bulk > 0 {
			part := p[n : n+int(min(r.bulk, int64(len(p)-n)))]
			n += len(part)
			if err := r.content(part); err != nil {
				return n, false, err
			}
			if r.bulk == 0 {
				r.count(1, 0)
			}
			continue
		}
		line, used, err := r.line(p[n:])
		n += used
		if line == nil || err != nil {
			return n, false, err
		}
		if err := r.header(line); err != nil {
			return n, false, err
		}
	}
	return n, true, nil
}

// line takes bytes up to the end of a line; nil if that has not come.
func (r *Reader) line(p []byte) (line []byte, used int, err error) {
	end := bytes.IndexByte(p, '\n')
	if end < 0 {
		r.held = append(r.held, p[:min(len(p), maxLine+1)]...)
		if len(r.held) > maxLine {
			return nil, 0, ProtocolError("a line is longer than 64 KiB")
		}
		return nil, len(p), nil
	}
	line = p[:end+1]
	if len(r.held) > 0 {
		r.held = append(r.held, line...)
		line = r.held
		r.held = r.held[:0]
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return nil, end + 1, ProtocolError("a line of a reply does not end in CR and LF, or is empty")
	}
	if len(line) > maxLine {
		return nil, end + 1, ProtocolError("a line is longer than 64 KiB")
	}
	return line[:len(line)-2], end + 1, nil
}

// header reads the line a value begins with.
func (r *Reader) header(line []byte) error {
	kind := line[0]
	if kind == '|' || kind == '>' { // no value itself
		n, err := elements(line)
		if kind == '|' { // pairs
			n *= 2
		}
		r.count(0, n)
		return r.bound(err)
	}
	r.own = r.Kind == 0 && r.before == 0
	if r.own {
		r.Kind = kind
	}
	switch kind {
	case '+', '-', ':', ',', '#', '(', '_':
		if r.own {
			r.Null = kind == '_'
			r.Text = append(r.Text, line[1:]...)
		}
		r.count(1, 0)
	case '$', '=', '!':
		if string(line[1:]) == "-1" {
			r.Null = r.Null || r.own
			r.count(1, 0)
			return nil
		}
		n, err := length(line)
		if err != nil || n > MaxBulk {
			return ProtocolError("invalid length of a bulk string")
		}
		r.bulk = n + 2
		if r.keep = r.Keep; kind == '!' {
			r.keep = max(maxError, r.Keep)
		}
	case '*', '~', '%':
		if string(line[1:]) == "-1" {
			r.Null = r.Null || r.own
			r.count(1, 0)
			return nil
		}
		n, err := elements(line)
		if kind == '%' {
			n *= 2
		}
		r.count(1, n)
		return r.bound(err)
	default:
		return ProtocolError("a reply begins with an unknown type")
	}
	return nil
}

// count notes that a value has come, which says that more belong to it.
func (r *Reader) count(came, more int64) {
	if r.Kind == 0 {
		r.before += more - came
	} else {
		r.left += more - came
	}
}

func (r *Reader) bound(err error) error {
	if err == nil && max(r.before, r.left) > maxElements {
		return ProtocolError("a reply of more than 2^32 values")
	}
	return err
}

// content takes a part of a bulk string with its line end.
func (r *Reader) content(p []byte) error {
	data := p[:min(int64(len(p)), max(0, r.bulk-2))]
	if r.Kind != 0 {
		r.Bytes += int64(len(data))
	}
	if r.own && len(r.Text) < r.keep {
		r.Text = append(r.Text, data[:min(len(data), r.keep-len(r.Text))]...)
	}
	r.bulk -= int64(len(data))
	for _, c := range p[len(data):] {
		if c != crlf[2-r.bulk] {
			return ProtocolError("a bulk string is longer than its length")
		}
		r.bulk--
	}
	return nil
}

// elements reads the number of values of an aggregate.
func elements(line []byte) (int64, error) {
	n, err := length(line)
	if err != nil || n > maxElements {
		return 0, ProtocolError("invalid number of values")
	}
	return n, nil
}

// length reads the number in the first line of a value.
func length(line []byte) (n int64, err error) {
	const maxDigits = 12
	if len(line) < 2 || len(line) > 1+maxDigits {
		return 0, ProtocolError("invalid length")
	}
	for _, c := range line[1:] {
		if c < '0' || c > '9' {
			return 0, ProtocolError("invalid length")
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}
