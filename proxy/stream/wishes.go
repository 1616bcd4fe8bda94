package stream

import (
	"time"

	"bench/internal/sock"
	"bench/proxy/message"
)

// What rules want of connections and of the way to a server.

// SetSource implements txn.Stream.
func (c *client) SetSource(a sock.Addr) {
	n := c.noted()
	n.src, n.n = a, 0
}

// SetDestination implements txn.Stream.
func (c *client) SetDestination(a sock.Addr) { c.noted().dst = a }

// SetMark implements txn.Stream.
func (c *client) SetMark(mark uint32) { sock.SetMark(c.socket(), mark) }

// SetTOS implements txn.Stream.
func (c *client) SetTOS(tos uint8) { sock.SetTOS(c.socket(), tos) }

// Hint implements txn.Stream: a connection without a stream has asked for nothing.
func (c *client) Hint(*message.Response) {}

// SetSource implements txn.Stream.
func (s *stream) SetSource(a sock.Addr) { s.transaction().src = a }

// SetDestination implements txn.Stream.
func (s *stream) SetDestination(a sock.Addr) { s.transaction().dst = a }

// SetMark implements txn.Stream.
func (s *stream) SetMark(mark uint32) { s.c.SetMark(mark) }

// SetTOS implements txn.Stream.
func (s *stream) SetTOS(tos uint8) { s.c.SetTOS(tos) }

// Hint implements txn.Stream. A client of HTTP/1.0 would take it for the answer.
func (s *stream) Hint(res *message.Response) {
	if !s.http || s.version < message.HTTP11 || s.res != nil {
		return
	}
	_ = s.sendHead(res, nil, nil) // a connection that fails is noticed when it is read from
}

// elsewhere tells that rules have said where the client meant to go, so that the
// connection to a server that follows it is of use to nobody else.
func (s *stream) elsewhere() bool {
	return s.srv.FollowsClient() && s.meant() != nil
}

// sourceText is the client's address as text, as rules have it.
func (s *stream) sourceText() []byte {
	if s.txn == nil || !s.txn.src.IsValid() {
		return s.c.ipBytes()
	}
	return s.txn.src.AddrPort().Addr().AppendTo(s.req.Arena.Alloc(len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"))[:0])
}

// serverLimit is how long the server may be silent, tunnelLimit how long either side may
// be where bytes flow both ways; 0: for ever.
func (s *stream) serverLimit() time.Duration {
	if s.txn != nil && s.txn.ServerTimeout > 0 {
		return s.txn.ServerTimeout
	}
	return s.be.Spec.Timeouts.Server
}

func (s *stream) tunnelLimit() time.Duration {
	switch {
	case s.be == nil:
		return 0
	case s.txn != nil && s.txn.TunnelTimeout > 0:
		return s.txn.TunnelTimeout
	}
	return s.be.Spec.Timeouts.Tunnel
}

// challenge answers with an error that asks for a password.
func (s *stream) challenge(status int, realm []byte, cause, at byte) {
	page, content, _ := s.standard(status)
	if page == nil {
		s.answer(status, cause, at)
		return
	}
	s.setFlags(cause, at)
	s.status = int32(status)
	msg := &s.t.asking
	page.ShareTo(msg)
	const name = "www-authenticate"
	msg.Remove(message.LookupString(name), []byte(name))
	value := append(append(append(msg.Arena.Alloc(len(realm) + len(`Basic realm=""`))[:0], `Basic realm="`...), realm...), '"')
	msg.Add([]byte(name), value)
	s.reply(msg, content)
}
