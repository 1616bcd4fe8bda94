package spec

import "bench/proxy/sample"

// Balance names a load-balancing algorithm.
type Balance string

// Algorithms (configuration manual, "balance").
const (
	RoundRobin Balance = "roundrobin"
	StaticRR   Balance = "static-rr" // round robin with fixed weights
	LeastConn  Balance = "leastconn"
	First      Balance = "first"
	Random     Balance = "random"
	BySource   Balance = "source"
	ByURI      Balance = "uri"
	ByParam    Balance = "url_param"
	ByHeader   Balance = "hdr"
	ByRDP      Balance = "rdp-cookie"
	ByExpr     Balance = "hash"
)

// Hashes tells whether the algorithm chooses by the hash of something of the request.
func (b Balance) Hashes() bool {
	switch b {
	case BySource, ByURI, ByParam, ByHeader, ByRDP, ByExpr:
		return true
	case RoundRobin, StaticRR, LeastConn, First, Random:
	}
	return false
}

// HashFunction makes a number of a key.
type HashFunction uint8

// Hash functions (configuration manual, "hash-type").
const (
	SDBM HashFunction = iota
	DJB2
	WT6
	CRC32
	NoFunction // the key is a number already
)

// Hash is what is hashed, and how a server is found by it.
type Hash struct {
	// Consistent: servers lie on a circle, and the nearest one is taken; otherwise
	// they stand in a list that the hash is a position of.
	Consistent bool
	Function   HashFunction
	Avalanche  bool // the hash is stirred once more
	// Factor is the load of a server, in percent of the average, at which the next one
	// on the circle is taken; 0: there is no such limit.
	Factor int

	// What is hashed, by algorithm.

	Whole    bool   // uri: with the query
	PathOnly bool   // uri: without scheme and authority
	Len      int    // uri: at most so many bytes; 0: all
	Slashes  int    // uri: up to this slash, without it; 0: all
	Name     string // url_param: of the parameter; hdr: of the field, in lower case; rdp-cookie: of the cookie
	// DomainOnly: of a host name, the part before the last dot and after the one
	// before that.
	DomainOnly bool
	Expr       *sample.Expr // hash
}

// FixedWeights tells whether the backend's algorithm cannot do with what changes at run
// time: weights, and servers that are added (configuration manual, "balance",
// "hash-type").
func (p *Proxy) FixedWeights() bool {
	return p.Balance == StaticRR || p.Balance.Hashes() && !p.Hash.Consistent
}
