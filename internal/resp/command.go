// Package resp reads and writes the Redis serialization protocol, versions 2
// and 3. What commands mean and who speaks may not enter.
package resp

import (
	"bytes"
	"errors"
	"fmt"
)

// Bounds of a command, as Redis has them by default.
const (
	MaxInline = 64 << 10  // bytes of an inline command
	MaxArgs   = 1 << 20   // arguments of a command
	MaxBulk   = 512 << 20 // bytes of an argument
)

// ProtocolError is input that is not the protocol. The connection cannot go on
// after it. Its text is what Redis says, without the error's "ERR Protocol
// error: ".
type ProtocolError string

func (e ProtocolError) Error() string { return "protocol error: " + string(e) }

// errIncomplete reports that more bytes are needed.
var errIncomplete = errors.New("incomplete")

// ParseCommand reads the command at the beginning of b, an array of bulk
// strings or a line of words, and appends its arguments to args, which alias b.
// n is its length; 0 without an error asks for more bytes. An empty command has
// a length and no arguments.
func ParseCommand(b []byte, args [][]byte) (out [][]byte, n int, err error) {
	if len(b) == 0 {
		return args, 0, nil
	}
	if b[0] != '*' {
		return parseInline(b, args)
	}
	count, n, err := parseLength(b, "multibulk", MaxArgs)
	if err != nil {
		return args, 0, needMore(err)
	}
	for range count {
		if n == len(b) {
			return args, 0, nil
		}
		if b[n] != '$' {
			return args, 0, ProtocolError(fmt.Sprintf("expected '$', got %q", b[n]))
		}
		size, k, err := parseLength(b[n:], "bulk", MaxBulk)
		if err != nil {
			return args, 0, needMore(err)
		}
		if size < 0 {
			return args, 0, ProtocolError("invalid bulk length")
		}
		n += k
		if len(b)-n < size+2 {
			return args, 0, nil
		}
		if b[n+size] != '\r' || b[n+size+1] != '\n' {
			return args, 0, ProtocolError("a bulk string is longer than its length")
		}
		args = append(args, b[n:n+size])
		n += size + 2
	}
	return args, n, nil
}

func needMore(err error) error {
	if errors.Is(err, errIncomplete) {
		return nil
	}
	return err
}

// parseLength reads "*12\r\n" or "$12\r\n".
func parseLength(b []byte, what string, most int) (v, n int, err error) {
	const maxDigits = 12
	neg := false
	i := 1
	for ; i < len(b) && b[i] != '\r'; i++ {
		switch c := b[i]; {
		case c == '-' && i == 1:
			neg = true
		case c < '0' || c > '9' || i > maxDigits:
			return 0, 0, ProtocolError("invalid " + what + " length")
		default:
			v = v*10 + int(c-'0')
		}
	}
	if i+1 >= len(b) {
		return 0, 0, errIncomplete
	}
	if b[i+1] != '\n' || i == 1 || neg && i == 2 || v > most {
		return 0, 0, ProtocolError("invalid " + what + " length")
	}
	if neg {
		v = -v
	}
	return v, i + 2, nil
}

// parseInline reads words to the end of the line.
func parseInline(b []byte, args [][]byte) (out [][]byte, n int, err error) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 || end > MaxInline {
		if len(b) > MaxInline {
			return args, 0, ProtocolError("too big inline request")
		}
		return args, 0, nil
	}
	line := bytes.TrimSuffix(b[:end], []byte("\r"))
	for {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 {
			return args, end + 1, nil
		}
		word, rest, ok := cutWord(line)
		if !ok {
			return args, 0, ProtocolError("unbalanced quotes in request")
		}
		args, line = append(args, word), rest
	}
}

// cutWord takes a word off a line: plain, or in quotes without escapes.
func cutWord(line []byte) (word, rest []byte, ok bool) {
	if q := line[0]; q == '"' || q == '\'' {
		end := bytes.IndexByte(line[1:], q)
		if end < 0 {
			return nil, nil, false
		}
		rest = line[end+2:]
		return line[1 : end+1], rest, len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t'
	}
	if end := bytes.IndexAny(line, " \t"); end >= 0 {
		return line[:end], line[end:], true
	}
	return line, nil, true
}
