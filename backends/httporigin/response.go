package httporigin

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"bench/internal/integrity"
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

	body   integrity.Body        // the digest of its body
	sum    uint64                // of its head, without except
	except *integrity.Exceptions // nil: sum is not known
}

// reply is what a response says of itself.
type reply struct {
	status  int
	framing Framing
	persist persistence
	entity  int64 // size of the body before it is compressed
	size    int64 // and as it is sent
	gzipped bool
}

// preparedSet holds the responses of the configured body by status, framing
// and persistence, each made when first needed.
type preparedSet struct {
	body    *payload
	digests digests
	size    int64
	usable  bool
	framing Framing
	origin  string // the header lines of every response
	trailer string // the header line that speaks of trailers
	end     string // of a chunked body
	etag    bool
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
	if a.Gzip && !varies(a.Headers) {
		lines.WriteString("Vary: Accept-Encoding\r\n")
	}
	s.origin, s.body, s.framing, s.etag = lines.String(), body, a.Framing, a.ETag
	s.digests = newDigests(body)
	var names []string
	var end strings.Builder
	end.WriteString("0\r\n")
	for _, h := range a.Trailers {
		names = append(names, h.Name)
		fmt.Fprintf(&end, "%s: %s\r\n", h.Name, h.Value)
	}
	end.WriteString("\r\n")
	if s.end = end.String(); len(names) > 0 {
		s.trailer = "Trailer: " + strings.Join(names, ", ") + "\r\n"
	}
	size, constant := a.Body.Fixed()
	s.size, s.usable = size, constant && size <= maxPrepared
}

// get returns the response with the configured body.
func (s *preparedSet) get(r *reply) *prepared {
	i := ((r.status-200)*int(persistences) + int(r.persist)) * 2
	if r.framing == ByClose {
		i++
	}
	if s.rows[i] == nil {
		text := s.appendHead(nil, r)
		row := &prepared{headLen: len(text)}
		if hasBody(r.status) {
			text = s.appendBody(text, r.framing, r.size)
			row.body = s.digests.of(r.size)
		}
		row.text = text
		s.rows[i] = row
	}
	return s.rows[i]
}

// appendHead writes a response head.
func (s *preparedSet) appendHead(b []byte, r *reply) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(r.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(r.status)...)
	b = append(b, crlf...)
	b = append(b, s.origin...)
	if s.etag && (r.status == 200 || r.status == 304) {
		b = append(b, "ETag: "...)
		b = appendTag(b, r.entity, r.gzipped)
		b = append(b, crlf...)
	}
	if r.gzipped && hasBody(r.status) {
		b = append(b, "Content-Encoding: gzip\r\n"...)
	}
	switch {
	case !hasBody(r.status):
	case r.framing == ByLength:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, r.size, 10)
		b = append(b, crlf...)
	case r.framing == ByChunks:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		b = append(b, s.trailer...)
	}
	switch r.persist {
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
	return append(b, s.end...)
}

// appendText writes a body that is no part of the payload.
func (s *preparedSet) appendText(b, text []byte, framing Framing) []byte {
	if framing != ByChunks {
		return append(b, text...)
	}
	b = strconv.AppendInt(b, int64(len(text)), 16)
	b = append(b, crlf...)
	b = append(b, text...)
	b = append(b, crlf...)
	return append(b, s.end...)
}

// hasBody tells the statuses whose responses have a body (RFC 9112 section 6.3).
func hasBody(status int) bool { return status != 204 && status != 304 }

// checkFields refuses header and trailer fields that the origin writes itself, and
// what would break the message.
func (a *Answer) checkFields() error {
	if len(a.Trailers) > 0 && a.Framing != ByChunks {
		return errors.New("trailers need chunked bodies")
	}
	for _, h := range slices.Concat(a.Headers, a.Trailers) {
		if h.Name == "" || strings.IndexFunc(h.Name, func(r rune) bool { return r > 0x7e || !isToken(byte(r)) }) >= 0 {
			return fmt.Errorf("invalid header name %q: want letters, digits and dashes", h.Name)
		}
		if strings.ContainsAny(h.Value, "\r\n\x00") {
			return fmt.Errorf("invalid value of header %s: it has a line break or NUL", h.Name)
		}
		switch strings.ToLower(h.Name) {
		case "content-length", "transfer-encoding", "connection", "trailer", "x-bench-origin", "x-bench-integrity", "x-bench-received":
			return fmt.Errorf("header %s is written by the origin itself", h.Name)
		case "etag":
			if a.ETag {
				return fmt.Errorf("header %s is written by the origin itself", h.Name)
			}
		case "content-encoding":
			if a.Gzip {
				return fmt.Errorf("header %s is written by the origin itself", h.Name)
			}
		}
	}
	return nil
}
