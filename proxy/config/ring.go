package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bench/internal/nearest"
	"bench/proxy/spec"
)

// builtinRing is there without a section, as in the reference.
const builtinRing = "buf0"

const builtinRingSize = 1 << 20

// ringKeywords are those of "ring" sections (configuration manual, section 3.9).
func ringKeywords() []keyword {
	ring := func(l *line) *spec.Ring { return l.p.others.ring }
	span := func(name, doc string, field func(*spec.Ring) *time.Duration) keyword {
		return keyword{name: name, args: "<time>", scope: inRing, doc: doc, read: func(l *line) {
			if w, ok := l.one("a time"); ok {
				if d, ok := l.duration(w, time.Millisecond); ok {
					*field(ring(l)) = d
				}
			}
		}}
	}
	return []keyword{
		{name: "description", args: "<text>", scope: inRing, doc: "Text for the list of rings of the runtime API.", read: func(l *line) {
			if w, ok := l.one("a text"); ok {
				ring(l).Description = w.text
			}
		}},
		{name: "format", args: "<format>", scope: inRing, doc: "What precedes the text of lines, whatever the \"log\" line says: raw by default.", read: func(l *line) {
			if w, ok := l.one("a format"); ok {
				if !slices.Contains(logFormats(), w.text) {
					l.unknown(w, "log format", logFormats())
					return
				}
				ring(l).Format = w.text
			}
		}},
		{name: "maxlen", args: "<number>", scope: inRing, doc: "Longest line in bytes.", read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				if n, ok := l.integer(w, 1, 1<<31-1); ok {
					ring(l).MaxLen = n
				}
			}
		}},
		{name: "size", args: "<size>", scope: inRing, doc: "Size of the ring in bytes, at least that of a buffer.", read: readRingSize},
		{name: "server", args: "<name> <address> [log-proto { legacy | octet-count }]", scope: inRing, doc: "Send the lines to a syslog server over TCP.", read: readRingServer},
		span("timeout connect", "Time to connect to a server.", func(r *spec.Ring) *time.Duration { return &r.Connect }),
		span("timeout server", "Time a server may take to accept lines.", func(r *spec.Ring) *time.Duration { return &r.Server }),
	}
}

// newRing is a ring of which nothing was said.
func (p *parser) newRing(name string, at spec.Pos) *spec.Ring {
	size := p.global.Tune.BufSize
	return &spec.Ring{Pos: at, Name: name, Description: name, Format: "raw", Size: size, MaxLen: size}
}

func (p *parser) beginRing(l *line, name word) {
	if o := p.others.rings[name.text]; o != nil {
		l.twice(name, o.Pos)
	}
	r := p.newRing(name.text, l.pos)
	if p.others.rings == nil {
		p.others.rings = map[string]*spec.Ring{}
	}
	p.others.rings[name.text], p.others.ring = r, r
}

func readRingSize(l *line) {
	w, ok := l.one("a size")
	if !ok {
		return
	}
	n, err := parseSize(w.text)
	r := l.p.others.ring
	switch {
	case err != nil:
		l.fail(w, "'size' %v", err)
	case n < int64(r.Size):
		l.warn(w, "the size %d is ignored: it is smaller than the %d bytes of ring '%s'", n, r.Size, r.Name)
	default:
		r.Size = int(n)
	}
}

func readRingServer(l *line) {
	if !l.arity(2, maxWords, "a name and an address") {
		return
	}
	s := spec.RingServer{Pos: l.pos}
	if name := l.args[0].text; invalidNameByte(name) != "" {
		l.fail(l.args[0], "character '%s' is not permitted in the server name '%s'", invalidNameByte(name), name)
		return
	}
	a, ok := l.ringAddress(l.args[1], l.args[1].text)
	if !ok {
		return
	}
	s.Addr = a.addr
	for rest := l.args[2:]; len(rest) > 0; rest = rest[2:] {
		if rest[0].text != "log-proto" {
			l.unknown(rest[0], "option", []string{"log-proto"})
			return
		}
		if len(rest) < 2 {
			l.missing("legacy or octet-count after 'log-proto'")
			return
		}
		if s.OctetCount, ok = l.logProto(rest[1]); !ok {
			return
		}
	}
	l.p.others.ring.Servers = append(l.p.others.ring.Servers, s)
}

// logProto takes the way in which messages are framed (RFC 6587).
func (l *line) logProto(w word) (octetCount, ok bool) {
	switch w.text {
	case "legacy":
		return false, true
	case "octet-count":
		return true, true
	}
	l.unknown(w, "argument of 'log-proto'", []string{"legacy", "octet-count"})
	return false, false
}

// ringAddress reads the address of a server that takes lines over TCP.
func (l *line) ringAddress(w word, text string) (portRange, bool) {
	text, err := expandAddress(text, &l.p.look)
	if err != nil {
		l.fail(w, "'%s': %v", l.kw.name, err)
		return portRange{}, false
	}
	r, err := l.readAddress(text)
	switch {
	case err != nil:
		l.fail(w, "'%s': %v", l.kw.name, err)
	case r.fd >= 0 || r.low != r.high || r.relative:
		l.fail(w, "'%s': '%s' is not an address to connect to", l.kw.name, text)
	case r.low == 0 && !r.addr.IsUnix():
		l.fail(w, "'%s': '%s': missing port number", l.kw.name, text)
	default:
		return r, true
	}
	return portRange{}, false
}

// implicitRing is the ring of a "log" line with an address of TCP.
func (l *line) implicitRing(w word, text string) *spec.Ring {
	a, ok := l.ringAddress(w, text)
	if !ok {
		return nil
	}
	r := l.p.newRing(text, l.pos)
	r.Connect = implicitConnect
	r.Servers = []spec.RingServer{{Pos: l.pos, Addr: a.addr}}
	l.p.others.implicit = append(l.p.others.implicit, r)
	return r
}

// implicitConnect is how long connecting to the server of a "log" line may take.
const implicitConnect = time.Second

// resolveRings are the rings of the configuration.
func (p *parser) resolveRings() []*spec.Ring {
	all := slices.Clone(p.others.implicit)
	for _, name := range slices.Sorted(maps.Keys(p.others.rings)) {
		r := p.others.rings[name]
		r.MaxLen = min(r.MaxLen, r.Size)
		all = append(all, r)
	}
	return all
}

// findRing finds the ring that a "log" line names, and reports once if there is none.
func (p *parser) findRing(d *logDraft) {
	name, ok := strings.CutPrefix(d.target.Addr, "ring@")
	if !ok || d.target.Ring != nil {
		return
	}
	if p.others.rings == nil {
		p.others.rings = map[string]*spec.Ring{}
	}
	r := p.others.rings[name]
	if r == nil && name == builtinRing {
		r = p.newRing(builtinRing, d.target.Pos)
		r.Description, r.Format, r.Size = "in-memory ring buffer", "timed", builtinRingSize
		p.others.rings[builtinRing] = r
	}
	if r == nil && !slices.Contains(p.others.noRing, d.target.Pos) {
		p.others.noRing = append(p.others.noRing, d.target.Pos)
		p.report(Diagnostic{
			Severity: Alert, Pos: d.target.Pos, Word: name, Source: d.text, Msg: fmt.Sprintf("there is no section 'ring %s'", name),
			Suggestion: nearest.Word(name, slices.Sorted(maps.Keys(p.others.rings))),
		})
	}
	d.target.Ring = r
}
