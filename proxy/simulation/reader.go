package simulation

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// reader takes messages of HTTP/1 apart as their bytes come. It has nothing in common
// with the engine's parser, and takes what is well-formed only.
type reader struct {
	// head is called with the first line and the fields of a message. It says whether
	// the message has no body whatever the fields say.
	head func(first string, fields []field) (bodiless bool, err error)
	body func(p []byte) error
	end  func() error

	line  []byte // unfinished
	first string
	all   []field
	state readerState
	left  int
	// untilClose: messages without a length go on to the end of the stream.
	untilClose bool
	messages   int
}

type field struct{ name, value string }

type readerState uint8

const (
	inHead readerState = iota
	inBody
	inChunkSize
	inChunk
	behindChunk
	inTrailer
	toTheEnd
)

var errMalformed = errors.New("malformed message")

// feed takes bytes in.
func (r *reader) feed(p []byte) error {
	for len(p) > 0 {
		switch r.state {
		case inBody, inChunk:
			n := min(len(p), r.left)
			if err := r.body(p[:n]); err != nil {
				return err
			}
			p, r.left = p[n:], r.left-n
			if r.left > 0 {
				continue
			}
			if r.state == inChunk {
				r.state = behindChunk
			} else if err := r.finish(); err != nil {
				return err
			}
		case toTheEnd:
			return r.body(p)
		default:
			i := bytes.IndexByte(p, '\n')
			if i < 0 {
				r.line = append(r.line, p...)
				return nil
			}
			r.line = append(r.line, p[:i]...)
			p = p[i+1:]
			line, ok := strings.CutSuffix(string(r.line), "\r")
			r.line = r.line[:0]
			if !ok {
				return fmt.Errorf("%w: a line ends without CR: %.100q", errMalformed, line)
			}
			if err := r.take(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// take takes a line in.
func (r *reader) take(line string) error {
	switch r.state {
	case inChunkSize:
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseUint(size, 16, 31)
		if err != nil {
			return fmt.Errorf("%w: size of a chunk %.100q", errMalformed, line)
		}
		if r.left, r.state = int(n), inChunk; n == 0 {
			r.state = inTrailer
		}
		return nil
	case behindChunk:
		if line != "" {
			return fmt.Errorf("%w: behind a chunk %.100q", errMalformed, line)
		}
		r.state = inChunkSize
		return nil
	case inTrailer:
		if line == "" {
			return r.finish()
		}
		return nil
	case inHead, inBody, inChunk, toTheEnd:
	}
	switch {
	case r.first == "" && line == "":
		return fmt.Errorf("%w: an empty line in place of a head", errMalformed)
	case r.first == "":
		r.first = line
		return nil
	case line != "":
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("%w: field %.100q", errMalformed, line)
		}
		r.all = append(r.all, field{strings.ToLower(name), strings.TrimSpace(value)})
		return nil
	}
	return r.begin()
}

// begin begins the body.
func (r *reader) begin() error {
	bodiless, err := r.head(r.first, r.all)
	if err != nil {
		return err
	}
	length, known := -1, value(r.all, "content-length")
	if known != "" {
		if length, err = strconv.Atoi(known); err != nil {
			return fmt.Errorf("%w: length %.100q", errMalformed, known)
		}
	}
	chunked := value(r.all, "transfer-encoding") == "chunked"
	if chunked && length >= 0 {
		return fmt.Errorf("%w: two framings", errMalformed)
	}
	r.first, r.all = "", nil
	switch {
	case bodiless, length == 0, !chunked && length < 0 && !r.untilClose:
		return r.finish()
	case chunked:
		r.state = inChunkSize
	case length > 0:
		r.state, r.left = inBody, length
	default:
		r.state = toTheEnd
	}
	return nil
}

func (r *reader) finish() error {
	r.state = inHead
	r.messages++
	return r.end()
}

// close takes the end of the stream in. It reports whether that is between two messages,
// or the end of one.
func (r *reader) close() (clean bool, err error) {
	if r.state == toTheEnd {
		return true, r.finish()
	}
	return r.idle(), nil
}

// idle tells whether nothing of a message has come.
func (r *reader) idle() bool { return r.state == inHead && r.first == "" && len(r.line) == 0 }

// value is that of the only field of a name, "" if there is none.
func value(all []field, name string) string {
	for _, f := range all {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

func appendHex(b []byte, n int) []byte { return strconv.AppendUint(b, uint64(n), 16) }
