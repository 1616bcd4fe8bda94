package transport

import (
	"syscall"

	"bench/internal/poller"
	"bench/internal/sock"
)

// Result is what a receive says about the next one.
type Result uint8

// The results of a receive.
const (
	More    Result = iota // there may be more: receive again before waiting
	Drained               // nothing more now; an edge will come
	End                   // end of stream
	Failed                // error, in Endpoint.Errno
)

// Endpoint is one connection with what is known of its readiness. The zero value has
// no socket; see NewEndpoint.
type Endpoint struct {
	Kit   *Kit
	Layer Layer // nil: the socket itself
	fd    int32
	// Readable: the last edge has not been used up.
	Readable bool
	// Hup: the peer closed or failed, so reading goes on to the end.
	Hup bool
	// Ended: the end of the stream was read. Shut: ours was sent.
	Ended, Shut bool
	Errno       syscall.Errno // what the connection has failed with; 0: nothing
	In          *Buffer       // received, not consumed; nil: nothing
	BytesIn     uint64
	BytesOut    uint64
}

// NewEndpoint wraps a socket, which the caller gives to the kit's loop.
func NewEndpoint(k *Kit, fd int) Endpoint { return Endpoint{Kit: k, fd: int32(fd)} }

// FD is the descriptor, -1 once the endpoint was closed.
func (e *Endpoint) FD() int { return int(e.fd) }

// Open tells whether the endpoint has not been closed.
func (e *Endpoint) Open() bool { return e.fd >= 0 || e.Layer != nil }

// Lone makes an endpoint without a socket of its own: one of many that share a connection.
// The layer brings its bytes, and its owner is told of readiness by whoever has the socket.
func Lone(k *Kit, layer Layer) Endpoint { return Endpoint{Kit: k, fd: -1, Layer: layer} }

// rearm asks for the next edge.
func (e *Endpoint) rearm(ev poller.Events) {
	if e.fd >= 0 {
		e.Kit.Loop.Rearm(e.FD(), ev)
	}
}

// Note takes a report of the poller in.
func (e *Endpoint) Note(ev poller.Events) {
	if ev&poller.In != 0 {
		e.Readable = true
	}
	if ev&poller.Hup != 0 {
		e.Hup = true
	}
	if ev&poller.Out != 0 && e.Layer != nil {
		e.Layer.Flush()
	}
}

// Recv reads once. It rearms the descriptor when the connection is drained.
func (e *Endpoint) Recv(p []byte) (int, Result) {
	if e.Layer != nil {
		return e.recvLayer(p)
	}
	n, errno := e.Kit.Loop.Recv(e.FD(), p)
	switch {
	case errno == syscall.EAGAIN:
		e.Drain()
		return 0, Drained
	case errno != 0:
		e.Errno, e.Readable = errno, false
		return 0, Failed
	case n == 0:
		e.Ended, e.Readable = true, false
		return 0, End
	}
	e.BytesIn += uint64(n)
	if n < len(p) && !e.Hup {
		e.Drain()
		return n, Drained
	}
	return n, More
}

func (e *Endpoint) recvLayer(p []byte) (int, Result) {
	n, more, errno := e.Layer.Recv(p, e.Hup)
	e.BytesIn += uint64(n)
	switch {
	case errno != 0 && errno != syscall.EAGAIN:
		e.Errno, e.Readable = errno, false
		return 0, Failed
	case n == 0 && errno == 0:
		e.Ended, e.Readable = true, false
		return 0, End
	case more:
		return n, More
	}
	e.Drain()
	return n, Drained
}

// Drain notes that the socket has nothing more now.
func (e *Endpoint) Drain() {
	e.Readable = false
	e.rearm(poller.In)
}

// Send writes once and reports how much went out. ok is false on an error,
// which is then in Errno; would-block is n < len(p), and an edge will come.
func (e *Endpoint) Send(p []byte) (n int, ok bool) {
	var errno syscall.Errno
	if e.Layer == nil {
		n, errno = sock.Send(e.FD(), p)
	} else {
		n, errno = e.Layer.Send(p, nil)
	}
	return e.sent(n, len(p), errno)
}

// Send2 is Send of two pieces in one call.
func (e *Endpoint) Send2(a, b []byte) (n int, ok bool) {
	var errno syscall.Errno
	if e.Layer == nil {
		n, errno = sock.Writev(e.FD(), [][]byte{a, b})
	} else {
		n, errno = e.Layer.Send(a, b)
	}
	return e.sent(n, len(a)+len(b), errno)
}

func (e *Endpoint) sent(n, want int, errno syscall.Errno) (int, bool) {
	if errno != 0 && errno != syscall.EAGAIN {
		e.Errno = errno
		return 0, false
	}
	e.BytesOut += uint64(n)
	if n < want {
		e.rearm(poller.Out)
	}
	return n, true
}

// Shutdown sends the end of our stream, once.
func (e *Endpoint) Shutdown() {
	if e.Shut {
		return
	}
	if later := e.farewell(); e.fd >= 0 && !later {
		_ = sock.ShutdownWrite(e.FD())
	}
}

// farewell lets the layer say that nothing more will come; later tells that it has not said
// all yet.
func (e *Endpoint) farewell() (later bool) {
	if e.Layer != nil && !e.Shut && e.Errno == 0 {
		later = e.Layer.Shutdown()
	}
	e.Shut = true
	return later
}

// Close ends the connection. cut tells that the peer is to notice that something is
// missing: a layer then does not say that all has been sent.
func (e *Endpoint) Close(cut bool) {
	if e.Layer != nil {
		if !cut {
			e.farewell()
		}
		e.Layer.Release()
		e.Layer = nil
	}
	if e.fd >= 0 {
		e.Kit.Loop.Close(e.FD())
		e.fd = -1
	}
	e.Release()
}

// Keep stores received bytes that cannot be consumed now.
func (e *Endpoint) Keep(data []byte) { e.In = e.Kit.Bufs.Append(e.In, data) }

// Consume drops n bytes from what is kept.
func (e *Endpoint) Consume(n int) {
	if e.In.R += n; e.In.Empty() {
		e.Release()
	}
}

// Release drops what is kept.
func (e *Endpoint) Release() {
	if e.In != nil {
		e.Kit.Bufs.Put(e.In)
		e.In = nil
	}
}

// Bare tells whether the endpoint is the socket itself, whose bytes need not pass
// through the process.
func (e *Endpoint) Bare() bool { return e.Layer == nil }

// Direct tells whether it is, and nothing is received from it but by its owner.
func (e *Endpoint) Direct() bool { return e.Bare() && e.Kit.Loop.Direct(e.FD()) }
