package h1

import (
	"bytes"

	"bench/proxy/message"
)

// Limits bounds what a head may hold. It is read-only while in use and shared by
// all parsers of a proxy.
type Limits struct {
	// MaxHead is the largest head in bytes, blank line included:
	// tune.bufsize less tune.maxrewrite.
	MaxHead int
	// MaxFields is the highest number of fields (tune.http.maxhdr, 1 to 32767).
	MaxFields int
	// Relaxed (option accept-invalid-http-request, -response) admits what does not
	// change where a message ends: bytes above 127 and "#" in targets, any visible
	// character but the colon in field names, a missing, malformed or repeated
	// Host, and one that differs from the target's authority, which then wins. In
	// responses also Content-Length beside Transfer-Encoding: the latter wins and
	// the connection is not kept.
	Relaxed bool
	// AnyPayload (h1-accept-payload-with-any-method) admits contents of GET, HEAD and DELETE
	// in HTTP/1.0, which servers may take for the next request.
	AnyPayload bool
}

// DefaultLimits are those of a configuration that sets none of them.
func DefaultLimits() Limits { return Limits{MaxHead: 16384 - 1024, MaxFields: 101} }

// head is the part of buf that may belong to a head.
func (l *Limits) head(buf []byte) []byte { return buf[:min(len(buf), l.MaxHead)] }

// Parser remembers, between two receive calls, how far a head that has not
// arrived completely was checked, so that the cost of a head that drips in grows
// with its length only. One serves one direction of one connection, for message
// after message. The zero value is ready to use.
//
// It keeps offsets and nothing else: the buffer may be another one at the next
// call, as long as it starts with the same bytes, and the old one may be
// overwritten meanwhile. A message is filled in by the one call that completes its
// head, from the buffer of that call, and by no other.
type Parser struct {
	pos     int // start of the first line that was not checked
	seen    int // no line feed between pos and here
	count   int // fields before pos
	started bool
	errPos  int
}

// Reset forgets a head that has not arrived completely.
func (p *Parser) Reset() { *p = Parser{} }

// Started reports whether part of a head, other than empty lines, has arrived.
func (p *Parser) Started() bool { return p.started || p.seen > p.pos }

// ErrPos is the offset in the buffer of the byte that caused the last error.
func (p *Parser) ErrPos() int { return p.errPos }

// fail notes where err was found and ends the head.
func (p *Parser) fail(pos int, err *Error) *Error {
	*p = Parser{errPos: pos}
	return err
}

// more notes that the line at pos is incomplete. It returns ErrHeadTooLarge when
// no more may come.
func (p *Parser) more(buf []byte, pos int, lim *Limits) *Error {
	if len(buf) >= lim.MaxHead {
		return p.fail(lim.MaxHead, ErrHeadTooLarge)
	}
	p.pos, p.seen = pos, len(buf)
	return nil
}

// waiting reports whether the line that was incomplete at the last call still is,
// and may yet be completed. It looks at new bytes only.
func (p *Parser) waiting(buf []byte, lim *Limits) bool {
	return p.seen > p.pos && p.seen <= len(buf) && len(buf) < lim.MaxHead && bytes.IndexByte(buf[p.seen:], '\n') < 0
}

// lineEnd checks the line end at i, where a control character was found, and
// returns the start of the next line: 0 when the line feed has not arrived, -1
// when there is no line end at i.
func lineEnd(buf []byte, i int) int {
	switch buf[i] {
	case '\n':
		return i + 1
	case '\r':
		if i+1 >= len(buf) {
			return 0
		}
		if buf[i+1] == '\n' {
			return i + 2
		}
	}
	return -1
}

// emptyLines returns the start of the first line from pos on that is not empty. What
// is there may be the carriage return of an empty line whose line feed has not
// arrived.
func emptyLines(buf []byte, pos int) (next int, arrived bool) {
	for pos < len(buf) && (buf[pos] == '\r' || buf[pos] == '\n') {
		switch next := lineEnd(buf, pos); {
		case next == 0:
			return pos, false
		case next < 0:
			return pos, true
		default:
			pos = next
		}
	}
	return pos, true
}

// fields parses field lines from pos on, up to and including the empty line. It
// returns the end of the head, or 0 when it has not arrived (the parser then
// remembers where to go on).
func (p *Parser) fields(h *message.Header, buf []byte, pos int, lim *Limits) (int, *Error) {
	for {
		if pos >= len(buf) {
			return 0, p.more(buf, pos, lim)
		}
		i := scanToken(buf, pos)
		if i >= len(buf) {
			return 0, p.more(buf, pos, lim)
		}
		if buf[i] != ':' || i == pos {
			end, err := p.oddLine(buf, pos, &i, lim)
			if end != 0 || err != nil {
				return end, err
			}
			if i >= len(buf) {
				return 0, p.more(buf, pos, lim)
			}
		}
		name := buf[pos:i:i]
		i++
		for i < len(buf) && (buf[i] == ' ' || buf[i] == '\t') {
			i++
		}
		start := i
		i = scanValue(buf, i)
		if i >= len(buf) {
			return 0, p.more(buf, pos, lim)
		}
		next := lineEnd(buf, i)
		if next <= 0 {
			if next == 0 {
				return 0, p.more(buf, pos, lim)
			}
			if buf[i] == '\r' {
				return 0, p.fail(i, ErrBareCR)
			}
			return 0, p.fail(i, ErrValue)
		}
		for i > start && (buf[i-1] == ' ' || buf[i-1] == '\t') {
			i--
		}
		if p.count+h.Len() >= lim.MaxFields {
			return 0, p.fail(pos, ErrTooManyFields)
		}
		h.Append(message.Lookup(name), name, buf[start:i:i])
		pos = next
	}
}

// oddLine deals with a line that does not start with a token and a colon: the
// empty line, whose end it returns, a name that is admitted in relaxed mode, whose
// end it leaves in *i (len(buf) when it has not arrived), or an error.
func (p *Parser) oddLine(buf []byte, pos int, i *int, lim *Limits) (end int, err *Error) {
	switch c := buf[*i]; {
	case *i == pos && (c == '\r' || c == '\n'):
		switch next := lineEnd(buf, pos); {
		case next > 0:
			return next, nil
		case next < 0:
			return 0, p.fail(pos, ErrBareCR)
		}
		*i = len(buf)
		return 0, nil
	case *i == pos && (c == ' ' || c == '\t'):
		return 0, p.fail(pos, ErrFold)
	case *i == pos && c == ':':
		return 0, p.fail(pos, ErrNameEmpty)
	case c == ' ' || c == '\t':
		return 0, p.fail(*i, ErrNameSpace)
	case c == '\r' || c == '\n':
		return 0, p.fail(*i, ErrNoColon)
	case !lim.Relaxed:
		return 0, p.fail(*i, ErrName)
	}
	for *i < len(buf) && class[buf[*i]]&cRelaxed != 0 {
		*i++
	}
	if *i < len(buf) && buf[*i] != ':' {
		return 0, p.fail(*i, ErrName)
	}
	return 0, nil
}

// lowerNames lowers the names of the fields in place.
func lowerNames(h *message.Header) {
	for i := range h.Fields() {
		message.Lower(h.At(i).Name)
	}
}
