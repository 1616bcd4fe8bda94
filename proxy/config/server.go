package config

import (
	"strconv"
	"strings"

	"bench/proxy/spec"
)

// serverTemplate is what "server" and "default-server" lines have in common: a server
// as far as options describe it. A line begins with a copy of the one before it.
type serverTemplate struct {
	spec.Server
	initAddr  []string  // how a host name gets its first address; nil: not set
	resolvers reference // without a name if there are none
	prefers   bool      // a family of addresses is
	enabled   bool      // "enabled" was said, and not "disabled" after it
	tls       tlsDraft
	websocket spec.Proto // of websockets, where TLS agrees on the protocol
	track     reference  // without a name if no server is followed
}

// newServerTemplate is a server without any option (configuration manual, section 5.2).
func newServerTemplate() serverTemplate {
	return serverTemplate{Server: spec.Server{
		Weight: defaultWeight, Inter: defaultInter, Rise: defaultRise, Fall: defaultFall,
		Agent: spec.Agent{Inter: defaultInter}, ErrorLimit: defaultErrorLimit, PoolMaxConn: -1, PoolPurgeDelay: defaultPurgeDelay, MaxReuse: -1,
	}}
}

// serverDraft is one server line.
type serverDraft struct {
	serverTemplate
	at portRange
}

func serverKeywords() []keyword {
	return []keyword{
		{name: "server", args: "<name> <address>:<port> [<option>...]", scope: inBack, strict: true, doc: "A server of the backend.", read: readServer},
		{name: "server-template", args: "<prefix> { <number> | <low>-<high> } <name>:<port> [<option>...]", scope: inBack, strict: true, doc: "Servers that differ only in the number that their names end in; with \"resolvers\" they share the addresses of their name.", read: readServerTemplate},
		{name: "default-server", args: "<option>...", scope: inDefaults | inBack, strict: true, doc: "Options of the servers that follow.", read: readDefaultServer},
	}
}

func readDefaultServer(l *line) {
	if l.arity(0, maxWords, "options") {
		readOptions(l, serverOptions(), "server", &l.sect.settings.server, l.args, func(o *serverOption, w word) bool {
			if !o.inDefault {
				l.fail(w, "'%s' is not allowed in 'default-server'", o.name)
			}
			return o.inDefault
		})
	}
}

func readServer(l *line) {
	if l.arity(2, maxWords, "a name and an address") {
		l.addServer(l.args[0], l.args[0].text)
	}
}

// addServer makes a server of a name, with the address and the options of the line behind
// the word w. It reports false after an error.
func (l *line) addServer(w word, name string) bool {
	s := &serverDraft{serverTemplate: l.sect.settings.server}
	s.Pos = l.pos
	if !l.serverName(w, name, s) {
		return false
	}
	ok := l.serverAddress(l.args[1], s)
	if !readOptions(l, serverOptions(), "server", &s.serverTemplate, l.args[2:], everywhere) || !ok || !l.resolveServer(l.args[1], s) {
		return false
	}
	if !l.serverTLS(&s.serverTemplate) {
		return false
	}
	if s.CheckBySocks && s.Socks == nil {
		l.warn(w, "'check-via-socks4' has no effect on server '%s', which has no 'socks4'", name)
	}
	if o := l.sect.byName[s.Name]; o != nil {
		l.fail(w, "server '%s' is already defined on line %d", s.Name, o.Line)
		return false
	}
	if l.sect.byName == nil {
		l.sect.byName = map[string]*serverDraft{}
	}
	l.sect.byName[s.Name] = s
	l.sect.servers = append(l.sect.servers, s)
	return true
}

// readServerTemplate makes servers whose names end in numbers, and which are else the
// same. Each of them reads the line anew, so that they have nothing in common.
func readServerTemplate(l *line) {
	if !l.arity(3, maxWords, "a prefix for the names, a number or range of numbers, and an address") {
		return
	}
	prefix, numbers := l.args[0], l.args[1]
	low, high, ranged := strings.Cut(numbers.text, "-")
	if !ranged {
		low, high = "1", low
	}
	first, err1 := strconv.ParseUint(low, 10, 31)
	last, err2 := strconv.ParseUint(high, 10, 31)
	if err1 != nil || err2 != nil || last < max(first, 1) {
		l.fail(numbers, "'server-template' expects a number or a range of numbers, like 5 or 1-5, not '%s'", numbers.text)
		return
	}
	l.args = append([]word{prefix}, l.args[2:]...)
	for n := first; n <= last; n++ {
		if !l.addServer(prefix, prefix.text+strconv.FormatUint(n, 10)) {
			return
		}
	}
}

func (l *line) serverName(w word, name string, s *serverDraft) bool {
	if bad := invalidNameByte(name); bad != "" {
		l.fail(w, "character '%s' is not permitted in the server name '%s'", bad, name)
		return false
	}
	s.Name = name
	return true
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
		s.at = r
		return true
	}
	return false
}

// server is what the line comes to: the template, and what only the whole line tells.
func (d *serverDraft) server() *spec.Server {
	srv := d.Server
	srv.Addr, srv.Host = d.at.addr, d.at.host
	// Records of services tell ports.
	srv.MapPort = !srv.Addr.IsUnix() && !srv.SRV && (d.at.relative || d.at.low == 0)
	if srv.MapPort {
		srv.PortOffset = d.at.low
		if d.at.negative {
			srv.PortOffset = -d.at.low
		}
		srv.Addr.SetPort(0)
	}
	// A minimum above the limit, or without one, is the limit.
	srv.MaxConn = max(srv.MaxConn, srv.MinConn)
	return &srv
}
