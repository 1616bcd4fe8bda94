package check

import (
	"syscall"

	"bench/internal/sock"
	"bench/internal/syserr"
	"bench/proxy/proxyproto"
	"bench/proxy/spec"
)

// greet sends the header of the PROXY protocol that connections to the server begin with:
// in version 2 it says that the proxy speaks for itself, in version 1 it has the addresses
// of the check's own connection. It reports false if the check has ended instead.
func (c *Checker) greet() bool {
	how := c.cfg.Proxy
	switch {
	case c.link.Proxied:
		how = &spec.ProxyHeader{V1: true}
	case !c.link.Default:
		how = nil
	}
	if how == nil {
		return true
	}
	var about proxyproto.About
	remote := c.target(c.link)
	if local, errno := sock.LocalAddr(c.fd); errno == 0 && !local.IsUnix() {
		about = proxyproto.About{Source: local.AddrPort(), Destination: remote.AddrPort()}
	}
	header := proxyproto.Append1(nil, &about)
	if how.V2 {
		about.Local = true
		header = proxyproto.Append2(nil, &about, how.Options)
	}
	n, errno := sock.Send(c.fd, header)
	if errno == 0 && n == len(header) {
		return true
	}
	if errno == 0 {
		errno = syscall.EAGAIN // a new socket has room for so little
	}
	c.finish(Result{Status: SockErr, Output: syserr.Text(errno)})
	return false
}
