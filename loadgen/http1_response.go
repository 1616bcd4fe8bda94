package loadgen

import (
	"bytes"
	"crypto/sha256"
	"hash"
)

// http1State is the place in a response. The parser jumps over what it need not
// look at (the head's line ends, the bodies) and steps byte by byte through
// chunk framing only.
type http1State uint8

const (
	http1Head       http1State = iota
	http1Length                // body of known length
	http1UntilClose            // body that ends with the connection
	http1ChunkSize             // hexadecimal digits
	http1ChunkExt              // chunk extension, ignored
	http1ChunkLF               // line feed after the chunk size
	http1ChunkData
	http1DataCR // line end after chunk data
	http1DataLF
	http1TrailerStart // first byte of a trailer line or of the end
	http1Trailer
	http1TrailerLF
	http1EndLF
	http1Done
	http1Broken
)

// Limits against answers without end.
const (
	maxHead      = 64 << 10
	maxExtra     = 64 << 10 // chunk extensions and trailers of one response
	maxSizeDigit = 15       // of a chunk: 60 bits
)

// http1Session is a virtual user: what is being read on its connection, and its
// cookies.
type http1Session struct {
	codec  *http1
	user   int
	jar    jar
	varied []byte // for a body that differs from request to request

	request *http1Request // whose answer it is
	isHead  bool          // its method is HEAD
	state   http1State
	answer  Answer
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

// Await implements Session.
func (s *http1Session) Await(o *Order) {
	s.request = &s.codec.requests[o.Class]
	s.isHead = s.request.isHead
	if o.Item >= 0 {
		s.isHead = s.codec.replayed[s.codec.trace[o.Item].request].isHead
	}
	s.state, s.remain, s.extra, s.origin = http1Head, 0, 0, false
	s.answer = Answer{}
	s.held = s.held[:0]
	s.looks, s.matched = s.codec.cookies || len(s.request.expect.headers) > 0, 0
	if s.request.expect.readsBody() {
		s.hash.Reset()
		s.prefix, s.found = 0, false
	}
	if s.codec.check != nil {
		s.checked.begin(o.digest)
	}
}

// look reads a valid header field for cookies and for what is expected.
func (s *http1Session) look(l []byte) {
	n := bytes.IndexByte(l, ':')
	name, value := l[:n], trim(l[n+1:])
	if s.codec.cookies && foldEqual(name, "set-cookie") {
		s.jar.set(value)
	}
	for i := range s.request.expect.headers {
		h := &s.request.expect.headers[i]
		if !foldEqual(name, h.name) {
			continue
		}
		if string(value) == h.value || h.prefix && len(value) >= len(h.value) && string(value[:len(h.value)]) == h.value {
			s.matched |= 1 << i
		}
	}
}

// content takes a part of the body.
func (s *http1Session) content(p []byte) {
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
	if len(e.contains.text) > 0 && !s.found {
		s.prefix, s.found = e.contains.feed(p, s.prefix)
	}
}

func (s *http1Session) fail(why string) State {
	s.state, s.answer.Detail, s.answer.KeepAlive = http1Broken, why, false
	return Broken
}

// Feed implements Session.
func (s *http1Session) Feed(p []byte) (int, State) {
	n := 0
	for n < len(p) || s.state == http1Done {
		switch s.state {
		case http1Head:
			used, st := s.feedHead(p[n:])
			n += used
			if st != Done {
				return n, st
			}
		case http1Length, http1ChunkData:
			take := min(int64(len(p)-n), s.remain)
			s.content(p[n : n+int(take)])
			n += int(take)
			s.remain -= take
			if s.remain > 0 {
				return n, More
			}
			if s.state == http1Length {
				s.state = http1Done
			} else {
				s.state = http1DataCR
			}
		case http1UntilClose:
			s.content(p[n:])
			return len(p), More
		case http1Done:
			s.finish()
			return n, Done
		case http1Broken:
			return n, Broken
		default:
			if why := s.chunkByte(p[n]); why != "" {
				return n, s.fail(why)
			}
			n++
		}
	}
	return n, More
}

// End implements Session.
func (s *http1Session) End() State {
	switch s.state {
	case http1UntilClose:
		s.state = http1Done
		s.finish()
		return Done
	case http1Done:
		return Done
	case http1Broken:
		return Broken
	default:
		return s.fail("the connection ended within the response")
	}
}

var crlfcrlf = []byte("\r\n\r\n")

// feedHead takes what belongs to the head. Done means that the head is complete
// and s.state is where the body begins; it stays http1Head after a 1xx.
func (s *http1Session) feedHead(p []byte) (int, State) {
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
		if i := bytes.Index(p, crlfcrlf); i >= 0 && i+4 <= maxHead {
			return i + 4, s.parseHead(p[:i+4])
		}
	}
	before := len(s.held)
	s.held = append(s.held, p[:min(len(p), maxHead+4-before)]...)
	if !statusLineStart(s.held) {
		return 0, s.fail("the response does not begin with HTTP/1.")
	}
	from := max(0, before-3)
	i := bytes.Index(s.held[from:], crlfcrlf)
	if i < 0 {
		if len(s.held) > maxHead {
			return 0, s.fail("the response head is longer than 64 KiB")
		}
		if bytes.Contains(s.held[max(0, before-1):], []byte("\n\n")) {
			return 0, s.fail("a line of the response head ends without CR")
		}
		return len(p), More
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
func (s *http1Session) parseHead(h []byte) State {
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
		return Done // interim response: the final one follows
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
func (s *http1Session) begin(status, minor int, f *framing) State {
	s.answer.Status, s.origin = status, f.origin
	s.answer.KeepAlive = !f.close && (minor >= 1 || f.keepAlive)
	switch {
	case s.isHead || status == 204 || status == 304:
		s.state = http1Done
	case f.coded && f.length >= 0:
		return s.fail("both Transfer-Encoding and Content-Length")
	case f.chunked:
		s.state, s.digits, s.remain = http1ChunkSize, 0, 0
	case f.coded, f.length < 0:
		s.state, s.answer.KeepAlive = http1UntilClose, false
	case f.length == 0:
		s.state = http1Done
	default:
		s.state, s.remain = http1Length, f.length
	}
	return Done
}

// finish judges an answer that is complete.
func (s *http1Session) finish() {
	s.judge(&s.request.expect)
	if s.codec.check != nil {
		s.verify()
	}
}

// chunkByte takes one byte of chunk framing; the result is what is wrong.
func (s *http1Session) chunkByte(c byte) string {
	switch s.state {
	case http1ChunkSize:
		return s.sizeByte(c)
	case http1ChunkExt:
		if c == '\r' {
			s.state = http1ChunkLF
		} else if c == '\n' {
			return "a chunk size line ends without CR"
		}
		return s.countExtra()
	case http1ChunkLF:
		if c != '\n' {
			return "a stray CR in a chunk size line"
		}
		s.state = http1ChunkData
		if s.remain == 0 {
			s.state = http1TrailerStart
		}
	case http1DataCR:
		if c != '\r' {
			return "chunk data longer than its size"
		}
		s.state = http1DataLF
	case http1DataLF:
		if c != '\n' {
			return "chunk data longer than its size"
		}
		s.state, s.digits = http1ChunkSize, 0
	case http1TrailerStart, http1Trailer:
		switch {
		case c == '\r' && s.state == http1TrailerStart:
			s.state = http1EndLF
		case c == '\r':
			s.state = http1TrailerLF
		case c == '\n':
			return "a trailer line ends without CR"
		default:
			s.state = http1Trailer
		}
		return s.countExtra()
	case http1TrailerLF:
		if c != '\n' {
			return "a stray CR in a trailer"
		}
		s.state = http1TrailerStart
	case http1EndLF:
		if c != '\n' {
			return "a stray CR in a trailer"
		}
		s.state = http1Done
	default: // Feed takes the other states itself
	}
	return ""
}

func (s *http1Session) sizeByte(c byte) string {
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
		s.state = http1ChunkLF
	case c == ';' || c == ' ' || c == '\t':
		s.state = http1ChunkExt
	default:
		return "invalid chunk size"
	}
	return ""
}

func (s *http1Session) countExtra() string {
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
