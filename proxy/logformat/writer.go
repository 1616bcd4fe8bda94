package logformat

import (
	"strconv"
	"strings"
	"time"

	"bench/internal/sock"
	"bench/proxy/txn"
)

// Writer is the text being written, with what the aliases need besides the record.
// It belongs to one thread and is used again and again, so that writing allocates
// nothing.
type Writer struct {
	// Host is the name of this host, PID the number of the process, Logs how many lines
	// the proxy has logged before ("%lc").
	Host string
	PID  int
	Logs uint64

	b    []byte
	gap  bool // the last byte is a separator
	dash bool // what is empty is written as "-"
	raw  bool // samples are written as they are, in lines or out of them
	date struct{ local, gmt, zone Stamp }
	// rec is what aliases read outside log lines.
	rec txn.Record
}

// Stamp caches a date by the second: most lines of a busy proxy share theirs.
type Stamp struct {
	second int64
	n      int
	text   [48]byte
}

// Get is the date in a layout and place; a stamp serves one of each only.
func (s *Stamp) Get(t time.Time, layout string, in *time.Location) []byte {
	if sec := t.Unix(); s.n == 0 || sec != s.second {
		s.second = sec
		s.n = len(t.In(in).AppendFormat(s.text[:0], layout))
	}
	return s.text[:s.n]
}

func (w *Writer) str(s string, fl flags)   { w.put(s, nil, fl) }
func (w *Writer) bytes(p []byte, fl flags) { w.put("", p, fl) }

// put writes a text value, one of the two, or "-" for none.
func (w *Writer) put(s string, p []byte, fl flags) {
	if len(s)+len(p) == 0 && fl&quote == 0 {
		if w.dash && fl&bare == 0 {
			w.b = append(w.b, '-')
		}
		return
	}
	if fl&quote != 0 {
		w.b = append(w.b, '"')
	}
	if fl&escape == 0 {
		w.b = append(append(w.b, s...), p...)
	} else {
		for i := range len(s) {
			w.escaped(s[i])
		}
		for _, c := range p {
			w.escaped(c)
		}
	}
	if fl&quote != 0 {
		w.b = append(w.b, '"')
	}
}

func (w *Writer) escaped(c byte) {
	if c == '"' || c == '\\' || c == ']' {
		w.b = append(w.b, '\\')
	}
	w.b = append(w.b, c)
}

// encoded writes client-controlled bytes such that they can neither break the
// line nor be taken for its structure: what is not printable ASCII, and the
// bytes of special, become "#" and two hexadecimal digits.
func (w *Writer) encoded(p []byte, special *byteSet, fl flags) {
	clean := 0 // what lies from here to i is copied at once
	for i, c := range p {
		if !special[c] && fl&escape == 0 {
			continue
		}
		w.b = append(w.b, p[clean:i]...)
		clean = i + 1
		if special[c] {
			w.b = append(w.b, '#', upperHex[c>>4], upperHex[c&15])
		} else {
			w.escaped(c)
		}
	}
	w.b = append(w.b, p[clean:]...)
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

func (w *Writer) num(n int64) {
	if 0 <= n && n < 10 { // most timers and counts
		w.b = append(w.b, byte('0'+n))
		return
	}
	w.b = strconv.AppendInt(w.b, n, 10)
}

// hexNum writes a number in so many digits, or more if it needs them.
func (w *Writer) hexNum(n uint64, width int) {
	for width < 16 && n>>(width*4) != 0 {
		width++
	}
	for shift := (width - 1) * 4; shift >= 0; shift -= 4 {
		w.b = append(w.b, upperHex[n>>shift&15])
	}
}

// ip writes the address of a, "unix" for a unix socket, or none.
func (w *Writer) ip(a *sock.Addr, fl flags) {
	if a.IsUnix() {
		w.str("unix", fl)
		return
	}
	ap := a.AddrPort()
	if !ap.IsValid() {
		w.str("", fl)
		return
	}
	ip := ap.Addr()
	switch {
	case fl&hex != 0 && ip.Is4():
		for _, c := range ip.As4() {
			w.hexNum(uint64(c), 2)
		}
	case fl&hex != 0:
		for _, c := range ip.As16() {
			w.hexNum(uint64(c), 2)
		}
	case fl&quote != 0:
		w.b = append(w.b, '"')
		w.b = append(ip.AppendTo(w.b), '"')
	default:
		w.b = ip.AppendTo(w.b)
	}
}

// port writes the port of a, for unix sockets the listener's id, or none.
func (w *Writer) port(a *sock.Addr, listener int, fl flags) {
	switch {
	case a.IsUnix():
		w.num(int64(listener))
	case !a.IsValid():
		w.str("", fl)
	case fl&hex != 0:
		w.hexNum(uint64(a.AddrPort().Port()), 4)
	default:
		w.num(int64(a.AddrPort().Port()))
	}
}

// captures writes captured headers as "{a|b}", or nothing.
func (w *Writer) captures(list [][]byte, fl flags) {
	if list == nil {
		return
	}
	if fl&quote != 0 {
		w.b = append(w.b, '"')
	}
	w.b = append(w.b, '{')
	for i, p := range list {
		if i > 0 {
			w.b = append(w.b, '|')
		}
		w.encoded(p, headerSpecial, 0)
	}
	w.b = append(w.b, '}')
	if fl&quote != 0 {
		w.b = append(w.b, '"')
	}
}

// captureList writes captured headers one by one, as the common log format does.
func (w *Writer) captureList(list [][]byte, fl flags) {
	for i, p := range list {
		if i > 0 {
			w.b = append(w.b, ' ')
		}
		if fl&quote != 0 {
			w.b = append(w.b, '"')
		} else if len(p) == 0 && w.dash {
			w.b = append(w.b, '-')
		}
		w.encoded(p, headerSpecial, 0)
		if fl&quote != 0 {
			w.b = append(w.b, '"')
		}
	}
}

// millis writes a date with its milliseconds, in local time.
func (w *Writer) millis(t time.Time) {
	w.b = append(w.b, w.date.local.Get(t, "02/Jan/2006:15:04:05", time.Local)...)
	w.b = append(w.b, '.')
	w.three(t.Nanosecond() / 1e6)
}

func (w *Writer) three(n int) {
	w.b = append(w.b, byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}

func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }
