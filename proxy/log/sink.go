// Package log turns what is known of a finished stream into a line and sends it
// to the configured targets. It formats and sends; what is logged when is
// decided by the stream.
package log

import (
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// Sink takes records. A sink belongs to one thread.
type Sink interface {
	// Log formats and sends one record; it never blocks. x has the transaction, for
	// what only that knows.
	Log(r *txn.Record, x *sample.Context)
	// Failure reports a connection that failed before it became a stream: why says what
	// went wrong, bind where it came in. x may be nil.
	Failure(r *txn.Record, x *sample.Context, bind, why string)
}
