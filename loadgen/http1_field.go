package loadgen

import (
	"bytes"
	"math"
)

// statusLine reads "HTTP/1.x SSS reason CRLF". The reason, and the space before
// it, may be missing.
func statusLine(l []byte) (status, minor int, ok bool) {
	const shortest = len("HTTP/1.1 200\r\n")
	if len(l) < shortest || !statusLineStart(l) || l[7] != '0' && l[7] != '1' || l[8] != ' ' || l[len(l)-2] != '\r' {
		return 0, 0, false
	}
	for _, c := range l[9:12] {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		status = status*10 + int(c-'0')
	}
	if status < 100 || status > 599 || l[12] != ' ' && l[12] != '\r' {
		return 0, 0, false
	}
	if reason := l[12 : len(l)-2]; invalidValue(reason) {
		return 0, 0, false
	}
	return status, int(l[7] - '0'), true
}

// framing gathers the fields of a head that decide where the body ends and
// what becomes of the connection.
type framing struct {
	length    int64 // Content-Length, -1 without one
	coded     bool  // there is a Transfer-Encoding
	chunked   bool  // whose last coding is chunked
	close     bool
	keepAlive bool
	origin    bool
}

// field reads one header line without its line end; the result is what is
// wrong with it.
func (f *framing) field(l []byte) string {
	name := tokenLength(l)
	if name == 0 || name == len(l) || l[name] != ':' {
		return "invalid header line in the response"
	}
	value := l[name+1:]
	if invalidValue(value) {
		return "control character in a response header"
	}
	switch name {
	case len("connection"):
		if foldEqual(l[:name], "connection") {
			f.connection(value)
		}
	case len("content-length"):
		switch {
		case foldEqual(l[:name], "content-length"):
			return f.contentLength(trim(value))
		case foldEqual(l[:name], "x-bench-origin"):
			f.origin = true
		}
	case len("transfer-encoding"):
		if foldEqual(l[:name], "transfer-encoding") {
			f.transferEncoding(value)
		}
	}
	return ""
}

func (f *framing) contentLength(v []byte) string {
	n := int64(0)
	for _, c := range v {
		if c < '0' || c > '9' || n > math.MaxInt64/10-1 {
			return "invalid Content-Length"
		}
		n = n*10 + int64(c-'0')
	}
	if len(v) == 0 {
		return "invalid Content-Length"
	}
	if f.length >= 0 && f.length != n {
		return "two different Content-Length"
	}
	f.length = n
	return ""
}

func (f *framing) transferEncoding(v []byte) {
	f.coded = true
	for item := range listItems(v) {
		f.chunked = foldEqual(item, "chunked")
	}
}

func (f *framing) connection(v []byte) {
	for item := range listItems(v) {
		switch {
		case foldEqual(item, "close"):
			f.close = true
		case foldEqual(item, "keep-alive"):
			f.keepAlive = true
		}
	}
}

// listItems yields the elements of a comma-separated list, empty ones left out.
func listItems(v []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(v) > 0 {
			item := v
			if i := bytes.IndexByte(v, ','); i >= 0 {
				item, v = v[:i], v[i+1:]
			} else {
				v = nil
			}
			if item = trim(item); len(item) > 0 && !yield(item) {
				return
			}
		}
	}
}

// trim removes optional white space (RFC 9110 section 5.6.3) from both ends.
func trim(v []byte) []byte {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	for len(v) > 0 && (v[len(v)-1] == ' ' || v[len(v)-1] == '\t') {
		v = v[:len(v)-1]
	}
	return v
}

// foldEqual compares without regard to case; lower has only lower-case letters
// and '-'.
func foldEqual(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// tokenLength is the length of the token (RFC 9110 section 5.6.2) at the start of l.
func tokenLength(l []byte) int {
	for i, c := range l {
		if c < 0x80 && tokenBits[c>>6]&(1<<(c&63)) != 0 {
			continue
		}
		return i
	}
	return len(l)
}

// tokenBits has one bit for each ASCII character that may stand in a token:
// letters, digits and !#$%&'*+-.^_`|~
var tokenBits = [2]uint64{
	0x03ff6cfa00000000,
	0x57ffffffc7fffffe,
}

// invalidValue finds the characters that may never stand in a field value. Line
// feeds cannot: lines are cut at them.
func invalidValue(v []byte) bool {
	return bytes.IndexByte(v, '\r') >= 0 || bytes.IndexByte(v, 0) >= 0
}
