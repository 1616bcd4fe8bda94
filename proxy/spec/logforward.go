package spec

import (
	"time"

	"bench/internal/sock"
)

// LogForward is a "log-forward" section: lines that other programs log are passed on to
// its targets.
type LogForward struct {
	Pos
	Name      string
	Binds     []*Bind // of connections
	Datagrams []*DatagramBind
	Logs      []LogTarget
	MaxConn   int // connections at a time
	Backlog   int
	Client    time.Duration // longest silence of a connection; 0: any
}

// DatagramBind is an address that datagrams come to.
type DatagramBind struct {
	Pos
	Addr      sock.Addr
	Text      string // as written, after expansion
	Interface string
	Foreign   bool            // the address need not be one of this machine
	Namespace *sock.Namespace // nil: that of the process
}
