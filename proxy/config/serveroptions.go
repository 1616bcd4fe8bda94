package config

import (
	"math"
	"slices"
	"sync"
	"time"

	"bench/proxy/spec"
)

// serverOption is one row of the options of servers.
type serverOption = lineOption[serverTemplate]

// Where an option of servers may stand besides "server" lines. At run time are those
// that the reference takes there (management manual, "add server").
type place uint8

const (
	inDefault place = 1 << iota
	atRunTime
	everyplace = inDefault | atRunTime
)

// serverOptions are the rows (configuration manual, section 5.2). Configurations have tens
// of thousands of servers, so they are made once.
var serverOptions = sync.OnceValue(makeServerOptions)

func makeServerOptions() []serverOption {
	type s = serverTemplate
	row := func(where place, o serverOption) serverOption {
		o.inDefault, o.atRunTime = where&inDefault != 0, where&atRunTime != 0
		return o
	}
	number := func(where place, name string, least, most int64, doc string, field func(*s) *int) serverOption {
		return row(where, numberOption(name, least, most, doc, field))
	}
	flag := func(where place, name, doc string, value bool, field func(*s) *bool) serverOption {
		return row(where, serverOption{name: name, doc: doc, read: func(_ *line, x *s, _ word) { *field(x) = value }})
	}
	span := func(where place, name, doc string, field func(*s) *time.Duration) serverOption {
		return row(where, timeOption(name, doc, field))
	}
	interval := func(name, doc string, field func(*s) *time.Duration) serverOption {
		return row(everyplace, serverOption{name: name, args: 1, doc: doc, read: func(l *line, x *s, w word) {
			switch d, ok := l.span(name, w, time.Millisecond); {
			case !ok:
			case d <= 0:
				l.fail(w, "'%s' expects a time above zero, not '%s'", name, w.text)
			default:
				*field(x) = d
			}
		}})
	}
	rows := append([]serverOption{
		row(atRunTime, serverOption{name: "id", args: 1, doc: "Number in the statistics.", read: func(l *line, x *s, w word) {
			if n, ok := l.value("id", w, 1, math.MaxInt32); ok {
				x.ID, x.ForcedID = n, true
			}
		}}),
		row(atRunTime, serverOption{name: "guid", args: 1, doc: "What identifies the server in a file of counters, whatever its name.", read: func(l *line, x *s, w word) {
			if l.identifier(w) {
				x.GUID = w.text
			}
		}}),
		number(everyplace, "weight", 0, spec.MaxWeight, "Share of the requests.", func(x *s) *int { return &x.Weight }),
		number(everyplace, "maxconn", 0, math.MaxInt32, "Connections at once; more wait in the queue.", func(x *s) *int { return &x.MaxConn }),
		number(everyplace, "minconn", 0, math.MaxInt32, "Connections at once under low load.", func(x *s) *int { return &x.MinConn }),
		number(everyplace, "maxqueue", 0, math.MaxInt32, "Requests that may wait for the server itself when it is full; others go elsewhere or get an error.", func(x *s) *int { return &x.MaxQueue }),
		flag(everyplace, "backup", "Use the server only when no other is left.", true, func(x *s) *bool { return &x.Backup }),
		flag(everyplace, "no-backup", "Against \"backup\" in default-server.", false, func(x *s) *bool { return &x.Backup }),
		row(everyplace, serverOption{name: "disabled", doc: "Start in maintenance.", read: func(_ *line, x *s, _ word) { x.Disabled, x.enabled = true, false }}),
		row(everyplace, serverOption{name: "enabled", doc: "Against \"disabled\" in default-server; at run time, do not start in maintenance.", read: func(_ *line, x *s, _ word) { x.Disabled, x.enabled = false, true }}),
		flag(everyplace, "check", "Check the server's health.", true, func(x *s) *bool { return &x.Check }),
		flag(inDefault, "no-check", "Against \"check\" in default-server.", false, func(x *s) *bool { return &x.Check }),
		interval("inter", "Time between two checks.", func(x *s) *time.Duration { return &x.Inter }),
		interval("fastinter", "Time between two checks while the state changes.", func(x *s) *time.Duration { return &x.FastInter }),
		interval("downinter", "Time between two checks of a server that is down.", func(x *s) *time.Duration { return &x.DownInter }),
		number(everyplace, "rise", 1, math.MaxInt32, "Good checks that make a server up.", func(x *s) *int { return &x.Rise }),
		number(everyplace, "fall", 1, math.MaxInt32, "Bad checks that make a server down.", func(x *s) *int { return &x.Fall }),
		row(inDefault, serverOption{name: "init-state", args: 1, doc: "State of a server that is checked until its first check, at the start and after maintenance: up until one fails (up), or until \"fall\" do (fully-up); down until one passes (down), or until \"rise\" do (fully-down).", read: func(l *line, x *s, w word) {
			states := []string{"up", "fully-up", "down", "fully-down"} // as spec.InitState has them
			i := slices.Index(states, w.text)
			if i < 0 {
				l.unknown(w, "argument of 'init-state'", states)
				return
			}
			x.InitState = spec.InitState(i)
		}}),
		number(everyplace, "port", 1, 65535, "Port to check.", func(x *s) *int { return &x.CheckPort }),
		row(everyplace, serverOption{name: "addr", args: 1, doc: "Address to check.", read: func(l *line, x *s, w word) {
			a, err := l.resolveAddress(w.text)
			if err != nil {
				l.fail(w, "'addr': %v", err)
				return
			}
			x.CheckAddr = &a
		}}),
		row(inDefault, serverOption{name: "cookie", args: 1, doc: "Value of the persistence cookie for this server.", read: func(_ *line, x *s, w word) { x.Cookie = w.text }}),
		row(inDefault, serverOption{name: "redir", args: 1, doc: "Send clients of requests GET and HEAD to this prefix with the path behind it, by status 302, instead of connecting to the server.", read: func(_ *line, x *s, w word) { x.Redir = w.text }}),
		row(everyplace, serverOption{name: "on-marked-down", args: 1, doc: "\"shutdown-sessions\": close the connections of a server that goes down.", read: func(l *line, x *s, w word) {
			if w.text != "shutdown-sessions" {
				l.unknown(w, "argument of 'on-marked-down'", []string{"shutdown-sessions"})
				return
			}
			x.OnMarkedDown = true
		}}),
		row(everyplace, serverOption{name: "on-marked-up", args: 1, doc: "\"shutdown-backup-sessions\": close the connections of backup servers when this one is up.", read: func(l *line, x *s, w word) {
			if w.text != "shutdown-backup-sessions" {
				l.unknown(w, "argument of 'on-marked-up'", []string{"shutdown-backup-sessions"})
				return
			}
			x.OnMarkedUp = true
		}}),
		span(everyplace, "slowstart", "Time to reach the full weight after coming up.", func(x *s) *time.Duration { return &x.SlowStart }),
		number(everyplace, "pool-max-conn", -1, math.MaxInt32, "Idle connections kept; -1: any number.", func(x *s) *int { return &x.PoolMaxConn }),
		number(everyplace, "pool-low-conn", 0, math.MaxInt32, "Idle connections below which threads do not share.", func(x *s) *int { return &x.PoolLowConn }),
		span(everyplace, "pool-purge-delay", "Time after which half of the idle connections are closed.", func(x *s) *time.Duration { return &x.PoolPurgeDelay }),
		number(inDefault, "max-reuse", -1, math.MaxInt32, "Requests after the first on one connection; -1: any number.", func(x *s) *int { return &x.MaxReuse }),
		row(everyplace, serverOption{name: "source", args: 1, doc: "Own address of connections to the server, perhaps with a port or a range of ports; 'usesrc' may follow with the address that the server gets to see instead, 'client', 'clientip' or 'hdr_ip(<name>[,<occurrence>])', and an 'interface'.", read: func(l *line, x *s, w word) {
			a, _ := l.sourceAddress(w, true)
			x.Source = &a // of its own: the template's is others' as well
		}, more: func(l *line, x *s, rest []word) []word { return l.sourceMore(x.Source, rest) }}),
		row(inDefault, serverOption{name: "init-addr", args: 1, doc: "How a host name gets its first address: last, libc, none and addresses, to be tried in turn.", read: readInitAddr}),
		row(inDefault, serverOption{name: "resolvers", args: 1, doc: "Resolvers by which the address follows the host name while the proxy runs. A server whose name is not found waits in maintenance.", read: func(l *line, x *s, w word) {
			x.resolvers = reference{w.text, l.at(w), l.text}
		}}),
		row(inDefault, serverOption{name: "resolve-prefer", args: 1, doc: "Family of addresses to prefer: ipv4 or ipv6.", read: func(l *line, x *s, w word) {
			if w.text != "ipv4" && w.text != "ipv6" {
				l.unknown(w, "argument of 'resolve-prefer'", []string{"ipv4", "ipv6"})
				return
			}
			x.prefers, x.PreferIPv4 = true, w.text == "ipv4"
		}}),
		row(inDefault, serverOption{name: "resolve-net", args: 1, doc: "Networks of addresses to prefer.", read: readResolveNet}),
		row(inDefault, serverOption{name: "resolve-opts", args: 1, doc: "allow-dup-ip: servers of one name may have one address; ignore-weight: weights of services do not count; prevent-dup-ip.", read: readResolveOpts}),
		row(inDefault, serverOption{name: "track", args: 1, doc: "Follow the state of another server, [<backend>/]<server>, instead of checking this one.", read: func(l *line, x *s, w word) {
			x.track = reference{w.text, l.at(w), l.text}
		}}),
		flag(inDefault, "non-stick", "Keep the server out of stick tables.", true, func(x *s) *bool { return &x.NonStick }),
		flag(inDefault, "stick", "Against \"non-stick\" in default-server.", false, func(x *s) *bool { return &x.NonStick }),
		span(inDefault, "tcp-ut", "Longest time without acknowledgement.", func(x *s) *time.Duration { return &x.UserTimeout }),
		row(everyplace, serverOption{name: "proto", args: 1, doc: "Protocol of the connections: h1, h2, or none for raw TCP; by default h1, and what TLS agrees on.", read: func(l *line, x *s, w word) {
			l.serverProto(w, &x.Proto)
		}}),
		row(everyplace, serverOption{name: "ws", args: 1, doc: "Protocol of websockets where TLS agrees on one: auto, which is HTTP/1 if the server is offered that, h1 or h2.", read: func(l *line, x *s, w word) {
			how := map[string]spec.Proto{"auto": spec.ProtoAny, "h1": spec.ProtoH1, "h2": spec.ProtoH2}
			p, ok := how[w.text]
			if !ok {
				l.unknown(w, "argument of 'ws'", []string{"auto", "h1", "h2"})
				return
			}
			x.websocket = p
		}}),
		row(everyplace, serverOption{name: "check-proto", args: 1, doc: "Protocol of checks that speak HTTP: h1 or h2; by default that of the connections.", read: func(l *line, x *s, w word) {
			l.serverProto(w, &x.CheckProto)
		}}),
		flag(everyplace, "tfo", "TCP Fast Open: the handshake takes the first bytes along, where there are any at once. As a refusal shows only afterwards, it takes a \"retry-on\" with conn-failure, empty-response and response-timeout.", true, func(x *s) *bool { return &x.FastOpen }),
		flag(everyplace, "no-tfo", "Against \"tfo\" in default-server.", false, func(x *s) *bool { return &x.FastOpen }),
		row(inDefault, serverOption{name: "log-proto", args: 1, inert: "only servers of rings are sent messages of logs", doc: "Framing of messages of logs: legacy or octet-count.", read: func(l *line, _ *s, w word) { l.logProto(w) }}),
	}, serverTLSOptions()...)
	return slices.Concat(rows, agentOptions(row), observeOptions(row), proxyProtocolServer(row), socksOptions(row), []serverOption{namespaceServer(row)})
}
