package h1

import (
	"bytes"
	"errors"
	"fmt"

	"bench/proxy/message"
)

// Reply is a response the proxy gives on its own: one of the standard ones, or an
// error file. It is prepared once and shared read-only by all loops.
type Reply struct {
	// Code is the status it is used for, logged and counted; an error file may
	// announce another one to the client.
	Code int
	// Body is the content; left out in answers to HEAD.
	Body []byte

	msg   message.Response
	empty bool
}

// Empty reports whether nothing is to be sent at all before closing: the effect of
// an empty error file.
func (r *Reply) Empty() bool { return r.empty }

// KeepAlive reports whether the client connection may go on after this reply.
func (r *Reply) KeepAlive() bool { return r.msg.KeepAlive && !r.empty }

// Message is the head. It is shared: rules that change it work on a CopyTo.
func (r *Reply) Message() *message.Response { return &r.msg }

// CopyTo makes msg a response like this one, whose fields can be changed. It
// allocates only when msg has less room for fields than needed.
func (r *Reply) CopyTo(msg *message.Response) {
	r.msg.ShareTo(msg)
}

// Append appends the whole reply, without the body when it answers a HEAD.
func (r *Reply) Append(dst []byte, head bool, opt WriteOptions) []byte {
	if r.empty {
		return dst
	}
	opt.KeepAlive = opt.KeepAlive && r.msg.KeepAlive
	dst = AppendResponse(dst, &r.msg, opt)
	if head {
		return dst
	}
	return append(dst, r.Body...)
}

// standard are the replies for every status errorfile can replace, plus those
// later versions add.
var standard = [...]struct {
	code         int
	reason, text string
}{
	{200, "OK", "The service is up."},
	{400, "Bad request", "The request could not be understood."},
	{401, "Unauthorized", "This content requires a user name and a password."},
	{403, "Forbidden", "The rules of this site do not allow this request."},
	{404, "Not Found", "There is nothing at this address."},
	{405, "Method Not Allowed", "This method cannot be used here."},
	{407, "Unauthorized", "This proxy requires a user name and a password."},
	{408, "Request Time-out", "The request did not arrive completely in time."},
	{410, "Gone", "What was at this address has been removed for good."},
	{413, "Payload Too Large", "The request body is larger than this site accepts."},
	{414, "URI Too Long", "The address is longer than this site accepts."},
	{421, "Misdirected Request", "This server does not answer for the requested host."},
	{422, "Unprocessable Content", "The request is well-formed but cannot be handled."},
	{425, "Too Early", "The request came before the connection was established."},
	{429, "Too Many Requests", "Too many requests from here: try again later."},
	{431, "Request Header Fields Too Large", "The request header is larger than this site accepts."},
	{500, "Internal Server Error", "Something went wrong inside the proxy."},
	{501, "Not Implemented", "The request needs something this server cannot do."},
	{502, "Bad Gateway", "The response of the server was invalid or incomplete."},
	{503, "Service Unavailable", "No server can take this request at the moment."},
	{504, "Gateway Time-out", "The server took too long to answer."},
}

// StandardReply returns the proxy's own reply for a status, nil when there is none
// for it. Prepare them once: every call builds a new one.
func StandardReply(code int) *Reply {
	for i := range standard {
		s := &standard[i]
		if s.code != code {
			continue
		}
		body := fmt.Sprintf("<html><body><h1>%d %s</h1>\n%s\n</body></html>\n", code, s.reason, s.text)
		end := ""
		if code == 400 || code == 408 { // the connection is of no more use
			end = "Connection: close\r\n"
		}
		raw := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Length: %d\r\nCache-Control: no-cache\r\nContent-Type: text/html\r\n%s\r\n%s",
			code, s.reason, len(body), end, body)
		r, err := ParseReply(code, []byte(raw), 0)
		if err != nil {
			panic("h1: standard reply: " + err.Error()) // a mistake in the table above
		}
		return r
	}
	return nil
}

// ReplyCodes returns the statuses that have a standard reply, ascending.
func ReplyCodes() []int {
	codes := make([]int, len(standard))
	for i := range standard {
		codes[i] = standard[i].code
	}
	return codes
}

// ParseReply makes a reply for status code of a complete raw HTTP/1 response, the
// content of an error file. A body without Content-Length ends with the
// connection. bufsize is tune.bufsize, 0 for no limit.
//
// An empty file is allowed: the connection is then closed without an answer.
func ParseReply(code int, raw []byte, bufsize int) (*Reply, error) {
	if len(raw) == 0 {
		return &Reply{Code: code, empty: true}, nil
	}
	if bufsize > 0 && len(raw) > bufsize {
		return nil, fmt.Errorf("%d bytes do not fit in a buffer of %d (tune.bufsize)", len(raw), bufsize)
	}
	raw = bytes.Clone(raw)
	r := &Reply{Code: code}
	var p Parser
	lim := Limits{MaxHead: len(raw) + 1, MaxFields: message.MaxFields}
	n, bad := p.Response(&r.msg, raw, message.MethodGet, &lim)
	if bad != nil {
		line, col := position(raw, p.ErrPos())
		return nil, fmt.Errorf("%w at line %d, column %d", bad, line, col)
	}
	if n == 0 {
		return nil, errors.New("no empty line ends the header")
	}
	r.Body = raw[n:]
	switch r.msg.Body.Kind {
	case message.BodyChunked:
		return nil, errors.New("a chunked body cannot be used: give the content as it is, with or without Content-Length")
	case message.BodyTunnel:
		return nil, fmt.Errorf("status %d changes the protocol and cannot be an answer of the proxy", r.msg.Status)
	case message.BodyNone:
		if len(r.Body) > 0 {
			return nil, fmt.Errorf("a body of %d bytes follows, but status %d allows none", len(r.Body), r.msg.Status)
		}
	case message.BodyLength:
		if r.msg.Body.Length != uint64(len(r.Body)) {
			return nil, fmt.Errorf("Content-Length announces %d bytes, but %d follow the header", r.msg.Body.Length, len(r.Body))
		}
	case message.BodyUntilClose:
	}
	return r, nil
}

// position turns an offset into a line and a column, both from 1.
func position(raw []byte, off int) (line, col int) {
	before := raw[:min(off, len(raw))]
	line = 1 + bytes.Count(before, []byte{'\n'})
	return line, off - (bytes.LastIndexByte(before, '\n') + 1) + 1
}
