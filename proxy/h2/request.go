package h2

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"

	"bench/proxy/h1"
	"bench/proxy/h2/hpack"
	"bench/proxy/message"
)

// ErrTooLarge is the reason to refuse a request whose fields are more than the limits
// allow.
var ErrTooLarge = &h1.Error{Status: 431, Key: "head-size", Reason: "header larger than the buffer, or more fields than tune.http.maxhdr allows"}

// builder makes a request of the fields of a header block (RFC 9113 §8.2, §8.3).
type builder struct {
	req    *message.Request
	limits *h1.Limits

	size     int
	extended bool
	malform  bool // the request is malformed
	tooLarge bool
	regular  bool // a field that is no pseudo-header field has come
	// The pseudo-header fields, nil for those that have not come.
	method, scheme, authority, path []byte
	protocol                        []byte // of an extended CONNECT
	host                            []byte // that of a Host field beside :authority
}

// begin begins a request, which may be an extended CONNECT.
func (b *builder) begin(req *message.Request, limits *h1.Limits, extended bool) {
	*b = builder{req: req, limits: limits, extended: extended}
}

// take implements fieldSink. What is wrong with a request that is too large does not matter
// any more.
func (b *builder) take(f *hpack.Field) bool {
	if b.size += f.Size(); b.size > b.limits.MaxHead {
		b.tooLarge = true
	}
	switch {
	case b.tooLarge:
		return false
	case f.Pseudo != hpack.NoPseudo:
		b.pseudo(f)
	default:
		b.field(f)
	}
	return true
}

func (b *builder) pseudo(f *hpack.Field) {
	var to *[]byte
	switch f.Pseudo {
	case hpack.Method:
		to = &b.method
	case hpack.Scheme:
		to = &b.scheme
	case hpack.Authority:
		to = &b.authority
	case hpack.Path:
		to = &b.path
	case hpack.Protocol:
		if b.extended {
			to = &b.protocol
		}
	case hpack.NoPseudo, hpack.Status, hpack.Unknown:
	}
	if to == nil || *to != nil || b.regular {
		b.malform = true
		return
	}
	*to = f.Value
	if f.Value == nil {
		*to = noText
	}
}

var noText = []byte{}

func (b *builder) field(f *hpack.Field) {
	h := &b.req.Header
	if !b.regular {
		b.regular = true
		b.addHost()
	}
	if !validName(f.Name) || !validValue(f.Value) || h.Len() > b.limits.MaxFields {
		b.tooLarge = h.Len() > b.limits.MaxFields
		b.malform = true
		return
	}
	switch f.ID {
	case message.Connection, message.KeepAlive, message.ProxyConnection, message.TransferEncoding, message.Upgrade:
		// RFC 9113 §8.2.2.
		b.malform = true
		return
	case message.TE:
		if string(f.Value) != "trailers" {
			b.malform = true
			return
		}
	case message.Host:
		if b.authority != nil {
			// Looked at when all is there; two of them are refused.
			b.malform = b.malform || b.host != nil
			b.host = f.Value
			return
		}
	}
	h.Append(f.ID, f.Name, f.Value)
}

// addHost makes a Host field of the authority, before all others. The port that the scheme has
// anyway is left out, as by the reference: who compares hosts need not know of it (RFC 3986
// §6.2.3).
func (b *builder) addHost() {
	b.authority = withoutPort(b.authority, b.scheme)
	if len(b.authority) > 0 {
		b.req.AddID(message.Host, b.authority)
	}
}

// withoutPort takes the port off an authority that is the scheme's own, or empty.
func withoutPort(authority, scheme []byte) []byte {
	i := bytes.LastIndexByte(authority, ':')
	if i <= 0 {
		return authority
	}
	own := ""
	switch {
	case bytes.EqualFold(scheme, schemeHTTP):
		own = "80"
	case bytes.EqualFold(scheme, schemeHTTPS):
		own = "443"
	default:
		return authority
	}
	if port := string(authority[i+1:]); port != "" && port != own {
		return authority
	}
	return authority[:i]
}

var schemeHTTP, schemeHTTPS = []byte("http"), []byte("https")

// finish makes the request of what has come. end tells that no content follows.
func (b *builder) finish(end bool) *h1.Error {
	req := b.req
	if !b.regular {
		b.addHost()
	}
	req.Version, req.KeepAlive = message.HTTP20, true
	if validMethod(b.method) {
		req.SetMethod(b.method)
	} else {
		b.malform = true
	}
	if b.protocol != nil {
		b.upgrade()
	}
	switch {
	case b.tooLarge:
		return ErrTooLarge
	case b.malform, !b.target():
		return errMalformed
	}
	if b.host != nil && string(b.host) != string(b.authority) {
		req.SetID(message.Host, b.host) // for the comparison
	}
	if h1.CheckRequest(req, b.limits) != nil {
		return errMalformed
	}
	if b.host != nil {
		req.SetID(message.Host, b.authority)
	}
	b.joinCookies()
	switch {
	case !end && req.Body.Kind == message.BodyNone && req.MethodID != message.MethodConnect && b.protocol == nil: // whose DATA is for the tunnel
		req.Body = message.Body{Kind: message.BodyChunked}
	case end && req.Body.Length > 0:
		return errMalformed
	}
	return nil
}

// upgrade makes of an extended CONNECT the request that HTTP/1 has for it (RFC 8441 §5), with
// a key as HTTP/1 wants one.
func (b *builder) upgrade() {
	req := b.req
	if req.MethodID != message.MethodConnect || len(b.protocol) == 0 || !validMethod(b.protocol) || req.Has(message.ContentLength) {
		b.malform = true
		return
	}
	req.SetMethod(getMethod)
	req.AddID(message.Connection, upgradeOption)
	req.AddID(message.Upgrade, b.protocol)
	if string(b.protocol) == "websocket" && !req.Has(message.SecWebSocketKey) {
		var random [16]byte
		_, _ = rand.Read(random[:]) // it never fails
		key := req.Arena.Alloc(base64.StdEncoding.EncodedLen(len(random)))
		base64.StdEncoding.Encode(key, random[:])
		req.AddID(message.SecWebSocketKey, key)
	}
}

var getMethod = []byte("GET")

// errMalformed stands for all that makes a request malformed: its stream is reset.
var errMalformed = &h1.Error{Status: 400, Key: "malformed", Reason: "malformed request"}

// target puts the target together.
func (b *builder) target() bool {
	req := b.req
	if req.MethodID == message.MethodConnect {
		if b.scheme != nil || b.path != nil || len(b.authority) == 0 || !validTarget(b.authority) {
			return false
		}
		req.SetTarget(b.authority)
		return true
	}
	switch {
	case len(b.scheme) == 0 || len(b.path) == 0 || !validTarget(b.path) || !validTarget(b.authority):
		return false
	case string(b.path) == "*":
		req.SetTarget(b.path)
		return true
	case b.path[0] != '/':
		return false
	case len(b.authority) == 0:
		req.SetTarget(b.path)
		return b.authority == nil
	}
	t := req.Arena.Alloc(len(b.scheme) + len(schemeEnd) + len(b.authority) + len(b.path))
	n := copy(t, b.scheme)
	message.Lower(t[:n]) // it is the same in either case
	scheme := t[:n]
	n += copy(t[n:], schemeEnd)
	n += copy(t[n:], b.authority)
	copy(t[n:], b.path)
	if !validTarget(b.scheme) {
		return false
	}
	req.SetTarget(t)
	// What is no website is not known by its path alone.
	req.FromParts = string(scheme) == "http" || string(scheme) == "https"
	return req.Form == message.AbsoluteForm && len(req.Authority()) == len(b.authority)
}

const schemeEnd = "://"

// joinCookies makes one field of cookies that came in several (RFC 9113 §8.2.3).
func (b *builder) joinCookies() {
	h := &b.req.Header
	first := h.First(message.Cookie)
	if first < 0 || h.Next(first) < 0 {
		return
	}
	n := -len(crumbs)
	for i := first; i >= 0; i = h.Next(i) {
		n += len(h.At(i).Value) + len(crumbs)
	}
	joined := b.req.Arena.Alloc(n)
	w := 0
	for i := first; i >= 0; i = h.Next(i) {
		if w > 0 {
			w += copy(joined[w:], crumbs)
		}
		w += copy(joined[w:], h.At(i).Value)
	}
	h.SetID(message.Cookie, joined)
}

const crumbs = "; "

// trailerBuilder makes lines of HTTP/1 of the fields behind the content.
type trailerBuilder struct {
	limits  *h1.Limits
	lines   []byte
	size    int
	malform bool
}

func (b *trailerBuilder) begin(limits *h1.Limits) {
	*b = trailerBuilder{limits: limits, lines: b.lines[:0]}
}

// take implements fieldSink.
func (b *trailerBuilder) take(f *hpack.Field) bool {
	b.size += f.Size()
	if b.size > b.limits.MaxHead || f.Pseudo != hpack.NoPseudo || !validName(f.Name) || !validValue(f.Value) {
		b.malform = true
	}
	switch f.ID {
	case message.Connection, message.KeepAlive, message.ProxyConnection, message.TransferEncoding, message.Upgrade:
		b.malform = true
	}
	if !b.malform {
		b.lines = h1.AppendTrailerField(b.lines, f.Name, f.Value)
	}
	return !b.malform
}

// What a byte may be part of.
const (
	inName   uint8 = 1 << iota // a field name (RFC 9113 §8.2.1), which is in lower case
	inMethod                   // a method: letters of either case
	inTarget                   // a target: visible ASCII
	inValue                    // a field value
)

// classes are what each byte may be part of; never written to.
var classes = func() (t [256]uint8) {
	const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
	for i := range len(tokens) {
		t[tokens[i]] |= inName | inMethod
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] |= inMethod
	}
	for c := range 256 {
		if c > ' ' && c < 0x7f {
			t[c] |= inTarget
		}
		if c >= ' ' && c != 0x7f || c == '\t' {
			t[c] |= inValue
		}
	}
	return t
}()

func all(b []byte, class uint8) bool {
	for _, c := range b {
		if classes[c]&class == 0 {
			return false
		}
	}
	return true
}

func validName(b []byte) bool   { return len(b) > 0 && all(b, inName) }
func validMethod(b []byte) bool { return len(b) > 0 && all(b, inMethod) }
func validTarget(b []byte) bool { return all(b, inTarget) }

// validValue: without control characters, and without blanks around it.
func validValue(b []byte) bool {
	n := len(b)
	return n == 0 || !blank(b[0]) && !blank(b[n-1]) && all(b, inValue)
}

func blank(c byte) bool { return c == ' ' || c == '\t' }
