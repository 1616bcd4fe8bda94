package h1

import (
	"math"
	"unsafe"

	"bench/proxy/message"
)

// offset returns the place of at, a slice of buf, in buf; 0 when it is elsewhere.
func offset(buf, at []byte) int {
	off := uintptr(unsafe.Pointer(unsafe.SliceData(at))) - uintptr(unsafe.Pointer(unsafe.SliceData(buf)))
	if off >= uintptr(len(buf)) {
		return 0
	}
	return int(off)
}

// CheckRequest is what Parser.Request does behind the syntax of lines, for requests that
// another codec has made: it checks what target, fields and method say about each
// other, and fills in Body, KeepAlive and Expect100.
func CheckRequest(msg *message.Request, lim *Limits) *Error {
	_, err := checkRequest(msg, lim)
	return err
}

// checkRequest checks what the fields of a request say about each other and about
// the request line, and decides on framing and persistence. On error it also
// returns the text to blame.
func checkRequest(msg *message.Request, lim *Limits) ([]byte, *Error) {
	if at, err := checkTarget(msg, lim); err != nil {
		return at, err
	}
	if at, err := checkHost(msg, lim); err != nil {
		return at, err
	}
	h := &msg.Header
	if h.Has(message.TransferEncoding) {
		if msg.MethodID == message.MethodConnect {
			return h.GetID(message.TransferEncoding), ErrCodingConnect
		}
		if msg.Version < message.HTTP11 {
			if bodiless(msg.MethodID) && !lim.AnyPayload {
				return h.GetID(message.TransferEncoding), ErrBodyHTTP10
			}
			return h.GetID(message.TransferEncoding), ErrCodingHTTP10
		}
		if h.Has(message.ContentLength) {
			return h.GetID(message.ContentLength), ErrLengthAndCoding
		}
		if at, err := checkCoding(h); err != nil {
			return at, err
		}
		msg.Body = message.Body{Kind: message.BodyChunked}
	} else if h.Has(message.ContentLength) {
		n, at, err := contentLength(h, &msg.Arena)
		if err != nil {
			return at, err
		}
		if n > 0 && msg.Version < message.HTTP11 && bodiless(msg.MethodID) && !lim.AnyPayload {
			return h.GetID(message.ContentLength), ErrBodyHTTP10
		}
		if msg.MethodID == message.MethodConnect {
			// RFC 9110 §9.3.6: CONNECT has no content. To a server that knows that,
			// what follows would be the next request once the tunnel is refused.
			h.DelID(message.ContentLength)
		} else {
			msg.Body = message.Body{Kind: message.BodyLength, Length: n}
		}
	}
	if h.Has(message.Connection) {
		msg.Conn = connOptions(h)
	}
	msg.KeepAlive = keepAlive(msg.Version, msg.Conn)
	if h.Has(message.Upgrade) || msg.Conn&message.ConnUpgrade != 0 {
		if at, err := checkUpgrade(msg); err != nil {
			return at, err
		}
	}
	if h.Has(message.TE) {
		reduceTE(h)
	}
	if h.Has(message.Expect) && msg.Version >= message.HTTP11 {
		msg.Expect100 = hasToken(h, message.Expect, "100-continue")
	}
	return nil, nil
}

// bodiless reports whether requests with this method have no body by custom. In
// HTTP/1.0 there are servers that do not read one, and take it for the next request.
func bodiless(m message.Method) bool {
	return m == message.MethodGet || m == message.MethodHead || m == message.MethodDelete
}

// CheckResponse is to a response what CheckRequest is to a request.
func CheckResponse(msg *message.Response, method message.Method, lim *Limits) *Error {
	_, err := checkResponse(msg, method, lim)
	return err
}

// checkResponse is to a response what checkRequest is to a request.
func checkResponse(msg *message.Response, method message.Method, lim *Limits) ([]byte, *Error) {
	h := &msg.Header
	if h.Has(message.Connection) {
		msg.Conn = connOptions(h)
	}
	msg.KeepAlive = keepAlive(msg.Version, msg.Conn)
	if msg.Status == 101 {
		if at, err := checkSwitch(msg); err != nil {
			return at, err
		}
	}
	tunnel := msg.Status == 101 || method == message.MethodConnect && msg.Status/100 == 2
	if tunnel || msg.Status < 200 || msg.Status == 204 {
		// RFC 9112 §6.1, RFC 9110 §8.6: these fields mean nothing here.
		h.DelID(message.TransferEncoding)
		h.DelID(message.ContentLength)
		if tunnel {
			msg.Body.Kind = message.BodyTunnel
			msg.KeepAlive = false
		}
		return nil, nil
	}
	msg.Body.Kind = message.BodyUntilClose
	if h.Has(message.TransferEncoding) {
		switch {
		case msg.Version < message.HTTP11 && !lim.Relaxed:
			return h.GetID(message.TransferEncoding), ErrCodingHTTP10
		case h.Has(message.ContentLength) && !lim.Relaxed:
			return h.GetID(message.ContentLength), ErrLengthAndCoding
		case msg.Version < message.HTTP11 || h.Has(message.ContentLength):
			h.DelID(message.ContentLength)
			msg.KeepAlive = false
		}
		if at, err := checkCoding(h); err != nil {
			return at, err
		}
		msg.Body.Kind = message.BodyChunked
	} else if h.Has(message.ContentLength) {
		n, at, err := contentLength(h, &msg.Arena)
		if err != nil {
			return at, err
		}
		msg.Body = message.Body{Kind: message.BodyLength, Length: n}
	}
	if method == message.MethodHead || msg.Status == 304 {
		msg.Body = message.Body{}
	}
	if msg.Body.Kind == message.BodyUntilClose {
		msg.KeepAlive = false
	}
	return nil, nil
}

// maxLength is the largest body length: what fits a signed 64-bit number, as
// other implementations count in those.
const maxLength = math.MaxInt64

// contentLength returns the value of the Content-Length fields, which must all
// agree, lists included (RFC 9110 §8.6), and leaves one field in canonical form.
func contentLength(h *message.Header, arena *message.Arena) (uint64, []byte, *Error) {
	i := h.First(message.ContentLength)
	first := h.At(i).Value
	n, rest, err := parseLength(first)
	if err != nil {
		return 0, first, err
	}
	again := false
	for v := rest; ; v = h.At(i).Value {
		for v != nil {
			var m uint64
			at := v
			if m, v, err = parseLength(v); err != nil {
				return 0, at, err
			}
			if m != n {
				return 0, at, ErrLengthDiffers
			}
			again = true
		}
		if i = h.Next(i); i < 0 {
			break
		}
	}
	if again || len(first) > 1 && first[0] == '0' {
		var digits [20]byte
		h.SetID(message.ContentLength, arena.Copy(appendUint(digits[:0], n)))
	}
	return n, nil, nil
}

// parseLength parses one element of a list of lengths. rest is what follows the
// comma, nil when there is none.
func parseLength(v []byte) (n uint64, rest []byte, err *Error) {
	i := 0
	for ; i < len(v); i++ {
		d := uint64(v[i] - '0')
		if d > 9 {
			break
		}
		if n > (maxLength-d)/10 {
			return 0, nil, ErrLengthOverflow
		}
		n = n*10 + d
	}
	if i == 0 {
		return 0, nil, ErrLength
	}
	if i == len(v) {
		return n, nil, nil
	}
	for i < len(v) && isBlank(v[i]) {
		i++
	}
	if i == len(v) || v[i] != ',' {
		return 0, nil, ErrLength
	}
	for i++; i < len(v) && isBlank(v[i]); i++ {
	}
	return n, v[i:], nil
}

// checkCoding admits exactly one transfer coding, "chunked", and leaves one field
// that says so. An empty list element counts as a coding that nobody knows, unless
// it is the last one or alone: RFC 9110 §5.6.1.2 would ignore it, but other readers
// have not.
func checkCoding(h *message.Header) ([]byte, *Error) {
	var (
		chunked, others, last bool
		count                 int
	)
	for i := h.First(message.TransferEncoding); i >= 0; i = h.Next(i) {
		v := h.At(i).Value
		for el, rest := nextElement(v); len(el) > 0 || rest != nil; el, rest = nextElement(rest) {
			count++
			last = equalToken(el, "chunked")
			switch {
			case !last:
				others = true
			case chunked:
				return v, ErrCodingRepeated
			default:
				chunked = true
			}
		}
	}
	at := h.GetID(message.TransferEncoding)
	switch {
	case count == 0:
		return at, ErrCoding
	case !last:
		return at, ErrCodingNotLast
	case others:
		return at, ErrCodingUnknown
	case string(at) != "chunked" || h.Next(h.First(message.TransferEncoding)) >= 0:
		h.SetID(message.TransferEncoding, chunkedValue)
	}
	return nil, nil
}

var chunkedValue = []byte("chunked")
