package origin

import (
	"crypto/tls"

	"bench/backends/fault"
	"bench/internal/poller"
	"bench/internal/tlsio"
)

// wrap begins TLS on a line, with what has come of it.
func (l *Line) wrap(ahead []byte) {
	s := l.lines
	cfg := s.secured
	if s.spoilt != nil {
		cfg = s.spoilt
		s.tally.Spoilt++
	}
	l.tls = s.queue.Server(l.fd, cfg, (*lineTLS)(l))
	l.tls.Feed(ahead)
}

// upgrade begins TLS on a line that began in clear.
func (l *Line) upgrade(ahead []byte) {
	l.wrap(ahead)
	l.shake()
}

// shake goes on with the handshake, unless a fault holds it up.
func (l *Line) shake() {
	if !l.lines.force.HandshakesStalled {
		l.tls.Handshake(l.hup)
	} else if !l.stalled {
		l.stalled = true
		l.lines.tally.Spoilt++
	}
}

// secure goes on with the handshake of a connection in TLS, or with what the socket did
// not take. It reports whether the connection is ready for requests.
func (l *Line) secure(ev poller.Events) bool {
	switch {
	case l.tls == nil:
	case l.tls.Info() == nil:
		l.shake()
		return false
	case ev&poller.Out != 0:
		l.tls.Flush()
	}
	return true
}

// handshaking reports that nothing can be written yet.
func (l *Line) handshaking() bool { return l.tls != nil && l.tls.Info() == nil }

// Secured implements tlsio.Owner.
func (t *lineTLS) Secured(err error) {
	l := (*Line)(t)
	switch {
	case err != nil:
		l.user.Ended()
	case l.tls.Config() == l.lines.spoilt && l.lines.force.Renegotiate:
		if !l.tls.AskRenegotiation() {
			l.user.Ended()
			return
		}
		l.user.Cut(true)
	case !l.user.Busy():
		l.pump() // what came with the end of the handshake does not show at the socket
	default:
		l.held = true // as above, once what the origin says first is written
		if l.parked == 0 && !l.user.Paused() {
			l.user.Proceed()
		}
	}
}

// spoil makes ready what connections are to be secured with while a fault says so.
func (s *Lines) spoil(now *fault.Force) {
	s.spoilt = nil
	if s.queue == nil {
		return
	}
	s.queue.Tracing = tlsio.Tracing{}
	if now.Certificate == nil && !now.Renegotiate {
		return
	}
	cfg := s.secured.Clone()
	cfg.SessionTicketsDisabled = true // a session would make certificates needless
	if now.Certificate != nil {
		cfg.Certificates = []tls.Certificate{*now.Certificate}
	}
	if now.Renegotiate {
		cfg.MinVersion, cfg.MaxVersion, cfg.CipherSuites = tls.VersionTLS12, tls.VersionTLS12, tlsio.RenegotiationSuites()
		s.queue.Tracing = tlsio.Tracing{Hellos: true, Master: true}
		traced := cfg.Clone()
		cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) { return tlsio.Traced(traced, h.Conn), nil }
	}
	s.spoilt = cfg
}

// unstall lets the handshakes go on that were held up.
func (s *Lines) unstall() {
	for _, l := range s.all {
		if l.stalled {
			l.stalled = false
			l.tls.Handshake(l.hup)
		}
	}
}
