// Package transport moves bytes: between a socket and the process, through TLS
// where a connection has it, and from one connection to another, copied or through
// a kernel pipe. It keeps the buffers and the pipes of a thread for that.
//
// It knows how a message of HTTP/1 is framed, because what is forwarded has to end
// where the message does. It does not know whose the bytes are: streams, rules,
// counters and time-outs may not enter.
//
// # The contract of an Endpoint
//
// An Endpoint is a socket, and what is known of its readiness by the contract of
// package poller. Its owner tells it of every event (Note), receives while Readable
// or Hup is set, and never has to ask for the next edge: Recv does that when there is
// nothing more, Send when the socket has not taken all.
//
// Between the endpoint and the socket there may be a Layer, such as TLS, and the
// owner sees the difference in one place only: that the socket has nothing more does not
// mean that the layer has not, so that the length of what came says nothing. The Result
// of Recv does, with and without a layer. Everything else holds for both of them: what
// Send has taken has gone as far as the kernel, what it has not taken is to be offered
// again, the same bytes first.
package transport
