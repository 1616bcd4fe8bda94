package transport

import "syscall"

// Layer is what lies between an endpoint and its socket when that is not bare, such as
// TLS. It belongs to the thread of the endpoint.
type Layer interface {
	// Handshake begins what comes before the first byte, or goes on with it after an event of the
	// socket. Whoever made the layer is told, by the means of that layer, when it is over;
	// Recv and Send may be called then.
	Handshake(hup bool)
	// Recv reads what has come through the layer. more says that it is to be asked
	// again without waiting; without it the socket has nothing more and is to be rearmed.
	// n == 0 is the end of the stream, or with EAGAIN nothing yet. hup is what the poller
	// says of the socket.
	Recv(p []byte, hup bool) (n int, more bool, errno syscall.Errno)
	// Send takes a, and b behind it, and sends them with as few calls as that takes. What
	// it has not taken (n is less than both, without an error) the caller offers again when the
	// socket can be written to, the same bytes first, although the layer may have begun to send them.
	Send(a, b []byte) (n int, errno syscall.Errno)
	// Flush sends what the layer has to send on its own account and the socket did not
	// take. An error shows at the next Recv or Send.
	Flush()
	// Shutdown says that nothing more will be sent. The socket stays as it is, unless it
	// has no room for that now: the layer shuts it down later then.
	Shutdown() (later bool)
	// Release gives back what the layer holds, at any moment, also within a handshake.
	Release()
}

// Narrow is a Layer that one of many connections has a share of. Each of them may take as
// little as its peer lets it, so that what waits for all of them is to be bounded.
type Narrow interface {
	// Room is how much Send takes now.
	Room() int
}

// within bounds a read to what dst takes, and a buffer that waits for it.
func within(k *Kit, dst *Endpoint, p []byte) []byte {
	if n, ok := dst.Layer.(Narrow); ok {
		return p[:min(len(p), n.Room()+k.Bufs.small.size)]
	}
	return p
}
