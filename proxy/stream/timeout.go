package stream

import (
	"time"

	"bench/proxy/server"
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/transport"
)

// raw tells whether bytes flow both ways without a protocol: in TCP mode once the
// server is connected, in HTTP after an upgrade or CONNECT.
func (s *stream) raw() bool { return s.state == stateData && (s.tunnel || !s.http) }

// idleLimit is how long one side of a stream may be silent: timeout as a rule, tunnel
// where bytes flow both ways, fin once that side has been sent the end of the other's
// stream and owes nothing but its own. Those that are 0 are not configured.
func (s *stream) idleLimit(e *transport.Endpoint, timeout, tunnel, fin time.Duration) time.Duration {
	switch {
	case !s.raw():
		return timeout
	case e.Shut && fin > 0:
		return fin
	case tunnel > 0:
		return tunnel
	}
	return timeout
}

// touchServer notes activity of the server. One that has ended its stream owes nothing
// but to take what waits for it.
func (s *stream) touchServer() {
	if s.raw() && s.down.Ended && !s.sending() {
		s.srvExp = never
		return
	}
	s.srvExp = s.after(s.idleLimit(&s.sc.Endpoint, s.serverLimit(), s.tunnelLimit(), s.be.Spec.Timeouts.ServerFin))
}

// touchClient is touchServer for the client.
func (s *stream) touchClient() {
	if s.raw() && s.up.Ended && !s.down.Pending() {
		s.cliExp = never
		return
	}
	tm := &s.fe.Spec.Timeouts
	s.cliExp = s.after(s.idleLimit(&s.c.Endpoint, tm.Client, s.tunnelLimit(), tm.ClientFin))
}

// sentUp notes that bytes came from the client of a raw stream, and went to its server.
// A side that takes something counts as active, unless "option independent-streams"
// wants to hear from it.
func (s *stream) sentUp(came, went bool) {
	if came {
		s.touchClient()
	}
	if went && !s.be.Spec.Options.IndependentStreams {
		s.touchServer()
	}
}

// sentDown is sentUp for the other direction.
func (s *stream) sentDown(came, went bool) {
	if came {
		s.gotFirstByte()
		s.touchServer()
	}
	if went && !s.fe.Spec.Options.IndependentStreams {
		s.touchClient()
	}
}

// waiting tells whether the stream has no server yet.
func (s *stream) waiting() bool {
	return s.state == stateQueue || s.state == statePause || s.state == stateConnect
}

// whereWaiting is the termination flag of a stream that ends while it waits.
func (s *stream) whereWaiting() byte {
	if s.state == stateQueue {
		return 'Q'
	}
	return 'C'
}

// serverTimeout deals with a server that has been silent for too long.
func (s *stream) serverTimeout() {
	switch {
	case (s.state == stateResponse || s.state == stateRules) && s.http:
		if s.retry(spec.RetryResponseTimeout) {
			return
		}
		s.srv.Observe(server.Silent)
		s.be.C.ErrResp++
		s.server().C.ErrResp++
		s.count(table.Failure)
		s.fail(504, 's', 'H')
	case s.raw() && !s.http && !s.sending() && !s.down.Ended:
		// As if the server had ended its stream: the client may still be sending.
		s.countServerAbort()
		s.setFlags('s', 'D')
		s.down.Ended = true
		s.serverHalfClosed()
	default:
		s.countServerAbort()
		s.abort('s', 'D')
	}
}

// clientTimeout deals with a client that has been silent for too long.
func (s *stream) clientTimeout() {
	switch {
	case s.state == stateRequest:
		s.requestTimeout()
	case s.waiting():
		if s.c.Readable {
			s.arm() // it has sent something: now it waits itself, for a server
			return
		}
		s.countClientAbort()
		s.abort('c', s.whereWaiting())
	case s.state == stateRules && !s.answering():
		s.rulesTimeout()
	case s.state == stateFlush:
		s.abort('c', 'D')
	case (s.state == stateResponse && s.http || s.answering()) && !s.up.Ended:
		s.fe.C.ErrReq++
		s.fail(408, 'c', 'D')
	case s.raw() && !s.down.Pending() && !s.up.Ended:
		// As if the client had ended its stream: the server may still be sending.
		s.countClientAbort()
		s.setFlags('c', 'D')
		s.up.Ended = true
		s.halfClose()
	default:
		s.countClientAbort()
		s.abort('c', 'D')
	}
}
