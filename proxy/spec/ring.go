package spec

import (
	"time"

	"bench/internal/sock"
)

// Ring is a "ring" section: the last log lines, in memory, perhaps forwarded to servers.
type Ring struct {
	Pos
	Name, Description string
	Format            string // as in LogTarget
	MaxLen            int    // longest line, its header included
	Size              int    // bytes
	Connect, Server   time.Duration
	Servers           []RingServer
}

// RingServer takes the lines of a ring over TCP.
type RingServer struct {
	Pos
	Addr sock.Addr
	// OctetCount: a line begins with its length (RFC 6587, section 3.4.1) and does not
	// end with a line feed.
	OctetCount bool
}
