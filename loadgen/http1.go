package loadgen

import (
	"bytes"
	"strconv"
)

// idDigits is the width of the sequence number in a request: fixed, so that it
// is written in place.
const idDigits = 12

// http1 is HTTP/1.1 (RFC 9112), the client's side.
type http1 struct {
	keep, last template
	head       bool // the method is HEAD: answers have no body
	repeatable bool // the method is idempotent (RFC 9110 section 9.2.2)
}

// template is a whole request with a place for the sequence number.
type template struct {
	bytes []byte
	id    []byte // the place, within bytes
}

func newHTTP1(spec *Spec) *http1 {
	c := &http1{keep: newTemplate(spec, false), last: newTemplate(spec, true)}
	switch method(spec) {
	case "HEAD":
		c.head, c.repeatable = true, true
	case "GET", "PUT", "DELETE", "OPTIONS", "TRACE":
		c.repeatable = true
	}
	return c
}

func method(spec *Spec) string {
	if spec.HTTP.Method == "" {
		return "GET"
	}
	return spec.HTTP.Method
}

func newTemplate(spec *Spec, last bool) template {
	h := &spec.HTTP
	path, host := h.Path, h.Host
	if path == "" {
		path = "/"
	}
	if host == "" {
		host = defaultHost(spec.Targets)
	}
	var b bytes.Buffer
	b.WriteString(method(spec) + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n")
	b.WriteString(HeaderID + ": " + spec.Name + ".")
	at := b.Len()
	b.Write(bytes.Repeat([]byte{'0'}, idDigits))
	b.WriteString("\r\n")
	for _, f := range h.Headers {
		b.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	if last {
		b.WriteString("Connection: close\r\n")
	}
	if h.Body != "" || method(spec) == "POST" || method(spec) == "PUT" || method(spec) == "PATCH" {
		b.WriteString("Content-Length: " + strconv.Itoa(len(h.Body)) + "\r\n")
	}
	b.WriteString("\r\n" + h.Body)
	t := template{bytes: b.Bytes()}
	t.id = t.bytes[at : at+idDigits]
	return t
}

// defaultHost is the Host of a target that has a name, and localhost for the
// socket paths, which are no valid host.
func defaultHost(targets []string) string {
	if len(targets) == 0 || bytes.ContainsAny([]byte(targets[0]), "/@") {
		return "localhost"
	}
	return targets[0]
}

func (t *template) patch(seq uint64) []byte {
	for i := len(t.id) - 1; i >= 0; i-- {
		q := seq / 10
		t.id[i] = byte('0' + seq - q*10)
		seq = q
	}
	return t.bytes
}

func (c *http1) Session() Session { return &http1Session{codec: c} }
func (c *http1) Repeatable() bool { return c.repeatable }

// http1Session reads the answers on one connection.
type http1Session struct {
	codec  *http1
	state  http1State
	answer Answer
	remain int64  // bytes left of the body or of the chunk
	digits int    // hexadecimal digits of the chunk size so far
	extra  int    // bytes of chunk extensions and trailers
	held   []byte // a response head that came in pieces
}

func (s *http1Session) Open() { s.reset() }

func (s *http1Session) Answer() *Answer { return &s.answer }

func (s *http1Session) Request(seq uint64, last bool) []byte {
	s.reset()
	if last {
		return s.codec.last.patch(seq)
	}
	return s.codec.keep.patch(seq)
}

func (s *http1Session) reset() {
	s.state, s.remain, s.extra = http1Head, 0, 0
	s.answer = Answer{}
	s.held = s.held[:0]
}
