package httporigin

import (
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
)

// secure goes on with the handshake of a connection in TLS, or with what the socket did
// not take. It reports whether the connection is ready for requests.
func (c *conn) secure(ev poller.Events) bool {
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

// Secured implements tlsio.Owner.
func (c *conn) Secured(err error) {
	if err != nil {
		c.ended()
		return
	}
	c.pump() // what came with the end of the handshake does not show at the socket
}

// recv reads what is there. Without more the socket is empty.
func (c *conn) recv(p []byte) (n int, more bool, errno syscall.Errno) {
	if c.tls != nil {
		return c.tls.Recv(p, c.hup)
	}
	n, errno = c.o.loop.Recv(c.fd, p)
	return n, n == len(p) || c.hup, errno
}

func (c *conn) send(p []byte) (n int, errno syscall.Errno) {
	if c.tls != nil {
		return c.tls.Send(p, nil)
	}
	return sock.Send(c.fd, p)
}

// send3 writes pieces in one call; want is how much of them it tried.
func (c *conn) send3(pieces *[3][]byte) (n int, want int64, errno syscall.Errno) {
	want = int64(len(pieces[0]) + len(pieces[1]))
	if c.tls != nil {
		n, errno = c.tls.Send(pieces[0], pieces[1])
		return n, want, errno
	}
	n, errno = sock.Writev(c.fd, pieces[:])
	return n, want + int64(len(pieces[2])), errno
}

// farewell says that nothing more will come.
func (c *conn) farewell() {
	if c.tls != nil {
		c.tls.Shutdown()
	}
}
