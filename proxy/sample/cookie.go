package sample

import (
	"bytes"

	"bench/proxy/cookie"
	"bench/proxy/message"
	"bench/proxy/txn"
)

var (
	cookieField    = Arg{Str: []byte("cookie"), ID: message.Cookie}
	setCookieField = Arg{Str: []byte("set-cookie"), ID: message.SetCookie}
)

// cookie fetches the value of a cookie: every one in turn for lists of patterns, else
// the last one.
func (c *Context) cookie(s side, a []Arg, v *txn.Value) bool {
	h := c.fields(s)
	if h == nil {
		return false
	}
	name := &cookieField
	if s == response {
		name = &setCookieField
	}
	v.Kind = txn.Str
	if c.every || !a[0].set {
		b, ok := c.at.cookie(h, name, a[0].Str, s == request)
		v.B, c.more = b, ok
		return ok
	}
	at, found := cursor{}, false
	for {
		b, ok := at.cookie(h, name, a[0].Str, s == request)
		if !ok {
			return found
		}
		v.B, found = b, true
	}
}

// cookie is the next value of a cookie. A Set-Cookie field sets one cookie, what
// follows its first semicolon are attributes; a Cookie field has many.
func (at *cursor) cookie(h *message.Header, field *Arg, name []byte, many bool) ([]byte, bool) {
	if !at.begun {
		at.begun = true
		at.field, at.off = nextField(h, field, -1), 0
	}
	for at.field >= 0 {
		value := h.At(at.field).Value
		for at.off < len(value) {
			part := value[at.off:]
			part = part[:cookie.End(part)]
			last := at.off+len(part) == len(value)
			at.off += len(part) + 1
			if !many {
				at.off = len(value)
			}
			key, text, ok := bytes.Cut(part, equalsSign)
			if ok && len(text) == 0 && last && len(name) > 0 {
				continue // one without a value at the end of a field is none, as in the reference
			}
			if ok && (bytes.Equal(trim(key), name) || len(name) == 0 && len(trim(key)) > 0) {
				return trim(text), true
			}
		}
		at.field, at.off = nextField(h, field, at.field), 0
	}
	return nil, false
}

var equalsSign = []byte{'='}
