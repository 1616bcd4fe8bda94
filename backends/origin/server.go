package origin

import (
	"crypto/tls"
	"iter"
	"time"

	"bench/backends/fault"
	"bench/internal/dist"
)

// Session is one connection of a protocol whose client sends requests and
// gets an answer to each, in order.
type Session interface {
	// Consume uses the input at the beginning of in and returns how much. It
	// is called again with the rest, and with more. Before it acts on a
	// complete request it asks Conn.Take, and returns what it has used so far
	// where that says no; after it has written the answer it calls Conn.Done.
	Consume(c *Conn, in []byte) int
	// Closed reports that the connection is gone.
	Closed(c *Conn)
}

// Refiller is a Session that has more to say when all it said is written.
type Refiller interface {
	// Refill is asked then. True has Conn.Output written from its beginning:
	// once more as it is, or as it was made by Conn.SetOutput.
	Refill(c *Conn) (more bool)
}

// Behaviour is what a protocol brings to a Server.
type Behaviour struct {
	// Open makes the session of a new connection, which may greet the client
	// by Conn.Append; the first byte is then the origin's.
	Open func(c *Conn) Session
	// Latency from a request to its answer.
	Latency dist.Duration
	// HalfClose reports that a client that has closed its side still reads;
	// otherwise an answer written after that counts as aborted.
	HalfClose bool
	// Idle is how long a connection may wait for a request; 0 is no limit.
	Idle time.Duration
	// Backlog of the listeners; 0 is the system's.
	Backlog int
	// TLS is what clients are served with; nil: in clear.
	TLS *tls.Config
	// Asked lets connections begin in clear, until Conn.Upgrade.
	Asked bool
}

// Server is one replica on one loop that serves connections of a Behaviour. It
// implements Replica.
type Server struct {
	Lines
	behaviour Behaviour
	boxes     []*outbox
}

// Serve listens at a place and serves.
func Serve(at *Place, b Behaviour) (*Server, error) {
	s := &Server{behaviour: b}
	err := s.Lines.Serve(at, Terms{Idle: b.Idle, Backlog: b.Backlog, TLS: b.TLS, Asked: b.Asked}, s, func() (*Line, User) {
		c := &Conn{s: s}
		return &c.line, (*client)(c)
	})
	return s, err
}

// Conns are the open connections.
func (s *Server) Conns() iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		for _, l := range s.all {
			if !yield(l.user.(*client).conn()) {
				return
			}
		}
	}
}

// Changed implements fault.Subject.
func (s *Server) Changed(was, now *fault.Force) {
	s.Lines.Changed(was, now)
	if now.Drain && !was.Drain {
		s.eachLive(func(u User) {
			if c := u.(*client).conn(); c.atRest() {
				c.linger()
			}
		})
	}
}
