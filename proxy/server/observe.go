package server

import (
	"fmt"

	"bench/proxy/spec"
)

// Observation is what traffic has told of a server.
type Observation uint8

// Observations. In layer 4 only the first two count, in layer 7 all but the first.
const (
	Connected Observation = iota
	NotConnected
	GoodResponse
	WrongResponse  // its status
	BrokenResponse // it is none
	BrokenOff      // the connection failed
	Silent
	ClosedEarly
)

// String says it as messages do.
func (o Observation) String() string {
	return [...]string{
		Connected: "L4 successful connection", NotConnected: "L4 unsuccessful connection",
		GoodResponse: "Correct http response", WrongResponse: "Wrong http response",
		BrokenResponse: "Invalid http response (headers)", BrokenOff: "Read error (http)",
		Silent: "Read timeout (http)", ClosedEarly: "Close from server (http)",
	}[o]
}

// Observe counts what traffic has told: after so many errors in a row Distrust is called.
func (s *Server) Observe(o Observation) {
	if s.Spec.Observe != spec.ObserveNothing {
		s.observe(o)
	}
}

func (s *Server) observe(o Observation) {
	switch {
	case s.Spec.Observe == spec.ObserveLayer4 && o > NotConnected, s.Spec.Observe == spec.ObserveLayer7 && o == Connected:
		return
	case o == Connected || o == GoodResponse:
		s.errors.Store(0)
		return
	}
	n := s.errors.Add(1)
	if int(n) < s.Spec.ErrorLimit || s.Distrust == nil {
		return
	}
	s.errors.Store(0)
	s.Distrust(fmt.Sprintf("Detected %d consecutive errors, last one was: %s", n, o))
}
