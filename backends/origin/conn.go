package origin

import (
	"syscall"

	"bench/backends/fault"
	"bench/backends/tally"
	"bench/internal/sock"
)

// maxAnswers is how much output may wait before no more requests are taken.
const maxAnswers = 128 << 10

// Conn is one connection of a Server. It owns buffers only while there is
// something in them.
type Conn struct {
	line    Line
	s       *Server
	session Session
	box     *outbox

	mark    tally.Mark // of the request that waits for its latency
	class   []byte     // what the client calls itself; empty: no name
	waiting bool       // for a latency to pass
	due     bool       // the latency has passed
	open    bool       // a request is taken and its answer not done
	again   bool       // a request was not taken for what is to be written first
	pausing bool       // between two pieces, or by the session
	pacing  bool       // the former of these
	nudge   bool       // the session's pause has passed
	closing bool       // when all is written
	reset   bool       // by a RST
}

// Server is the replica that serves the connection.
func (c *Conn) Server() *Server { return c.s }

// Session is the protocol's part.
func (c *Conn) Session() Session { return c.session }

// Force is what is in force.
func (c *Conn) Force() *fault.Force { return c.s.force }

// Name puts requests without an id into a class that the client chose.
func (c *Conn) Name(class []byte) { c.class = append(c.class[:0], class...) }

// Peer is the address of the client.
func (c *Conn) Peer() (sock.Addr, syscall.Errno) { return c.line.Peer() }

// Secure reports that the connection is in TLS.
func (c *Conn) Secure() bool { return c.line.Secure() }

// Upgrade goes on in TLS, whose beginning rest may be: what has come behind the client's
// wish. It may be called by a session at work only, which is to use nothing more then.
func (c *Conn) Upgrade(rest []byte) { c.line.upgrade(rest) }

// client is a Conn as the user of its line, out of the sight of sessions.
type client Conn

func (u *client) conn() *Conn { return (*Conn)(u) }

// Opened implements User.
func (u *client) Opened() {
	c := u.conn()
	c.session = c.s.behaviour.Open(c)
	c.idle()
	c.flush()
}

// Expired ends the latency, a pause, or the patience.
func (u *client) Expired() {
	c := u.conn()
	switch {
	case c.waiting:
		c.waiting, c.due = false, true
		u.Proceed()
	case c.pausing:
		c.nudge = c.nudge || !c.pacing
		c.pausing, c.pacing = false, false
		c.idle()
		u.Proceed()
	case c.box == nil:
		c.line.Tired()
	}
}

// Proceed goes on writing, and then turns to the next request.
func (u *client) Proceed() {
	c := u.conn()
	if c.flush(); c.line.Live() && !u.Busy() {
		c.line.Resume(c.due || c.nudge)
	}
}

// Busy implements User.
func (u *client) Busy() bool { return u.waiting || u.pausing || u.closing || u.box != nil }

// Paused implements User.
func (u *client) Paused() bool { return u.waiting || u.pausing }

// Answering implements User.
func (u *client) Answering() bool { return u.open || u.box != nil && len(u.box.marks) > 0 }

// Unpace implements User.
func (u *client) Unpace() {
	if u.pacing {
		u.line.StopTimer()
		u.pausing, u.pacing = false, false
		u.Proceed()
	}
}

// Recount implements User.
func (u *client) Recount() {
	if u.waiting || u.open {
		u.mark.Received()
	}
	if u.box != nil {
		for i := range u.box.marks {
			u.box.marks[i].mark.Received()
		}
	}
}

// Use lets the session work on input, and writes what it answers.
func (u *client) Use(in []byte) (n int) {
	c := u.conn()
	for {
		c.nudge = false
		n += c.session.Consume(c, in[n:])
		if c.line.fd < 0 {
			return n
		}
		again := c.again
		c.again = false
		if c.flush(); !c.line.Live() {
			return len(in)
		}
		if !again || u.Busy() {
			return n
		}
	}
}

// Ended implements User.
func (u *client) Ended() {
	c := u.conn()
	pending := c.waiting || u.Answering()
	if c.waiting || c.open {
		c.mark.Aborted()
	}
	if c.box != nil {
		c.box.abort()
	}
	if !pending && c.line.Rest() {
		c.s.tally.Incomplete++
	}
	c.line.Close()
}

// Cut implements User.
func (u *client) Cut(kindly bool) {
	c := u.conn()
	if c.waiting || c.open {
		c.waiting, c.open = false, false
		c.line.StopTimer()
		c.mark.Cut()
	}
	if c.box != nil {
		c.box.cut()
		c.release()
	}
	c.line.Break()
	if kindly {
		c.linger()
		return
	}
	c.line.Close()
}

// Closed implements User.
func (u *client) Closed() {
	c := u.conn()
	if c.box != nil {
		c.release()
	}
	*c = Conn{line: c.line, s: c.s, session: c.session, class: c.class[:0]}
	c.session.Closed(c)
}

// atRest reports that the client waits for nothing.
func (c *Conn) atRest() bool { return c.line.Live() && !(*client)(c).Busy() && !c.line.Rest() }

// idle begins the wait for a request.
func (c *Conn) idle() {
	if !(*client)(c).Busy() {
		c.line.Idle()
	}
}

// linger ends the connection once all is written.
func (c *Conn) linger() {
	if c.reset {
		c.line.Reset()
		return
	}
	c.closing, c.pausing, c.pacing = true, false, false
	c.line.Linger()
}
