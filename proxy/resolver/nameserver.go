package resolver

import (
	"encoding/binary"
	"syscall"

	"bench/internal/loop"
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
	// opened counts the sockets there have been, and task goes on with number unread.
	opened, unread int
	task           loop.Task
	// Over TCP: what has come, and what could not be sent yet.
	in, out []byte
}

// readsAtOnce is how often is read in one turn of the loop.
const readsAtOnce = 32

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
	n.opened++
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
	if n.fd >= 0 && ev&(poller.In|poller.Hup) != 0 {
		n.read()
	}
}

// Run implements loop.Runner.
func (n *nameserver) Run() {
	if n.opened == n.unread {
		n.read()
	}
}

// read takes what has come, and lets others have their turn in between.
func (n *nameserver) read() {
	this := n.opened
	for range readsAtOnce {
		if n.fd < 0 || n.opened != this {
			return
		}
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
		case got == 0: // an empty datagram
		default:
			n.r.received(n, append([]byte(nil), b[:got]...))
		}
	}
	n.task.R, n.unread = n, this
	n.r.l.Wake(&n.task)
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

// frames takes the messages that have come whole (RFC 1035, section 4.2.2). What comes of
// one may close the connection, with all that follows.
func (n *nameserver) frames() {
	this, in := n.opened, n.in
	used := 0
	for n.fd >= 0 && n.opened == this {
		rest := in[used:]
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			n.in = append(in[:0], rest...)
			return
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		used += end
		n.r.received(n, append([]byte(nil), rest[2:end]...))
	}
}
