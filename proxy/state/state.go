// Package state names the states of servers for all that speak of them: the servers
// themselves, statistics, the runtime API. What a state means for traffic is decided
// in package server.
package state

// Admin is what operators have decided about a server.
type Admin uint8

// Administrative states (management manual, "set server").
const (
	Ready Admin = iota
	Drain       // no new sessions but persistent ones
	Maint       // no sessions, no checks
)

// Health is what checks have found out about a server.
type Health uint8

// Operational states.
const (
	Up       Health = iota
	Stopping        // soft-stopped by a check ("NOLB")
	Down
)
