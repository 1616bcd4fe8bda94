package spec

import "bench/internal/sock"

// Peers is a "peers" section: the processes that share stick tables (configuration
// manual, section 3.5).
type Peers struct {
	Pos
	Name     string
	Disabled bool
	Binds    []*Bind // where this process listens for the others
	Peers    []*Peer
}

// Peer is one process of a section.
type Peer struct {
	Pos
	Name  string
	Local bool // it is this one, or the one that replaces it
	Addr  sock.Addr
	// TLS is what connections to it are secured by, nil: they are in clear.
	TLS    *ServerTLS
	Source *Source
	// Namespace is that of connections to it, nil for that of the process.
	Namespace *sock.Namespace
}
