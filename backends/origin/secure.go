package origin

import (
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
)

// secured goes on with the handshake of a connection in TLS, or with what the socket did not
// take. It reports whether the connection is ready for the session.
func (c *Conn) secured(ev poller.Events) bool {
	switch {
	case c.tls == nil:
	case c.tls.Info() == nil:
		c.tls.Handshake(c.hup)
		return false
	case ev&poller.Out != 0:
		c.tls.Flush()
	}
	return true
}

// handshaking reports that nothing can be written yet.
func (c *Conn) handshaking() bool { return c.tls != nil && c.tls.Info() == nil }

// Secured implements tlsio.Owner.
func (c *Conn) Secured(err error) {
	if err != nil {
		c.gone()
		return
	}
	c.held = true // what came with the end of the handshake does not show at the socket
	if c.parked == 0 && !c.pausing && !c.waiting {
		c.proceed()
	}
}

// recv reads what is there. short: the socket has nothing more.
func (c *Conn) recv(p []byte) (n int, short bool, errno syscall.Errno) {
	if c.tls != nil {
		n, more, errno := c.tls.Recv(p, c.hup)
		return n, !more, errno
	}
	n, errno = c.s.loop.Recv(c.fd, p)
	return n, n < len(p) && !c.hup, errno
}

func (c *Conn) send(p []byte) (n int, errno syscall.Errno) {
	if c.tls != nil {
		return c.tls.Send(p, nil)
	}
	return sock.Send(c.fd, p)
}

// farewell says that nothing more will come, unless the output was broken off.
func (c *Conn) farewell() {
	if c.tls != nil && !c.broken {
		c.tls.Shutdown()
	}
}
