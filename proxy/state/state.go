// Package state names the states of servers for all that speak of them: the servers
// themselves, statistics, the runtime API. What a state means for traffic is decided
// in package server.
package state

// Admin is the administrative state of a server.
type Admin uint8

// Administrative states (management manual, "set server").
const (
	Ready Admin = iota
	Drain       // no new sessions but persistent ones
	Maint       // no sessions, no checks
)

// Orders are what operators have decided about a server. Several may hold at once, of which
// the strictest makes the administrative state: whoever takes one back leaves the others.
type Orders uint8

// The orders there are.
const (
	OrderDrain Orders = 1 << iota
	OrderMaint
)

// Admin is the state that the orders make.
func (o Orders) Admin() Admin {
	switch {
	case o&OrderMaint != 0:
		return Maint
	case o&OrderDrain != 0:
		return Drain
	}
	return Ready
}

// Orders are those that make this state and no other.
func (a Admin) Orders() Orders {
	switch a {
	case Maint:
		return OrderMaint
	case Drain:
		return OrderDrain
	case Ready:
	}
	return 0
}

// Health is what checks have found out about a server.
type Health uint8

// Operational states.
const (
	Up       Health = iota
	Stopping        // soft-stopped by a check ("NOLB")
	Down
)
