package tcp

import "bench/internal/dist"

// Spec describes the requests of protocol tcp.
type Spec struct {
	// Connect are the steps that a new connection begins with, as of an
	// Exchange; the peer may speak first.
	Connect []string `json:"connect,omitempty"`
	// Exchanges are the kinds of requests, at least one.
	Exchanges []Exchange `json:"exchanges,omitempty"`
}

// Exchange is one kind of request of protocol tcp: Steps, Echo, Upload or
// Download. Sizes are distributions.
type Exchange struct {
	// Name under which it is reported apart; required where there are several.
	Name   string `json:"name,omitempty"`
	Weight int    `json:"weight,omitempty"` // its share of the requests; 0 is 1
	// Steps in turn: "send TEXT" (a template), "expect TEXT" (reads until TEXT
	// has come; what is before it is ignored) and "read SIZE". TEXT has the
	// escapes of a Go string. The last one is an expect or a read.
	Steps []string `json:"steps,omitempty"`
	// Echo sends this many bytes, which must come back as they are.
	Echo *dist.Size `json:"echo,omitempty"`
	// Upload sends this many bytes and ends this side of the connection; the peer's
	// end of it is the answer.
	Upload *dist.Size `json:"upload,omitempty"`
	// Download reads this many bytes of what the peer says on a new connection, and
	// closes it.
	Download *dist.Size `json:"download,omitempty"`
}
