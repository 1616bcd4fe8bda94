package poller

import (
	"syscall"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
)

// Receiving ahead: the part of the contract that io_uring does in its own manner.

func (p *ioUring) Receive(fd int) {
	w := &p.watched[fd]
	if p.buffers != nil && w.mode == modePoll && !w.ended {
		w.mode = modeAhead
		p.change(fd, w)
	}
}

func (p *ioUring) Direct(fd int) bool {
	w := &p.watched[fd]
	p.turnBack(fd, w)
	return w.mode == modePoll && w.queue.bytes == 0 && !w.ended
}

// turnBack begins to go back to polling. As long as the receive request has not come
// to its end it may bring more, and nobody else may read from the socket.
func (p *ioUring) turnBack(fd int, w *watch) {
	switch {
	case w.mode != modeAhead:
	case w.live&reqRecv == 0:
		p.poll(fd, w)
	default:
		w.mode = modeBack
		p.cancel(fd, w, reqRecv)
		w.live |= reqRecv // until its last completion
	}
}

// poll watches fd by a poll request, which tells at once how it stands.
func (p *ioUring) poll(fd int, w *watch) {
	w.mode = modePoll
	p.change(fd, w)
}

// received is a completion of the receive request.
func (p *ioUring) received(fd int, w *watch, c *cqe) (ev Events) {
	filled := c.flags&flagBuffer != 0
	bid := uint16(c.flags >> bufferShift)
	if c.res > 0 && filled {
		p.buffers.add(&w.queue, bid, int(c.res))
		ev = In
	} else if filled {
		p.buffers.recycle(bid)
	}
	if c.flags&flagMore != 0 {
		if w.queue.bytes > receiveAhead {
			p.turnBack(fd, w)
		}
		return ev
	}
	w.live &^= reqRecv
	switch errno := syscall.Errno(-c.res); {
	case c.res > 0 && w.mode == modeAhead && w.queue.bytes <= receiveAhead:
		p.change(fd, w) // the kernel had no room for more completions
		return ev
	case c.res == 0:
		w.ended, ev = true, In|Hup
	case c.res > 0, errno == unix.ECANCELED, errno == unix.ENOBUFS, errno == unix.EINVAL, errno == unix.EAGAIN, errno == unix.EINTR:
		// The socket itself is well.
	default:
		w.ended, w.err, ev = true, errno, In|Out|Hup
	}
	p.poll(fd, w)
	return ev
}

func (p *ioUring) Recv(fd int, b []byte) (n int, errno syscall.Errno) {
	w := &p.watched[fd]
	if w.queue.bytes > 0 {
		if n = p.buffers.take(&w.queue, b); n == len(b) {
			return n, 0
		}
	}
	switch {
	case w.ended:
		if n > 0 {
			return n, 0
		}
		return 0, w.err
	case w.mode != modePoll:
		if n > 0 {
			return n, 0
		}
		return 0, unix.EAGAIN
	}
	m, errno := sock.Recv(fd, b[n:])
	if n == 0 {
		return m, errno
	}
	// What is known now must be told by the next call.
	switch {
	case errno == 0 && m == 0:
		w.ended = true
	case errno != 0 && errno != unix.EAGAIN:
		w.ended, w.err = true, errno
	}
	return n + max(m, 0), 0
}

func (p *ioUring) Peek(fd int, b []byte) (n int, errno syscall.Errno) {
	w := &p.watched[fd]
	switch {
	case w.queue.bytes > 0:
		return p.buffers.peek(&w.queue, b), 0
	case w.ended:
		return 0, w.err
	case w.mode != modePoll:
		return 0, unix.EAGAIN
	}
	return sock.Peek(fd, b)
}

func (p *ioUring) Error(fd int) syscall.Errno {
	if w := &p.watched[fd]; w.ended && w.err != 0 {
		return w.err
	}
	return sock.Error(fd)
}
