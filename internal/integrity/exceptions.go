package integrity

import (
	"fmt"
	"slices"
	"strings"
)

// Exceptions are the parts of a message that a scenario lets its proxy change,
// beside those that every proxy may change. The zero value has none.
type Exceptions struct {
	text     string
	path     bool // the request target
	status   bool
	body     bool // in both directions
	squeezed bool // bodies of answers, which the proxy compresses
	request  bool // answers need not be those to the request
	names    map[uint64]bool
	prefixes []string
	cookies  []string
}

// maxExceptions bounds the text of a list, which travels with every request.
const maxExceptions = 1024

// compressed are the fields that compression by a proxy changes.
var compressed = []string{"accept-encoding", "content-encoding", "vary", "etag"}

// ParseExceptions reads a list of exceptions:
//
//	path         the proxy rewrites request targets
//	status       it changes statuses
//	body         it rewrites bodies
//	compression  it compresses answers: their bodies, Accept-Encoding,
//	             Content-Encoding, Vary, ETag
//	request      it answers from a cache: an answer may be that to another request
//	cookie:NAME  it sets, reads or removes this cookie
//	NAME         it adds, changes or removes this field; NAME* is all that begin so
func ParseExceptions(items []string) (*Exceptions, error) {
	x := &Exceptions{names: map[uint64]bool{}}
	for _, item := range items {
		if err := x.add(strings.TrimSpace(item)); err != nil {
			return nil, err
		}
	}
	if x.text = strings.Join(items, ","); len(x.text) > maxExceptions {
		return nil, fmt.Errorf("exceptions of %d bytes: want at most %d", len(x.text), maxExceptions)
	}
	return x, nil
}

// ReadExceptions reads a list as it travels with a request.
func ReadExceptions(text string) (*Exceptions, error) {
	if text == "" {
		return ParseExceptions(nil)
	}
	return ParseExceptions(strings.Split(text, ","))
}

func (x *Exceptions) add(item string) error {
	switch item {
	case "path":
		x.path = true
		return nil
	case "status":
		x.status = true
		return nil
	case "body":
		x.body = true
		return nil
	case "compression":
		x.squeezed = true
		for _, name := range compressed {
			x.names[nameHash([]byte(name))] = true
		}
		return nil
	case "request":
		x.request = true
		return nil
	}
	cookie, isCookie := strings.CutPrefix(item, "cookie:")
	name, prefix := strings.CutSuffix(item, "*")
	if isCookie {
		name, prefix = cookie, false
	}
	if name == "" || strings.IndexFunc(name, notToken) >= 0 {
		return fmt.Errorf("invalid exception %q: want path, status, body, compression, request, cookie:NAME or the name of a field", item)
	}
	name = strings.ToLower(name)
	switch {
	case isCookie:
		x.cookies = append(x.cookies, cookie)
	case name == strings.ToLower(HeaderID) && !prefix:
		return fmt.Errorf("exception %q: the id of a request is what tells it from others and cannot be left out", item)
	case prefix:
		x.prefixes = append(x.prefixes, name)
	default:
		x.names[nameHash([]byte(name))] = true
	}
	return nil
}

func notToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// RequestBody and AnswerBody report whether bodies are covered.
func (x *Exceptions) RequestBody() bool { return !x.body }

// AnswerBody reports whether the bodies of answers are covered.
func (x *Exceptions) AnswerBody() bool { return !x.body && !x.squeezed }

// Binds reports whether an answer has to be that to the request.
func (x *Exceptions) Binds() bool { return !x.request }

// Permitted are the fields that no digest covers: those of a single hop, those a
// proxy speaks of itself and of the client by, and those that frame a body, which is
// covered by its own digest.
func Permitted() []string {
	return []string{
		"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization",
		"proxy-authentication-info", "te", "trailer", "transfer-encoding", "content-length", "upgrade", "expect",
		"via", "forwarded", "x-real-ip", "max-forwards", "age", "date", "server",
		strings.ToLower(Header), strings.ToLower(HeaderReceived),
	}
}

// permittedPrefix begins the names of further fields that no digest covers.
const permittedPrefix = "x-forwarded-"

// kind is how a field is taken into account.
type kind uint8

const (
	covered kind = iota
	leftOut
	idField
	cookieField
	setCookieField
)

// kinds are the fields that are not simply covered, by the hash of their names.
var kinds = kindTable()

func kindTable() map[uint64]kind {
	m := map[uint64]kind{
		nameHash([]byte(HeaderID)): idField,
		nameHash([]byte("cookie")): cookieField, nameHash([]byte("set-cookie")): setCookieField,
	}
	for _, name := range Permitted() {
		m[nameHash([]byte(name))] = leftOut
	}
	return m
}

// kindOf is how a field is taken into account.
func (x *Exceptions) kindOf(name []byte, hash uint64) kind {
	k := kinds[hash]
	switch {
	case k == leftOut || x.names[hash] || hasPrefixFold(name, permittedPrefix):
		return leftOut
	case k != covered:
		return k
	}
	for _, p := range x.prefixes {
		if hasPrefixFold(name, p) {
			return leftOut
		}
	}
	return covered
}

// ownCookie reports whether a cookie, "NAME=VALUE" with what may follow it, is one
// that the proxy may change.
func (x *Exceptions) ownCookie(text []byte) bool {
	return slices.ContainsFunc(x.cookies, func(name string) bool {
		return len(text) > len(name) && string(text[:len(name)]) == name && (text[len(name)] == '=' || text[len(name)] == ';') ||
			string(text) == name
	})
}

// hasPrefixFold compares without regard to case; prefix has no capitals.
func hasPrefixFold(name []byte, prefix string) bool {
	if len(name) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if fold(name[i]) != prefix[i] {
			return false
		}
	}
	return true
}

func fold(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// nameHash is FNV-1a of a name without regard to case.
func nameHash(name []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range name {
		h = (h ^ uint64(fold(c))) * 1099511628211
	}
	return h
}
