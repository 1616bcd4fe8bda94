// Package balance chooses servers. One file per algorithm, one row each in the
// table. A picker belongs to one thread and is rebuilt when the backend's
// version changes; it sees servers, never streams.
package balance

import (
	"bench/proxy/server"
	"bench/proxy/spec"
)

// Picker chooses among the usable servers of one backend.
type Picker interface {
	// Reserve makes room for n servers. Whoever adds a server calls it on the thread
	// of the picker before, so that Build, which comes between two requests, does not
	// allocate.
	Reserve(n int)
	// Build takes the servers to choose from, all of them usable.
	Build(servers []*server.Server)
	// Pick chooses a server with a free slot and takes the slot; or, where the
	// algorithm lets requests wait for one server ("maxqueue"), one that is full, of
	// which it takes none. Avoid, if not nil, is only chosen when there is no other.
	// It returns nil if there is none: either none is usable, or all are full.
	Pick(avoid *server.Server) (s *server.Server, full bool)
}

// Algorithm is a row of the table.
type Algorithm struct {
	Name spec.Balance
	New  func() Picker
	Doc  string
}

// Algorithms lists what "balance" accepts.
func Algorithms() []Algorithm {
	return []Algorithm{
		{"roundrobin", newRoundRobin, "each server in turn, in proportion to its weight"},
		{spec.StaticRR, newStaticRR, "as roundrobin, with weights that are fixed"},
		{"leastconn", newLeastConn, "the server with the fewest sessions for its weight"},
	}
}

// ByName returns the row of an algorithm; unknown names, which the configuration
// has refused already, give round robin.
func ByName(name spec.Balance) Algorithm {
	all := Algorithms()
	for _, a := range all {
		if a.Name == name {
			return a
		}
	}
	return all[0]
}

// New makes a picker for the algorithm.
func New(name spec.Balance) Picker { return ByName(name).New() }
