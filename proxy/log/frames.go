package log

import (
	"bytes"
	"errors"
)

// Frames takes the lines out of a connection (RFC 6587): each begins with "<" and ends
// with a line feed, or with its length in bytes and a blank.
type Frames struct {
	buf        []byte
	start, end int // of what has come and was not taken
}

// NewFrames reads lines of up to size bytes, with what frames them.
func NewFrames(size int) *Frames { return &Frames{buf: make([]byte, size)} }

// Room is where the next bytes go; Took says how many they are.
func (f *Frames) Room() []byte {
	if f.start > 0 {
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	}
	return f.buf[f.end:]
}

// Took adds n bytes that were put where Room said.
func (f *Frames) Took(n int) { f.end += n }

// errFraming is about bytes that no line begins with, or that cannot become one.
var errFraming = errors.New("neither a length nor a priority where a line should begin, or a line too long")

// Next is the next line, as long as no more bytes are asked for; ok is false until the
// rest of it has come.
func (f *Frames) Next() (line []byte, ok bool, err error) {
	b := f.buf[f.start:f.end]
	if len(b) == 0 {
		return nil, false, nil
	}
	full := f.start == 0 && f.end == len(f.buf)
	switch c := b[0]; {
	case c == '<':
		at := bytes.IndexByte(b, '\n')
		if at < 0 {
			return nil, false, f.stuck(full)
		}
		f.start += at + 1
		return bytes.TrimSuffix(b[:at], []byte{'\r'}), true, nil
	case '1' <= c && c <= '9':
		n, i := 0, 0
		for ; i < len(b) && isDigit(b[i]) && n < len(f.buf); i++ {
			n = 10*n + int(b[i]-'0')
		}
		switch {
		case i == len(b):
			return nil, false, f.stuck(full)
		case b[i] != ' ' || i+1+n > len(f.buf):
			return nil, false, errFraming
		case len(b) < i+1+n:
			return nil, false, nil
		}
		f.start += i + 1 + n
		return b[i+1 : i+1+n], true, nil
	}
	return nil, false, errFraming
}

func (f *Frames) stuck(full bool) error {
	if full {
		return errFraming
	}
	return nil
}
