package resolver

import (
	"encoding/binary"
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
	"bench/proxy/spec"
)

// nameserver is one server of names, with the socket that leads to it: opened when there
// is something to ask, and again after it has failed.
type nameserver struct {
	Counters
	r    *Resolver
	spec *spec.Nameserver
	fd   int // -1: none is open
	// Over TCP: what has come, and what could not be sent yet.
	in, out []byte
}

// maxUnsent bounds what waits for a name server that takes nothing.
const maxUnsent = 64 << 10

// ask sends a question, or at least keeps it to be sent. It reports false if that is not
// possible.
func (n *nameserver) ask(msg []byte) bool {
	if n.fd < 0 && !n.open() {
		return false
	}
	if !n.spec.TCP {
		_, errno := sock.Send(n.fd, msg)
		if errno == syscall.ECONNREFUSED { // of an earlier question: the socket is good
			_, errno = sock.Send(n.fd, msg)
		}
		return errno == 0
	}
	if len(n.out) > maxUnsent {
		return false
	}
	n.out = binary.BigEndian.AppendUint16(n.out, uint16(len(msg)))
	n.out = append(n.out, msg...)
	n.flush()
	return n.fd >= 0
}

func (n *nameserver) open() bool {
	var errno syscall.Errno
	want := poller.In
	if n.spec.TCP {
		n.fd, _, errno = sock.Connect(&n.spec.Addr, &sock.ConnectOptions{NoDelay: true})
		want |= poller.Out
	} else {
		n.fd, errno = sock.ConnectDatagram(&n.spec.Addr)
	}
	if errno != 0 {
		n.fd = -1
		return false
	}
	if err := n.r.l.Add(n.fd, want, n); err != nil {
		sock.Close(n.fd)
		n.fd = -1
		return false
	}
	return true
}

func (n *nameserver) close() {
	if n.fd >= 0 {
		n.r.l.Close(n.fd)
		n.fd = -1
	}
	n.in, n.out = n.in[:0], n.out[:0]
}

// Ready implements loop.Handler.
func (n *nameserver) Ready(ev poller.Events) {
	if ev&poller.Out != 0 && n.spec.TCP {
		n.flush()
	}
	for n.fd >= 0 && ev&(poller.In|poller.Hup) != 0 {
		b := n.r.l.Scratch()
		got, errno := sock.Recv(n.fd, b)
		switch {
		case errno == syscall.EAGAIN:
			n.r.l.Rearm(n.fd, poller.In)
			return
		case errno == syscall.ECONNREFUSED && !n.spec.TCP:
			continue // nobody listens there, which the time-out tells
		case errno != 0 || got == 0 && n.spec.TCP:
			n.close()
			return
		case n.spec.TCP:
			n.in = append(n.in, b[:got]...)
			n.frames()
		default:
			n.r.received(n, append([]byte(nil), b[:got]...))
		}
	}
}

// flush sends what waits.
func (n *nameserver) flush() {
	for n.fd >= 0 && len(n.out) > 0 {
		sent, errno := sock.Send(n.fd, n.out)
		switch errno {
		case 0:
			n.out = append(n.out[:0], n.out[sent:]...)
		case syscall.EAGAIN, syscall.ENOTCONN:
			n.r.l.Rearm(n.fd, poller.Out)
			return
		default:
			n.close()
		}
	}
}

// frames takes the messages that have come whole (RFC 1035, section 4.2.2).
func (n *nameserver) frames() {
	for len(n.in) >= 2 {
		size := int(binary.BigEndian.Uint16(n.in))
		if len(n.in) < 2+size {
			return
		}
		msg := append([]byte(nil), n.in[2:2+size]...)
		n.in = append(n.in[:0], n.in[2+size:]...)
		n.r.received(n, msg)
	}
}
