package spec

import (
	"time"

	"bench/internal/sock"
)

// Mail is how mail is sent about the servers of a backend.
type Mail struct {
	From, To string
	// Host is the name of this host towards mail servers; "": the one it has.
	Host string
	// Level is that of the least severe events that mail is sent about, as in syslog (0 is
	// emerg).
	Level   int
	Mailers *Mailers
}

// Mailers are servers that take mail, all of them each one.
type Mailers struct {
	Name    string
	Timeout time.Duration // for one mail
	Servers []Mailer
}

// Mailer is one of them.
type Mailer struct {
	Name string
	Addr sock.Addr
}
