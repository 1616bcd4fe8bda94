package httporigin

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// persistence is what a response says about its connection.
type persistence uint8

const (
	persistQuietly persistence = iota // HTTP/1.1 persists without a word
	persistAloud                      // HTTP/1.0 has to be told
	closing
	persistences
)

// maxPrepared bounds the bodies that are kept ready with their head.
const maxPrepared = 64 << 10

// prepared is a response kept ready.
type prepared struct {
	text    []byte
	headLen int
}

// preparedSet holds the responses of the configured body by status, framing
// and persistence, each made when first needed.
type preparedSet struct {
	body    *payload
	size    int64
	usable  bool
	framing Framing
	origin  string // the header lines of every response
	rows    [400 * int(persistences) * 2]*prepared
}

func (s *preparedSet) init(name string, a *Answer, body *payload) {
	var lines strings.Builder
	fmt.Fprintf(&lines, "X-Bench-Origin: %s\r\n", name)
	typed := false
	for _, h := range a.Headers {
		fmt.Fprintf(&lines, "%s: %s\r\n", h.Name, h.Value)
		typed = typed || strings.EqualFold(h.Name, "Content-Type")
	}
	if !typed {
		lines.WriteString("Content-Type: text/plain\r\n")
	}
	s.origin, s.body, s.framing = lines.String(), body, a.Framing
	size, constant := a.Body.Fixed()
	s.size, s.usable = size, constant && size <= maxPrepared
}

// get returns the response with the configured body.
func (s *preparedSet) get(status int, framing Framing, p persistence) *prepared {
	i := ((status-200)*int(persistences) + int(p)) * 2
	if framing == ByClose {
		i++
	}
	if s.rows[i] == nil {
		text := s.appendHead(nil, status, framing, s.size, p)
		row := &prepared{headLen: len(text)}
		if hasBody(status) {
			text = s.appendBody(text, framing, s.size)
		}
		row.text = text
		s.rows[i] = row
	}
	return s.rows[i]
}

// appendHead writes a response head.
func (s *preparedSet) appendHead(b []byte, status int, framing Framing, size int64, p persistence) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	b = append(b, crlf...)
	b = append(b, s.origin...)
	switch {
	case !hasBody(status):
	case framing == ByLength:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, size, 10)
		b = append(b, crlf...)
	case framing == ByChunks:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	switch p {
	case persistAloud:
		b = append(b, "Connection: keep-alive\r\n"...)
	case closing:
		b = append(b, "Connection: close\r\n"...)
	case persistQuietly, persistences:
	}
	return append(b, crlf...)
}

// appendBody writes a whole body as it goes over the wire.
func (s *preparedSet) appendBody(b []byte, framing Framing, size int64) []byte {
	if framing != ByChunks {
		for ; size > 0; size -= int64(len(s.body.plain)) {
			b = append(b, s.body.plain[:min(size, int64(len(s.body.plain)))]...)
		}
		return b
	}
	for ; size >= period; size -= period {
		b = append(b, s.body.chunked[:s.body.wrapped]...)
	}
	return s.appendLastChunks(b, size)
}

// appendLastChunks writes a chunk of less than a period, and the end.
func (s *preparedSet) appendLastChunks(b []byte, size int64) []byte {
	if size > 0 {
		b = strconv.AppendInt(b, size, 16)
		b = append(b, crlf...)
		b = append(b, s.body.plain[:size]...)
		b = append(b, crlf...)
	}
	return append(b, "0\r\n\r\n"...)
}

// hasBody tells the statuses whose responses have a body (RFC 9112 section 6.3).
func hasBody(status int) bool { return status != 204 && status != 304 }

// checkHeaders refuses what the origin writes itself, and what would break the
// message.
func checkHeaders(headers []Header) error {
	for _, h := range headers {
		if h.Name == "" || strings.IndexFunc(h.Name, func(r rune) bool { return r > 0x7e || !isToken(byte(r)) }) >= 0 {
			return fmt.Errorf("invalid header name %q: want letters, digits and dashes", h.Name)
		}
		if strings.ContainsAny(h.Value, "\r\n\x00") {
			return fmt.Errorf("invalid value of header %s: it has a line break or NUL", h.Name)
		}
		switch strings.ToLower(h.Name) {
		case "content-length", "transfer-encoding", "connection", "x-bench-origin":
			return fmt.Errorf("header %s is written by the origin itself", h.Name)
		}
	}
	return nil
}
