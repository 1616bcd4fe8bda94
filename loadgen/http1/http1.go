// Package http1 is HTTP/1.1 (RFC 9112), the client's side: what a load of it is made of,
// and its codec.
package http1

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"bench/internal/integrity"
	"bench/loadgen/codec"
	"bench/loadgen/draw"
	"bench/loadgen/template"
	"bench/loadgen/trace"
)

// client is HTTP/1.1 (RFC 9112), the client's side.
type client struct {
	seed     uint64
	cookies  bool
	streams  bool // bodies are framed by what carries them
	requests []request
	classes  []codec.Class
	trace    []trace.Entry
	replayed []replayed // the different requests of the trace
	known    knownHeads

	// check is what digests leave out; nil without the integrity check. idPrefix is
	// the digest of the id up to the sequence number, sums is used to make others.
	check    *integrity.Exceptions
	name     string // of the load, where integrity is checked
	idPrefix integrity.Body
	sums     integrity.Head
}

// request is one kind of request, prepared: head, id, fields, and the end
// of the head with the body.
type request struct {
	head   template.Template // up to the sequence number in the id
	host   template.Template // the lines between it and the number of the request
	fields template.Template // the fields after it
	end    []byte            // framing fields and empty line, and a constant body that is not large
	body   []byte            // a large constant body
	varied template.Template // a body that differs from request to request
	chunk  int               // of a varied body
	// content is the digest of a constant body, and chunked says how it is sent.
	content integrity.Body
	chunked bool
	isHead  bool // the method is HEAD: answers have no body
	expect  expectation
	seal    seal
}

// New prepares the requests of a load, or those of the trace it replays.
func New(l *codec.Load, h *Spec, t *trace.Trace) (codec.Codec, error) {
	return newClient(l, h, t, false)
}

func newClient(l *codec.Load, h *Spec, t *trace.Trace, streams bool) (*client, error) {
	c := &client{seed: l.Seed, cookies: h.Cookies, streams: streams}
	if err := c.checkBy(l); err != nil {
		return nil, err
	}
	for _, r := range h.requests() {
		q, err := newRequest(l, h, &r, streams)
		if err != nil {
			if r.Name != "" {
				err = fmt.Errorf("request %s: %w", r.Name, err)
			}
			return nil, err
		}
		if c.check != nil {
			c.prepareSeal(&q)
		}
		c.requests = append(c.requests, q)
		c.classes = append(c.classes, codec.Class{Name: r.Name, Weight: max(1, r.Weight), Repeatable: idempotent(r.method())})
	}
	if t == nil {
		return c, nil
	}
	return c, c.replay(t)
}

// idempotent reports whether a request may be sent twice (RFC 9110 section 9.2.2).
func idempotent(method string) bool {
	return slices.Contains([]string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}, method)
}

// requests are the kinds of requests, the default one included.
func (h *Spec) requests() []Request {
	if len(h.Requests) == 0 {
		return []Request{{}}
	}
	return h.Requests
}

func (r *Request) method() string {
	if r.Method == "" {
		return "GET"
	}
	return r.Method
}

func newRequest(l *codec.Load, h *Spec, r *Request, streams bool) (q request, err error) {
	path, host := r.Path, h.Host
	if path == "" {
		path = "/"
	}
	if host == "" {
		host = defaultHost(l.Targets)
	}
	if q.head, err = template.Parse(r.method() + " " + path + " HTTP/1.1\r\n"); err != nil {
		return q, fmt.Errorf("path: %w", err)
	}
	if q.host, err = template.Parse("Host: " + host + "\r\n" + HeaderID + ": " + l.Name + "."); err != nil {
		return q, fmt.Errorf("host: %w", err)
	}
	fields := strings.Builder{}
	fields.WriteString("\r\n")
	for _, f := range r.Headers {
		fields.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	if q.fields, err = template.Parse(fields.String()); err != nil {
		return q, fmt.Errorf("headers: %w", err)
	}
	q.isHead = r.method() == "HEAD"
	q.expect = newExpectation(&r.Expect)
	return q, q.setBody(r, streams)
}

// setBody prepares the body and its framing.
func (q *request) setBody(r *Request, streams bool) error {
	body, err := r.Body.content()
	if err != nil {
		return err
	}
	if r.Body.Template {
		t, err := template.Parse(string(body))
		if err != nil {
			return fmt.Errorf("body: %w", err)
		}
		if _, fixed := t.Fixed(); !fixed {
			q.varied, q.chunk = t, r.Body.ChunkBytes
			return nil
		}
	}
	q.content, q.chunked = integrity.BodyOf(body), r.Body.ChunkBytes > 0 && !streams
	switch {
	case r.Body.ChunkBytes > 0 && streams:
		q.end = append(q.end, "\r\n"...)
	case r.Body.ChunkBytes > 0:
		q.end = append(q.end, "Transfer-Encoding: chunked\r\n\r\n"...)
		body = appendChunks(nil, body, r.Body.ChunkBytes)
	case len(body) > 0 || r.method() == "POST" || r.method() == "PUT" || r.method() == "PATCH":
		q.end = fmt.Appendf(q.end, "Content-Length: %d\r\n\r\n", len(body))
	default:
		q.end = append(q.end, "\r\n"...)
	}
	if len(body) < codec.Apart {
		q.end = append(q.end, body...)
	} else {
		q.body = body
	}
	return nil
}

// content is the body as it is written down.
func (b *Body) content() ([]byte, error) {
	switch {
	case b.File != "":
		f, err := os.Stat(b.File)
		if err == nil && f.Size() > codec.MaxBody {
			return nil, fmt.Errorf("body: %s is larger than %d bytes", b.File, codec.MaxBody)
		}
		content, err := os.ReadFile(b.File)
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		return content, nil
	case b.Size > 0:
		return bytes.Repeat([]byte{'x'}, int(b.Size)), nil
	}
	return []byte(b.Text), nil
}

// appendChunks appends body in chunks of at most size bytes (RFC 9112 section 7.1).
func appendChunks(dst, body []byte, size int) []byte {
	for len(body) > 0 {
		n := min(size, len(body))
		dst = strconv.AppendInt(dst, int64(n), 16)
		dst = append(dst, "\r\n"...)
		dst = append(dst, body[:n]...)
		dst = append(dst, "\r\n"...)
		body = body[n:]
	}
	return append(dst, "0\r\n\r\n"...)
}

// defaultHost is the Host of a target that has a name, and localhost for the
// socket paths, which are no valid host.
func defaultHost(targets []string) string {
	if len(targets) == 0 || strings.ContainsAny(targets[0], "/@") {
		return "localhost"
	}
	return targets[0]
}

func (c *client) Classes() []codec.Class { return c.classes }

func (c *client) Session(user int) codec.Session {
	return c.session(user, &kept{})
}

func (c *client) session(user int, k *kept) *session {
	return &session{codec: c, user: user, kept: k, hash: sha256.New()}
}

// Open implements Session.
func (s *session) Open() codec.State {
	s.Await(&codec.Order{Item: -1})
	return codec.Done
}

// Say implements Session; HTTP/1.1 has nothing to say in between.
func (s *session) Say(dst []byte) []byte { return dst }

// Leave implements Session; the last request has told the peer to close.
func (s *session) Leave(dst []byte) (out []byte, hangUp bool) { return dst, false }

func (s *session) Answer() *codec.Answer { return &s.answer }

// Request implements Session.
func (s *session) Request(dst []byte, o *codec.Order) (out, body []byte) {
	q := &s.codec.requests[o.Class]
	v := template.Values{Seq: o.Seq, User: s.user, Draws: draw.New(s.codec.seed^draw.OfText, o.Seq)}
	bare, start := false, len(dst)
	if o.Item >= 0 {
		r := &s.codec.replayed[s.codec.trace[o.Item].Request]
		dst, bare = append(dst, r.line...), r.bare
	} else {
		dst = q.head.Append(dst, &v)
	}
	dst = q.host.Append(dst, &v)
	dst = draw.AppendNumber(dst, o.Seq)
	number := len(dst) - draw.NumberDigits
	dst = q.fields.Append(dst, &v)
	if s.codec.cookies {
		dst = s.kept.jar.append(dst)
	}
	if o.Last {
		dst = append(dst, "Connection: close\r\n"...)
	}
	if q.varied != nil {
		s.varied = q.varied.Append(s.varied[:0], &v)
	}
	if s.codec.check != nil {
		dst = s.sealed(dst, start, number, q, o, bare)
	}
	if bare {
		return append(dst, "\r\n"...), nil
	}
	if q.varied == nil {
		return append(dst, q.end...), q.body
	}
	switch {
	case q.chunk > 0 && s.codec.streams:
		return append(append(dst, "\r\n"...), s.varied...), nil
	case q.chunk > 0:
		dst = append(dst, "Transfer-Encoding: chunked\r\n\r\n"...)
		return appendChunks(dst, s.varied, q.chunk), nil
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(s.varied)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, s.varied...), nil
}

// expectation is an Expect, prepared.
type expectation struct {
	status   [600]bool
	headers  []headerMatch
	bytes    int64 // -1: any
	sum      []byte
	contains codec.Search
}

// headerMatch is one header that must be there.
type headerMatch struct {
	name   string // in lower case
	value  string
	prefix bool // value is only how it begins
}

func newExpectation(x *Expect) expectation {
	e := expectation{bytes: -1, contains: codec.NewSearch(x.Contains)}
	if x.Bytes != nil {
		e.bytes = *x.Bytes
	}
	for st := 200; st < 400; st++ {
		e.status[st] = len(x.Status) == 0
	}
	for _, st := range x.Status {
		e.status[st] = true
	}
	for _, h := range x.Headers {
		value, prefix := strings.CutSuffix(h.Value, "*")
		e.headers = append(e.headers, headerMatch{strings.ToLower(h.Name), value, prefix})
	}
	// Validated before: sixty-four hexadecimal digits, or none.
	e.sum, _ = hex.DecodeString(x.SHA256)
	return e
}

// readsBody reports whether the content of the body matters.
func (e *expectation) readsBody() bool { return len(e.sum) > 0 || len(e.contains.Text) > 0 }

// judge puts into the answer why it is not a good one.
func (s *session) judge(e *expectation) {
	a := &s.answer
	fault := func(c codec.Cause, detail string) { a.Fault, a.Detail = c, detail }
	switch {
	case !e.status[a.Status]:
		fault(statusCause(a.Status, s.origin), "")
	case s.matched != 1<<len(e.headers)-1:
		fault(codec.CauseHeader, "an expected header is missing or has another value")
	case e.bytes >= 0 && a.Bytes != e.bytes:
		fault(codec.CauseBody, "body of another length")
	case len(e.sum) > 0 && !bytes.Equal(s.hash.Sum(s.sum[:0]), e.sum):
		fault(codec.CauseBody, "body of another checksum")
	case len(e.contains.Text) > 0 && !s.found:
		fault(codec.CauseBody, "body without the expected text")
	}
}

// statusCause sorts an answer whose status is not a good one.
func statusCause(status int, origin bool) codec.Cause {
	switch {
	case status >= 500 && origin:
		return codec.CauseOrigin5xx
	case status >= 500:
		return codec.CauseProxy5xx
	case status >= 400:
		return codec.CauseStatus4xx
	}
	return codec.CauseStatus
}
