package http1

import (
	"bytes"
	"crypto/sha256"
	"hash"

	"bench/loadgen/codec"
	"bench/loadgen/httpfield"
)

// state is the place in a response. The parser jumps over what it need not
// look at (the head's line ends, the bodies) and steps byte by byte through
// chunk framing only.
type state uint8

const (
	stateHead       state = iota
	stateLength           // body of known length
	stateUntilClose       // body that ends with the connection
	stateChunkSize        // hexadecimal digits
	stateChunkExt         // chunk extension, ignored
	stateChunkLF          // line feed after the chunk size
	stateChunkData
	stateDataCR // line end after chunk data
	stateDataLF
	stateTrailerStart // first byte of a trailer line or of the end
	stateTrailer
	stateTrailerLF
	stateEndLF
	stateDone
	stateBroken
)

// Limits against answers without end.
const (
	maxHead      = 64 << 10
	maxExtra     = 64 << 10 // chunk extensions and trailers of one response
	maxSizeDigit = 15       // of a chunk: 60 bits
)

// session is a virtual user: what is being read on its connection, and its
// cookies.
type session struct {
	codec  *client
	user   int
	kept   *kept
	varied []byte // for a body that differs from request to request

	request *request // whose answer it is
	isHead  bool     // its method is HEAD
	state   state
	answer  codec.Answer
	origin  bool   // a mock origin marked the answer as its own
	remain  int64  // bytes left of the body or of the chunk
	digits  int    // hexadecimal digits of the chunk size so far
	extra   int    // bytes of chunk extensions and trailers
	held    []byte // a response head that came in pieces

	checked checkedAnswer
	looks   bool      // header fields matter
	matched uint64    // expected headers seen, a bit for each
	hash    hash.Hash // of the body
	sum     [sha256.Size]byte
	prefix  int  // characters of the expected text matched
	found   bool // the expected text was found
}

// kept is what a virtual user keeps from one answer to the next.
type kept struct {
	jar  jar
	home []byte // the origin that answered last, followed where cookies are kept
}

// Await implements Session.
func (s *session) Await(o *codec.Order) {
	s.request = &s.codec.requests[o.Class]
	s.isHead = s.request.isHead
	if o.Item >= 0 {
		s.isHead = s.codec.replayed[s.codec.trace[o.Item].Request].isHead
	}
	s.state, s.remain, s.extra, s.origin = stateHead, 0, 0, false
	s.answer = codec.Answer{}
	s.held = s.held[:0]
	s.looks, s.matched = s.codec.cookies || len(s.request.expect.headers) > 0, 0
	if s.request.expect.readsBody() {
		s.hash.Reset()
		s.prefix, s.found = 0, false
	}
	if s.codec.check != nil {
		s.checked.begin(o.Digest)
	}
}

// look reads a valid header field for cookies and for what is expected.
func (s *session) look(l []byte) {
	n := bytes.IndexByte(l, ':')
	name, value := l[:n], httpfield.Trim(l[n+1:])
	if s.codec.cookies && httpfield.FoldEqual(name, "set-cookie") {
		s.kept.jar.set(value)
	}
	if s.codec.cookies && httpfield.FoldEqual(name, "x-bench-origin") {
		k := s.kept
		s.answer.Moved = len(k.home) > 0 && !bytes.Equal(k.home, value)
		k.home = append(k.home[:0], value...)
	}
	for i := range s.request.expect.headers {
		h := &s.request.expect.headers[i]
		if !httpfield.FoldEqual(name, h.name) {
			continue
		}
		if string(value) == h.value || h.prefix && len(value) >= len(h.value) && string(value[:len(h.value)]) == h.value {
			s.matched |= 1 << i
		}
	}
}

// content takes a part of the body.
func (s *session) content(p []byte) {
	s.answer.Bytes += int64(len(p))
	if s.codec.check != nil {
		s.checked.content(p)
	}
	e := &s.request.expect
	if !e.readsBody() {
		return
	}
	if len(e.sum) > 0 {
		s.hash.Write(p)
	}
	if len(e.contains.Text) > 0 && !s.found {
		s.prefix, s.found = e.contains.Feed(p, s.prefix)
	}
}

func (s *session) fail(why string) codec.State {
	s.state, s.answer.Detail, s.answer.KeepAlive = stateBroken, why, false
	return codec.Broken
}

// Feed implements Session.
func (s *session) Feed(p []byte) (int, codec.State) {
	n := 0
	for n < len(p) || s.state == stateDone {
		switch s.state {
		case stateHead:
			used, st := s.feedHead(p[n:])
			n += used
			if st != codec.Done {
				return n, st
			}
		case stateLength, stateChunkData:
			take := min(int64(len(p)-n), s.remain)
			s.content(p[n : n+int(take)])
			n += int(take)
			s.remain -= take
			if s.remain > 0 {
				return n, codec.More
			}
			if s.state == stateLength {
				s.state = stateDone
			} else {
				s.state = stateDataCR
			}
		case stateUntilClose:
			s.content(p[n:])
			return len(p), codec.More
		case stateDone:
			s.finish()
			return n, codec.Done
		case stateBroken:
			return n, codec.Broken
		default:
			if why := s.chunkByte(p[n]); why != "" {
				return n, s.fail(why)
			}
			n++
		}
	}
	return n, codec.More
}

// End implements Session.
func (s *session) End() codec.State {
	switch s.state {
	case stateUntilClose:
		s.state = stateDone
		s.finish()
		return codec.Done
	case stateDone:
		return codec.Done
	case stateBroken:
		return codec.Broken
	default:
		return s.fail("the connection ended within the response")
	}
}

// HeadEnd is what a head ends with.
var HeadEnd = []byte("\r\n\r\n")

// feedHead takes what belongs to the head. Done means that the head is complete
// and s.state is where the body begins; it stays http1Head after a 1xx.
func (s *session) feedHead(p []byte) (int, codec.State) {
	if len(s.held) == 0 {
		if !s.looks {
			if k := s.codec.known.find(p); k != nil {
				s.matched = 0
				if s.codec.check != nil {
					s.checked.again(k, p)
				}
				return len(k.bytes), s.begin(k.status, k.minor, &k.framing)
			}
		}
		if i := bytes.Index(p, HeadEnd); i >= 0 && i+4 <= maxHead {
			return i + 4, s.parseHead(p[:i+4])
		}
	}
	before := len(s.held)
	s.held = append(s.held, p[:min(len(p), maxHead+4-before)]...)
	if !statusLineStart(s.held) {
		return 0, s.fail("the response does not begin with HTTP/1.")
	}
	from := max(0, before-3)
	i := bytes.Index(s.held[from:], HeadEnd)
	if i < 0 {
		if len(s.held) > maxHead {
			return 0, s.fail("the response head is longer than 64 KiB")
		}
		if bytes.Contains(s.held[max(0, before-1):], []byte("\n\n")) {
			return 0, s.fail("a line of the response head ends without CR")
		}
		return len(p), codec.More
	}
	end := from + i + 4
	st := s.parseHead(s.held[:end])
	s.held = s.held[:0]
	return end - before, st
}

const httpPrefix = "HTTP/1."

func statusLineStart(p []byte) bool {
	n := min(len(p), len(httpPrefix))
	return string(p[:n]) == httpPrefix[:n]
}

// parseHead reads a complete head, the empty line included.
func (s *session) parseHead(h []byte) codec.State {
	whole, eol := h, bytes.IndexByte(h, '\n')
	status, minor, ok := statusLine(h[:eol+1])
	if !ok {
		return s.fail("invalid status line")
	}
	s.matched = 0 // an interim response is not what is expected
	f := framing{length: -1}
	for h = h[eol+1:]; len(h) > 2; h = h[eol+1:] {
		eol = bytes.IndexByte(h, '\n')
		if eol < 1 || h[eol-1] != '\r' {
			return s.fail("a line of the response head ends without CR")
		}
		if why := f.field(h[:eol-1]); why != "" {
			return s.fail(why)
		}
		if s.looks {
			s.look(h[:eol-1])
		}
	}
	if status < 200 {
		if status == 101 {
			return s.fail("101 to a request that asked for no upgrade")
		}
		return codec.Done // interim response: the final one follows
	}
	if s.codec.check != nil {
		s.checked.head(s.codec.check, status, minor, &f, whole)
	} else {
		s.codec.known.add(knownHead{bytes: whole, status: status, minor: minor, framing: f})
	}
	return s.begin(status, minor, &f)
}

// begin finds out how the body is framed (RFC 9112 section 6.3), and whether the
// connection goes on.
func (s *session) begin(status, minor int, f *framing) codec.State {
	s.answer.Status, s.origin = status, f.origin
	s.answer.KeepAlive = !f.close && (minor >= 1 || f.keepAlive)
	switch {
	case s.isHead || status == 204 || status == 304:
		s.state = stateDone
	case f.coded && f.length >= 0:
		return s.fail("both Transfer-Encoding and Content-Length")
	case f.chunked:
		s.state, s.digits, s.remain = stateChunkSize, 0, 0
	case f.coded, f.length < 0:
		s.state, s.answer.KeepAlive = stateUntilClose, false
	case f.length == 0:
		s.state = stateDone
	default:
		s.state, s.remain = stateLength, f.length
	}
	return codec.Done
}

// finish judges an answer that is complete.
func (s *session) finish() {
	s.judge(&s.request.expect)
	if s.codec.check != nil {
		s.verify()
	}
}

// chunkByte takes one byte of chunk framing; the result is what is wrong.
func (s *session) chunkByte(c byte) string {
	switch s.state {
	case stateChunkSize:
		return s.sizeByte(c)
	case stateChunkExt:
		if c == '\r' {
			s.state = stateChunkLF
		} else if c == '\n' {
			return "a chunk size line ends without CR"
		}
		return s.countExtra()
	case stateChunkLF:
		if c != '\n' {
			return "a stray CR in a chunk size line"
		}
		s.state = stateChunkData
		if s.remain == 0 {
			s.state = stateTrailerStart
		}
	case stateDataCR:
		if c != '\r' {
			return "chunk data longer than its size"
		}
		s.state = stateDataLF
	case stateDataLF:
		if c != '\n' {
			return "chunk data longer than its size"
		}
		s.state, s.digits = stateChunkSize, 0
	case stateTrailerStart, stateTrailer:
		switch {
		case c == '\r' && s.state == stateTrailerStart:
			s.state = stateEndLF
		case c == '\r':
			s.state = stateTrailerLF
		case c == '\n':
			return "a trailer line ends without CR"
		default:
			s.state = stateTrailer
		}
		return s.countExtra()
	case stateTrailerLF:
		if c != '\n' {
			return "a stray CR in a trailer"
		}
		s.state = stateTrailerStart
	case stateEndLF:
		if c != '\n' {
			return "a stray CR in a trailer"
		}
		s.state = stateDone
	default: // Feed takes the other states itself
	}
	return ""
}

func (s *session) sizeByte(c byte) string {
	if d := hexValue(c); d >= 0 {
		if s.digits++; s.digits > maxSizeDigit {
			return "a chunk size of too many digits"
		}
		s.remain = s.remain<<4 | int64(d)
		return ""
	}
	switch {
	case s.digits == 0:
		return "a chunk without a size"
	case c == '\r':
		s.state = stateChunkLF
	case c == ';' || c == ' ' || c == '\t':
		s.state = stateChunkExt
	default:
		return "invalid chunk size"
	}
	return ""
}

func (s *session) countExtra() string {
	if s.extra++; s.extra > maxExtra {
		return "chunk extensions and trailers longer than 64 KiB"
	}
	return ""
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
