package origin

import (
	"syscall"
	"time"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/sock"
	"bench/internal/tlsio"
)

const (
	// maxReads bounds the reads of one connection in one turn of the loop.
	maxReads = 16
	// MaxSends bounds the writes, which are the users'.
	MaxSends = 16
	// maxHeld bounds what is read ahead of the request being answered.
	maxHeld = 64 << 10
	// lingerFor bounds the wait for the client to close too.
	lingerFor = time.Second
	// keepBuffer is the largest buffer that outlives its use.
	keepBuffer = 256 << 10
)

// Line is one connection of a replica, in clear or in TLS, whatever its protocol: it
// reads and keeps what is not wanted yet, takes turns with the other connections, and
// ends so that the client gets what was written. What the input means and what is
// answered is its user's. It owns a buffer only while there is something in it.
type Line struct {
	lines  *Lines
	user   User
	fd     int // -1: closed
	pos    int // in lines.all
	parked int // in lines.parked, plus 1; 0: not parked
	timer  loop.Timer
	task   loop.Task
	tls    *tlsio.Conn // nil: in clear
	by     Carrier     // nil: the socket
	in     []byte      // input not used yet
	heard  int64       // when the client last said something

	lingers bool // all written; reading until the client closes too
	queued  bool // task is in the run queue
	held    bool // there may be input that was not read
	hup     bool // the end of the stream is coming
	eof     bool // the client has closed its side
	spoken  bool // the client has sent a byte
	broken  bool // by a fault, in the midst of what was to be said
	carries bool // other lines
	stalled bool // a fault holds its handshake up
}

// User is what a protocol makes of a line. Once it lingers, only Recount, Cut and Closed
// are called.
type User interface {
	// Opened greets the client.
	Opened()
	// Use works on the input at the beginning of in and returns how much of it was
	// used. It is called again with the rest, and with more.
	Use(in []byte) int
	// Busy reports that no input is wanted now.
	Busy() bool
	// Paused reports that the answer waits for something else than room to write.
	Paused() bool
	// Proceed goes on with the answer, and then turns to the next request.
	Proceed()
	// Expired ends what Line.After began.
	Expired()
	// Answering reports that an answer is under way.
	Answering() bool
	// Unpace ends the pause between two pieces of an answer, if there is one.
	Unpace()
	// Recount counts as received what is under way.
	Recount()
	// Ended settles what is under way and closes the line: no request is to come.
	Ended()
	// Cut breaks the line off by a fault: kindly, so that the client sees the end
	// of the stream, or by closing at once.
	Cut(kindly bool)
	// Closed makes the user ready for another line.
	Closed()
}

// Live reports that the line is open and does not linger.
func (l *Line) Live() bool { return l.open() && !l.lingers }

// open reports that the line has not been closed.
func (l *Line) open() bool { return l.fd >= 0 || l.by != nil }

// EOF reports that the client has closed its side.
func (l *Line) EOF() bool { return l.eof }

// Rest reports that there is input not used yet.
func (l *Line) Rest() bool { return len(l.in) > 0 }

// Peer is the address of the client.
func (l *Line) Peer() (sock.Addr, syscall.Errno) {
	if l.by != nil {
		return l.by.Peer()
	}
	return sock.PeerAddr(l.fd)
}

// After has the user told by Expired in d nanoseconds.
func (l *Line) After(d int64) {
	at := l.lines.loop
	at.SetTimer(&l.timer, at.Now()+d, (*lineTimer)(l))
}

// Timed reports that After is under way.
func (l *Line) Timed() bool { return l.timer.Active() }

// StopTimer takes After back.
func (l *Line) StopTimer() { l.lines.loop.StopTimer(&l.timer) }

// lineTimer, lineTask and lineTLS keep what the loop calls out of the users' sight.
type (
	lineTimer Line
	lineTask  Line
	lineTLS   Line
)

// Expired implements loop.TimerHandler.
func (t *lineTimer) Expired(*loop.Timer) {
	l := (*Line)(t)
	if l.lingers {
		l.Close()
		return
	}
	l.user.Expired()
}

// Run goes on with what was put off to let other connections have their turn.
func (t *lineTask) Run() {
	l := (*Line)(t)
	l.queued = false
	switch {
	case !l.open():
		l.lines.free = append(l.lines.free, l)
	case l.lingers:
		l.discard()
	case l.parked == 0 && !l.user.Paused():
		l.user.Proceed()
	}
}

// Later has the user go on in the next turn of the loop.
func (l *Line) Later() {
	if !l.queued {
		l.queued = true
		l.lines.loop.Wake(&l.task)
	}
}

// Park has the user go on when a stall is over.
func (l *Line) Park() {
	l.lines.parked = append(l.lines.parked, l)
	l.parked = len(l.lines.parked)
}

// Ready takes up what the client does.
func (l *Line) Ready(ev poller.Events) {
	if ev&poller.Hup != 0 {
		l.hup = true
	}
	if !l.secure(ev) {
		return
	}
	if ev&(poller.In|poller.Hup) != 0 {
		switch {
		case l.lingers:
			l.discard()
		case l.user.Busy():
			if !l.readAhead() {
				return
			}
		default:
			l.pump()
		}
	}
	if ev&poller.Out != 0 && l.Live() && l.parked == 0 && l.user.Busy() && !l.user.Paused() {
		l.user.Proceed()
	}
}

// Idle begins the wait for a request.
func (l *Line) Idle() {
	if l.lines.patience > 0 {
		l.After(l.lines.patience)
	}
}

// Heard notes that the client has done its part up to now.
func (l *Line) Heard() { l.heard = l.lines.loop.Now() }

// Tired ends a wait for the client, unless it has spoken meanwhile: what it sends may
// be long, or want no answer.
func (l *Line) Tired() {
	at, until := l.lines.loop, l.heard+l.lines.patience
	if until > at.Now() {
		at.SetTimer(&l.timer, until, (*lineTimer)(l))
		return
	}
	l.user.Ended()
}

// Gone settles and closes a connection whose client is not there any longer.
func (l *Line) Gone() {
	if !l.spoken {
		l.lines.tally.Silent++
	}
	l.user.Ended()
}

// Linger closes the writing side and reads on until the client closes too: a plain
// close with input under way would reset the connection and could destroy the answer
// in the client's hands (RFC 9112 section 9.6).
func (l *Line) Linger() {
	if l.eof {
		l.Close()
		return
	}
	l.lingers = true
	l.in = l.in[:0]
	if l.by != nil {
		l.by.Finish(l.broken)
		l.Close()
		return
	}
	l.farewell()
	l.severed()
	_ = sock.ShutdownWrite(l.fd) // of a connection that is gone: the read tells
	l.After(int64(lingerFor))
	if l.held {
		l.held = false
		l.Later()
	}
}

// Leave closes a connection to whose client all has been said.
func (l *Line) Leave() {
	l.farewell()
	if l.by != nil {
		l.by.Finish(l.broken)
	}
	l.Close()
}

// Break marks a line that a fault breaks off: TLS is not to say that this is the end.
func (l *Line) Break() { l.broken = true }

// severed is what the client sees in TLS of a line that was broken off within a record, where
// a fault says so.
func (l *Line) severed() {
	if l.tls != nil && l.broken && l.lines.force.CutRecords {
		l.tls.SendBroken()
	}
}

// farewell says in TLS that nothing more will come.
func (l *Line) farewell() {
	if l.tls != nil && !l.broken {
		l.tls.Shutdown()
	}
}

// Reset has the connection closed by a RST.
func (l *Line) Reset() {
	sock.SetLinger0(l.fd)
	l.Close()
}

// Close closes the connection.
func (l *Line) Close() {
	s := l.lines
	s.loop.StopTimer(&l.timer)
	if l.parked > 0 {
		s.parked[l.parked-1] = nil
	}
	last := s.all[len(s.all)-1]
	s.all[l.pos], last.pos = last, l.pos
	s.all[len(s.all)-1] = nil
	s.all = s.all[:len(s.all)-1]
	if l.tls != nil {
		l.tls.Release()
	}
	if l.fd >= 0 {
		s.tally.Active--
		s.loop.Close(l.fd)
	} else {
		l.by.Gone()
	}
	in, queued := l.in[:0], l.queued
	if cap(in) > keepBuffer {
		in = nil
	}
	*l = Line{lines: s, user: l.user, fd: -1, task: l.task, in: in, queued: queued}
	l.user.Closed()
	if !queued {
		s.free = append(s.free, l)
	}
}
