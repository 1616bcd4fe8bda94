package httporigin

import (
	"bytes"
	"strconv"
)

// appendTag writes the entity tag of a body. The content of a body follows from its
// size, so that does for a tag; a compressed one is another representation (RFC 9110
// section 8.8.3.3).
func appendTag(b []byte, size int64, gzipped bool) []byte {
	b = append(b, '"')
	b = strconv.AppendInt(b, size, 16)
	if gzipped {
		b = append(b, "-gzip"...)
	}
	return append(b, '"')
}

// noneMatch evaluates If-None-Match against a tag: it is true where the client has
// that representation (RFC 9110 section 13.1.2). Tags are compared weakly.
func noneMatch(condition, tag []byte) bool {
	for len(condition) > 0 {
		condition = bytes.TrimLeft(condition, " \t,")
		if bytes.HasPrefix(condition, []byte("*")) {
			return true
		}
		condition = bytes.TrimPrefix(condition, []byte("W/"))
		if len(condition) == 0 || condition[0] != '"' {
			return false
		}
		end := bytes.IndexByte(condition[1:], '"')
		if end < 0 {
			return false
		}
		if bytes.Equal(condition[:end+2], tag) {
			return true
		}
		condition = condition[end+2:]
	}
	return false
}

// condition is the status of a good answer to a request whose condition may make its
// body needless.
func (c *conn) condition(r *reply) int {
	if !c.o.cfg.Answer.ETag || r.status != 200 || len(c.match) == 0 {
		return r.status
	}
	var tag [40]byte
	if !noneMatch(c.match, appendTag(tag[:0], r.entity, r.gzipped)) {
		return r.status
	}
	if c.safe {
		return 304
	}
	return 412
}
