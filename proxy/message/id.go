package message

import "encoding/binary"

// HeaderID is a small number for a field name the engine looks for, given at
// parse time, so that later look-ups compare no text.
type HeaderID uint8

// The known fields. Other is any name without a number, Deleted marks an entry
// that no longer belongs to its message.
const (
	Other HeaderID = iota
	Host
	Connection
	ContentLength
	TransferEncoding
	KeepAlive
	ProxyConnection
	TE
	Trailer
	Upgrade
	Expect
	Cookie
	SetCookie
	XForwardedFor
	XOriginalTo
	XForwardedProto
	Forwarded
	Date
	Server
	UserAgent
	Accept
	AcceptEncoding
	ContentType
	ContentEncoding
	CacheControl
	Pragma
	Location
	Referer
	Authorization
	ProxyAuthorization
	Via
	HTTP2Settings
	SecWebSocketKey
	SecWebSocketAccept
	ETag
	Vary
	LastModified
	Age
	Expires
	numHeaderIDs

	Deleted HeaderID = 255
)

// idNames holds the lower-case names by HeaderID; never written to.
var idNames = [numHeaderIDs][]byte{
	Host:               []byte("host"),
	Connection:         []byte("connection"),
	ContentLength:      []byte("content-length"),
	TransferEncoding:   []byte("transfer-encoding"),
	KeepAlive:          []byte("keep-alive"),
	ProxyConnection:    []byte("proxy-connection"),
	TE:                 []byte("te"),
	Trailer:            []byte("trailer"),
	Upgrade:            []byte("upgrade"),
	Expect:             []byte("expect"),
	Cookie:             []byte("cookie"),
	SetCookie:          []byte("set-cookie"),
	XForwardedFor:      []byte("x-forwarded-for"),
	XOriginalTo:        []byte("x-original-to"),
	XForwardedProto:    []byte("x-forwarded-proto"),
	Forwarded:          []byte("forwarded"),
	Date:               []byte("date"),
	Server:             []byte("server"),
	UserAgent:          []byte("user-agent"),
	Accept:             []byte("accept"),
	AcceptEncoding:     []byte("accept-encoding"),
	ContentType:        []byte("content-type"),
	ContentEncoding:    []byte("content-encoding"),
	CacheControl:       []byte("cache-control"),
	Pragma:             []byte("pragma"),
	Location:           []byte("location"),
	Referer:            []byte("referer"),
	Authorization:      []byte("authorization"),
	ProxyAuthorization: []byte("proxy-authorization"),
	Via:                []byte("via"),
	HTTP2Settings:      []byte("http2-settings"),
	SecWebSocketKey:    []byte("sec-websocket-key"),
	SecWebSocketAccept: []byte("sec-websocket-accept"),
	ETag:               []byte("etag"),
	Vary:               []byte("vary"),
	LastModified:       []byte("last-modified"),
	Age:                []byte("age"),
	Expires:            []byte("expires"),
}

// String returns the lower-case name of a known field, "" for Other and Deleted.
func (id HeaderID) String() string {
	if id >= numHeaderIDs {
		return ""
	}
	return string(idNames[id])
}

// Lookup returns the ID of a field name in any case, Other when it has none.
func Lookup(b []byte) HeaderID {
	if id := candidate(b); id != Other && equalFold(b, idNames[id]) {
		return id
	}
	return Other
}

// LookupString is Lookup for a string.
func LookupString(s string) HeaderID {
	var buf [maxKnownName]byte
	if len(s) > len(buf) {
		return Other
	}
	return Lookup(buf[:copy(buf[:], s)])
}

// equalFold compares a name in any case with a lower-case one of the same length.
func equalFold(b, lower []byte) bool {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if LowerWord(binary.LittleEndian.Uint64(b[i:])) != binary.LittleEndian.Uint64(lower[i:]) {
			return false
		}
	}
	for ; i < len(b); i++ {
		c := b[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// LowerWord lowers the ASCII letters among eight bytes.
func LowerWord(w uint64) uint64 {
	const (
		ones = 0x0101010101010101
		high = 0x8080808080808080
	)
	low7 := w &^ high
	// The high bit of each byte: at least 'A', and not above 'Z', and ASCII.
	ge := low7 + (0x80-'A')*ones
	gt := low7 + (0x80-'Z'-1)*ones
	return w | (ge&^gt&^w&high)>>2
}

// Lower lowers the ASCII letters of b in place.
func Lower(b []byte) {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], LowerWord(binary.LittleEndian.Uint64(b[i:])))
	}
	for ; i < len(b); i++ {
		if c := b[i]; c-'A' < 26 {
			b[i] = c | 0x20
		}
	}
}

// maxKnownName is the length of the longest known name.
const maxKnownName = 20

// candidate returns the only known field a name of this length with this
// distinguishing character can be: a perfect hash, written as a switch.
func candidate(b []byte) HeaderID {
	switch len(b) {
	case 2:
		return TE
	case 3:
		switch b[0] | 0x20 {
		case 'v':
			return Via
		case 'a':
			return Age
		}
	case 4:
		switch b[0] | 0x20 {
		case 'h':
			return Host
		case 'd':
			return Date
		case 'e':
			return ETag
		case 'v':
			return Vary
		}
	case 6:
		switch b[0] | 0x20 {
		case 'e':
			return Expect
		case 'c':
			return Cookie
		case 's':
			return Server
		case 'a':
			return Accept
		case 'p':
			return Pragma
		}
	case 7:
		switch b[0] | 0x20 {
		case 't':
			return Trailer
		case 'u':
			return Upgrade
		case 'r':
			return Referer
		case 'e':
			return Expires
		}
	case 8:
		return Location
	case 9:
		return Forwarded
	case 10:
		switch b[0] | 0x20 {
		case 'c':
			return Connection
		case 'k':
			return KeepAlive
		case 's':
			return SetCookie
		case 'u':
			return UserAgent
		}
	case 12:
		return ContentType
	case 13:
		switch b[0] | 0x20 {
		case 'x':
			return XOriginalTo
		case 'c':
			return CacheControl
		case 'a':
			return Authorization
		case 'l':
			return LastModified
		}
	case 14:
		switch b[0] | 0x20 {
		case 'c':
			return ContentLength
		case 'h':
			return HTTP2Settings
		}
	case 15:
		switch b[0] | 0x20 {
		case 'x':
			return XForwardedFor
		case 'a':
			return AcceptEncoding
		}
	case 16:
		switch b[0] | 0x20 {
		case 'p':
			return ProxyConnection
		case 'c':
			return ContentEncoding
		}
	case 17:
		switch b[0] | 0x20 {
		case 't':
			return TransferEncoding
		case 'x':
			return XForwardedProto
		case 's':
			return SecWebSocketKey
		}
	case 19:
		return ProxyAuthorization
	case 20:
		return SecWebSocketAccept
	}
	return Other
}
