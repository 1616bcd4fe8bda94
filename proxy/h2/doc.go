// Package h2 is HTTP/2 (RFC 9113) from the server's side, without sockets: a Conn takes
// the bytes that a client has sent and makes requests of them, and it makes frames of
// responses. How the bytes come and go, what becomes of requests, and time-outs belong to
// its Owner; a request with its response is a Stream, whose other side is a Handler.
//
// # How it goes
//
// The owner gives what it has received to Feed, and calls Dispatch when the batch is
// over. Only then do handlers hear of requests: one that its client has taken back in
// the same breath has cost next to nothing. What is to be sent is gathered and handed to
// the owner as late as possible, so that what one turn of the loop brings about leaves with
// one call.
//
// Content is never put together here: it is handed on as it comes, and taken as far as the
// windows and the transmit buffer have room. A window is opened again when the stream
// side says that content has left for the server (Stream.Consumed). Streams that wait for
// room take turns.
//
// # Bounds
//
// All that a client can make a Conn keep or do is bounded: see Settings, and bounds.go.
//
// Nothing allocates once a connection has got its table of streams and its thread its
// Workspace.
package h2
