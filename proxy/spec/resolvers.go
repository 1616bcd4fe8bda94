package spec

import (
	"net/netip"
	"time"

	"bench/internal/sock"
)

// Resolvers is a "resolvers" section: name servers, and how they are asked
// (configuration manual, section 5.3.2).
type Resolvers struct {
	Pos
	Name        string
	Nameservers []Nameserver
	// PayloadSize is the size of answers over UDP that servers are told to be welcome.
	PayloadSize int
	Retries     int // of a question, after the first time
	// Resolve is the time between two questions for the same name, Retry the time after
	// which a question without an answer is asked again.
	Resolve, Retry time.Duration
	Hold           Hold
}

// Nameserver is one server of names.
type Nameserver struct {
	Name string
	Addr sock.Addr
	TCP  bool
}

// Hold is how long the last good answer counts when others come.
type Hold struct {
	NX, Refused, Timeout, Other time.Duration
	// Obsolete is how long an address counts that answers do not have any more.
	Obsolete time.Duration
	// Valid is how long rules take an answer that servers have been given.
	Valid time.Duration
}

// Resolution is how the address of a server follows its name while the proxy runs.
type Resolution struct {
	Resolvers *Resolvers // nil: it does not
	// SRV: the name is that of a service, whose records say hosts, ports and weights.
	SRV bool
	// PreferIPv4: addresses of IPv4 are preferred to those of IPv6, not the other way
	// round. Prefer are networks to prefer.
	PreferIPv4 bool
	Prefer     []netip.Prefix
	// AllowDup: servers of one name may have one address. IgnoreWeight: weights of
	// services do not count.
	AllowDup, IgnoreWeight bool
}
