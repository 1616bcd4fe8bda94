package virtual

import (
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
)

// pipe is a pipe; its two ends are descriptors.
type pipe struct{ held []byte }

// pipeRoom is how much a pipe holds.
const pipeRoom = 64 << 10

type pipeEnd struct {
	watches
	*pipe
}

func (pipeEnd) level() poller.Events { return 0 }
func (pipeEnd) close()               {}

// NewPipe opens a pipe.
func (m *Machine) NewPipe() (sock.Pipe, syscall.Errno) {
	p := &pipe{}
	return sock.Pipe{R: m.take(&pipeEnd{pipe: p}), W: m.take(&pipeEnd{pipe: p})}, 0
}

// Splice moves bytes between a socket and a pipe.
func (m *Machine) Splice(from, to, n int) (moved int, errno syscall.Errno) {
	if p, ok := m.object(to).(*pipeEnd); ok {
		e := m.end(from)
		room := min(n, pipeRoom-len(p.held))
		switch {
		case e == nil:
			return 0, syscall.EBADF
		case room <= 0:
			return 0, syscall.EAGAIN
		}
		b := make([]byte, room)
		moved, errno = e.Read(b)
		p.held = append(p.held, b[:moved]...)
		m.note("splice from", from, moved, errno)
		return moved, errno
	}
	p, ok := m.object(from).(*pipeEnd)
	e := m.end(to)
	switch {
	case !ok || e == nil:
		return 0, syscall.EBADF
	case len(p.held) == 0:
		return 0, syscall.EAGAIN
	}
	moved, errno = e.Write(p.held[:min(n, len(p.held))])
	m.note("splice to", to, moved, errno)
	m.sent(p.held[:moved])
	p.held = p.held[moved:]
	return moved, errno
}
