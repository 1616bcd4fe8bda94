// Package tlsio is TLS on the thread of an event loop: the records and handshakes of
// crypto/tls, over sockets that never block. What a connection is for may not enter,
// nor where certificates come from.
//
// crypto/tls wants a connection that blocks. Within a handshake it gets one: the
// handshake runs in a coroutine, and where the socket has nothing more the coroutine
// gives the thread back to the loop, to be resumed by the next event. A coroutine costs a
// twentieth of a goroutine's switch, and nothing of it ever enters the Go scheduler. After
// the handshake the calls are plain ones, and a socket that has nothing more shows as
// an error that crypto/tls does not remember.
//
// # Rules
//
// Coroutines belong to the thread: they are made, resumed and ended on the loop's
// goroutine, or the runtime ends the process. A handshake that is suspended holds locks of its
// tls.Conn, so nobody may look at that before it is over. An error of a handshake, and
// of a write, is for good: that is why a handshake yields instead of returning, and why a
// Conn always takes what crypto/tls writes, gathers it, and sends it once.
//
// A step of a handshake may take a millisecond of signing. So steps wait in a queue of
// their own, of which one turn of the loop runs one: connections that are established
// meet one such step at most between two of their events.
package tlsio
