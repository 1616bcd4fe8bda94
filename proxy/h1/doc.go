// Package h1 is the HTTP/1.x codec: it parses heads into the neutral model of
// proxy/message, decides on framing and persistence, walks over chunked bodies,
// and writes messages out again with one framing only.
//
// It works on bytes in memory and keeps no reference to sockets, timers or
// configuration; what to do about a message is decided above.
//
// # Strictness
//
// A head is refused when RFC 9110 or RFC 9112 say so. In particular: control
// characters (but tab in values), bare CR, line folding, blanks before the colon,
// empty names, a Host that is missing, repeated, malformed or not the authority of
// the target, a Content-Length that overflows or is repeated with another value,
// Content-Length beside Transfer-Encoding, any transfer coding but a single
// "chunked", Transfer-Encoding in HTTP/1.0, targets whose form does not suit the
// method, versions other than 1.x.
//
// A line of the head may end with a bare LF, which RFC 9112 §2.2 allows and
// hand-written clients need: since every head is written anew, with CRLF, no
// later reader can be confused by it. In chunked framing, where a lone LF has
// been used for smuggling, CRLF is required. Empty lines before a request are
// skipped.
//
// Limits.Relaxed (option accept-invalid-http-request and -response) admits what
// has no bearing on framing: see Limits.
package h1
