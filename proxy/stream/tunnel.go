package stream

import (
	"syscall"

	"bench/proxy/h1"
	"bench/proxy/message"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// startTCP begins the one stream of a connection in TCP mode.
func (s *stream) startTCP() {
	s.cliExp = never
	s.gotReq = s.begin
	body := message.Body{Kind: message.BodyTunnel}
	s.up.Begin(body, h1.ChunkKeep)
	s.down.Begin(body, h1.ChunkKeep)
	s.touchClient()
	s.set(&s.fe.way)
	s.advance(txn.Next)
}

// startTunnel lets bytes flow both ways, once the server has agreed to leave HTTP.
// The client may have sent some already.
func (s *stream) startTunnel() {
	s.up.Begin(message.Body{Kind: message.BodyTunnel}, h1.ChunkKeep)
	s.touchServer()
	s.touchClient()
	s.pumpUp()
	if s.state == stateData {
		s.pumpDown()
	}
}

// halfClose passes the client's end of stream on to the server, from which the rest
// is expected then: "timeout server-fin" begins.
func (s *stream) halfClose() {
	if !s.sc.Shut {
		s.sc.Shutdown()
		s.touchClient()
		if s.be.Spec.Timeouts.ServerFin > 0 {
			s.touchServer()
		}
	}
	if s.down.Ended && !s.down.Pending() {
		s.end(true)
		return
	}
	s.arm()
}

// serverHalfClosed passes the server's end of stream on to the client, from which the
// rest is expected then: "timeout client-fin" begins.
func (s *stream) serverHalfClosed() {
	if !s.c.Shut {
		s.c.Shutdown()
		s.touchServer()
		if s.fe.Spec.Timeouts.ClientFin > 0 {
			s.touchClient()
		}
	}
	if s.up.Ended && !s.up.Pending() {
		s.end(true)
		return
	}
	s.arm()
	if s.c.Readable || s.c.Hup {
		s.pumpUp()
	}
}

// clientClosed tells whether the client has closed its side, or failed, while
// nothing is read from it. Not every poller reports that by itself: with select
// the end is only to be seen behind what is readable.
func (s *stream) clientClosed() bool {
	c := s.c
	if c.Hup || !c.Readable || c.In != nil || !c.Bare() {
		return c.Hup
	}
	var p [1]byte
	n, errno := s.t.Loop.Peek(c.FD(), p[:])
	switch {
	case errno == syscall.EAGAIN:
		c.Drain()
	case errno != 0:
		c.Errno, c.Hup = errno, true
	case n == 0:
		c.Hup = true
	}
	return c.Hup
}

// clientBroken tells whether the client's connection has failed, as opposed to
// being closed in order.
func (s *stream) clientBroken() bool {
	return s.c.Errno != 0 || s.c.FD() >= 0 && s.t.Loop.Error(s.c.FD()) != 0
}

func modeName(m spec.Mode) string {
	if m == spec.ModeTCP {
		return "TCP"
	}
	return "HTTP"
}
