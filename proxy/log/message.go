package log

import (
	"bytes"
	"slices"
)

// Message is what another program has logged, taken apart. Its pieces lie in the bytes
// that it was read from; those that it does not have are empty.
type Message struct {
	Level    Level // -1: it has no priority
	Facility int   // -1: the same
	Priority []byte
	Time     []byte // as it was written, of either form; "-" if that was written
	Host     []byte
	Tag, PID []byte
	ID       []byte // RFC 5424 only, as what follows
	Data     []byte
	Text     []byte
}

// ParseMessage reads a line in the form of RFC 3164 or RFC 5424. Whatever is in neither
// is text as a whole, behind its priority if it has one.
func ParseMessage(line []byte) Message {
	m := Message{Level: -1, Facility: -1, Text: line}
	rest, ok := m.priority(line)
	if !ok {
		return m
	}
	m.Text = rest
	whole := m
	switch {
	case bytes.HasPrefix(rest, []byte("1 ")):
		ok = m.current(rest[2:])
	default:
		ok = m.traditional(rest)
	}
	if !ok {
		return whole
	}
	return m
}

// highestPriority is the number before which digits do not count any more.
const highestPriority = 1 << 16

func (m *Message) priority(line []byte) (rest []byte, ok bool) {
	if len(line) < 2 || line[0] != '<' {
		return line, false
	}
	n := 0
	for i := 1; i < len(line); i++ {
		switch c := line[i]; {
		case c == '>':
			m.Facility, m.Level, m.Priority = n>>3, Level(n&7), line[:i+1]
			return line[i+1:], true
		case c < '0' || '9' < c || n > highestPriority:
			return line, false
		default:
			n = 10*n + int(c-'0')
		}
	}
	return line, false
}

// current reads what follows the version in the form of RFC 5424, section 6.
func (m *Message) current(rest []byte) bool {
	n := isoTime(rest)
	if n == 0 {
		return false
	}
	m.Time, rest = rest[:n], rest[n+1:]
	for _, field := range []*[]byte{&m.Host, &m.Tag, &m.PID, &m.ID} {
		end := bytes.IndexByte(rest, ' ')
		if end < 1 {
			return false
		}
		if *field = rest[:end]; string(*field) == "-" {
			*field = nil
		}
		rest = rest[end+1:]
	}
	n = structured(rest)
	if n == 0 || n == len(rest) || rest[n] != ' ' {
		return false
	}
	if m.Data = rest[:n]; string(m.Data) == "-" {
		m.Data = nil
	}
	m.Text = rest[n+1:]
	return true
}

// isoTime is the length of a time in the form of RFC 3339, or of the "-" for none, that a
// blank follows; 0 if there is neither.
func isoTime(b []byte) int {
	const date = "0000-00-00T00:00:00"
	const zone = "+00:00"
	if bytes.HasPrefix(b, []byte("- ")) {
		return 1
	}
	if len(b) < len(date) || !shaped(b, date) {
		return 0
	}
	n := len(date)
	if n < len(b) && b[n] == '.' {
		for n++; n < len(b) && isDigit(b[n]); n++ {
		}
	}
	switch {
	case n < len(b) && b[n] == 'Z':
		n++
	case len(b)-n >= len(zone) && (b[n] == '+' || b[n] == '-') && shaped(b[n+1:], zone[1:]):
		n += len(zone)
	default:
		return 0
	}
	if n == len(b) || b[n] != ' ' {
		return 0
	}
	return n
}

// shaped tells whether b begins like a form, in which a 0 stands for any digit and T for
// anything.
func shaped(b []byte, form string) bool {
	for i := range form {
		switch c := form[i]; {
		case c == 'T':
		case c == '0' && !isDigit(b[i]), c != '0' && b[i] != c:
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// structured is the length of structured data, or of the "-" for none; 0 if there is
// neither.
func structured(b []byte) int {
	if len(b) > 0 && b[0] == '-' {
		return 1
	}
	n := 0
	for n < len(b) && b[n] == '[' {
		end := n + 1
		for end < len(b) && b[end] != ']' {
			if b[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(b) {
			return 0
		}
		n = end + 1
	}
	return n
}

var months = []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

// traditional reads what follows the priority in the form of RFC 3164, section 4.1.
func (m *Message) traditional(rest []byte) bool {
	const date = len("Jan _2 15:04:05")
	if len(rest) <= date || rest[date] != ' ' || !slices.Contains(months, string(rest[:3])) ||
		rest[3] != ' ' || rest[6] != ' ' || rest[9] != ':' || rest[12] != ':' {
		return false
	}
	host, text, ok := bytes.Cut(rest[date+1:], []byte{' '})
	if !ok || len(host) == 0 {
		return false
	}
	m.Time, m.Host, m.Text = rest[:date], host, text
	m.tagged(text)
	return true
}

// tagged takes "tag: " or "tag[pid]: " off a text, if that is what it begins with.
func (m *Message) tagged(text []byte) {
	word, rest, ok := bytes.Cut(text, []byte(": "))
	if !ok || bytes.ContainsAny(word, " :") {
		return
	}
	tag, pid := word, []byte(nil)
	if at := bytes.IndexByte(word, '['); at > 0 {
		tag, pid = word[:at], word[at+1:]
		switch end := bytes.IndexByte(pid, ']'); {
		case end < 0:
			pid = nil
		case end == len(pid)-1:
			pid = pid[:end]
		default:
			return
		}
	}
	m.Tag, m.PID, m.Text = tag, pid, rest
}
