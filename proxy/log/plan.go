package log

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"bench/internal/sock"
	"bench/proxy/logformat"
	"bench/proxy/spec"
)

// Level is a syslog severity, 0 the most severe.
type Level int

// Severities (RFC 5424, section 6.2.1).
const (
	Emergency Level = iota
	Alert
	Critical
	Error
	Warning
	Notice
	Info
	Debug
)

// Plan is how and where one proxy logs, worked out from its configuration.
// It is immutable and shared by all threads.
type Plan struct {
	tag            string
	host           string // for the header; "" leaves it out
	system         string // name of this host
	pid            int
	targets        []target
	format         *logformat.Format
	data           *logformat.Format // structured data; nil: none
	failure        *logformat.Format // of connections that failed; nil: the standard one
	separateErrors bool
}

// target is one "log" line.
type target struct {
	addr     sock.Addr // for datagrams
	fd       int       // else -1: an inherited descriptor
	header   header
	limit    int // longest line in bytes, without the line end
	facility int
	level    Level // lines less severe than this are left out
	least    Level // lines more severe than this are sent as this
	ring     *Ring // nil: none
	sample   spec.LogSample
}

// header is what precedes the text of a line.
type header uint8

const (
	unset   header = iota // RFC 3164 with the host's name only if it was asked for
	rfc3164               // with a host's name in any case
	local                 // never with one
	rfc5424
	priority
	short
	timed
	iso
	raw
)

// headers are the formats by name.
var headers = map[string]header{
	"": unset, "local": local, "rfc3164": rfc3164, "rfc5424": rfc5424,
	"priority": priority, "short": short, "timed": timed, "iso": iso, "raw": raw,
}

// syslogPort is where UDP targets without a port listen.
const syslogPort = 514

// defaultLimit bounds a line where "len" says nothing (RFC 3164, section 4.1).
const defaultLimit = 1024

// NewPlan works out how p logs; p may be nil for the process itself, rings if there are
// none. Errors name the place of the log line.
func NewPlan(g *spec.Global, p *spec.Proxy, rings *Rings) (*Plan, error) {
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	pl := &Plan{tag: g.LogTag, host: g.LogSendHost, system: name, pid: os.Getpid()}
	lines, text := g.Logs, logformat.ConnectFormat
	if p != nil {
		lines = p.Logs
		pl.separateErrors = p.Options.LogSeparateErrors
		pl.data, pl.failure = p.LogData, p.ErrorLog
		if p.LogTag != "" {
			pl.tag = p.LogTag
		}
		switch p.LogFormat {
		case spec.LogHTTP:
			text = logformat.HTTPFormat
		case spec.LogHTTPS:
			text = logformat.HTTPSFormat
		case spec.LogTCP:
			text = logformat.TCPFormat
		case spec.LogCLF:
			text = logformat.CLFFormat
		case spec.LogCustom:
			pl.format = p.LogLine
		case spec.LogDefault:
		}
	}
	if pl.format == nil {
		pl.format = logformat.MustLog(text)
	}
	if pl.tag == "" {
		pl.tag = "haproxy"
	}
	for i := range lines {
		t, err := newTarget(&lines[i], rings)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: log: %w", lines[i].File, lines[i].Line, err)
		}
		pl.targets = append(pl.targets, t)
	}
	return pl, nil
}

func newTarget(s *spec.LogTarget, rings *Rings) (target, error) {
	t := target{
		fd: -1, limit: s.Len, facility: s.Facility,
		level: Level(s.Level), least: Level(s.MinLevel), sample: s.Sample,
	}
	if s.Ring != nil {
		t.ring, t.limit = rings.Of(s.Ring), s.Ring.MaxLen
		if t.ring == nil {
			return t, fmt.Errorf("ring %q has not been made", s.Ring.Name)
		}
		t.header = t.ring.header
		return t, nil
	}
	if t.limit == 0 {
		t.limit = defaultLimit
	}
	var ok bool
	if t.header, ok = headers[s.Format]; !ok {
		return t, fmt.Errorf("unknown format %q: want local, rfc3164, rfc5424, priority, short, timed, iso or raw", s.Format)
	}
	switch {
	case s.Addr == "stdout":
		t.fd = 1
	case s.Addr == "stderr":
		t.fd = 2
	case strings.HasPrefix(s.Addr, "fd@"):
		n, err := strconv.Atoi(s.Addr[len("fd@"):])
		if err != nil || n < 0 {
			return t, fmt.Errorf("invalid descriptor in %q: want fd@ and a number", s.Addr)
		}
		t.fd = n
	default:
		addr, err := sock.Parse(strings.TrimPrefix(s.Addr, "uxdg@"))
		if err != nil {
			return t, err
		}
		if !addr.IsUnix() && addr.AddrPort().Port() == 0 {
			addr.SetPort(syslogPort)
		}
		t.addr = addr
	}
	return t, nil
}

// Active tells whether anything would be sent anywhere.
func (p *Plan) Active() bool { return len(p.targets) > 0 }

// takes tells whether the target wants line number n (from 0) of a severity.
func (t *target) takes(level Level, n uint64) bool {
	if level > t.level {
		return false
	}
	if t.sample.Size == 0 {
		return true
	}
	at := int(n%uint64(t.sample.Size)) + 1
	for _, r := range t.sample.Ranges {
		if r[0] <= at && at <= r[1] {
			return true
		}
	}
	return false
}
