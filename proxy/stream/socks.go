package stream

import (
	"errors"
	"syscall"

	"bench/internal/sock"
	"bench/proxy/socks"
	"bench/proxy/transport"
	"bench/proxy/txn"
)

// viaSocks has the connection made to the SOCKS4 proxy of the server, if it has one, and
// puts its address in the place of to. ok is false for a server that no such proxy can
// lead to.
func (s *stream) viaSocks(to *sock.Addr) (h *socks.Handshake, ok bool) {
	proxy := s.srv.Spec.Socks
	if proxy == nil {
		return nil, true
	}
	h, ok = socks.New(addrPort(*to))
	*to = *proxy
	return h, ok
}

// leading is the layer of a connection that a SOCKS4 proxy has not led to the server yet.
// Nothing passes through it but the handshake, which is the stream's to go on with.
type leading struct {
	shake *socks.Handshake
	then  transport.Layer // the connection's own, nil for none
}

// led tells whether a proxy is leading the connection on.
func (sc *serverConn) led() bool {
	l, ok := sc.Layer.(*leading)
	return ok && l.shake.Begun()
}

// leadOn has the proxy lead the connection to the server. It says Wait as long as that
// takes, and Gone if it comes to nothing.
func (s *stream) leadOn() txn.Verdict {
	l, ok := s.sc.Layer.(*leading)
	if !ok {
		return txn.Next
	}
	fd := s.sc.FD()
	err := l.shake.Play(
		func(p []byte) (int, syscall.Errno) { return sock.Send(fd, p) },
		func(p []byte) (int, syscall.Errno) { return sock.Recv(fd, p) },
	)
	switch {
	case errors.Is(err, socks.ErrWait):
		s.t.Loop.Rearm(fd, l.shake.Awaits())
		s.arm()
		return txn.Wait
	case err != nil:
		return txn.Gone
	}
	s.sc.Layer = l.then
	return txn.Next
}

// Handshake, Recv, Send and Flush implement transport.Layer: there is nothing to be had yet.
func (l *leading) Handshake(bool)                               {}
func (l *leading) Recv([]byte, bool) (int, bool, syscall.Errno) { return 0, false, syscall.EAGAIN }
func (l *leading) Send([]byte, []byte) (int, syscall.Errno)     { return 0, syscall.EAGAIN }
func (l *leading) Flush()                                       {}

// Shutdown implements transport.Layer.
func (l *leading) Shutdown() (later bool) { return false }

// Release implements transport.Layer.
func (l *leading) Release() {
	if l.then != nil {
		l.then.Release()
	}
}
