package http1

import (
	"math"

	"bench/loadgen/httpfield"
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
	if reason := l[12 : len(l)-2]; httpfield.InvalidValue(reason) {
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
	name := httpfield.TokenLength(l)
	if name == 0 || name == len(l) || l[name] != ':' {
		return "invalid header line in the response"
	}
	value := l[name+1:]
	if httpfield.InvalidValue(value) {
		return "control character in a response header"
	}
	switch name {
	case len("connection"):
		if httpfield.FoldEqual(l[:name], "connection") {
			f.connection(value)
		}
	case len("content-length"):
		switch {
		case httpfield.FoldEqual(l[:name], "content-length"):
			return f.contentLength(httpfield.Trim(value))
		case httpfield.FoldEqual(l[:name], "x-bench-origin"):
			f.origin = true
		}
	case len("transfer-encoding"):
		if httpfield.FoldEqual(l[:name], "transfer-encoding") {
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
	for item := range httpfield.ListItems(v) {
		f.chunked = httpfield.FoldEqual(item, "chunked")
	}
}

func (f *framing) connection(v []byte) {
	for item := range httpfield.ListItems(v) {
		switch {
		case httpfield.FoldEqual(item, "close"):
			f.close = true
		case httpfield.FoldEqual(item, "keep-alive"):
			f.keepAlive = true
		}
	}
}
