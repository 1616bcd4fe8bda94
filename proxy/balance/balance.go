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

// Hasher is a Picker that chooses by a hash, and by Pick where there is no key to be
// hashed.
type Hasher interface {
	Picker
	// PickHash chooses the server that a hash leads to and takes a slot of it, or none
	// if it is full. It returns nil if no server is usable. Where the algorithm knows
	// others to go to, avoid is only chosen when there are none.
	PickHash(hash uint32, avoid *server.Server) (s *server.Server, full bool)
}

// Algorithm is a row of the table.
type Algorithm struct {
	Name spec.Balance
	// Args is how the arguments are written, for the manual.
	Args string
	New  func(*spec.Proxy) Picker
	// InLine: who comes while others wait for any server waits behind them, also when
	// a server has a slot free by now.
	InLine bool
	// Again is when a request whose server cannot be reached goes to another one at
	// once, with "option redispatch".
	Again bool
	Doc   string
}

// Algorithms lists what "balance" accepts.
func Algorithms() []Algorithm {
	plain := func(f func() Picker) func(*spec.Proxy) Picker { return func(*spec.Proxy) Picker { return f() } }
	hashing := func(name spec.Balance, args, doc string) Algorithm {
		return Algorithm{Name: name, Args: args, New: newHasher, Doc: doc}
	}
	return []Algorithm{
		{Name: spec.RoundRobin, New: plain(newRoundRobin), InLine: true, Again: true, Doc: "each server in turn, in proportion to its weight"},
		{Name: spec.StaticRR, New: plain(newStaticRR), InLine: true, Again: true, Doc: "as roundrobin, with weights that are fixed"},
		{Name: spec.LeastConn, New: plain(newLeastConn), InLine: true, Again: true, Doc: "the server with the fewest sessions for its weight"},
		{Name: spec.First, New: plain(newFirst), InLine: true, Again: true, Doc: "the first server that has a slot free, by number"},
		{Name: spec.Random, Args: "[(<draws>)]", New: newRandom, Again: true, Doc: "the one with the fewest sessions of so many servers drawn by chance, 2 by default"},
		hashing(spec.BySource, "", "by the client's address"),
		hashing(spec.ByURI, "[whole] [len <bytes>] [depth <slashes>] [path-only]", "by the URI, as a rule without its query"),
		hashing(spec.ByParam, "<name> [check_post [<bytes>]]", "by a parameter of the query, or of the body of a POST request"),
		hashing(spec.ByHeader, "(<name>) [use_domain_only]", "by a header field"),
		hashing(spec.ByRDP, "[(<name>)]", "by a cookie of the remote desktop protocol, mstshash by default"),
		hashing(spec.ByExpr, "<expression>", "by a sample"),
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

// newHasher makes the picker of an algorithm that hashes.
func newHasher(p *spec.Proxy) Picker {
	if p.Hash.Consistent {
		return &consistent{ring{factor: p.Hash.Factor}}
	}
	return &places{}
}
