package worker

import (
	"crypto/tls"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/loadgen/codec"
	"bench/loadgen/record"
)

// secure is what a worker makes its connections with.
type secure struct {
	queue *tlsio.Queue
	cfg   *tls.Config
	// asked: connections begin in clear, and the protocol asks for TLS.
	asked bool
}

// atOnce reports that connections begin with the handshake of TLS.
func (s *secure) atOnce() bool { return s != nil && !s.asked }

// secure begins the handshake of a connection that the kernel has made. What there is to
// write waits.
func (c *conn) secure() {
	s := c.w.secure
	c.state, c.securedAt = connSecuring, loop.Nanotime()
	c.tls = s.queue.Client(c.fd, s.cfg, c)
	c.tls.Handshake(c.hup)
}

// Secured implements tlsio.Owner.
func (c *conn) Secured(err error) {
	if err != nil {
		c.abandon(c.flight.head, record.Failure{Cause: codec.CauseConnect, Detail: "TLS: " + err.Error()}, record.Failure{Detail: "the handshake failed"})
		return
	}
	if want := c.w.secure.cfg.NextProtos; len(want) > 0 && c.tls.Info().ALPN != want[0] {
		c.abandon(c.flight.head, record.Failure{Cause: codec.CauseConnect, Detail: "TLS: the peer does not agree on " + want[0] + " (ALPN)"}, record.Failure{Detail: "the handshake failed"})
		return
	}
	if q := c.flight.head; q != nil {
		c.w.rec.Secured(&q.Entry, c.tls.Info().Resumed, loop.Nanotime()-c.securedAt)
	}
	gen := c.gen
	c.ready()
	if u, ok := c.session.(codec.Upgrader); ok && u.Secured() == codec.Reply {
		c.say()
	}
	if c.gen == gen && c.pending() {
		c.flush()
	}
	if c.gen == gen && (c.state == connSetup || c.state == connBusy) {
		c.receive(c.hup) // what came with the end of the handshake does not show at the socket
	}
}

// unsecured tells whether nothing may be written yet.
func (c *conn) unsecured() bool {
	if c.tls == nil {
		return c.w.secure.atOnce()
	}
	return c.tls.Info() == nil
}

// hang ends this side of the connection.
func (c *conn) hang() {
	if c.tls != nil {
		c.tls.Shutdown()
	}
	_ = sock.ShutdownWrite(c.fd) // it fails where the peer has broken the connection off, which shows
}

// insecure lets go of TLS, before the connection is closed.
func (c *conn) insecure() {
	if c.tls != nil {
		c.tls.Release()
		c.tls = nil
	}
}

// newSecure makes what the connections of a load in TLS need.
func newSecure(l *loop.Loop, cfg *tls.Config, asked bool) *secure {
	return &secure{queue: tlsio.NewQueue(l), cfg: cfg, asked: asked}
}
