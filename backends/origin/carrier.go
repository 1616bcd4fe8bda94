package origin

import (
	"syscall"

	"bench/internal/sock"
)

// Carrier is what a line has in place of a socket: one of several that share a
// connection, as a stream of HTTP/2 does. It calls Line.Deliver and Line.Room.
type Carrier interface {
	// Send takes what fits of p. What it leaves is offered again after Line.Room.
	Send(p []byte) int
	// Finish is the end of what is said, broken where a fault has cut it off.
	Finish(broken bool)
	// Gone reports that the line is closed. What was not finished is given up.
	Gone()
	// Peer is the address of the client.
	Peer() (sock.Addr, syscall.Errno)
}

// Carry opens a line that a carrier takes the place of a socket for.
func (s *Lines) Carry(by Carrier) User {
	l := s.take()
	l.by, l.fd = by, -1
	l.pos = len(s.all)
	s.all = append(s.all, l)
	l.user.Opened()
	return l.user
}

// Hand gives the line to another user, which gives it back in Closed and carries other
// lines over it meanwhile, or does so no longer.
func (l *Line) Hand(u User, carries bool) { l.user, l.carries = u, carries }

// Deliver hands on what a carrier has received. What is not wanted while an answer is
// under way is dropped.
func (l *Line) Deliver(p []byte) {
	l.spoken = true
	l.Heard()
	if !l.user.Busy() {
		l.feed(p)
	}
}

// Room has the user go on, for the carrier takes more.
func (l *Line) Room() {
	if l.Live() && l.parked == 0 && l.user.Busy() && !l.user.Paused() {
		l.user.Proceed()
	}
}

// ALPN is the protocol that was agreed on in TLS, "" for none.
func (l *Line) ALPN() string {
	if l.tls == nil {
		return ""
	}
	return l.tls.Info().ALPN
}

// Secure reports that the line is in TLS.
func (l *Line) Secure() bool { return l.tls != nil }
