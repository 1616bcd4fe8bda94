package check

import (
	"errors"
	"syscall"

	"bench/internal/sock"
	"bench/proxy/socks"
)

// viaSocks has the connection of a step made to the SOCKS4 proxy of the server, if it is to
// go by one, and puts its address in the place of to. It reports false if no such proxy can
// lead there.
func (c *Checker) viaSocks(k *connection, to *sock.Addr) (ok bool) {
	c.socks = nil
	proxy := c.cfg.Socks
	if proxy == nil || !k.BySocks && !(k.Default && c.cfg.BySocks) {
		return true
	}
	if to.IsUnix() {
		return false
	}
	c.socks, ok = socks.New(to.AddrPort())
	*to = *proxy
	return ok
}

// leadOn has the proxy lead the connection to the server, and reports whether it has. If
// that comes to nothing, the check has ended.
func (c *Checker) leadOn() bool {
	if c.socks == nil {
		return true
	}
	err := c.socks.Play(
		func(p []byte) (int, syscall.Errno) { return sock.Send(c.fd, p) },
		func(p []byte) (int, syscall.Errno) { return sock.Recv(c.fd, p) },
	)
	switch {
	case errors.Is(err, socks.ErrWait):
		c.l.Rearm(c.fd, c.socks.Awaits())
		return false
	case err != nil:
		status := SockErr
		if c.link.tls != nil {
			status = L6Rsp
		}
		c.finish(Result{Status: status, Output: err.Error() + c.where()})
		return false
	}
	c.socks = nil
	return true
}
