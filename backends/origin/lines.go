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

// Lines are the connections of one replica on one loop, with what faults do to them.
// It implements Replica and fault.Subject.
type Lines struct {
	*Listener
	loop     *loop.Loop
	tally    *tally.Sheet
	faults   *fault.Keeper
	force    *fault.Force
	rng      *rand.Rand
	patience int64 // nanoseconds that a client may let pass; 0 is no limit
	secured  *tls.Config
	asked    bool         // connections begin in clear, and clients ask for TLS
	queue    *tlsio.Queue // nil: in clear
	spoilt   *tls.Config  // what a fault has connections secured with; nil: there is none
	fresh    func() (*Line, User)
	all      []*Line
	free     []*Line
	parked   []*Line // ready to write but stalled, in order
}

// Terms are what a protocol says about its connections.
type Terms struct {
	// Idle is how long a connection may wait for a request; 0 is no limit.
	Idle time.Duration
	// Backlog of the listeners; 0 is the system's.
	Backlog int
	// TLS is what clients are served with; nil: in clear.
	TLS *tls.Config
	// Asked lets connections begin in clear, until Conn.Upgrade.
	Asked bool
}

// Serve listens at a place and serves. Faults go to subject, which does its part and
// leaves the rest to Lines; fresh makes a line with its user.
func (s *Lines) Serve(at *Place, t Terms, subject fault.Subject, fresh func() (*Line, User)) (err error) {
	*s = Lines{
		loop: at.Loop, tally: tally.NewSheet(), rng: dist.NewRand(at.Seed, at.Stream),
		patience: int64(t.Idle), secured: t.TLS, asked: t.Asked, fresh: fresh,
	}
	if t.TLS != nil {
		s.queue = tlsio.NewQueue(at.Loop)
	}
	s.faults = fault.NewKeeper(at.Loop, subject, at.Ledger)
	s.force = s.faults.Force()
	s.Listener, err = Listen(at, t.Backlog, s.open)
	return err
}

// Tally implements Replica.
func (s *Lines) Tally() *tally.Sheet { return s.tally }

// Faults implements Replica.
func (s *Lines) Faults() *fault.Keeper { return s.faults }

// Force is what is in force.
func (s *Lines) Force() *fault.Force { return s.force }

// Loop is the loop that serves.
func (s *Lines) Loop() *loop.Loop { return s.loop }

// Rand is the source of the replica's draws.
func (s *Lines) Rand() *rand.Rand { return s.rng }

// Active is the number of open connections.
func (s *Lines) Active() int { return len(s.all) }

// ResetCounters implements Replica.
func (s *Lines) ResetCounters() {
	s.tally.Reset()
	for _, l := range s.all {
		l.user.Recount()
	}
}

// Close implements Replica.
func (s *Lines) Close() {
	s.Listener.Close()
	for _, l := range slices.Clone(s.all) {
		if l.open() { // it does not go with one that carried it
			l.user.Cut(false)
		}
	}
}

func (s *Lines) open(fd int) {
	if s.force.ResetNew {
		s.tally.Refused++
		sock.SetLinger0(fd)
		sock.Close(fd)
		return
	}
	l := s.take()
	l.fd = fd
	if err := s.loop.Add(fd, poller.In, l); err != nil {
		sock.Close(fd)
		s.free = append(s.free, l)
		return
	}
	s.loop.Receive(fd)
	s.tally.Accepted++
	s.tally.Active++
	l.pos = len(s.all)
	s.all = append(s.all, l)
	if s.queue != nil && !s.asked {
		l.wrap(nil)
	}
	l.user.Opened()
}

// take returns a blank line, used before if there is one.
func (s *Lines) take() *Line {
	if n := len(s.free); n > 0 {
		l := s.free[n-1]
		s.free = s.free[:n-1]
		return l
	}
	l, user := s.fresh()
	l.lines, l.user = s, user
	l.task.R = (*lineTask)(l)
	return l
}

// Changed carries out what has changed for the listener and for live connections. It
// implements fault.Subject.
func (s *Lines) Changed(was, now *fault.Force) {
	if was.Refused != now.Refused {
		s.SetRefused(now.Refused)
	}
	if was.Certificate != now.Certificate || was.Renegotiate != now.Renegotiate {
		s.spoil(now)
	}
	if was.HandshakesStalled && !now.HandshakesStalled {
		s.unstall()
	}
	if now.Truncate && !was.Truncate {
		s.eachLive(func(u User) {
			if u.Answering() {
				u.Cut(true)
			}
		})
	}
	if was.Stalled && !now.Stalled {
		ready := s.parked
		s.parked = nil
		for _, l := range ready {
			if l != nil {
				l.parked = 0
				l.user.Proceed()
			}
		}
	}
	if was.Every != 0 && was.Every != now.Every && !now.Stalled {
		s.eachLive(User.Unpace)
	}
}

// eachLive calls f, which may close the line, with the user of each live one.
func (s *Lines) eachLive(f func(User)) {
	for _, l := range slices.Clone(s.all) {
		if l.Live() {
			f(l.user)
		}
	}
}

// ResetLive implements fault.Subject.
func (s *Lines) ResetLive() {
	for _, l := range slices.Clone(s.all) {
		if !l.open() || l.carries {
			continue // what it carries is reset
		}
		if l.fd >= 0 {
			sock.SetLinger0(l.fd)
		}
		l.user.Cut(false)
	}
}

// Crash implements fault.Subject.
func (*Lines) Crash() { os.Exit(control.CrashExitCode) }

// Each calls f with the user of each open line; f closes none.
func (s *Lines) Each(f func(User)) {
	for _, l := range s.all {
		f(l.user)
	}
}
