package origin

import (
	"crypto/tls"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"bench/backends/control"
	"bench/backends/fault"
	"bench/backends/tally"
	"bench/internal/dist"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/tlsio"
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
}

// Server is one replica on one loop that serves connections of a Behaviour. It
// implements Replica.
type Server struct {
	*Listener
	behaviour Behaviour
	loop      *loop.Loop
	tally     *tally.Sheet
	faults    *fault.Keeper
	force     *fault.Force
	rng       *rand.Rand
	conns     []*Conn
	free      []*Conn
	boxes     []*outbox
	parked    []*Conn // ready to write but stalled, in order
	secure    *tlsio.Queue
}

// Serve listens at a place and serves.
func Serve(at *Place, b Behaviour) (*Server, error) {
	s := &Server{behaviour: b, loop: at.Loop, tally: tally.NewSheet(), rng: dist.NewRand(at.Seed, at.Stream)}
	s.faults = fault.NewKeeper(at.Loop, s, at.Ledger)
	s.force = s.faults.Force()
	if b.TLS != nil {
		s.secure = tlsio.NewQueue(at.Loop)
	}
	var err error
	s.Listener, err = Listen(at, b.Backlog, s.open)
	return s, err
}

// Tally implements Replica.
func (s *Server) Tally() *tally.Sheet { return s.tally }

// Faults implements Replica.
func (s *Server) Faults() *fault.Keeper { return s.faults }

// Force is what is in force.
func (s *Server) Force() *fault.Force { return s.force }

// Loop is the loop that serves.
func (s *Server) Loop() *loop.Loop { return s.loop }

// Rand is the source of the replica's draws.
func (s *Server) Rand() *rand.Rand { return s.rng }

// Active is the number of open connections.
func (s *Server) Active() int { return len(s.conns) }

// Conns are the open connections; the slice is not for keeping.
func (s *Server) Conns() []*Conn { return s.conns }

// ResetCounters implements Replica.
func (s *Server) ResetCounters() {
	s.tally.Reset()
	for _, c := range s.conns {
		if c.waiting || c.open {
			c.mark.Received()
		}
		if c.box != nil {
			for i := range c.box.marks {
				c.box.marks[i].mark.Received()
			}
		}
	}
}

// Close implements Replica.
func (s *Server) Close() {
	s.Listener.Close()
	for _, c := range slices.Clone(s.conns) {
		c.cut(false)
	}
}

func (s *Server) open(fd int) {
	if s.force.ResetNew {
		s.tally.Refused++
		sock.SetLinger0(fd)
		sock.Close(fd)
		return
	}
	c := s.take()
	c.fd = fd
	if err := s.loop.Add(fd, poller.In, c); err != nil {
		sock.Close(fd)
		s.free = append(s.free, c)
		return
	}
	s.loop.Receive(fd)
	s.tally.Accepted++
	s.tally.Active++
	c.pos = len(s.conns)
	s.conns = append(s.conns, c)
	if s.secure != nil {
		c.tls = s.secure.Server(fd, s.behaviour.TLS, c)
	}
	c.session = s.behaviour.Open(c)
	c.idle()
	c.flush()
}

// take returns a blank connection, used before if there is one.
func (s *Server) take() *Conn {
	if n := len(s.free); n > 0 {
		c := s.free[n-1]
		s.free = s.free[:n-1]
		return c
	}
	c := &Conn{s: s}
	c.task.R = c
	return c
}

// Changed implements fault.Subject.
func (s *Server) Changed(was, now *fault.Force) {
	if was.Refused != now.Refused {
		s.SetRefused(now.Refused)
	}
	if now.Truncate && !was.Truncate {
		for _, c := range slices.Clone(s.conns) {
			if c.open || c.box != nil && len(c.box.marks) > 0 {
				c.cut(true)
			}
		}
	}
	if was.Stalled && !now.Stalled {
		ready := s.parked
		s.parked = nil
		for _, c := range ready {
			if c != nil {
				c.parked = 0
				c.proceed()
			}
		}
	}
	if was.Every != 0 && was.Every != now.Every && !now.Stalled {
		for _, c := range slices.Clone(s.conns) {
			if c.pacing {
				s.loop.StopTimer(&c.timer)
				c.pausing, c.pacing = false, false
				c.proceed()
			}
		}
	}
	if now.Drain && !was.Drain {
		for _, c := range slices.Clone(s.conns) {
			if c.atRest() {
				c.linger()
			}
		}
	}
}

// ResetLive implements fault.Subject.
func (s *Server) ResetLive() {
	for _, c := range slices.Clone(s.conns) {
		sock.SetLinger0(c.fd)
		c.cut(false)
	}
}

// Crash implements fault.Subject.
func (*Server) Crash() { os.Exit(control.CrashExitCode) }
