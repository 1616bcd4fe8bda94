package peering

import (
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/table"
	"bench/proxy/transport"
)

// sessionState is how far a connection is.
type sessionState uint8

const (
	connecting sessionState = iota
	greeted                 // the other side is to say who it is
	greeting                // the other side is to answer our greeting
	established
	closed
)

// session is one connection. What has come and is not a whole message yet waits in "in",
// what has not been sent yet in "out".
type session struct {
	g       *Group
	p       *peer // nil: it is not known yet who it is
	end     transport.Endpoint
	secure  *tlsio.Conn // nil: it is in clear
	state   sessionState
	strange bool // it is counted as such
	in, out []byte
	timer   loop.Timer
	until   int64 // it has to have come to something; 0: it has
	heard   int64 // when a message came last
	said    int64 // when something was sent last
	task    loop.Task

	// What is owed to the other side.
	ask      bool // it is to teach us
	confirms int
	beat     bool
	teaching bool // it is taught all that is known here
	ended    bool // it has been, and is to confirm that

	tables  []exchange // by the index of the table
	to      int        // the table that was defined last, for what is sent
	from    int        // and for what comes; -1: none, or one that is not shared
	sentTxt sentTexts
	heardT  knownTexts
}

// exchange is what a session knows of one table.
type exchange struct {
	// Sending.
	upTo    uint64 // the change that all has been sent to
	through uint64 // and will have been, once "pass" is through
	last    uint64 // the number that was sent last; 0: none was
	pass    []table.Change
	next    int // in pass
	place   table.Cursor
	taught  bool

	// Receiving.
	defined bool
	id      uint64 // by which the other side knows the table
	columns []table.Column
	got     uint32 // the number that came last
	acked   uint32 // and was acknowledged
}

// deadline sets until when the connection has to have come to something.
func (s *session) deadline(d time.Duration) {
	s.until = s.g.l.Refresh() + int64(d)
	s.g.l.SetTimer(&s.timer, s.until, s)
}

// shake begins to secure the connection.
func (s *session) shake(c *tlsio.Conn) {
	s.secure, s.end.Layer = c, c
	c.Handshake(s.end.Hup)
}

// Secured implements tlsio.Owner.
func (s *session) Secured(err error) {
	switch {
	case s.state == closed:
	case err != nil:
		s.close(true)
	default:
		s.end.Readable = true // what came with the end of the handshake does not show at the socket
		s.wired()
	}
}

// Ready implements loop.Handler.
func (s *session) Ready(ev poller.Events) {
	if s.state == closed {
		return
	}
	if s.state == connecting && s.secure == nil {
		if !s.arrived(ev) {
			return
		}
		s.end.Note(ev &^ poller.Out)
		if cfg := s.g.cfg.Secure(s.p.spec); cfg != nil {
			s.shake(s.g.cfg.TLS.Client(s.end.FD(), cfg, s))
			return
		}
		s.wired()
		return
	}
	s.end.Note(ev)
	if s.secure != nil && s.secure.Info() == nil {
		s.secure.Handshake(s.end.Hup)
		return
	}
	if ev&poller.Out != 0 {
		s.push()
	}
	s.read()
}

// arrived tells whether the connection has been made.
func (s *session) arrived(ev poller.Events) bool {
	fd := s.end.FD()
	if ev&(poller.Out|poller.Hup) == 0 {
		s.g.l.Rearm(fd, poller.In)
		return false
	}
	if errno := sock.Error(fd); errno != 0 {
		s.close(true)
		return false
	}
	if _, errno := sock.PeerAddr(fd); errno != 0 {
		s.g.l.Rearm(fd, poller.Out)
		return false
	}
	return true
}

// wired goes on once bytes can be exchanged: who has connected says who it is.
func (s *session) wired() {
	if s.state == connecting {
		h := hello{minor: minorVersion, to: s.p.spec.Name, from: s.g.cfg.Local}
		if s.p.older {
			h.minor = 0
		}
		s.out = appendHello(s.out, h, pid())
		s.state, s.p.last = greeting, greetedOnly
		s.flush()
	}
	s.read()
}

// readsAtOnce is how often a session reads in one turn.
const readsAtOnce = 4

// read takes in what has come.
func (s *session) read() {
	for range readsAtOnce {
		if s.state == closed || !s.end.Readable && !s.end.Hup {
			return
		}
		b := s.g.l.Scratch()
		n, res := s.end.Recv(b)
		if n > 0 {
			s.take(b[:n])
		}
		switch {
		case s.state == closed:
			return
		case res == transport.End, res == transport.Failed:
			s.close(false)
			return
		case res == transport.Drained:
			s.push()
			return
		}
	}
	s.g.l.Wake(s.again())
	s.push()
}

// again is what goes on in the next turn.
func (s *session) again() *loop.Task {
	s.task.R = s
	return &s.task
}

// Run implements loop.Runner.
func (s *session) Run() {
	s.read()
	s.push()
}

// take works on bytes behind those that wait already.
func (s *session) take(b []byte) {
	if len(s.in) > 0 {
		s.in = append(s.in, b...)
		if n := s.messages(s.in); s.state != closed && n > 0 {
			s.in = append(s.in[:0], s.in[n:]...)
		}
		return
	}
	if n := s.messages(b); s.state != closed && n < len(b) {
		s.in = append(s.in[:0], b[n:]...)
	}
}

// ends are the addresses of the connection.
func (s *session) ends() (from, to string) {
	if a, errno := sock.LocalAddr(s.end.FD()); errno == 0 {
		from = a.String()
	}
	if a, errno := sock.PeerAddr(s.end.FD()); errno == 0 {
		to = a.String()
	}
	return from, to
}

// messages works on what has come whole, and returns how much that is.
func (s *session) messages(b []byte) (n int) {
	for s.state != closed {
		used := 0
		switch s.state {
		case greeted:
			used = s.readHello(b[n:])
		case greeting:
			used = s.readStatus(b[n:])
		case established:
			m, size, err := readMessage(b[n:])
			if err != nil {
				kind := byte(protocolError)
				if err == errTooLong { //nolint:errorlint // it is never wrapped
					kind = sizeError
				}
				s.refuse(kind)
				return n
			}
			if used = size; used > 0 {
				s.heard = s.g.l.Now()
				s.receive(m)
			}
		case connecting, closed:
		}
		if used == 0 {
			return n
		}
		n += used
	}
	return n
}

// refuse ends a session whose other side breaks the protocol.
func (s *session) refuse(kind byte) {
	if s.p != nil {
		s.p.errors++
	}
	s.out = append(s.out, classError, kind)
	s.flush()
	s.close(false)
}

// readHello answers a greeting, and takes the session as the one with its peer.
func (s *session) readHello(b []byte) int {
	g := s.g
	h, n, bad := readHello(b, g.cfg.Local)
	if n == 0 && bad == 0 {
		return 0
	}
	var p *peer
	if bad == 0 {
		if p = g.named(h.from); p == nil {
			bad = badSender
		}
	}
	if bad == 0 && p.s != nil && p == g.local {
		bad = tryAgain
	}
	if bad != 0 {
		s.answer(bad)
		s.close(false)
		return n
	}
	if old := p.s; old != nil {
		// Both have connected at a time: the last one that was made is good.
		p.collisions++
		p.s = nil
		old.close(false)
	}
	g.l.StopTimer(&p.timer)
	p.s, s.p, p.older = s, p, h.minor == 0
	g.strange--
	s.strange = false
	s.answer(succeeded)
	s.begin()
	return n
}

func (g *Group) named(name string) *peer {
	for _, p := range g.peers {
		if p.spec.Name == name {
			return p
		}
	}
	return nil
}

func (s *session) answer(code status) {
	s.out = append(s.out, byte('0'+code/100), byte('0'+code/10%10), byte('0'+code%10), '\n')
	s.flush()
}

// readStatus takes in the answer to our greeting.
func (s *session) readStatus(b []byte) int {
	code, n := readStatus(b)
	if n == 0 {
		return 0
	}
	s.p.last = code
	if code != succeeded {
		if code == badVersion {
			s.p.older = !s.p.older
		}
		s.close(false)
		return n
	}
	s.begin()
	return n
}

// begin is called when both sides know each other.
func (s *session) begin() {
	g, p := s.g, s.p
	s.state, s.until, s.from, s.to = established, 0, -1, -1
	s.tables = make([]exchange, len(g.cfg.Tables))
	for i := range s.tables {
		s.tables[i].upTo = p.sent[i]
	}
	p.partial, p.last, p.made = false, succeeded, time.Now()
	now := g.l.Refresh()
	s.heard, s.said = now, now
	s.watch(now)
	switch {
	case p == g.local && g.stopping:
		s.teach()
	case p == g.local && g.stage == fromLocal && g.teacher == nil:
		g.teacher = s
	}
	g.learn()
	s.push()
}

// watch sets the timer for signs of life.
func (s *session) watch(now int64) {
	next := min(s.said+int64(s.g.cfg.Times.Heartbeat), s.heard+int64(s.g.cfg.Times.Dead))
	s.g.l.SetTimer(&s.timer, max(next, now+int64(time.Millisecond)), s)
}

// Expired implements loop.TimerHandler.
func (s *session) Expired(*loop.Timer) {
	now := s.g.l.Now()
	switch {
	case s.state == closed:
		return
	case s.until != 0:
		if now >= s.until {
			s.close(true)
		}
		return
	case s.p.older:
		return
	case now >= s.heard+int64(s.g.cfg.Times.Dead):
		s.p.silent++
		s.close(true)
		return
	case now >= s.said+int64(s.g.cfg.Times.Heartbeat):
		s.beat, s.said = true, now // the next one is due later also where nothing can be sent
		s.push()
	}
	if s.state != closed {
		s.watch(now)
	}
}

// close ends the session. cut tells that the other side is to notice.
func (s *session) close(cut bool) {
	if s.state == closed {
		return
	}
	wasGood := s.state == established
	s.state = closed
	s.g.l.StopTimer(&s.timer)
	s.end.Close(cut)
	s.in, s.out, s.tables = nil, nil, nil
	delete(s.g.sessions, s)
	s.g.gone(s, wasGood)
}
