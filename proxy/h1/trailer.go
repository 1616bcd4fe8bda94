package h1

import (
	"bytes"

	"bench/proxy/message"
)

// trailerBytes takes the part of b that belongs to the trailer section and tells
// how much that is. On error it is the offset of the byte that shows the fault: the
// end of the offending line, or the first byte too many.
func (c *Chunked) trailerBytes(b []byte) (int, *Error) {
	limit := c.maxTrailer
	if limit == 0 {
		limit = defaultMaxTrailer
	}
	n := 0
	for n < len(b) && c.state == chunkTrailer {
		end := len(b)
		i := bytes.IndexByte(b[n:], '\n')
		if i >= 0 {
			end = n + i + 1
		}
		if room := max(limit-len(c.trailer), 0); end-n > room {
			return n + room, ErrTrailerTooLarge
		}
		c.trailer = append(c.trailer, b[n:end]...)
		if i >= 0 {
			if !c.trailerLine() {
				return n + i, ErrTrailer
			}
		}
		n = end
	}
	return n, nil
}

// trailerLine deals with a complete line: it is checked, and put in canonical form
// or dropped. It reports whether the line is well-formed.
func (c *Chunked) trailerLine() bool {
	line := c.trailer[c.line:]
	if string(line) == "\r\n" {
		c.state = chunkDone
		return true
	}
	i := scanToken(line, 0)
	if i == 0 || line[i] != ':' {
		return false
	}
	name := line[:i]
	from := i + 1
	for isBlank(line[from]) {
		from++
	}
	end := scanValue(line, from)
	if end != len(line)-2 || line[end] != '\r' {
		return false
	}
	for end > from && isBlank(line[end-1]) {
		end--
	}
	if forbiddenTrailer(name) {
		c.trailer = c.trailer[:c.line]
		return true
	}
	message.Lower(name)
	if from == i+1 { // no blank after the colon: one is put there, at most one byte more
		c.trailer = append(c.trailer, 0)
		line = c.trailer[c.line:]
	}
	w := i + 2
	w += copy(line[w:], line[from:end])
	line[i+1] = ' '
	w += copy(line[w:], "\r\n")
	c.trailer = c.trailer[:c.line+w]
	c.line = len(c.trailer)
	return true
}

// forbiddenTrailer tells whether a field may not be sent in a trailer section,
// where it could be merged into the header by a careless reader: framing,
// routing, connection, authentication, and response control (RFC 9110 §6.5.1).
func forbiddenTrailer(name []byte) bool {
	switch message.Lookup(name) {
	case message.ContentLength, message.TransferEncoding, message.Host,
		message.Connection, message.KeepAlive, message.ProxyConnection,
		message.TE, message.Trailer, message.Upgrade, message.Expect,
		message.Cookie, message.SetCookie, message.Authorization,
		message.ProxyAuthorization, message.ContentType, message.ContentEncoding,
		message.CacheControl, message.Age, message.Date, message.Expires,
		message.Location, message.Vary, message.Pragma, message.XForwardedFor, message.Forwarded,
		message.HTTP2Settings:
		return true
	case message.Other:
		return equalToken(name, "content-range") || equalToken(name, "range") ||
			equalToken(name, "max-forwards")
	}
	return false
}

// AppendTrailerField appends a line to a trailer section in canonical form, unless the
// field must not stand in one. name is a lower-case token, value clean.
func AppendTrailerField(dst, name, value []byte) []byte {
	if forbiddenTrailer(name) {
		return dst
	}
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), ChunkEnd...)
}

// TrailerFields calls fn for each line of a trailer section in canonical form.
func TrailerFields(lines []byte, fn func(name, value []byte)) {
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n')
		colon := bytes.IndexByte(lines, ':')
		if end < 0 || colon < 0 || colon+2 >= end {
			return
		}
		fn(lines[:colon], lines[colon+2:end-1])
		lines = lines[end+1:]
	}
}
