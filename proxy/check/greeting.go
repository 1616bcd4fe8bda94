package check

import (
	"syscall"

	"bench/internal/sock"
	"bench/proxy/proxyproto"
)

// greet sends the header of the PROXY protocol that connections to the server begin with:
// in version 2 it says that the proxy speaks for itself, in version 1 it has the addresses
// of the check's own connection. It reports false if the check has ended instead.
func (c *Checker) greet() bool {
	if c.cfg.Proxy == nil {
		return true
	}
	var about proxyproto.About
	if local, errno := sock.LocalAddr(c.fd); errno == 0 && !local.IsUnix() {
		about = proxyproto.About{Source: local.AddrPort(), Destination: c.addr.AddrPort()}
	}
	header := proxyproto.Append1(nil, &about)
	if c.cfg.Proxy.V2 {
		about.Local = true
		header = proxyproto.Append2(nil, &about, c.cfg.Proxy.Options)
	}
	n, errno := sock.Send(c.fd, header)
	if errno == 0 && n == len(header) {
		return true
	}
	if errno == 0 {
		errno = syscall.EAGAIN // a new socket has room for so little
	}
	c.finish(Result{Status: SockErr, Output: capital(errno.Error())})
	return false
}
