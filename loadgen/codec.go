package loadgen

import "fmt"

// Codec is one protocol as the generator speaks it: requests prepared once for
// a load, and a Session for each connection. A protocol is one file with one
// row in newCodec.
type Codec interface {
	// Session returns the state of one connection, reused for many in turn.
	Session() Session
	// Repeatable tells whether a request may be sent again after the peer
	// closed a reused connection without an answer.
	Repeatable() bool
}

// Session reads and writes one connection, one request at a time. Its methods
// do not allocate, except for a response head that comes in pieces.
type Session interface {
	// Open begins a new connection.
	Open()
	// Request returns the bytes of the next request. They are valid until the
	// next call on any session of the codec. last asks the peer to close
	// the connection after its answer.
	Request(seq uint64, last bool) []byte
	// Feed takes received bytes and returns how many belong to the answer.
	Feed(p []byte) (n int, s State)
	// End tells that the peer has closed its side.
	End() State
	// Answer is what Feed or End has completed or found broken; valid until
	// the next Request.
	Answer() *Answer
}

// State says how far an answer is.
type State uint8

// States of an answer.
const (
	More   State = iota // not complete yet
	Done                // complete
	Broken              // not what the protocol allows: Answer.Err
)

// Answer is one response.
type Answer struct {
	Status    int    // 0 where the protocol has none
	Bytes     int64  // length of the body
	KeepAlive bool   // the connection may carry another request
	Origin    bool   // a mock origin marked it as its own
	Err       string // what is wrong with a Broken answer
}

func newCodec(spec *Spec) (Codec, error) {
	switch spec.Protocol {
	case "", "http1":
		return newHTTP1(spec), nil
	}
	return nil, fmt.Errorf("unknown protocol %q: want http1", spec.Protocol)
}
