package message

// Version is an HTTP version, major in the high byte, minor in the low byte.
type Version uint16

// The versions the engine speaks.
const (
	HTTP10 Version = 0x0100
	HTTP11 Version = 0x0101
	HTTP20 Version = 0x0200
)

// BodyKind says how the end of a message body is found on the side it came from.
type BodyKind uint8

const (
	// BodyNone: nothing follows the head.
	BodyNone BodyKind = iota
	// BodyLength: exactly Body.Length bytes follow (Length may be 0).
	BodyLength
	// BodyChunked: chunks follow (RFC 9112 §7.1).
	BodyChunked
	// BodyUntilClose: a response without framing, ended by the connection's end.
	BodyUntilClose
	// BodyTunnel: the connection leaves HTTP: bytes flow both ways until closed
	// (a 101 response, or a 2xx one to CONNECT).
	BodyTunnel
)

// Body is the framing of a message's content.
type Body struct {
	Kind   BodyKind
	Length uint64 // bytes, for BodyLength
}

// ConnOptions holds what the message said about its connection: the options of
// its Connection fields, as a set.
type ConnOptions uint8

const (
	// ConnClose: "close" was listed.
	ConnClose ConnOptions = 1 << iota
	// ConnKeepAlive: "keep-alive" was listed.
	ConnKeepAlive
	// ConnUpgrade: "upgrade" was listed.
	ConnUpgrade
	// ConnOther: other options were listed: they name fields meant for this hop.
	ConnOther
)

// TargetForm is the form of a request target (RFC 9112 §3.2).
type TargetForm uint8

// The four forms.
const (
	OriginForm    TargetForm = iota // /path?query
	AbsoluteForm                    // scheme://authority/path?query
	AuthorityForm                   // host:port, CONNECT only
	AsteriskForm                    // *, OPTIONS only
)

// Request is a request as the engine sees it. The zero value is ready to use;
// Reset prepares it for the next request and keeps its memory.
type Request struct {
	Header

	Method   []byte
	MethodID Method
	Form     TargetForm
	Version  Version
	Conn     ConnOptions
	Body     Body
	// Expect100 is set when the client waits for a 100 (Continue) before it sends
	// the body (HTTP/1.1 only; RFC 9110 §10.1.1).
	Expect100 bool
	// KeepAlive is set when the sender is willing to go on with this connection
	// after this message: the protocol's answer, before any policy.
	KeepAlive bool
	// Line is the request line as received, without its line end, for logs.
	Line []byte
	// Target is the request target as received, or as rewritten.
	Target []byte
	// FromParts is set where the protocol has no request target: the codec has put Target
	// together of scheme, authority and path, and HTTP/1 servers get the path alone.
	FromParts bool
	// Arena holds text added to this request.
	Arena Arena

	auth, path, query span // parts of Target
}

// span is a part of Target.
type span struct{ start, end int32 }

// Reset empties the request and keeps its memory.
func (r *Request) Reset() {
	r.Header.Reset()
	r.Arena.Reset()
	r.Method, r.Line, r.Target = nil, nil, nil
	r.MethodID, r.Form, r.Version, r.Conn = 0, 0, 0, 0
	r.Body, r.Expect100, r.KeepAlive, r.FromParts = Body{}, false, false, false
	r.auth, r.path, r.query = span{}, span{}, span{}
}

// SetMethod replaces the method. b must be a token; it is not copied.
func (r *Request) SetMethod(b []byte) {
	r.Method, r.MethodID = b, LookupMethod(b)
}

// SetTarget replaces the request target and works out its form and parts. b must
// be free of blanks and control characters; it is not copied.
func (r *Request) SetTarget(b []byte) {
	r.Target = b
	r.Form, r.auth, r.path, r.query = splitTarget(b, r.MethodID)
}

// Authority is the authority part of an absolute or authority-form target, nil
// for the other forms.
func (r *Request) Authority() []byte { return r.part(r.auth) }

// Host is the authority the request is for: that of the target when it has one,
// else the Host field; nil when there is neither.
func (r *Request) Host() []byte {
	if a := r.Authority(); a != nil {
		return a
	}
	return r.GetID(Host)
}

// Path is the path of the target without the query; "*" for the asterisk form,
// nil when the target has no path.
func (r *Request) Path() []byte { return r.part(r.path) }

// Query is what follows the first "?" of the target; nil when there is none
// (an empty query is not nil).
func (r *Request) Query() []byte { return r.part(r.query) }

// PathAndQuery is what the target ends with.
func (r *Request) PathAndQuery() []byte {
	n := len(r.Path())
	if q := r.Query(); q != nil {
		n += len(q) + 1
	}
	return r.Target[len(r.Target)-n:]
}

func (r *Request) part(s span) []byte {
	if s.start < 0 || s.start == 0 && s.end == 0 {
		return nil
	}
	return r.Target[s.start:s.end:s.end]
}

// ReplacePath replaces the path and keeps the rest of the target.
// The new target is built in the arena.
func (r *Request) ReplacePath(path []byte) {
	r.splice(r.path, nil, path)
}

// ReplaceQuery replaces the query and keeps the rest of the target. A "?" that is there stays,
// also with an empty query. The new target is built in the arena.
func (r *Request) ReplaceQuery(query []byte) {
	cut, sep := r.query, []byte(nil)
	if cut.start <= 0 {
		n := int32(len(r.Target))
		cut = span{n, n}
		if len(query) > 0 {
			sep = questionMark
		}
	}
	r.splice(cut, sep, query)
}

var questionMark = []byte{'?'}

// splice rebuilds the target with sep and text in the place of cut.
func (r *Request) splice(cut span, sep, text []byte) {
	t := r.Target
	n := len(t) - int(cut.end-cut.start) + len(sep) + len(text)
	out := r.Arena.Alloc(n)
	w := copy(out, t[:cut.start])
	w += copy(out[w:], sep)
	w += copy(out[w:], text)
	copy(out[w:], t[cut.end:])
	r.SetTarget(out)
}

// Response is a response as the engine sees it. The zero value is ready to use;
// Reset prepares it for the next response and keeps its memory.
type Response struct {
	Header

	Version   Version
	Status    int // 100 to 999
	Reason    []byte
	Conn      ConnOptions
	Body      Body
	KeepAlive bool  // as in Request
	Arena     Arena // holds text added to this response
}

// Reset empties the response and keeps its memory.
func (r *Response) Reset() {
	r.Header.Reset()
	r.Arena.Reset()
	r.Version, r.Status, r.Reason = 0, 0, nil
	r.Conn, r.Body, r.KeepAlive = 0, Body{}, false
}

// ShareTo makes dst the same response with a list of fields of its own, so that they
// can be changed; their text is shared.
func (r *Response) ShareTo(dst *Response) {
	fields := append(dst.fields[:0], r.fields...)
	arena := dst.Arena
	arena.Reset()
	*dst = *r
	dst.fields, dst.Arena = fields, arena
}

// Interim reports whether this is a 1xx response other than 101, after which the
// final response is still to come (RFC 9110 §15.2).
func (r *Response) Interim() bool { return r.Status < 200 && r.Status != 101 }
