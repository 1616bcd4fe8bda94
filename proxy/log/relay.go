package log

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"bench/proxy/spec"
)

// Relay passes on what other programs have logged. It belongs to one goroutine.
type Relay struct {
	l *Logger
}

// NewRelayPlan works out where a "log-forward" section sends what it gets.
func NewRelayPlan(g *spec.Global, f *spec.LogForward, rings *Rings) (*Plan, error) {
	return NewPlan(g, &spec.Proxy{Pos: f.Pos, Name: f.Name, Logs: f.Logs}, rings)
}

// NewRelay makes a relay with sockets of its own.
func NewRelay(p *Plan) *Relay { return &Relay{NewSender().Logger(p)} }

// Close closes the sockets.
func (r *Relay) Close() { r.l.s.Close() }

// Pass sends a line to all targets, each in its format. What comes without a priority
// has the facility of the target, and whatever severity that lets through.
func (r *Relay) Pass(line []byte) {
	m := ParseMessage(line)
	text := bytes.TrimRight(m.Text, "\n")
	s, p := r.l.s, r.l.plan
	now := s.now()
	for i := range p.targets {
		t := &p.targets[i]
		if !t.takes(m.Level, r.l.seq) {
			continue
		}
		s.head = s.relayed(s.head[:0], t, &m, now)
		s.pieces = [3][]byte{s.head, text[:min(len(text), max(0, t.limit-len(s.head)))], lineEnd}
		if !s.put(t) {
			s.Dropped++
		}
	}
	r.l.seq++
}

// form is the format of a line for a target that has none of its own: that which loses
// the least.
func (m *Message) form() header {
	switch {
	case len(m.Host) > 0 && len(m.Time) > 0 && isISO(m.Time):
		return rfc5424
	case len(m.Host) > 0:
		return rfc3164
	case len(m.Tag) > 0:
		return local
	case len(m.Priority) > 0:
		return priority
	}
	return raw
}

// isISO tells the form of RFC 5424 from that of RFC 3164.
func isISO(t []byte) bool { return t[0] == '-' || isDigit(t[0]) }

// relayed writes what precedes the text for a target.
func (s *Sender) relayed(b []byte, t *target, m *Message, now time.Time) []byte {
	form := t.header
	if form == unset {
		form = m.form()
	}
	facility, level := m.Facility, max(m.Level, t.least)
	if facility < 0 {
		facility = t.facility
	}
	switch form {
	case local, rfc3164:
		b = s.traditionalTime(pri(b, facility, level), m, now)
		switch {
		case form == local:
		case len(m.Host) > 0:
			b = append(append(b, m.Host...), ' ')
		default:
			b = append(b, "localhost "...)
		}
		if len(m.Tag) == 0 {
			return b
		}
		b = append(b, m.Tag...)
		if len(m.PID) > 0 {
			b = append(append(append(b, '['), m.PID...), ']')
		}
		return append(b, ": "...)
	case rfc5424:
		b = append(pri(b, facility, level), "1 "...)
		if string(m.Time) == "-" {
			b = append(b, '-')
		} else {
			b = s.relayedTime(b, m, now)
		}
		for _, field := range [][]byte{m.Host, m.Tag, m.PID, m.ID, m.Data} {
			b = append(b, ' ')
			if len(field) == 0 {
				b = append(b, '-')
			}
			b = append(b, field...)
		}
		return append(b, ' ')
	case priority:
		return pri(b, facility, level)
	case short:
		return pri(b, 0, level)
	case timed:
		return append(s.relayedTime(pri(b, 0, level), m, now), ' ')
	case iso:
		return append(s.relayedTime(b, m, now), ' ')
	case unset, raw:
	}
	return b
}

// relayedTime is the time of a message in the form of RFC 5424. One of RFC 3164 has no
// year, for which the present one is taken, and no zone that is known.
func (s *Sender) relayedTime(b []byte, m *Message, now time.Time) []byte {
	switch {
	case len(m.Time) == 0 || string(m.Time) == "-":
		return s.isoDate(b, now)
	case isISO(m.Time):
		return append(b, m.Time...)
	}
	b = append(strconv.AppendInt(b, int64(now.Year()), 10), '-')
	month := slices.Index(months, string(m.Time[:3])) + 1
	b = append(b, byte('0'+month/10), byte('0'+month%10), '-')
	day := m.Time[4]
	if day == ' ' {
		day = '0'
	}
	b = append(b, day, m.Time[5], 'T')
	return append(append(b, m.Time[7:]...), "-00:00"...)
}

// traditionalTime is the same in the form of RFC 3164, with a blank behind it.
func (s *Sender) traditionalTime(b []byte, m *Message, now time.Time) []byte {
	t := m.Time
	switch {
	case len(t) == 0 || string(t) == "-":
		return append(b, s.dates.syslog.Get(now, "Jan _2 15:04:05 ", time.Local)...)
	case !isISO(t):
		return append(append(b, t...), ' ')
	}
	month := 10*int(t[5]-'0') + int(t[6]-'0')
	name := "???"
	if 1 <= month && month <= len(months) {
		name = months[month-1]
	}
	day := t[8]
	if day == '0' {
		day = ' '
	}
	b = append(append(b, name...), ' ', day, t[9], ' ')
	return append(append(b, t[11:19]...), ' ')
}
