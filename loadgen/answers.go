package loadgen

import (
	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

// Answers reads the HTTP/1.1 responses on one connection, for clients that send
// what no Codec would. Its zero value is ready for the first one.
type Answers struct {
	session http1Session
	begun   bool
}

// answersCodec stands for requests that nobody knows.
func answersCodec() *http1 { return &http1{requests: make([]http1Request, 1)} }

// Next makes ready for another response.
func (a *Answers) Next() {
	if a.session.codec == nil {
		a.session.codec = answersCodec()
	}
	a.begun = true
	a.session.Await(&Order{Item: -1})
}

// Reset forgets what has come: the next bytes are of another connection.
func (a *Answers) Reset() { a.begun = false }

// Feed takes received bytes and returns how many belong to the present response.
// Done ends it; what follows belongs to another one, after Next.
func (a *Answers) Feed(p []byte) (int, State) {
	if !a.begun {
		a.Next()
	}
	return a.session.Feed(p)
}

// End tells that the peer has closed its side.
func (a *Answers) End() State {
	if !a.begun {
		a.Next()
	}
	return a.session.End()
}

// Answer is the present response. Its Status is 0 until its head has come.
func (a *Answers) Answer() *Answer { return a.session.Answer() }

// NewHistogram makes a histogram for Summarize, which holds microseconds.
func NewHistogram() *hdrhistogram.Histogram { return newLong() }

// RecordNs adds a length of time in nanoseconds.
func RecordNs(h *hdrhistogram.Histogram, ns int64) { record(h, microseconds(ns)) }

// Summarize renders a histogram as results hold it.
func Summarize(h *hdrhistogram.Histogram) (result.Latency, error) {
	var e encoder
	return e.summary(h)
}
