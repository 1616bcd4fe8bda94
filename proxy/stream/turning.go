package stream

import "bench/proxy/txn"

// turning is how a connection goes on that was in mode tcp until a rule, or the backend it
// was led to, made it one of HTTP.
type turning struct {
	// to is the backend that was chosen, nil if that is still to be done.
	to *Back
	// unread: what has come in mode tcp was not looked at yet.
	unread bool
}

// becomeHTTP makes a stream in mode tcp one that waits for a request, which goes on where
// the connection has got to: at the backend to, or behind the rules of the frontend. The
// requests after it begin as those of any other connection.
func (s *stream) becomeHTTP(to *Back) txn.Verdict {
	s.c.turned = true
	s.gotReq, s.state = 0, stateRequest
	s.beginHTTP()
	s.turned = &turning{to: to, unread: true}
	s.yield()
	return txn.Wait
}

// isHTTP tells whether the connection, or the one it shares with others, has become HTTP.
func (c *client) isHTTP() bool {
	if l := c.lane(); l != nil {
		return l.m.c.turned
	}
	return c.turned
}

// turns reports, once, that what has come in mode tcp is to be looked at.
func (s *stream) turns() bool {
	if s.exchange == nil || s.turned == nil || !s.turned.unread {
		return false
	}
	s.turned.unread = false
	return true
}

// setOut puts a request before its first step.
func (s *stream) setOut() {
	x := s.turned
	if x == nil {
		s.set(&s.fe.http)
		return
	}
	if s.txn != nil {
		s.txn.Content, s.txn.ContentEnd = nil, false
		s.identify(&s.txn.Txn)
	}
	if x.to != nil {
		s.be = x.to
		s.joinBackend()
		s.set(&s.be.http)
		return
	}
	s.set(&s.fe.http)
	s.at++ // the rules have been followed
}
