package config

import (
	"math"
	"slices"
	"time"

	"bench/internal/sock"
	"bench/proxy/spec"
)

// serverSettings are what server and default-server lines share.
type serverSettings struct {
	id                                    opt[int]
	weight, maxConn, minConn, maxQueue    opt[int]
	rise, fall, checkPort                 opt[int]
	poolMaxConn, poolLowConn, maxReuse    opt[int]
	backup, disabled, check               opt[bool]
	markedDown, markedUp                  opt[bool]
	inter, fastInter, downInter           opt[time.Duration]
	slowStart, poolPurgeDelay, tcpTimeout opt[time.Duration]
	checkAddr                             opt[sock.Addr]
	source                                opt[source]
	cookie                                opt[string]
	initAddr                              opt[[]string]
	resolvers, prefer                     opt[string]
}

// serverDraft is one server line.
type serverDraft struct {
	pos  spec.Pos
	word word
	text string
	name string
	at   portRange
	as   string // address as written
	// unresolved: the server waits for an address.
	unresolved bool
	set        serverSettings
}

// serverOption is one row of the options of servers.
type serverOption struct {
	name string
	args int
	read func(*line, *serverSettings, word)
	// own: not in default-server.
	own bool
	// inert says what the engine does instead of honouring the option; its use is
	// a warning.
	inert string
	// same: what the option asks for is what the engine does anyway.
	same bool
	doc  string
}

func serverKeywords() []keyword {
	return []keyword{
		{name: "server", args: "<name> <address>:<port> [<option>...]", scope: inBack, strict: true, doc: "A server of the backend.", read: readServer},
		{name: "default-server", args: "<option>...", scope: inDefaults | inBack, strict: true, doc: "Options of the servers that follow.", read: func(l *line) {
			if l.arity(1, maxWords, "options") {
				l.serverOptions(l.args, &l.sect.settings.server, true)
			}
		}},
	}
}

func readServer(l *line) {
	if !l.arity(2, maxWords, "a name and an address") {
		return
	}
	w := l.args[0]
	if bad := invalidNameByte(w.text); bad != "" {
		l.fail(w, "character '%s' is not permitted in the server name '%s'", bad, w.text)
		return
	}
	s := &serverDraft{pos: l.pos, word: w, text: l.text, name: w.text, set: l.sect.settings.server}
	ok := l.serverAddress(l.args[1], s)
	if !l.serverOptions(l.args[2:], &s.set, false) || !ok || !l.resolveServer(l.args[1], s) {
		return
	}
	if o := l.sect.byName[s.name]; o != nil {
		l.fail(w, "server '%s' is already defined on line %d", s.name, o.pos.Line)
		return
	}
	if l.sect.byName == nil {
		l.sect.byName = map[string]*serverDraft{}
	}
	l.sect.byName[s.name] = s
	l.sect.servers = append(l.sect.servers, s)
}

func (l *line) serverAddress(w word, s *serverDraft) bool {
	text, err := expandAddress(w.text, &l.p.look)
	if err != nil {
		l.fail(w, "'server': %v", err)
		return false
	}
	r, err := splitAddress(text)
	switch {
	case err != nil:
		l.fail(w, "'server': %v", err)
	case r.fd >= 0:
		l.fail(w, "'server': '%s' is not an address to connect to", text)
	case r.low != r.high:
		l.fail(w, "'server': '%s': a range of ports is not an address to connect to", text)
	default:
		s.at, s.as = r, text
		return true
	}
	return false
}

// serverOptions reads the options of a server or default-server line.
func (l *line) serverOptions(rest []word, set *serverSettings, defaults bool) bool {
	rows := serverOptions()
	for len(rest) > 0 {
		i := slices.IndexFunc(rows, func(r serverOption) bool { return r.name == rest[0].text })
		if i < 0 {
			l.unknownOption(rest[0], "server", optionNames(rows, func(r serverOption) string { return r.name }))
			return false
		}
		row := rows[i]
		if row.own && defaults {
			l.fail(rest[0], "'%s' is not allowed in 'default-server'", row.name)
			return false
		}
		if len(rest) <= row.args {
			l.missing("a value after '" + row.name + "'")
			return false
		}
		if row.inert != "" {
			l.warn(rest[0], "'%s' is accepted without effect: %s", row.name, row.inert)
		}
		row.read(l, set, rest[row.args])
		rest = rest[row.args+1:]
		if row.name == "source" {
			rest = l.sourceInterface(&set.source, rest)
		}
	}
	return true
}

// longestWeight is the largest weight of a server.
const longestWeight = 256

// serverOptions are the rows (configuration manual, section 5.2).
func serverOptions() []serverOption {
	type s = serverSettings
	number := func(name string, least, most int64, doc string, field func(*s) *opt[int]) serverOption {
		return serverOption{name: name, args: 1, doc: doc, read: func(l *line, x *s, w word) {
			if n, ok := l.value(name, w, least, most); ok {
				field(x).put(n, l.at(w))
			}
		}}
	}
	flag := func(name, doc string, value bool, field func(*s) *opt[bool]) serverOption {
		return serverOption{name: name, doc: doc, read: func(l *line, x *s, w word) { field(x).put(value, l.at(w)) }}
	}
	span := func(name string, unit time.Duration, doc string, field func(*s) *opt[time.Duration]) serverOption {
		return serverOption{name: name, args: 1, doc: doc, read: func(l *line, x *s, w word) {
			d, err := parseTime(w.text, unit)
			if err != nil {
				l.fail(w, "'%s' %v", name, err)
				return
			}
			field(x).put(d, l.at(w))
		}}
	}
	interval := func(name, doc string, field func(*s) *opt[time.Duration]) serverOption {
		o := span(name, time.Millisecond, doc, field)
		read := o.read
		o.read = func(l *line, x *s, w word) {
			read(l, x, w)
			if d := field(x); d.set && d.pos == l.at(w) && d.val <= 0 {
				l.fail(w, "'%s' expects a time above zero, not '%s'", name, w.text)
			}
		}
		return o
	}
	rows := []serverOption{
		number("id", 1, math.MaxInt32, "Number in the statistics.", func(x *s) *opt[int] { return &x.id }),
		number("weight", 0, longestWeight, "Share of the requests.", func(x *s) *opt[int] { return &x.weight }),
		number("maxconn", 0, math.MaxInt32, "Connections at once; more wait in the queue.", func(x *s) *opt[int] { return &x.maxConn }),
		number("minconn", 0, math.MaxInt32, "Connections at once under low load.", func(x *s) *opt[int] { return &x.minConn }),
		{name: "maxqueue", args: 1, inert: "requests wait in the queue of the backend, not of one server", doc: "Requests that may wait for the server; shown in the statistics.", read: func(l *line, x *s, w word) {
			if n, ok := l.value("maxqueue", w, 0, math.MaxInt32); ok {
				x.maxQueue.put(n, l.at(w))
			}
		}},
		flag("backup", "Use the server only when no other is left.", true, func(x *s) *opt[bool] { return &x.backup }),
		flag("no-backup", "Against \"backup\" in default-server.", false, func(x *s) *opt[bool] { return &x.backup }),
		flag("disabled", "Start in maintenance.", true, func(x *s) *opt[bool] { return &x.disabled }),
		flag("enabled", "Against \"disabled\" in default-server.", false, func(x *s) *opt[bool] { return &x.disabled }),
		flag("check", "Check the server's health.", true, func(x *s) *opt[bool] { return &x.check }),
		flag("no-check", "Against \"check\" in default-server.", false, func(x *s) *opt[bool] { return &x.check }),
		interval("inter", "Time between two checks.", func(x *s) *opt[time.Duration] { return &x.inter }),
		interval("fastinter", "Time between two checks while the state changes.", func(x *s) *opt[time.Duration] { return &x.fastInter }),
		interval("downinter", "Time between two checks of a server that is down.", func(x *s) *opt[time.Duration] { return &x.downInter }),
		number("rise", 1, math.MaxInt32, "Good checks that make a server up.", func(x *s) *opt[int] { return &x.rise }),
		number("fall", 1, math.MaxInt32, "Bad checks that make a server down.", func(x *s) *opt[int] { return &x.fall }),
		number("port", 1, 65535, "Port to check.", func(x *s) *opt[int] { return &x.checkPort }),
		{name: "addr", args: 1, doc: "Address to check.", read: func(l *line, x *s, w word) {
			a, err := l.resolveAddress(w.text)
			if err != nil {
				l.fail(w, "'addr': %v", err)
				return
			}
			x.checkAddr.put(a, l.at(w))
		}},
		{name: "cookie", args: 1, doc: "Value of the persistence cookie; shown in the statistics.", read: func(l *line, x *s, w word) { x.cookie.put(w.text, l.at(w)) }},
		{name: "on-marked-down", args: 1, doc: "\"shutdown-sessions\": close the connections of a server that goes down.", read: func(l *line, x *s, w word) {
			if w.text != "shutdown-sessions" {
				l.unknown(w, "argument of 'on-marked-down'", []string{"shutdown-sessions"})
				return
			}
			x.markedDown.put(true, l.at(w))
		}},
		{name: "on-marked-up", args: 1, doc: "\"shutdown-backup-sessions\": close the connections of backup servers when this one is up.", read: func(l *line, x *s, w word) {
			if w.text != "shutdown-backup-sessions" {
				l.unknown(w, "argument of 'on-marked-up'", []string{"shutdown-backup-sessions"})
				return
			}
			x.markedUp.put(true, l.at(w))
		}},
		span("slowstart", time.Millisecond, "Time to reach the full weight after coming up.", func(x *s) *opt[time.Duration] { return &x.slowStart }),
		number("pool-max-conn", -1, math.MaxInt32, "Idle connections kept; -1: any number.", func(x *s) *opt[int] { return &x.poolMaxConn }),
		number("pool-low-conn", 0, math.MaxInt32, "Idle connections below which threads do not share.", func(x *s) *opt[int] { return &x.poolLowConn }),
		span("pool-purge-delay", time.Millisecond, "Time after which half of the idle connections are closed.", func(x *s) *opt[time.Duration] { return &x.poolPurgeDelay }),
		number("max-reuse", -1, math.MaxInt32, "Requests after the first on one connection; -1: any number.", func(x *s) *opt[int] { return &x.maxReuse }),
		{name: "source", args: 1, doc: "Own address of connections to the server, perhaps with a port or a range of ports; an 'interface' may follow.", read: func(l *line, x *s, w word) {
			if a, ok := l.sourceAddress(w, true); ok {
				x.source.put(a, l.at(w))
			}
		}},
		{name: "init-addr", args: 1, doc: "How a host name gets its first address: last, libc, none and addresses, to be tried in turn.", read: readInitAddr},
		{name: "resolvers", args: 1, doc: "Resolvers of the host name. It is looked up once, at start; a server whose name is not found waits in maintenance.", read: func(l *line, x *s, w word) { x.resolvers.put(w.text, l.at(w)) }},
		{name: "resolve-prefer", args: 1, doc: "Family of addresses to prefer: ipv4 or ipv6.", read: func(l *line, x *s, w word) {
			if w.text != "ipv4" && w.text != "ipv6" {
				l.unknown(w, "argument of 'resolve-prefer'", []string{"ipv4", "ipv6"})
				return
			}
			x.prefer.put(w.text, l.at(w))
		}},
		{name: "resolve-net", args: 1, inert: "names are looked up once, at start", doc: "Networks to prefer.", read: func(*line, *s, word) {}},
		{name: "resolve-opts", args: 1, inert: "names are looked up once, at start", doc: "Options of looking names up.", read: func(*line, *s, word) {}},
		span("tcp-ut", time.Millisecond, "Longest time without acknowledgement.", func(x *s) *opt[time.Duration] { return &x.tcpTimeout }),
		{name: "proto", args: 1, same: true, doc: "Protocol of the connections: h1, or none for raw TCP.", read: func(l *line, _ *s, w word) {
			if w.text != "h1" && w.text != "none" {
				l.fail(w, "protocol '%s' is not supported in 'server'", w.text)
			}
		}},
		{name: "no-ssl", same: true, doc: "Connect without TLS, as always.", read: func(*line, *s, word) {}},
		{name: "no-send-proxy", same: true, doc: "Send no PROXY line, as always.", read: func(*line, *s, word) {}},
		{name: "no-tfo", same: true, doc: "No TCP Fast Open, as always.", read: func(*line, *s, word) {}},
		{name: "no-agent-check", same: true, doc: "No agent check, as always.", read: func(*line, *s, word) {}},
	}
	for i := range rows {
		if rows[i].name == "id" {
			rows[i].own = true
		}
	}
	return rows
}
