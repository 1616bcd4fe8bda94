package integrity

import (
	"bytes"
	"hash/crc32"
	"slices"
	"strconv"
)

// Head sums up the parts of a head. The order of fields of different names does not
// matter, that of fields of one name does; several fields of one name are one with
// the joined value (RFC 9110 section 5.3). Its memory is used again by each Begin.
type Head struct {
	x      *Exceptions
	start  uint64
	fields []fieldSum
	id     []byte // of the first HeaderID; nil until then
}

// fieldSum is what has come of one name.
type fieldSum struct {
	name   uint64
	crc    uint32
	length int
}

// BeginRequest starts with a request line.
func (h *Head) BeginRequest(x *Exceptions, method, target []byte) {
	h.x, h.fields, h.id = x, h.fields[:0], nil
	h.start = term(1, crc32.Update(0, castagnoli, method), len(method))
	if !x.path {
		target = originForm(target)
		h.start += term(2, crc32.Update(0, castagnoli, target), len(target))
	}
}

// BeginAnswer starts with a status.
func (h *Head) BeginAnswer(x *Exceptions, status int) {
	h.x, h.fields, h.id = x, h.fields[:0], nil
	h.start = mix(3)
	if !x.status {
		h.start = term(3, uint32(status), 0)
	}
}

// Field adds a field; value has no white space around it. The first HeaderID is not
// part of Sum: see IDTerm.
func (h *Head) Field(name, value []byte) {
	hash := nameHash(name)
	switch h.x.kindOf(name, hash) {
	case leftOut:
	case idField:
		if h.id != nil {
			h.add(hash, value, listJoint)
			return
		}
		h.id = slices.Clip(value)
	case cookieField:
		if len(h.x.cookies) == 0 {
			h.add(hash, value, cookieJoint)
			return
		}
		for len(value) > 0 {
			var one []byte
			if one, value = cutCookie(value); !h.x.ownCookie(one) {
				h.add(hash, one, cookieJoint)
			}
		}
	case setCookieField:
		if !h.x.ownCookie(value) {
			h.add(hash, value, listJoint)
		}
	case covered:
		h.add(hash, value, listJoint)
	}
}

// What joins the values of several fields of one name.
var (
	listJoint   = []byte(", ")
	cookieJoint = []byte("; ")
)

// What separates the parts of a head.
var (
	semicolon, colon         = []byte(";"), []byte(":")
	lineFeed, carriageReturn = []byte("\n"), []byte("\r")
)

func (h *Head) add(name uint64, value, joint []byte) {
	for i := range h.fields {
		if f := &h.fields[i]; f.name == name {
			f.crc = crc32.Update(crc32.Update(f.crc, castagnoli, joint), castagnoli, value)
			f.length += len(joint) + len(value)
			return
		}
	}
	h.fields = append(h.fields, fieldSum{name, crc32.Update(0, castagnoli, value), len(value)})
}

// cutCookie takes the first cookie off the value of a Cookie field.
func cutCookie(value []byte) (one, rest []byte) {
	one, rest, _ = bytes.Cut(value, semicolon)
	return trim(one), trim(rest)
}

// Sum is that of all parts, without the id.
func (h *Head) Sum() uint64 {
	sum := h.start
	for i := range h.fields {
		f := &h.fields[i]
		sum += term(f.name, f.crc, f.length)
	}
	return sum
}

// term is what one part adds. Sums do not tell the order of their parts.
func term(name uint64, crc uint32, length int) uint64 {
	return mix(mix(name+uint64(length)) ^ uint64(crc)<<32 ^ uint64(crc))
}

// idHash is the name of the field with the id.
var idHash = nameHash([]byte(HeaderID))

// IDTerm is what the id adds to a sum. prefix is the digest of what stands before
// rest; the zero value of nothing.
func IDTerm(prefix Body, rest []byte) uint64 {
	return term(idHash, crc32.Update(prefix.CRC, castagnoli, rest), int(prefix.Length)+len(rest))
}

// SumRequest reads a request head that is known to be well formed, up to the empty
// line, and returns its sum without the id, and the id.
func (h *Head) SumRequest(x *Exceptions, head []byte) (sum uint64, id []byte) {
	line, head := cutLine(skipEmpty(head))
	method, rest, _ := bytes.Cut(line, []byte(" "))
	target, _, _ := bytes.Cut(rest, []byte(" "))
	h.BeginRequest(x, method, target)
	for {
		if line, head = cutLine(head); len(line) == 0 {
			return h.Sum(), h.id
		}
		h.Field(cutField(line))
	}
}

// SumAnswer does the same for the head of an answer; there is no id.
func (h *Head) SumAnswer(x *Exceptions, status int, head []byte) (sum uint64) {
	_, head = cutLine(head)
	h.BeginAnswer(x, status)
	for {
		var line []byte
		if line, head = cutLine(head); len(line) == 0 {
			return h.Sum()
		}
		h.Field(cutField(line))
	}
}

// skipEmpty passes over empty lines before a request line (RFC 9112 section 2.2).
func skipEmpty(p []byte) []byte {
	for bytes.HasPrefix(p, []byte("\r\n")) {
		p = p[2:]
	}
	return p
}

// cutLine takes a line off p, without its end.
func cutLine(p []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(p, lineFeed)
	return bytes.TrimSuffix(line, carriageReturn), rest
}

func cutField(line []byte) (name, value []byte) {
	name, value, _ = bytes.Cut(line, colon)
	return name, trim(value)
}

// originForm is the path of a target, which a proxy may have received with scheme and
// host before it (RFC 9112 section 3.2.2).
func originForm(target []byte) []byte {
	if len(target) == 0 || target[0] == '/' {
		return target
	}
	_, rest, ok := bytes.Cut(target, []byte("://"))
	if !ok {
		return target
	}
	if i := bytes.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return []byte("/")
}

// trim removes optional white space from both ends.
func trim(v []byte) []byte {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	for len(v) > 0 && (v[len(v)-1] == ' ' || v[len(v)-1] == '\t') {
		v = v[:len(v)-1]
	}
	return v
}

// statusText is a status line as canonical texts have it.
func statusText(status int) string { return "status " + strconv.Itoa(status) }
