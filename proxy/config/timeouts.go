package config

import (
	"time"

	"bench/proxy/spec"
)

// timeout is the place of a timeout in the tables.
type timeout int

const (
	timeoutClient timeout = iota
	timeoutClientFin
	timeoutConnect
	timeoutServer
	timeoutServerFin
	timeoutHTTPRequest
	timeoutHTTPKeepAlive
	timeoutQueue
	timeoutCheck
	timeoutTunnel
	timeoutTarpit
	numTimeouts
)

// timeoutRow is one "timeout" keyword.
type timeoutRow struct {
	name  string
	scope scope
	field func(*spec.Timeouts) *time.Duration
	doc   string
}

// timeoutRows are in the order of the constants above (configuration manual,
// "timeout"). The frontend has http-request and http-keep-alive too.
func timeoutRows() [numTimeouts]timeoutRow {
	type t = spec.Timeouts
	return [numTimeouts]timeoutRow{
		timeoutClient:        {"client", inDefaults | inFront, func(s *t) *time.Duration { return &s.Client }, "Inactivity of the client."},
		timeoutClientFin:     {"client-fin", inDefaults | inFront, func(s *t) *time.Duration { return &s.ClientFin }, "Inactivity of the client once it has been sent the end of the server's stream."},
		timeoutConnect:       {"connect", inDefaults | inBack, func(s *t) *time.Duration { return &s.Connect }, "Time to connect to a server."},
		timeoutServer:        {"server", inDefaults | inBack, func(s *t) *time.Duration { return &s.Server }, "Inactivity of the server."},
		timeoutServerFin:     {"server-fin", inDefaults | inBack, func(s *t) *time.Duration { return &s.ServerFin }, "Inactivity of the server once it has been sent the end of the client's stream."},
		timeoutHTTPRequest:   {"http-request", inAny, func(s *t) *time.Duration { return &s.HTTPRequest }, "Time for a complete request head."},
		timeoutHTTPKeepAlive: {"http-keep-alive", inAny, func(s *t) *time.Duration { return &s.HTTPKeepAlive }, "Time for the next request to begin."},
		timeoutQueue:         {"queue", inDefaults | inBack, func(s *t) *time.Duration { return &s.Queue }, "Time in a queue for a server."},
		timeoutCheck:         {"check", inDefaults | inBack, func(s *t) *time.Duration { return &s.Check }, "Time for a health check after it has connected."},
		timeoutTunnel:        {"tunnel", inDefaults | inBack, func(s *t) *time.Duration { return &s.Tunnel }, "Inactivity of both sides where bytes flow both ways: in TCP mode, after an upgrade or CONNECT."},
		timeoutTarpit:        {"tarpit", inAny, func(s *t) *time.Duration { return &s.Tarpit }, "Time that a tarpitted request is held before it is answered; in backends without it, that of connect."},
	}
}

func timeoutKeywords() []keyword {
	rows := timeoutRows()
	kws := make([]keyword, len(rows))
	for i, r := range rows {
		kws[i] = keyword{name: "timeout " + r.name, args: "<time>", scope: r.scope, doc: r.doc, read: func(l *line) {
			w, ok := l.one("a time")
			if !ok {
				return
			}
			if d, ok := l.duration(w, time.Millisecond); ok {
				l.sect.settings.timeouts[i].put(d, l.pos)
			}
		}}
	}
	return kws
}
