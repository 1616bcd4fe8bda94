package log

import (
	"strconv"
	"strings"
	"time"

	"bench/internal/sock"
)

// line is the text being written, with what the aliases need besides the
// record. It is reused, so that writing allocates nothing.
type line struct {
	b    []byte
	gap  bool // the last byte is a separator
	host string
	pid  int
	logs uint64 // lines of this proxy so far ("%lc")
	date stamps
}

// stamps caches dates by the second: most lines of a busy proxy share theirs.
type stamps struct {
	local, gmt, zone, syslog, iso stamp
}

type stamp struct {
	second int64
	n      int
	text   [48]byte
}

func (s *stamp) get(t time.Time, layout string, in *time.Location) []byte {
	if sec := t.Unix(); s.n == 0 || sec != s.second {
		s.second = sec
		s.n = len(t.In(in).AppendFormat(s.text[:0], layout))
	}
	return s.text[:s.n]
}

func (l *line) str(s string, fl flags)   { l.put(s, nil, fl) }
func (l *line) bytes(p []byte, fl flags) { l.put("", p, fl) }

// put writes a text value, one of the two, or "-" for none.
func (l *line) put(s string, p []byte, fl flags) {
	if len(s)+len(p) == 0 && fl&quote == 0 {
		l.b = append(l.b, '-')
		return
	}
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
	if fl&escape == 0 {
		l.b = append(append(l.b, s...), p...)
	} else {
		for i := range len(s) {
			l.escaped(s[i])
		}
		for _, c := range p {
			l.escaped(c)
		}
	}
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
}

func (l *line) escaped(c byte) {
	if c == '"' || c == '\\' || c == ']' {
		l.b = append(l.b, '\\')
	}
	l.b = append(l.b, c)
}

// encoded writes client-controlled bytes such that they can neither break the
// line nor be taken for its structure: what is not printable ASCII, and the
// bytes of special, become "#" and two hexadecimal digits.
func (l *line) encoded(p []byte, special *byteSet, fl flags) {
	const digits = "0123456789ABCDEF"
	clean := 0 // what lies from here to i is copied at once
	for i, c := range p {
		if !special[c] && fl&escape == 0 {
			continue
		}
		l.b = append(l.b, p[clean:i]...)
		clean = i + 1
		if special[c] {
			l.b = append(l.b, '#', digits[c>>4], digits[c&15])
		} else {
			l.escaped(c)
		}
	}
	l.b = append(l.b, p[clean:]...)
}

type byteSet [256]bool

// unprintable is the set of bytes outside printable ASCII and of those given.
func unprintable(and string) *byteSet {
	var s byteSet
	for i := range s {
		c := byte(i)
		s[i] = c < ' ' || c > '~' || strings.IndexByte(and, c) >= 0
	}
	return &s
}

// Bytes that "#XX" stands for.
var (
	uriSpecial    = unprintable(`"#`)
	headerSpecial = unprintable(`"#{|}`)
)

func (l *line) num(n int64) {
	if 0 <= n && n < 10 { // most timers and counts
		l.b = append(l.b, byte('0'+n))
		return
	}
	l.b = strconv.AppendInt(l.b, n, 10)
}

func (l *line) hexNum(n uint64, width int) {
	const digits = "0123456789ABCDEF"
	for shift := (width - 1) * 4; shift >= 0; shift -= 4 {
		l.b = append(l.b, digits[n>>shift&15])
	}
}

// ip writes the address of a, "unix" for a unix socket, or none.
func (l *line) ip(a *sock.Addr, fl flags) {
	if a.IsUnix() {
		l.str("unix", fl)
		return
	}
	ap := a.AddrPort()
	if !ap.IsValid() {
		l.str("", fl)
		return
	}
	ip := ap.Addr()
	switch {
	case fl&hex != 0 && ip.Is4():
		for _, c := range ip.As4() {
			l.hexNum(uint64(c), 2)
		}
	case fl&hex != 0:
		for _, c := range ip.As16() {
			l.hexNum(uint64(c), 2)
		}
	case fl&quote != 0:
		l.b = append(l.b, '"')
		l.b = append(ip.AppendTo(l.b), '"')
	default:
		l.b = ip.AppendTo(l.b)
	}
}

// port writes the port of a, for unix sockets the listener's id, or none.
func (l *line) port(a *sock.Addr, listener int, fl flags) {
	switch {
	case a.IsUnix():
		l.num(int64(listener))
	case !a.IsValid():
		l.str("", fl)
	case fl&hex != 0:
		l.hexNum(uint64(a.AddrPort().Port()), 4)
	default:
		l.num(int64(a.AddrPort().Port()))
	}
}

// captures writes captured headers as "{a|b}", or nothing.
func (l *line) captures(list [][]byte, fl flags) {
	if list == nil {
		return
	}
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
	l.b = append(l.b, '{')
	for i, p := range list {
		if i > 0 {
			l.b = append(l.b, '|')
		}
		l.encoded(p, headerSpecial, 0)
	}
	l.b = append(l.b, '}')
	if fl&quote != 0 {
		l.b = append(l.b, '"')
	}
}

// captureList writes captured headers one by one, as the common log format does.
func (l *line) captureList(list [][]byte, fl flags) {
	for i, p := range list {
		if i > 0 {
			l.b = append(l.b, ' ')
		}
		if fl&quote != 0 {
			l.b = append(l.b, '"')
		} else if len(p) == 0 {
			l.b = append(l.b, '-')
		}
		l.encoded(p, headerSpecial, 0)
		if fl&quote != 0 {
			l.b = append(l.b, '"')
		}
	}
}

// millis writes a date with its milliseconds, in local time.
func (l *line) millis(t time.Time) {
	l.b = append(l.b, l.date.local.get(t, "02/Jan/2006:15:04:05", time.Local)...)
	l.b = append(l.b, '.')
	l.three(t.Nanosecond() / 1e6)
}

func (l *line) three(n int) {
	l.b = append(l.b, byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}

func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }
