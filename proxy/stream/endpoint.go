package stream

import (
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
)

// Transport is what lies between a stream and the socket when it is not the
// bare socket, such as TLS. Errors are errno values: EAGAIN when it would block.
type Transport interface {
	Recv(p []byte) (n int, errno syscall.Errno)
	Send(p []byte) (n int, errno syscall.Errno)
	ShutdownWrite() syscall.Errno
}

// ioResult is what a receive tells about the next one.
type ioResult uint8

const (
	ioMore    ioResult = iota // the buffer was filled: there may be more
	ioDrained                 // nothing more now; an edge will come
	ioEnd                     // end of stream
	ioFailed                  // error, in endpoint.errno
)

// endpoint is one socket of a stream with what is known of its readiness.
type endpoint struct {
	t    *Thread
	fd   int
	xprt Transport // nil: the socket itself
	// readable: the last edge has not been used up.
	readable bool
	// hup: the peer closed or failed, so reading goes on to the end.
	hup bool
	// ended: the end of the stream was read. shut: ours was sent.
	ended, shut bool
	errno       syscall.Errno
	in          *buffer // received, not consumed; nil: nothing
	bytesIn     uint64
	bytesOut    uint64
}

// note takes a report of the poller in.
func (e *endpoint) note(ev poller.Events) {
	if ev&poller.In != 0 {
		e.readable = true
	}
	if ev&poller.Hup != 0 {
		e.hup = true
	}
}

// recv reads once. It rearms the descriptor when the socket is drained.
func (e *endpoint) recv(p []byte) (int, ioResult) {
	var n int
	var errno syscall.Errno
	if e.xprt == nil {
		n, errno = e.t.Loop.Recv(e.fd, p)
	} else {
		n, errno = e.xprt.Recv(p)
	}
	switch {
	case errno == syscall.EAGAIN:
		e.drained()
		return 0, ioDrained
	case errno != 0:
		e.errno, e.readable = errno, false
		return 0, ioFailed
	case n == 0:
		e.ended, e.readable = true, false
		return 0, ioEnd
	}
	e.bytesIn += uint64(n)
	if n < len(p) && !e.hup {
		e.drained()
		return n, ioDrained
	}
	return n, ioMore
}

func (e *endpoint) drained() {
	e.readable = false
	e.t.Loop.Rearm(e.fd, poller.In)
}

// send writes once and reports how much went out. ok is false on an error,
// which is then in errno; would-block is n < len(p), and an edge will come.
func (e *endpoint) send(p []byte) (n int, ok bool) {
	var errno syscall.Errno
	if e.xprt == nil {
		n, errno = sock.Send(e.fd, p)
	} else {
		n, errno = e.xprt.Send(p)
	}
	return e.sent(n, len(p), errno)
}

// send2 is send of two pieces in one call.
func (e *endpoint) send2(a, b []byte) (n int, ok bool) {
	if e.xprt != nil {
		if n, ok = e.send(a); n < len(a) || !ok {
			return n, ok
		}
		m, ok := e.send(b)
		return n + m, ok
	}
	n, errno := sock.Writev(e.fd, [][]byte{a, b})
	return e.sent(n, len(a)+len(b), errno)
}

func (e *endpoint) sent(n, want int, errno syscall.Errno) (int, bool) {
	if errno != 0 && errno != syscall.EAGAIN {
		e.errno = errno
		return 0, false
	}
	e.bytesOut += uint64(n)
	if n < want {
		e.t.Loop.Rearm(e.fd, poller.Out)
	}
	return n, true
}

// shutdown sends the end of our stream once.
func (e *endpoint) shutdown() {
	if e.shut {
		return
	}
	e.shut = true
	if e.xprt != nil {
		_ = e.xprt.ShutdownWrite()
		return
	}
	_ = sock.ShutdownWrite(e.fd)
}

// keep stores received bytes that cannot be consumed now.
func (e *endpoint) keep(data []byte) {
	if len(data) == 0 {
		return
	}
	if e.in == nil {
		e.in = e.t.bufs.get(len(data))
	} else if len(data) > len(e.in.room()) {
		e.in.compact()
		if len(data) > len(e.in.room()) {
			bigger := e.t.bufs.get(e.in.w + len(data))
			bigger.w = copy(bigger.b, e.in.data())
			e.t.bufs.put(e.in)
			e.in = bigger
		}
	}
	e.in.w += copy(e.in.room(), data)
}

// consume drops n bytes from what is kept.
func (e *endpoint) consume(n int) {
	if e.in.r += n; e.in.empty() {
		e.t.bufs.put(e.in)
		e.in = nil
	}
}

func (e *endpoint) release() {
	if e.in != nil {
		e.t.bufs.put(e.in)
		e.in = nil
	}
}
