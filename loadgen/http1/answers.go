package http1

import (
	"bench/loadgen/codec"
)

// Answers reads the HTTP/1.1 responses on one connection, for clients that send
// what no Codec would. Its zero value is ready for the first one.
type Answers struct {
	session session
	begun   bool
}

// answersCodec stands for requests that nobody knows.
func answersCodec() *client { return &client{requests: make([]request, 1)} }

// Next makes ready for another response.
func (a *Answers) Next() {
	if a.session.codec == nil {
		a.session.codec = answersCodec()
	}
	a.begun = true
	a.session.Await(&codec.Order{Item: -1})
}

// Reset forgets what has come: the next bytes are of another connection.
func (a *Answers) Reset() { a.begun = false }

// Feed takes received bytes and returns how many belong to the present response.
// Done ends it; what follows belongs to another one, after Next.
func (a *Answers) Feed(p []byte) (int, codec.State) {
	if !a.begun {
		a.Next()
	}
	return a.session.Feed(p)
}

// End reports that the peer has closed its side.
func (a *Answers) End() codec.State {
	if !a.begun {
		a.Next()
	}
	return a.session.End()
}

// Answer is the present response. Its Status is 0 until its head has come.
func (a *Answers) Answer() *codec.Answer { return a.session.Answer() }
