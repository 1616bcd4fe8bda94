package virtual

import (
	"net/netip"
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
)

var _ sock.Kernel = (*Machine)(nil)

func (m *Machine) object(fd int) object {
	if fd < 0 || fd >= len(m.fds) {
		return nil
	}
	return m.fds[fd]
}

// end is the socket of a descriptor, nil if it is none.
func (m *Machine) end(fd int) *End {
	e, _ := m.object(fd).(*End)
	return e
}

// take gives an object the lowest number that is free, as systems do: the number of
// what was closed just now.
func (m *Machine) take(o object) int {
	m.open++
	for fd := 3; fd < len(m.fds); fd++ {
		if m.fds[fd] == nil {
			m.fds[fd] = o
			return fd
		}
	}
	m.fds = append(m.fds, o)
	return len(m.fds) - 1
}

// Close implements sock.Kernel, as do the methods below.
func (m *Machine) Close(fd int) {
	o := m.object(fd)
	if o == nil {
		panic("a descriptor is closed that is not open")
	}
	m.note("close", fd, 0, 0)
	for _, w := range append([]*watch(nil), *o.watched()...) {
		w.p.Remove(fd)
	}
	m.fds[fd] = nil
	m.open--
	o.close()
}

// Send writes.
func (m *Machine) Send(fd int, p []byte) (int, syscall.Errno) {
	e := m.end(fd)
	if e == nil {
		return 0, syscall.EBADF
	}
	n, errno := e.Write(p)
	m.note("send", fd, n, errno)
	m.sent(p[:n])
	return n, errno
}

// Writev writes several pieces.
func (m *Machine) Writev(fd int, pieces [][]byte) (n int, errno syscall.Errno) {
	for _, p := range pieces {
		if len(p) == 0 {
			continue
		}
		k, errno := m.Send(fd, p)
		if n += k; errno != 0 && n == 0 {
			return 0, errno
		}
		if k < len(p) {
			break
		}
	}
	return n, 0
}

// ShutdownWrite sends the end of the stream.
func (m *Machine) ShutdownWrite(fd int) syscall.Errno {
	e := m.end(fd)
	switch {
	case e == nil:
		return syscall.EBADF
	case e.connecting, e.broken:
		return syscall.ENOTCONN
	}
	m.note("shutdown", fd, 0, 0)
	e.CloseWrite()
	return 0
}

// SetLinger0 makes the coming close a reset.
func (m *Machine) SetLinger0(fd int) {
	if e := m.end(fd); e != nil {
		e.linger0 = true
	}
}

// Error is what a socket has failed with.
func (m *Machine) Error(fd int) syscall.Errno {
	e := m.end(fd)
	if e == nil {
		return syscall.EBADF
	}
	errno := e.errno
	e.errno = 0
	return errno
}

// LocalAddr is what a socket is bound to.
func (m *Machine) LocalAddr(fd int) (sock.Addr, syscall.Errno) {
	switch o := m.object(fd).(type) {
	case *End:
		return o.local, 0
	case *listener:
		return o.addr, 0
	}
	return sock.Addr{}, syscall.EBADF
}

// PeerAddr is what a socket is connected to.
func (m *Machine) PeerAddr(fd int) (sock.Addr, syscall.Errno) {
	e := m.end(fd)
	switch {
	case e == nil:
		return sock.Addr{}, syscall.EBADF
	case e.connecting, e.broken:
		return sock.Addr{}, syscall.ENOTCONN
	}
	return e.remote, 0
}

// listener is a socket of the machine that actors connect to.
type listener struct {
	m *Machine
	watches
	addr  sock.Addr
	queue []*End
}

// Listen opens a listening socket.
func (m *Machine) Listen(a sock.Addr) int {
	l := &listener{m: m, addr: a}
	m.ports[a] = l
	return m.take(l)
}

func (l *listener) level() poller.Events {
	if len(l.queue) > 0 {
		return poller.In
	}
	return 0
}

// close resets the connections that were not accepted.
func (l *listener) close() {
	delete(l.m.ports, l.addr)
	for _, e := range l.queue {
		e.Reset()
	}
	l.queue = nil
}

// Accept takes a connection.
func (m *Machine) Accept(lfd int, peer *sock.Addr) (int, syscall.Errno) {
	l, ok := m.object(lfd).(*listener)
	switch {
	case !ok:
		return -1, syscall.EBADF
	case len(l.queue) == 0:
		return -1, syscall.EAGAIN
	case m.Scarce > 0 && m.draw(100) < m.Scarce:
		m.note("accept", lfd, 0, syscall.EMFILE)
		return -1, syscall.EMFILE
	}
	e := l.queue[0]
	l.queue = l.queue[1:]
	fd := m.take(e)
	if peer != nil {
		*peer = e.remote
	}
	m.note("accept", fd, e.number, 0)
	return fd, 0
}

// Dial connects an actor to a socket that listens; nil: none does.
func (m *Machine) Dial(from, to sock.Addr, link Link, a Actor) *End {
	l := m.ports[to]
	if l == nil {
		return nil
	}
	e := &End{actor: a, local: from, remote: to}
	s := &End{local: to, remote: from}
	m.connect(e, s, link)
	m.After(e.out.delay(), func() {
		if m.ports[to] != l {
			s.Reset()
			return
		}
		l.queue = append(l.queue, s)
		l.touch()
	})
	return e
}

// Arrival says what becomes of a connection to an actor.
type Arrival struct {
	Link   Link
	Refuse bool // it is reset
	Lost   bool // nothing ever comes of it
	Actor  func(e *End) Actor
}

// service is an address at which actors are connected to.
type service struct{ arrive func() Arrival }

// Serve has connections to an address go to actors.
func (m *Machine) Serve(a sock.Addr, arrive func() Arrival) { m.served[a] = &service{arrive} }

// Connect connects a socket to an actor.
func (m *Machine) Connect(a *sock.Addr, o *sock.ConnectOptions) (int, bool, syscall.Errno) {
	s := m.served[*a]
	if s == nil {
		return -1, false, syscall.ENETUNREACH
	}
	arrival := s.arrive()
	m.port = max(m.port+1, 1024)
	local := sock.FromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), m.port))
	if o != nil && o.Source != nil {
		local = *o.Source
	}
	e := &End{local: local, remote: *a, connecting: true}
	peer := &End{local: *a, remote: local}
	m.connect(e, peer, arrival.Link)
	fd := m.take(e)
	m.note("connect", fd, e.number, 0)
	settle := func() {
		switch {
		case e.closed:
		case arrival.Refuse:
			e.fail(syscall.ECONNREFUSED)
		default:
			e.connecting = false
			peer.actor = arrival.Actor(peer)
			e.changed()
			e.in.move()
		}
	}
	switch d := e.out.delay(); {
	case arrival.Lost:
	case d == 0 && m.draw(2) == 0:
		settle()
	default:
		m.After(d, settle)
	}
	return fd, true, 0
}

// bell wakes up a poller.
type bell struct {
	watches
	rung bool
}

func (b *bell) level() poller.Events {
	if b.rung {
		return poller.In
	}
	return 0
}

func (b *bell) close() {}

// NewBell opens a bell.
func (m *Machine) NewBell() (int, error) { return m.take(&bell{}), nil }

// Ring rings it.
func (m *Machine) Ring(fd int) {
	if b, ok := m.object(fd).(*bell); ok {
		b.rung = true
		b.touch()
	}
}

// Hush ends that.
func (m *Machine) Hush(fd int) {
	if b, ok := m.object(fd).(*bell); ok {
		b.rung = false
	}
}
