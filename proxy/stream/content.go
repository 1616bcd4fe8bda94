package stream

import "bench/proxy/message"

// bodiless tells whether the client takes a response of that status for one without
// a body, whatever its head says (RFC 9112 section 6.3).
func (s *stream) bodiless(status int) bool {
	return s.method == message.MethodHead || status == 204 || status == 304
}

// unframe takes out what a response 204 must not have (RFC 9110 section 8.6).
func unframe(h *message.Header) {
	h.DelID(message.TransferEncoding)
	h.DelID(message.ContentLength)
}

// matchContent sees to it that the client gets a body exactly where it expects one.
// What the server has sent follows the method it was asked with, and its own status;
// rules may have changed both, and bytes too many or too few would be taken for the
// next response, or the next response for them.
func (s *stream) matchContent() {
	res := s.res
	if s.txn == nil || res.Body.Kind == message.BodyTunnel {
		return
	}
	none := s.bodiless(res.Status)
	switch {
	case none && res.Body.Kind != message.BodyNone:
		s.dropContent()
	case !none && res.Body.Kind == message.BodyNone:
		res.DelID(message.TransferEncoding)
		res.SetID(message.ContentLength, noContent)
	}
	if res.Status == 204 {
		unframe(&res.Header)
	}
}

var noContent = []byte("0")

// dropContent withholds the body of the response, also from a cache, which would take what
// is left for all of it. A server connection on which more of it is to come cannot be used
// again.
func (s *stream) dropContent() {
	s.caching.drop()
	if !s.down.Ended {
		s.resKeep = false
	}
	s.down.Kind, s.down.Ended = message.BodyNone, true
	s.down.Release(&s.t.Kit)
	if a := &s.t.arrived; a.of == s {
		a.out, a.tail = nil, nil
	}
	s.res.Body = message.Body{}
}
