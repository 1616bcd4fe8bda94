package log

import (
	"strconv"
	"sync"
	"time"

	"bench/internal/sock"
	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// Sender is one thread's way out: its sockets, buffers and cached dates. It
// never blocks; what cannot be sent at once is dropped and counted.
type Sender struct {
	// Dropped counts the lines that a target did not take.
	Dropped uint64

	writer logformat.Writer
	line   []byte
	data   []byte // structured data of the line; empty: none
	head   []byte
	dates  struct{ syslog, iso logformat.Stamp }
	fds    [3]int // datagram sockets by family, opened when first needed
	now    func() time.Time
	pieces [3][]byte
}

// The families of Sender.fds.
const (
	inet4 = iota
	inet6
	unixPath
)

var lineEnd = []byte{'\n'}

// NewSender makes a thread's sender. Close releases its sockets.
func NewSender() *Sender {
	return &Sender{
		fds:  [3]int{-1, -1, -1},
		now:  time.Now,
		line: make([]byte, 0, 4096),
		head: make([]byte, 0, 256),
	}
}

// Close closes the sockets. Inherited descriptors stay open.
func (s *Sender) Close() {
	for i, fd := range s.fds {
		if fd >= 0 {
			sock.Close(fd)
		}
		s.fds[i] = -1
	}
}

// Logger is one thread's sink for one proxy.
type Logger struct {
	s    *Sender
	plan *Plan
	seq  uint64 // lines of this proxy in this thread
}

// Logger returns a sink that writes as p says.
func (s *Sender) Logger(p *Plan) *Logger { return &Logger{s: s, plan: p} }

// Log implements Sink.
func (l *Logger) Log(r *txn.Record, x *sample.Context) {
	if len(l.plan.targets) == 0 {
		return
	}
	level := Info
	if r.Failed && l.plan.separateErrors {
		level = Error
	}
	if x != nil && x.Txn != nil && x.Txn.LogLevel != 0 {
		if x.Txn.LogLevel < 0 {
			return
		}
		level = Level(x.Txn.LogLevel - 1)
	}
	s, p := l.s, l.plan
	s.writer.Host, s.writer.PID, s.writer.Logs = p.system, p.pid, l.seq
	format := p.format
	if r.Broken && p.failure != nil {
		format = p.failure
	}
	s.line = format.AppendLine(s.line[:0], &s.writer, x, r)
	if p.data != nil {
		s.data = p.data.AppendLine(s.data[:0], &s.writer, x, r)
	}
	l.send(level)
}

// Failure implements Sink.
func (l *Logger) Failure(r *txn.Record, x *sample.Context, bind, why string) {
	if len(l.plan.targets) == 0 {
		return
	}
	s, p := l.s, l.plan
	if p.failure != nil {
		s.writer.Host, s.writer.PID, s.writer.Logs = p.system, p.pid, l.seq
		s.line = p.failure.AppendLine(s.line[:0], &s.writer, x, r)
	} else {
		s.line = failureFormat.AppendLine(s.line[:0], &s.writer, x, r)
		s.line = append(append(append(s.line, bind...), ": "...), why...)
	}
	level := Info
	if l.plan.separateErrors {
		level = Error
	}
	l.send(level)
}

// failureFormat is what precedes the reason of such a failure (configuration manual,
// section 8.2.5).
var failureFormat = logformat.MustLog(`%ci:%cp [%t] %f/`)

// Message sends a line of plain text, such as a change of a server's state.
func (l *Logger) Message(level Level, text string) {
	if len(l.plan.targets) == 0 {
		return
	}
	l.s.line = append(l.s.line[:0], text...)
	l.send(level)
}

// send puts the line that was written before to every target.
func (l *Logger) send(level Level) {
	s, p := l.s, l.plan
	now := s.now()
	for i := range p.targets {
		t := &p.targets[i]
		if !t.takes(level, l.seq) {
			continue
		}
		s.head = s.header(s.head[:0], p, t, max(level, t.least), now)
		text := s.line[:min(len(s.line), max(0, t.limit-len(s.head)))]
		s.pieces = [3][]byte{s.head, text, lineEnd}
		if !s.put(t) {
			s.Dropped++
		}
	}
	l.seq++
	s.data = s.data[:0]
}

func (s *Sender) put(t *target) bool {
	if t.ring != nil {
		return t.ring.put(s.pieces[:2])
	}
	if t.fd >= 0 {
		_, e := sock.WriteNow(t.fd, s.pieces[:])
		return e == 0
	}
	family, i := t.addr.Family(), unixPath
	switch family {
	case sock.FamilyIPv4:
		i = inet4
	case sock.FamilyIPv6:
		i = inet6
	}
	if s.fds[i] < 0 {
		fd, e := sock.Datagram(family)
		if e != 0 {
			return false
		}
		s.fds[i] = fd
	}
	return sock.SendTo(s.fds[i], &t.addr, s.pieces[:]) == 0
}

// header writes what precedes the text for a target.
func (s *Sender) header(b []byte, p *Plan, t *target, level Level, now time.Time) []byte {
	d := &s.dates
	switch t.header {
	case unset, local, rfc3164:
		b = pri(b, t.facility, level)
		b = append(b, d.syslog.Get(now, "Jan _2 15:04:05 ", time.Local)...)
		switch {
		case t.header == local:
		case p.host != "":
			b = append(append(b, p.host...), ' ')
		case t.header == rfc3164:
			b = append(b, "localhost "...)
		}
		b = append(append(b, p.tag...), '[')
		b = append(appendUint(b, uint64(p.pid)), "]: "...)
	case rfc5424:
		b = append(pri(b, t.facility, level), "1 "...)
		b = append(s.isoDate(b, now), ' ')
		if p.host != "" {
			b = append(b, p.host...)
		} else {
			b = append(b, '-')
		}
		b = append(append(append(b, ' '), p.tag...), ' ')
		b = append(appendUint(b, uint64(p.pid)), " - "...)
		if len(s.data) == 0 {
			b = append(b, '-')
		}
		b = append(append(b, s.data...), ' ')
	case priority:
		b = pri(b, t.facility, level)
	case short:
		b = pri(b, 0, level)
	case timed:
		b = append(s.isoDate(pri(b, 0, level), now), ' ')
	case iso:
		b = append(s.isoDate(b, now), ' ')
	case raw:
	}
	return b
}

func pri(b []byte, facility int, level Level) []byte {
	b = append(b, '<')
	b = appendUint(b, uint64(facility*8+int(level)))
	return append(b, '>')
}

// isoDate writes now as RFC 3339 with microseconds.
func (s *Sender) isoDate(b []byte, now time.Time) []byte {
	d := s.dates.iso.Get(now, "2006-01-02T15:04:05.000000-07:00", time.Local)
	const dot = len("2006-01-02T15:04:05")
	b = append(b, d[:dot+1]...)
	us := now.Nanosecond() / 1e3
	for div := 100_000; div > 0; div /= 10 {
		b = append(b, byte('0'+us/div%10))
	}
	return append(b, d[dot+7:]...)
}

// Messenger sends operational messages from any goroutine.
type Messenger struct {
	mu sync.Mutex
	s  *Sender
}

// NewMessenger makes a messenger with sockets of its own.
func NewMessenger() *Messenger { return &Messenger{s: NewSender()} }

// Send sends a line of text as p says.
func (m *Messenger) Send(p *Plan, level Level, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.s.Logger(p).Message(level, text)
}

// Dropped counts the messages that a target did not take.
func (m *Messenger) Dropped() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.s.Dropped
}

// Close closes the sockets.
func (m *Messenger) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.s.Close()
}

func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }
