// Package origin is what the origins of every protocol share on one event loop:
// the listener with its faults, connections that read commands and write
// answers, and what a fault does to those. What a command means may not enter.
package origin

import (
	"bench/backends/fault"
	"bench/backends/tally"
	"bench/internal/loop"
	"bench/internal/sock"
)

// Place is where and as what a replica serves.
type Place struct {
	Loop *loop.Loop
	Name string
	Addr sock.Addr
	// ReusePort lets other loops listen on the same address.
	ReusePort bool
	Ledger    *fault.Ledger
	// Seed of the draws; Stream tells apart the replicas and loops that share it.
	Seed, Stream uint64
}

// Replica is one origin on one loop. Its methods are for the loop's goroutine.
type Replica interface {
	// Addr is the address it listens on.
	Addr() sock.Addr
	// Tally are its counters.
	Tally() *tally.Sheet
	// Faults keeps the faults in force.
	Faults() *fault.Keeper
	// ResetCounters begins counting afresh; requests under way are counted as
	// received by the new count.
	ResetCounters()
	// Close stops listening and breaks all connections.
	Close()
}

// Kind makes the origins of one protocol.
type Kind interface {
	// Protocol is the name of the protocol, by which faults know it.
	Protocol() string
	// InTLS reports that clients are served with TLS, or may ask for it.
	InTLS() bool
	// OneThread reports that a replica keeps state that threads cannot share, so
	// that it lives on one thread only.
	OneThread() bool
	// Start listens and serves.
	Start(at *Place) (Replica, error)
}
