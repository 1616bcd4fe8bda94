package h1

// Error is the reason why a message was refused. There is one static value per
// reason: compare pointers. Where it happened is in the parser's ErrPos.
type Error struct {
	// Status is the status to answer with when a request is refused for this
	// reason. A refused response always becomes 502.
	Status int
	// Key names the reason for counters and logs: lower-case words joined by "-".
	Key string
	// Reason says what is wrong with the message.
	Reason string
}

func (e *Error) Error() string { return e.Reason }

// The reasons. Their status is the one HAProxy 2.6 answers with, which has
// neither 414, 431, 501 nor 505: 400 covers them (RFC 9110 §15.5.1).
var (
	ErrMethod          = &Error{400, "method", "invalid character in the method"}
	ErrMethodLength    = &Error{400, "method-length", "empty or too long method"}
	ErrTarget          = &Error{400, "target", "invalid character in the request target"}
	ErrTargetForm      = &Error{400, "target-form", "the form of the request target does not suit the method"}
	ErrTargetAuthority = &Error{400, "target-authority", "invalid authority in the request target"}
	ErrRequestLine     = &Error{400, "request-line", "malformed request line"}
	ErrStatusLine      = &Error{400, "status-line", "malformed status line"}
	ErrStatusCode      = &Error{400, "status-code", "invalid status code"}
	ErrVersion         = &Error{400, "version", "malformed HTTP version"}
	ErrVersionMajor    = &Error{400, "version-major", "unsupported major HTTP version"}
	ErrHTTP09          = &Error{400, "http09", "request line without an HTTP version"}
	ErrBareCR          = &Error{400, "bare-cr", "carriage return not followed by a line feed"}
	ErrFold            = &Error{400, "fold", "line folding in the header"}
	ErrName            = &Error{400, "name", "invalid character in a field name"}
	ErrNameEmpty       = &Error{400, "name-empty", "empty field name"}
	ErrNameSpace       = &Error{400, "name-space", "blank before the colon of a field"}
	ErrNoColon         = &Error{400, "no-colon", "field line without a colon"}
	ErrValue           = &Error{400, "value", "control character in a field value"}
	ErrTooManyFields   = &Error{400, "fields", "more header fields than tune.http.maxhdr allows"}
	ErrHeadTooLarge    = &Error{400, "head-size", "header larger than the buffer"}
	ErrHostMissing     = &Error{400, "host-missing", "HTTP/1.1 request without Host"}
	ErrHostRepeated    = &Error{400, "host-repeated", "more than one Host"}
	ErrHost            = &Error{400, "host", "invalid Host"}
	ErrHostMismatch    = &Error{400, "host-mismatch", "Host differs from the authority of the request target"}
	ErrLength          = &Error{400, "length", "invalid Content-Length"}
	ErrLengthOverflow  = &Error{400, "length-overflow", "Content-Length out of range"}
	ErrLengthDiffers   = &Error{400, "length-differs", "Content-Length repeated with another value"}
	ErrLengthAndCoding = &Error{400, "length-coding", "Content-Length beside Transfer-Encoding"}
	ErrCoding          = &Error{400, "coding", "malformed Transfer-Encoding"}
	ErrCodingUnknown   = &Error{422, "coding-unknown", "unsupported transfer coding"}
	ErrCodingRepeated  = &Error{400, "coding-repeated", "chunked transfer coding applied more than once"}
	ErrCodingNotLast   = &Error{400, "coding-last", "chunked is not the last transfer coding"}
	ErrCodingHTTP10    = &Error{400, "coding-http10", "Transfer-Encoding in an HTTP/1.0 message"}
	ErrCodingConnect   = &Error{400, "coding-connect", "Transfer-Encoding in a CONNECT request, which has no content"}
	ErrBodyHTTP10      = &Error{413, "body-http10", "body in an HTTP/1.0 request with GET, HEAD or DELETE"}
	ErrWebSocketKey    = &Error{400, "websocket-key", "upgrade to websocket without a Sec-WebSocket-Key of 24 characters"}
	ErrWebSocketAccept = &Error{400, "websocket-accept", "upgrade to websocket granted without Sec-WebSocket-Accept"}
	ErrChunkSize       = &Error{400, "chunk-size", "invalid chunk size"}
	ErrChunkOverflow   = &Error{400, "chunk-overflow", "chunk size out of range"}
	ErrChunkExtension  = &Error{400, "chunk-extension", "invalid or too long chunk extension"}
	ErrChunkEnd        = &Error{400, "chunk-end", "chunk not followed by CRLF"}
	ErrTrailer         = &Error{400, "trailer", "malformed trailer section"}
	ErrTrailerTooLarge = &Error{400, "trailer-size", "trailer section larger than the buffer"}
)
