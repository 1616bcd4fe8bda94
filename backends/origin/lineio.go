package origin

import (
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
)

// recv reads what is there. Without more the socket is empty.
func (l *Line) recv(p []byte) (n int, more bool, errno syscall.Errno) {
	if l.tls != nil {
		return l.tls.Recv(p, l.hup)
	}
	n, errno = l.lines.loop.Recv(l.fd, p)
	return n, n == len(p) || l.hup, errno
}

// Send writes what fits.
func (l *Line) Send(p []byte) (n int, errno syscall.Errno) {
	if l.by != nil {
		return l.by.Send(p), 0
	}
	if l.tls != nil {
		return l.tls.Send(p, nil)
	}
	return sock.Send(l.fd, p)
}

// Gather writes pieces in one call; want is how much of them it tried.
func (l *Line) Gather(pieces *[3][]byte) (n int, want int64, errno syscall.Errno) {
	want = int64(len(pieces[0]) + len(pieces[1]))
	if l.by != nil {
		if n = l.by.Send(pieces[0]); n == len(pieces[0]) {
			n += l.by.Send(pieces[1])
		}
		return n, want, 0
	}
	if l.tls != nil {
		n, errno = l.tls.Send(pieces[0], pieces[1])
		return n, want, errno
	}
	n, errno = sock.Writev(l.fd, pieces[:])
	return n, want + int64(len(pieces[2])), errno
}

// AwaitRoom has the user go on when the socket takes more.
func (l *Line) AwaitRoom() {
	if l.by == nil {
		l.lines.loop.Rearm(l.fd, poller.Out)
	}
}

// Resume uses the input that was held back, and reads on. The user is called without
// input, too, if it has work.
func (l *Line) Resume(work bool) {
	if len(l.in) > 0 || work {
		n := l.user.Use(l.in)
		if !l.Live() {
			return
		}
		l.in = l.in[:copy(l.in, l.in[n:])]
		if l.user.Busy() {
			return
		}
	}
	switch {
	case l.eof:
		l.Gone()
	case l.held:
		l.held = false
		l.pump()
	}
}

// pump reads and uses input until there is no more, or a request has to wait.
func (l *Line) pump() {
	s := l.lines
	buf := s.loop.Scratch()
	for range maxReads {
		if l.handshaking() {
			return // what comes belongs to the handshake
		}
		n, more, errno := l.recv(buf)
		switch {
		case errno == syscall.EAGAIN:
			s.loop.Rearm(l.fd, poller.In)
			return
		case errno != 0:
			l.Gone()
			return
		case n == 0:
			l.eof = true
			l.Gone()
			return
		}
		l.spoken = true
		l.Heard()
		s.tally.BytesIn += uint64(n)
		if l.feed(buf[:n]); !l.open() {
			return
		}
		switch {
		case !more:
			s.loop.Rearm(l.fd, poller.In)
			return
		case l.lingers:
			l.discard()
			return
		case l.user.Busy():
			l.readAhead()
			return
		}
	}
	l.held = true
	l.Later()
}

// feed uses input, and keeps what cannot be used yet.
func (l *Line) feed(data []byte) {
	if len(l.in) == 0 {
		if n := l.user.Use(data); l.Live() && n < len(data) {
			l.in = append(l.in, data[n:]...)
		}
		return
	}
	l.in = append(l.in, data...)
	if n := l.user.Use(l.in); l.Live() {
		l.in = l.in[:copy(l.in, l.in[n:])]
	}
}

// readAhead reads while an answer is due, to learn that the client is gone. It
// reports false if the connection is closed.
func (l *Line) readAhead() bool {
	s := l.lines
	buf := s.loop.Scratch()
	for {
		if len(l.in) >= maxHeld {
			l.held = true
			return true
		}
		n, more, errno := l.recv(buf)
		switch {
		case errno == syscall.EAGAIN:
			s.loop.Rearm(l.fd, poller.In)
			return true
		case errno != 0:
			l.Gone()
			return false
		case n == 0:
			l.eof = true
			return true
		}
		l.spoken = true
		s.tally.BytesIn += uint64(n)
		l.in = append(l.in, buf[:n]...)
		if !more {
			s.loop.Rearm(l.fd, poller.In)
			return true
		}
	}
}

// discard reads what nobody wants.
func (l *Line) discard() {
	buf := l.lines.loop.Scratch()
	for range maxReads {
		n, more, errno := l.recv(buf)
		switch {
		case errno == syscall.EAGAIN, n > 0 && !more:
			l.lines.loop.Rearm(l.fd, poller.In)
			return
		case errno != 0 || n == 0:
			l.Close()
			return
		}
	}
	l.Later()
}
