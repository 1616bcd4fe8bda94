package sample

import (
	"bytes"
	"strings"

	"bench/proxy/txn"
)

// fetchProtoHTTP tells whether the client speaks HTTP. In mode tcp that is known by the end
// of what would be a request's head.
func fetchProtoHTTP(c *Context, _ []Arg, v *txn.Value) bool {
	if c.Txn.Req != nil {
		v.SetBool(true)
		return true
	}
	is, known := beginsWithHead(c.Txn.Content)
	if !known {
		return c.noRequest()
	}
	v.SetBool(is)
	return true
}

// beginsWithHead tells whether b begins with the head of a request, as far as its first
// line shows, unless known is false: more has to come before that can be said.
func beginsWithHead(b []byte) (is, known bool) {
	b = bytes.TrimLeft(b, "\r\n")
	n := bytes.IndexFunc(b, func(r rune) bool { return !isMethodRune(r) })
	if n == 0 || n > 0 && b[n] != ' ' {
		return false, true // that is no method
	}
	whole := bytes.Contains(b, []byte("\n\r\n")) || bytes.Contains(b, []byte("\n\n"))
	return whole, whole
}

func isMethodRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
