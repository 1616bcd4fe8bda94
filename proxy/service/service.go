// Package service is what answers requests inside the engine, in the place of a server:
// the statistics page, the exporter of metrics. A service runs in a goroutine of its own
// and may block; how its answer gets to the client, and how fast, is the stream's
// business. No sockets and no framing may enter here.
package service

import (
	"errors"

	"bench/proxy/message"
)

// Service answers requests.
type Service struct {
	// Name stands in log lines in the place of a server's: "<STATS>".
	Name string
	// Plain: rules about responses do not see its answers, as those of the reference's
	// statistics.
	Plain bool
	// Serve writes the answer to a request and returns. It is called in a goroutine
	// of its own, for several requests at once. An answer that has no head when it
	// returns is an internal error of the proxy's.
	Serve func(r *Request, w Writer)
}

// Request is one request to a service. It belongs to the service.
type Request struct {
	message.Request
	// Content is the body, as far as it was asked for; Complete says that this is all
	// of it.
	Content  []byte
	Complete bool
	// Proxy is the index of the proxy that has led the request here.
	Proxy int
	// Admin: conditions of the configuration allow changes ("stats admin").
	Admin bool
}

// PathAndQuery is the target from its path on.
func (r *Request) PathAndQuery() []byte {
	if r.Form != message.AbsoluteForm {
		return r.Target
	}
	n := len(r.Path())
	if q := r.Query(); q != nil {
		n += len(q) + 1
	}
	return r.Target[len(r.Target)-n:]
}

// Head is the head of an answer.
type Head struct {
	Status int
	Reason string // "OK"
	// Old: the answer speaks HTTP/1.0.
	Old bool
	// Fields are the header fields, in lower case, without those that frame the
	// message.
	Fields [][2]string
	// Length is how many bytes of content follow, if Known; otherwise it ends when
	// Serve returns.
	Length int
	Known  bool
}

// ErrGone is what Write returns once nobody wants the answer any more.
var ErrGone = errors.New("the client is gone")

// Writer takes the answer.
type Writer interface {
	// Begin sets the head. It is called once, before the first Write.
	Begin(h Head)
	// Write takes a piece of the content. It returns when the client has taken most
	// of what came before, and with ErrGone if it will not: nothing is sent any more
	// then. Pieces may be of any size, and are gathered.
	Write(p []byte) (int, error)
}
