package h1

import (
	"strconv"

	"bench/proxy/message"
)

func appendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// WriteOptions says what a head must say about the connection it goes to.
type WriteOptions struct {
	// KeepAlive: the connection stays open after this message and its answer.
	KeepAlive bool
	// Peer is the HTTP version of the receiver: that of the request, both ways.
	Peer message.Version
	// NoUpgrade removes the offer or the acceptance of another protocol.
	NoUpgrade bool
}

// AppendRequest appends the head of a request as it is sent to a server: names in
// lower case, connection options rewritten as opt says (those that are neither
// close nor keep-alive are passed on). An HTTP/1.0 request stays one.
func AppendRequest(dst []byte, m *message.Request, opt WriteOptions) []byte {
	dst = append(dst, m.Method...)
	dst = append(dst, ' ')
	dst = append(dst, m.Target...)
	if m.Version >= message.HTTP11 {
		dst = append(dst, " HTTP/1.1\r\n"...)
	} else {
		dst = append(dst, " HTTP/1.0\r\n"...)
	}
	dst = appendFields(dst, &m.Header, m.Conn, opt)
	switch {
	case opt.KeepAlive && m.Version < message.HTTP11:
		dst = append(dst, "connection: keep-alive\r\n"...)
	case !opt.KeepAlive && m.Version >= message.HTTP11:
		dst = append(dst, "connection: close\r\n"...)
	}
	return append(dst, '\r', '\n')
}

// AppendResponse appends the head of a response as it is sent to a client. The
// version is always HTTP/1.1, our own (RFC 9110 §6.2).
func AppendResponse(dst []byte, m *message.Response, opt WriteOptions) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = append(dst, byte('0'+m.Status/100%10), byte('0'+m.Status/10%10), byte('0'+m.Status%10), ' ')
	dst = append(dst, m.Reason...)
	dst = append(dst, '\r', '\n')
	dst = appendFields(dst, &m.Header, m.Conn, opt)
	switch {
	case m.Status < 200:
	case !opt.KeepAlive:
		if m.Body.Kind != message.BodyTunnel {
			dst = append(dst, "connection: close\r\n"...)
		}
	case opt.Peer < message.HTTP11:
		dst = append(dst, "connection: keep-alive\r\n"...)
	}
	return append(dst, '\r', '\n')
}

// appendFields appends the field lines.
func appendFields(dst []byte, h *message.Header, conn message.ConnOptions, opt WriteOptions) []byte {
	fields := h.Fields()
	for i := range fields {
		f := &fields[i]
		switch f.ID {
		case message.Deleted:
			continue
		case message.Connection:
			if conn&(message.ConnOther|message.ConnUpgrade) != 0 {
				dst = appendOptions(dst, f.Value, opt)
			}
			continue
		case message.Upgrade:
			if opt.NoUpgrade {
				continue
			}
		}
		dst = append(dst, f.Name...)
		dst = append(dst, ':', ' ')
		dst = append(dst, f.Value...)
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// appendOptions appends a Connection field with the options of v that are passed
// on, nothing when there is none.
func appendOptions(dst, v []byte, opt WriteOptions) []byte {
	start := len(dst)
	for el, rest := nextElement(v); ; el, rest = nextElement(rest) {
		if o := option(el); o == message.ConnOther || o == message.ConnUpgrade && !opt.NoUpgrade {
			if len(dst) == start {
				dst = append(dst, "connection: "...)
			} else {
				dst = append(dst, ", "...)
			}
			dst = append(dst, el...)
		}
		if rest == nil {
			break
		}
	}
	if len(dst) > start {
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// Unchunk makes a chunked response one that ends with the connection, for clients
// that know no chunks (HTTP/1.0); its body goes through a walker in mode
// ChunkStrip.
func Unchunk(m *message.Response) {
	m.DelID(message.TransferEncoding)
	m.DelID(message.Trailer)
	m.Body = message.Body{Kind: message.BodyUntilClose}
	m.KeepAlive = false
}

// MakeChunked makes a response that ends with the connection a chunked one: the
// caller frames the body with AppendChunkHead, ChunkEnd and LastChunk.
func MakeChunked(m *message.Response) {
	m.SetID(message.TransferEncoding, chunkedValue)
	m.Body = message.Body{Kind: message.BodyChunked}
}
