package check

import (
	"errors"
	"syscall"
	"time"

	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/syserr"
	"bench/proxy/certs"
)

// connect opens the connection of a step, in place of the one before.
func (c *Checker) connect(k *connection) {
	c.hangUp()
	c.link = k
	c.wired, c.hup = false, false
	c.talk.listen()
	c.talk.ended = false
	c.talk.code = 0
	to := c.target(k)
	opt := sock.ConnectOptions{NoDelay: true, DelayACK: !c.listens(), Namespace: c.cfg.Namespace}
	if src := c.cfg.Source; src != nil {
		opt.Source, opt.Interface = &src.Addr, src.Interface
	}
	if !c.viaSocks(k, &to) {
		c.finish(Result{Status: L4Con, Output: "General socket error (Invalid argument)" + c.where()})
		return
	}
	fd, _, errno := sock.Connect(&to, &opt)
	if errno != 0 {
		c.finish(c.notBegun(&to, errno))
		return
	}
	if err := c.l.Add(fd, poller.In|poller.Out, c); err != nil {
		sock.Close(fd)
		c.finish(Result{Status: SockErr, Output: err.Error()})
		return
	}
	c.fd = fd
	// With "timeout check" connecting has a limit of its own; without, the
	// interval covers all of the check.
	limit := c.cfg.Inter
	if c.cfg.Timeout > 0 && c.cfg.Connect > 0 {
		limit = min(limit, c.cfg.Connect)
	}
	c.l.SetTimer(&c.timer, c.l.Refresh()+int64(limit), c)
}

// listens tells whether the server is to speak first on the connection of the step at hand.
// Where it is not, no packet says that the connection is there: a check that asks for no more
// then ends before the server gets to know of it.
func (c *Checker) listens() bool {
	next := c.talk.step + 1
	return next < len(c.script.steps) && c.script.steps[next].expect != nil
}

// target is where a step connects to.
func (c *Checker) target(k *connection) sock.Addr {
	to := c.addr
	if k.addr.IsValid() {
		return k.addr
	}
	if k.Addr != nil {
		port := to.AddrPort().Port()
		if to = *k.Addr; to.AddrPort().Port() == 0 {
			to.SetPort(port)
		}
	}
	if k.Port > 0 {
		to.SetPort(uint16(k.Port))
	}
	if k.PortBy != nil {
		if n, ok := c.number(k.PortBy); ok && n > 0 {
			to.SetPort(uint16(n))
		}
	}
	return to
}

func connectStatus(errno syscall.Errno) Status {
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return SockErr
	}
	return L4Con
}

// notBegun is the outcome of a connection that the system refuses to begin. One over a
// unix socket is there or not at once: that is a matter of the socket, not of a network.
func (c *Checker) notBegun(to *sock.Addr, errno syscall.Errno) Result {
	why := "General socket error"
	if c.cfg.Source != nil && errno == syscall.EADDRNOTAVAIL {
		why = "Can't bind to source address"
	}
	status := connectStatus(errno)
	if to.IsUnix() {
		status = SockErr
	}
	return Result{Status: status, Output: why + " (" + syserr.Text(errno) + ")" + c.where()}
}

// Ready implements loop.Handler.
func (c *Checker) Ready(ev poller.Events) {
	if c.fd < 0 {
		return
	}
	c.hup = c.hup || ev&poller.Hup != 0
	if !c.wired {
		if !c.socks.Begun() && !c.arrived(ev) || !c.introduced() {
			return
		}
		if c.link.tls != nil {
			c.tls = c.cfg.Handshakes.Client(c.fd, c.link.tls(), c)
			c.tls.Handshake(c.hup)
			return
		}
		c.goOn()
		return
	}
	switch {
	case c.tls != nil && c.tls.Info() == nil:
		c.tls.Handshake(c.hup)
		return
	case c.tls != nil && ev&poller.Out != 0:
		c.tls.Flush()
	}
	if c.http2 != nil && ev&poller.Out != 0 {
		c.http2.Conn.Writable()
	}
	c.play()
}

// arrived tells whether there is a connection.
func (c *Checker) arrived(ev poller.Events) bool {
	if ev&(poller.Out|poller.Hup) == 0 {
		c.l.Rearm(c.fd, poller.In)
		return false
	}
	if errno := sock.Error(c.fd); errno != 0 {
		c.finish(Result{Status: connectStatus(errno), Output: syserr.Text(errno) + c.where()})
		return false
	}
	if _, errno := sock.PeerAddr(c.fd); errno != 0 {
		c.l.Rearm(c.fd, poller.Out)
		return false
	}
	return true
}

// introduced tells whether the server, too, has a connection, and knows whose it is.
func (c *Checker) introduced() bool {
	if !c.leadOn() || !c.greet() {
		return false
	}
	c.wired = true
	if c.cfg.Timeout > 0 && (len(c.script.steps) > 1 || c.link.tls != nil) {
		c.l.SetTimer(&c.timer, c.l.Now()+int64(c.cfg.Timeout), c)
	}
	return true
}

// Secured implements tlsio.Owner.
func (c *Checker) Secured(err error) {
	if err != nil {
		c.finish(Result{Status: L6Rsp, Output: insecure(err) + c.where()})
		return
	}
	c.goOn()
}

// insecure is what is said of a handshake that has failed.
func insecure(err error) string {
	m, other := errors.AsType[*certs.Mismatch](err)
	switch {
	case other && m.Asked:
		return "Server presented an SSL certificate different from the expected one"
	case other:
		return "Server presented an SSL certificate different from the configured one"
	}
	return "SSL handshake failure"
}

// goOn follows the script behind the connection that has been made.
func (c *Checker) goOn() {
	c.startHTTP2()
	c.talk.step++
	c.play()
}

func (c *Checker) send(p []byte) (int, syscall.Errno) {
	if c.http2 != nil {
		return c.http2.send(p)
	}
	return c.sendBytes(p)
}

func (c *Checker) sendBytes(p []byte) (int, syscall.Errno) {
	if c.tls != nil {
		return c.tls.Send(p, nil)
	}
	return sock.Send(c.fd, p)
}

// recv reads once. more says that there may be more without waiting.
func (c *Checker) recv(p []byte) (n int, more bool, errno syscall.Errno) {
	if c.http2 != nil {
		return c.http2.recv(p)
	}
	return c.recvBytes(p)
}

func (c *Checker) recvBytes(p []byte) (n int, more bool, errno syscall.Errno) {
	if c.tls != nil {
		return c.tls.Recv(p, c.hup)
	}
	n, errno = c.l.Recv(c.fd, p)
	return n, true, errno
}

// hangUp closes the connection of a check, if there is one. A reset spares the server a
// connection in TIME_WAIT for every check.
func (c *Checker) hangUp() {
	if c.fd < 0 {
		return
	}
	c.http2 = nil
	if c.tls != nil {
		c.tls.Release()
		c.tls = nil
	}
	if !c.link.Linger {
		sock.SetLinger0(c.fd)
	}
	c.l.Close(c.fd)
	c.fd, c.socks = -1, nil
}

// since is how long the check has taken.
func (c *Checker) since() time.Duration { return time.Duration(c.l.Refresh() - c.began) }
