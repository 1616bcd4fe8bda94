package origin

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
)

const (
	// maxAccept bounds the connections taken in one turn of the loop.
	maxAccept = 128
	// acceptRetry is the pause after descriptors ran out.
	acceptRetry = 10 * time.Millisecond
)

// Listener accepts connections for one replica on one loop.
type Listener struct {
	loop    *loop.Loop
	name    string
	addr    sock.Addr
	options sock.ListenOptions
	accept  func(fd int)
	fd      int // -1 once closed
	paused  bool
	retry   loop.Timer // of an accept that ran out of descriptors
	more    loop.Task  // accepts left for the next turn
}

// Listen begins to accept at a place; each connection is handed to accept.
// Backlog 0 is the system's.
func Listen(at *Place, backlog int, accept func(fd int)) (*Listener, error) {
	l := &Listener{
		loop: at.Loop, name: at.Name, addr: at.Addr, accept: accept,
		options: sock.ListenOptions{Backlog: backlog, ReusePort: at.ReusePort, NoDelay: true},
	}
	l.more.R = l
	drawn, err := l.drawPort()
	if err != nil {
		return nil, fmt.Errorf("origin %s: %w", at.Name, err)
	}
	l.fd, err = sock.Listen(&l.addr, &l.options)
	if drawn >= 0 {
		sock.Close(drawn)
	}
	if err != nil {
		return nil, fmt.Errorf("origin %s: %w", at.Name, err)
	}
	if err := l.loop.Add(l.fd, poller.In, l); err != nil {
		sock.Close(l.fd)
		return nil, fmt.Errorf("origin %s: %w", at.Name, err)
	}
	return l, nil
}

// drawPort replaces port 0 by a free one. A listener that asked for a port by
// number keeps it while it refuses connections; one that had it drawn does not.
// The drawing socket is still open when the other is bound, so that nobody else
// can come between; the caller closes it.
func (l *Listener) drawPort() (fd int, err error) {
	if l.addr.IsUnix() || l.addr.AddrPort().Port() != 0 {
		return -1, nil
	}
	l.options.ReusePort = true
	if fd, err = sock.Listen(&l.addr, &l.options); err != nil {
		return -1, err
	}
	bound, errno := sock.LocalAddr(fd)
	if errno != 0 {
		sock.Close(fd)
		return -1, fmt.Errorf("reading the address of a listener: %w", errno)
	}
	l.addr = bound
	return fd, nil
}

// Addr is the address it listens on.
func (l *Listener) Addr() sock.Addr { return l.addr }

// Ready accepts connections.
func (l *Listener) Ready(poller.Events) { l.take() }

// Run goes on accepting.
func (l *Listener) Run() { l.take() }

// Expired tries again after descriptors ran out.
func (l *Listener) Expired(*loop.Timer) { l.take() }

func (l *Listener) take() {
	if l.fd < 0 || l.paused {
		return
	}
	for range maxAccept {
		fd, errno := sock.Accept(l.fd, nil)
		switch errno {
		case 0:
			l.accept(fd)
		case syscall.EAGAIN:
			l.loop.Rearm(l.fd, poller.In)
			return
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
			l.loop.SetTimer(&l.retry, l.loop.Now()+int64(acceptRetry), l)
			return
		default: // the connection failed before it was accepted
		}
	}
	l.loop.Wake(&l.more)
}

// SetRefused stops listening, or listens again. A TCP socket keeps its port
// meanwhile; a unix socket has to be made anew.
func (l *Listener) SetRefused(refused bool) {
	unix := l.addr.IsUnix()
	if refused {
		l.paused = true
		l.loop.StopTimer(&l.retry)
		if unix {
			l.close()
			return
		}
		l.loop.Remove(l.fd)
		if err := sock.StopListening(l.fd); err != nil {
			l.lost(err)
		}
		return
	}
	l.paused = false
	var err error
	if unix {
		l.fd, err = sock.Listen(&l.addr, &l.options)
	} else {
		err = sock.ListenAgain(l.fd, l.options.Backlog)
	}
	if err == nil {
		err = l.loop.Add(l.fd, poller.In, l)
	}
	if err != nil {
		l.lost(err)
	}
}

// lost ends the process: an origin that cannot serve any more must not look
// like one that does.
func (l *Listener) lost(err error) {
	fmt.Fprintf(os.Stderr, "bench: origin %s: %v\n", l.name, err)
	os.Exit(1)
}

// Close stops listening and removes the file of a unix socket.
func (l *Listener) Close() {
	l.loop.StopTimer(&l.retry)
	l.close()
	if l.addr.IsUnix() && !l.addr.IsAbstract() {
		_ = os.Remove(l.addr.Path())
	}
}

func (l *Listener) close() {
	if l.fd >= 0 {
		l.loop.Remove(l.fd)
		sock.Close(l.fd)
		l.fd = -1
	}
}
