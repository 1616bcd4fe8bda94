package h1

import (
	"strconv"

	"bench/proxy/message"
)

func appendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// WriteOptions says what a head must say about the connection it goes to.
type WriteOptions struct {
	// KeepAlive: the connection is meant to outlive this message and its answer.
	KeepAlive bool
	// Peer is the HTTP version of the receiver. Used for responses.
	Peer message.Version
	// Names are how field names are written, by what they are in lower case; those not
	// in it, and all with nil, are written in lower case.
	Names map[string]string
}

// AppendRequest appends the head of a request as it is sent to a server: names in
// lower case, options of the connection it came from taken out, those of the
// connection it goes to put at the end. Connection options other than close and
// keep-alive are passed on, as HAProxy does. An HTTP/1.0 request stays one, and one of
// HTTP/2 becomes one of HTTP/1.1, chunked where its length was not announced.
func AppendRequest(dst []byte, m *message.Request, opt WriteOptions) []byte {
	dst = append(dst, m.Method...)
	dst = append(dst, ' ')
	dst = append(dst, originTarget(m)...)
	dst = append(dst, ' ')
	dst = appendVersion(dst, m.Version)
	dst = append(dst, '\r', '\n')
	dst = appendFields(dst, &m.Header, m.Conn, opt.Names)
	if m.Version >= message.HTTP20 && m.Body.Kind == message.BodyChunked {
		dst = append(appendName(dst, "transfer-encoding", opt.Names), ": chunked\r\n"...)
	}
	switch {
	case opt.KeepAlive && m.Version < message.HTTP11:
		dst = append(appendName(dst, "connection", opt.Names), ": keep-alive\r\n"...)
	case !opt.KeepAlive && m.Version >= message.HTTP11:
		dst = append(appendName(dst, "connection", opt.Names), ": close\r\n"...)
	}
	return append(dst, '\r', '\n')
}

// originTarget is the target as servers get it.
func originTarget(m *message.Request) []byte {
	if !m.FromParts || m.Form != message.AbsoluteForm {
		return m.Target
	}
	if t := m.PathAndQuery(); len(t) > 0 {
		return t
	}
	return rootPath
}

var rootPath = []byte{'/'}

// AppendResponse appends the head of a response as it is sent to a client, with
// the fields treated like those of requests. Its version stays that of the server,
// as HAProxy has it.
func AppendResponse(dst []byte, m *message.Response, opt WriteOptions) []byte {
	dst = appendVersion(dst, m.Version)
	dst = append(dst, ' ', byte('0'+m.Status/100%10), byte('0'+m.Status/10%10), byte('0'+m.Status%10), ' ')
	dst = append(dst, m.Reason...)
	dst = append(dst, '\r', '\n')
	dst = appendFields(dst, &m.Header, m.Conn, opt.Names)
	switch {
	case m.Status < 200 || m.Body.Kind == message.BodyTunnel:
	case opt.KeepAlive && min(m.Version, opt.Peer) < message.HTTP11:
		dst = append(appendName(dst, "connection", opt.Names), ": keep-alive\r\n"...)
	case !opt.KeepAlive && m.Version >= message.HTTP11:
		dst = append(appendName(dst, "connection", opt.Names), ": close\r\n"...)
	}
	return append(dst, '\r', '\n')
}

func appendVersion(dst []byte, v message.Version) []byte {
	if v >= message.HTTP11 {
		return append(dst, "HTTP/1.1"...)
	}
	return append(dst, "HTTP/1.0"...)
}

// appendName appends the name of a field as it is to be written.
func appendName(dst []byte, name string, names map[string]string) []byte {
	if as, ok := names[name]; ok {
		name = as
	}
	return append(dst, name...)
}

// appendFields appends the field lines.
func appendFields(dst []byte, h *message.Header, conn message.ConnOptions, names map[string]string) []byte {
	fields := h.Fields()
	for i := range fields {
		f := &fields[i]
		switch f.ID {
		case message.Deleted:
			continue
		case message.Connection:
			if conn&(message.ConnOther|message.ConnUpgrade) != 0 {
				dst = appendOptions(dst, f.Value, conn, names)
			}
			continue
		}
		if as, ok := names[string(f.Name)]; names != nil && ok {
			dst = append(dst, as...)
		} else {
			dst = append(dst, f.Name...)
		}
		dst = append(dst, ':', ' ')
		dst = append(dst, f.Value...)
		dst = append(dst, '\r', '\n')
	}
	return dst
}

// appendOptions appends a Connection field with the options of v that are passed
// on, nothing when there is none. Upgrade is, as long as conn has it.
func appendOptions(dst, v []byte, conn message.ConnOptions, names map[string]string) []byte {
	start := len(dst)
	for el, rest := nextElement(v); ; el, rest = nextElement(rest) {
		if option(el)&conn&(message.ConnOther|message.ConnUpgrade) != 0 {
			if len(dst) == start {
				dst = append(appendName(dst, "connection", names), ": "...)
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
