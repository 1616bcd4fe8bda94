package stream

import (
	"syscall"

	"bench/internal/sock"
	"bench/proxy/spec"
)

// target is where to connect to, given the address of the server. A server without
// one of its own is where the client meant to go, one without a port at the port
// the client came to, plus an offset (configuration manual, "server").
func (s *stream) target(own *sock.Addr) sock.Addr {
	a := *own
	if !s.srv.FollowsClient() {
		return a
	}
	var to sock.Addr
	if d := s.meant(); d != nil {
		to = *d
	} else {
		var errno syscall.Errno
		if to, errno = sock.LocalAddr(s.c.socket()); errno != 0 || to.IsUnix() {
			return a
		}
	}
	port := a.AddrPort().Port()
	if ip := a.AddrPort().Addr(); ip.IsUnspecified() {
		a = to
	}
	if n, follows := s.srv.PortOffset(); follows {
		port = uint16(int(to.AddrPort().Port()) + n)
	}
	a.SetPort(port)
	return a
}

// portTries is how many ports of a range are tried for one connection.
const portTries = 10

// dial begins a connection to a, which introduces the client. Of a range of source ports
// the next one is taken that is free.
func (s *stream) dial(a *sock.Addr, intro *introduction, opt *sock.ConnectOptions) (fd int, inProgress bool, errno syscall.Errno) {
	opt.Namespace = s.srv.Spec.Namespace
	if intro != nil && intro.in != nil {
		opt.Namespace = intro.in
	}
	src := s.srv.Source()
	if src == nil {
		return sock.Connect(a, opt)
	}
	from := src.Addr
	opt.Source, opt.Interface = &from, src.Interface
	switch {
	case src.As == spec.AsOther:
		return dialAs(src.AsAddr, a, opt)
	case intro != nil && intro.from.IsValid():
		return dialAs(intro.from, a, opt)
	}
	if src.LastPort == 0 {
		return sock.Connect(a, opt)
	}
	first := src.Addr.AddrPort().Port()
	ports := uint32(src.LastPort-first) + 1
	for range min(portTries, ports) {
		from.SetPort(first + uint16(s.srv.NextPort()%ports))
		fd, inProgress, errno = sock.Connect(a, opt)
		if errno != syscall.EADDRINUSE && errno != syscall.EADDRNOTAVAIL {
			return fd, inProgress, errno
		}
	}
	return -1, false, syscall.EADDRNOTAVAIL
}

// dialAs begins a connection that comes from an address which need not be of this host.
// If it cannot, that is the fault of no server.
func dialAs(from sock.Addr, a *sock.Addr, opt *sock.ConnectOptions) (fd int, inProgress bool, errno syscall.Errno) {
	opt.Source, opt.Transparent = &from, true
	fd, inProgress, errno = sock.Connect(a, opt)
	switch errno {
	case syscall.EPERM, syscall.EINVAL, syscall.EAFNOSUPPORT:
		errno = syscall.EADDRNOTAVAIL
	}
	return fd, inProgress, errno
}
