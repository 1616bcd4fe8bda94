package httporigin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// maxEcho bounds the part of a request's body that is echoed.
const maxEcho = 64 << 10

// Echo is the JSON that /echo answers with.
type Echo struct {
	Origin  string      `json:"origin"`
	Peer    string      `json:"peer"`
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Version string      `json:"version"`
	Headers [][2]string `json:"headers"` // in order, as they came
	// Request is the number of the request on its connection, from 1.
	Request int `json:"request"`
	// BodyLength is that of the whole body; Body holds its first 64 KiB, or
	// BodyBase64 does where they are not UTF-8.
	BodyLength int64  `json:"bodyLength"`
	Body       string `json:"body,omitempty"`
	BodyBase64 []byte `json:"bodyBase64,omitempty"`
	// Trailers are the fields behind a chunked body, in order.
	Trailers [][2]string `json:"trailers,omitempty"`
}

// echo collects a request that is to be echoed.
type echo struct {
	head   []byte
	body   []byte
	length int64
}

func (e *echo) add(data []byte) {
	e.length += int64(len(data))
	e.body = append(e.body, data[:min(len(data), maxEcho-len(e.body))]...)
}

// json writes the echo.
func (e *echo) json(c *conn) []byte {
	out := Echo{Origin: c.o.name, Request: c.reqs + 1, BodyLength: e.length, Headers: [][2]string{}}
	if peer, errno := c.Peer(); errno == 0 {
		out.Peer = peer.String()
	}
	lines := bytes.Split(bytes.TrimSuffix(e.head, []byte("\r\n\r\n")), crlf)
	first := bytes.SplitN(lines[0], []byte(" "), 3)
	out.Method, out.Target, out.Version = string(first[0]), string(first[1]), string(first[2])
	if c.stream != nil {
		out.Version = "HTTP/2"
	}
	out.Headers = append(out.Headers, fields(lines[1:])...)
	if t := bytes.Trim(c.chunks.trailer, "\r\n"); len(t) > 0 {
		out.Trailers = fields(bytes.Split(t, crlf))
	}
	if utf8.Valid(e.body) {
		out.Body = string(e.body)
	} else {
		out.BodyBase64 = e.body
	}
	text, err := json.MarshalIndent(&out, "", "  ")
	if err != nil {
		return fmt.Appendf(nil, "{%q: %q}\n", "error", err)
	}
	return append(text, '\n')
}

// fields are lines of the form "Name: value".
func fields(lines [][]byte) (all [][2]string) {
	for _, l := range lines {
		name, value, _ := bytes.Cut(l, []byte(":"))
		all = append(all, [2]string{string(name), string(trim(value))})
	}
	return all
}
