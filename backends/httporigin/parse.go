package httporigin

import (
	"bytes"
)

// problem is why a request is refused: the status of the answer, and the
// reason in its body. The zero value is no problem.
type problem struct {
	status int
	reason string
}

func bad(reason string) problem { return problem{400, reason} }

// bodyKind is how the end of a request body is told.
type bodyKind uint8

const (
	noBody bodyKind = iota
	byLength
	byChunks
)

// head is a parsed request head. Slices alias the input.
type head struct {
	method, target []byte
	id             []byte // X-Bench-Id
	agent          []byte // User-Agent
	match          []byte // If-None-Match
	digest         []byte // X-Bench-Integrity, the first
	digests        int    // how many of them
	body           bodyKind
	length         int64 // of a body by length
	minor          byte  // of HTTP/1.x: 0 or 1
	close          bool  // Connection: close
	keepAlive      bool  // Connection: keep-alive
	expect         bool  // Expect: 100-continue
	gzip           bool  // Accept-Encoding allows it

	hosts     int
	hasLength bool
}

// parseHead reads one request head from b into h and returns its length. Length
// 0 without a problem means that the head is not complete yet. It is strict
// where leniency would hide a proxy's fault (RFC 9112 sections 2.2, 3, 5, 6).
func parseHead(b []byte, h *head) (int, problem) {
	*h = head{}
	i := 0
	for bytes.HasPrefix(b[i:], crlf) { // RFC 9112 section 2.2
		i += 2
	}
	end := bytes.IndexByte(b[i:], '\n')
	if end < 0 {
		return 0, problem{}
	}
	if p := parseRequestLine(b[i:i+end+1], h); p.status != 0 {
		return 0, p
	}
	i += end + 1
	for {
		end = bytes.IndexByte(b[i:], '\n')
		if end < 0 {
			return 0, problem{}
		}
		line := b[i : i+end]
		i += end + 1
		if end == 0 || line[end-1] != '\r' {
			return 0, bad("a line of the head ends in LF without CR")
		}
		if end == 1 {
			break
		}
		if p := parseField(line[:end-1], h); p.status != 0 {
			return 0, p
		}
	}
	return i, h.check()
}

// parseRequestLine reads "METHOD TARGET HTTP/1.x\r\n".
func parseRequestLine(line []byte, h *head) problem {
	if !bytes.HasSuffix(line, crlf) {
		return bad("the request line ends in LF without CR")
	}
	line = line[:len(line)-2]
	sp := bytes.IndexByte(line, ' ')
	if sp <= 0 {
		return bad("the request line is not METHOD TARGET VERSION")
	}
	h.method, line = line[:sp], line[sp+1:]
	for _, c := range h.method {
		if !isToken(c) {
			return bad("the method is not a token")
		}
	}
	sp = bytes.IndexByte(line, ' ')
	if sp <= 0 {
		return bad("the request line is not METHOD TARGET VERSION")
	}
	h.target, line = line[:sp], line[sp+1:]
	for _, c := range h.target {
		if c <= ' ' || c == 0x7f || c == '#' {
			return bad("the request target has a control character or a fragment")
		}
	}
	switch {
	case string(line) == "HTTP/1.1":
		h.minor = 1
	case string(line) == "HTTP/1.0":
	case len(line) == 8 && bytes.HasPrefix(line, []byte("HTTP/")):
		return problem{505, "the version is neither HTTP/1.1 nor HTTP/1.0"}
	default:
		return bad("the version is malformed")
	}
	return problem{}
}

// parseField reads one "Name: value" line without its CRLF.
func parseField(line []byte, h *head) problem {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		if line[0] == ' ' || line[0] == '\t' {
			return bad("a header line is folded")
		}
		return bad("a header line has no name before its colon")
	}
	name, value := line[:colon], trim(line[colon+1:])
	for _, c := range name {
		if !isToken(c) {
			return bad("a header name is not a token")
		}
	}
	if bytes.IndexByte(value, '\r') >= 0 || bytes.IndexByte(value, 0) >= 0 {
		return bad("a header value has a CR or NUL")
	}
	switch name[0] | 0x20 {
	case 'a':
		if isName(name, "accept-encoding") {
			h.gzip = acceptsGzip(value)
		}
	case 'i':
		if isName(name, "if-none-match") {
			h.match = value
		}
	case 'h':
		if isName(name, "host") {
			h.hosts++
			return checkHost(value)
		}
	case 'x':
		switch {
		case isName(name, "x-bench-id"):
			h.id = value
		case isName(name, "x-bench-integrity"):
			if h.digests++; h.digests == 1 {
				h.digest = value
			}
		}
	case 'u':
		if isName(name, "user-agent") {
			h.agent = value
		}
	case 'e':
		if isName(name, "expect") && isName(value, "100-continue") {
			h.expect = true
		}
	case 'c':
		switch {
		case isName(name, "content-length"):
			return h.contentLength(value)
		case isName(name, "connection"):
			h.connection(value)
		}
	case 't':
		if isName(name, "transfer-encoding") {
			if h.body == byChunks || !isName(value, "chunked") {
				return problem{501, "the transfer encoding is not chunked alone"}
			}
			h.body = byChunks
		}
	}
	return problem{}
}

// checkHost takes what may stand in an authority, and nothing: that is the Host of
// a target that has none (RFC 9112 section 3.2).
func checkHost(value []byte) problem {
	for _, c := range value {
		if !hosts[c] {
			return bad("the Host has a character that no host has")
		}
	}
	return problem{}
}

// contentLength takes repeated equal values, in one field or several, for one
// (RFC 9110 section 8.6).
func (h *head) contentLength(value []byte) problem {
	for {
		one, rest, more := bytes.Cut(value, comma)
		n := int64(0)
		one = trim(one)
		if len(one) == 0 || len(one) > 18 {
			return bad("the Content-Length is not a number of at most 18 digits")
		}
		for _, c := range one {
			if c < '0' || c > '9' {
				return bad("the Content-Length is not a number of at most 18 digits")
			}
			n = n*10 + int64(c-'0')
		}
		if h.hasLength && n != h.length {
			return bad("there are two different Content-Length values")
		}
		h.hasLength, h.length = true, n
		if !more {
			return problem{}
		}
		value = rest
	}
}

func (h *head) connection(value []byte) {
	for more := true; more; {
		var one []byte
		one, value, more = bytes.Cut(value, comma)
		one = trim(one)
		switch {
		case isName(one, "close"):
			h.close = true
		case isName(one, "keep-alive"):
			h.keepAlive = true
		}
	}
}

// check looks at what only the whole head tells.
func (h *head) check() problem {
	switch {
	case string(h.method) == "CONNECT":
		return problem{501, "CONNECT asks for a tunnel, and this is an origin"}
	case !h.targeted():
		return bad("the request target is neither a path nor a URL, nor * of OPTIONS")
	case h.body == byChunks && h.hasLength:
		return bad("there are both Transfer-Encoding and Content-Length")
	case h.body == byChunks && h.minor == 0:
		return bad("there is a Transfer-Encoding in HTTP/1.0")
	case h.hosts > 1:
		return bad("there are several Host fields")
	case h.hosts == 0 && h.minor == 1:
		return bad("there is no Host field")
	case h.hasLength && h.length > 0:
		h.body = byLength
	}
	return problem{}
}

// targeted reports whether the target has a form that goes with the method (RFC 9112
// section 3.2).
func (h *head) targeted() bool {
	t := h.target
	switch {
	case t[0] == '/':
		return true
	case string(t) == "*":
		return string(h.method) == "OPTIONS"
	}
	scheme, rest, ok := bytes.Cut(t, []byte("://"))
	return ok && len(rest) > 0 && (isName(scheme, "http") || isName(scheme, "https"))
}

// keep reports whether the client lets the connection persist (RFC 9112 section 9.3).
func (h *head) keep() bool {
	if h.minor == 0 {
		return h.keepAlive && !h.close
	}
	return !h.close
}

var (
	crlf     = []byte("\r\n")
	comma    = []byte(",")
	question = []byte("?")
)

// isName compares b with lower-case letters, digits and dashes in any case.
func isName(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range len(lower) {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// tokens has a bit for each character of a token (RFC 9110 section 5.6.2).
var tokens = tokenTable()

func tokenTable() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-0x20] = true, true
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}

func isToken(c byte) bool { return tokens[c] }

// hosts has a bit for each character of a host and its port (RFC 3986 section 3.2).
var hosts = hostTable()

func hostTable() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-0x20] = true, true
	}
	for _, c := range "-._~%!$&'()*+,;=:[]" {
		t[c] = true
	}
	return t
}
