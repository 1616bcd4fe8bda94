package difftest

import (
	"slices"
	"time"
)

// switching is the answer to ws.
const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

// Times in these exchanges are multiples of unit, far enough apart to be told from
// one another on a busy machine.
const unit = 400 * time.Millisecond

// stay outlasts every time-out of these exchanges.
const stay = 6 * unit

// every sends something n times, half a unit apart.
func every(n int) []step {
	return slices.Repeat([]step{pause(unit / 2), send("x")}, n)
}

func seq(parts ...[]step) []step { return slices.Concat(parts...) }

// timeouts: how long a connection lasts on which bytes flow both ways, in TCP mode and
// after an upgrade. What is compared is the time in the log, in units.
func timeouts() []exchange {
	idle, untilEOF := []step{pause(stay)}, []step{await("never")}
	cases := []struct {
		name           string
		lines          string
		client, origin []step
		http           bool // after an upgrade as well
	}{
		{name: "idle, client first", lines: "timeout client 400ms", client: idle, origin: idle, http: true},
		{name: "idle, client first, server closes then", lines: "timeout client 400ms", client: idle, origin: []step{await("never")}, http: true},
		{name: "idle, server first", lines: "timeout server 400ms", client: idle, origin: idle, http: true},
		{name: "idle, server first, client closes then", lines: "timeout server 400ms", client: []step{await("never")}, origin: idle, http: true},
		{name: "idle, client, server a unit later", lines: "timeout client 400ms\n    timeout server 800ms", client: idle, origin: idle, http: true},
		{name: "idle, server, client a unit later", lines: "timeout client 800ms\n    timeout server 400ms", client: idle, origin: idle, http: true},
		{name: "idle, client, then server-fin", lines: "timeout client 400ms\n    timeout server-fin 800ms", client: idle, origin: idle, http: true},
		{name: "idle, server, then client-fin", lines: "timeout server 400ms\n    timeout client-fin 800ms", client: idle, origin: idle, http: true},
		{name: "idle, longer tunnel", lines: "timeout client 400ms\n    timeout server 400ms\n    timeout tunnel 1200ms", client: idle, origin: idle, http: true},
		{name: "idle, shorter tunnel", lines: "timeout tunnel 400ms", client: idle, origin: idle, http: true},
		{name: "idle, longer tunnel, after some bytes", lines: "timeout client 400ms\n    timeout server 400ms\n    timeout tunnel 1200ms", client: []step{send("ping"), await("pong"), pause(stay)}, origin: []step{await("ping"), send("pong"), pause(stay)}, http: true},

		{name: "client half-closes, server-fin", lines: "timeout server-fin 400ms\n    timeout client-fin 1200ms", client: []step{send("ping"), await("pong"), shut(), pause(stay)}, origin: []step{await("ping"), send("pong"), pause(stay)}},
		{name: "client half-closes, server sends on, server-fin", lines: "timeout server-fin 400ms\n    timeout client-fin 1200ms", client: []step{send("ping"), shut(), pause(stay)}, origin: seq([]step{await("ping")}, every(4), idle)},
		{name: "client half-closes, server", lines: "timeout client 400ms\n    timeout server 800ms", client: []step{send("ping"), await("pong"), shut(), pause(stay)}, origin: []step{await("ping"), send("pong"), pause(stay)}},
		{name: "client half-closes, tunnel", lines: "timeout client 400ms\n    timeout server 400ms\n    timeout tunnel 1200ms", client: []step{send("ping"), await("pong"), shut(), pause(stay)}, origin: []step{await("ping"), send("pong"), pause(stay)}},
		{name: "client half-closes, longer server-fin than tunnel", lines: "timeout tunnel 400ms\n    timeout server-fin 1200ms", client: []step{send("ping"), await("pong"), shut(), pause(stay)}, origin: []step{await("ping"), send("pong"), pause(stay)}},
		{name: "server half-closes, client-fin", lines: "timeout server-fin 1200ms\n    timeout client-fin 400ms", client: idle, origin: []step{send("bye"), shut(), pause(stay)}},
		{name: "server half-closes, client sends on, client-fin", lines: "timeout server-fin 1200ms\n    timeout client-fin 400ms", client: seq([]step{await("bye")}, every(4), idle), origin: []step{send("bye"), shut(), pause(stay)}},
		{name: "server half-closes, client", lines: "timeout client 800ms\n    timeout server 400ms", client: idle, origin: []step{send("bye"), shut(), pause(stay)}},
		{name: "server half-closes, tunnel", lines: "timeout client 400ms\n    timeout server 400ms\n    timeout tunnel 1200ms", client: idle, origin: []step{send("bye"), shut(), pause(stay)}},
		{name: "server half-closes, longer client-fin than tunnel", lines: "timeout tunnel 400ms\n    timeout client-fin 1200ms", client: idle, origin: []step{send("bye"), shut(), pause(stay)}},

		{name: "only the server sends", lines: "timeout client 400ms", client: idle, origin: seq(every(4), untilEOF), http: true},
		{name: "only the client sends", lines: "timeout server 400ms", client: seq(every(4), untilEOF), origin: idle, http: true},
		{name: "only the server sends, independent streams", lines: "option independent-streams\n    timeout client 400ms", client: idle, origin: seq(every(4), untilEOF), http: true},
		{name: "only the client sends, independent streams", lines: "option independent-streams\n    timeout server 400ms", client: seq(every(4), untilEOF), origin: idle},
	}
	var all []exchange
	for _, c := range cases {
		e := exchange{
			name: "tcp, " + c.name, tcp: true, defaults: c.lines, client: c.client, origin: origins(c.origin),
			quiet: unit, grain: unit, onlyAtOnce: timed,
		}
		all = append(all, e)
		if c.http {
			e.name, e.tcp = "upgrade, "+c.name, false
			e.client = seq([]step{send(ws), await("\r\n\r\n")}, c.client)
			e.origin = origins(seq([]step{await("\r\n\r\n"), send(switching)}, c.origin))
			all = append(all, e)
		}
	}
	waiting := []step{send("ping"), await("never")}
	return append(all,
		exchange{name: "tcp, client time-out while trying again", tcp: true, defaults: "retries 2\n    timeout connect 800ms\n    timeout client 400ms", client: waiting, grain: unit, onlyAtOnce: timed},
		exchange{name: "tcp, client time-out in the queue", tcp: true, defaults: "timeout client 400ms\n    timeout queue 1200ms", server: " maxconn 1", others: [][]step{{send("ping"), await("never")}}, client: waiting, origin: origins([]step{pause(stay)}), logs: 2, grain: unit, onlyAtOnce: timed},
		exchange{name: "tcp, time-out of a silent client while trying again", tcp: true, defaults: "retries 2\n    timeout connect 800ms\n    timeout client 400ms", client: idle, grain: unit, onlyAtOnce: timed},
		exchange{name: "tcp, time-out of a silent client in the queue", tcp: true, defaults: "timeout client 400ms\n    timeout queue 1200ms", server: " maxconn 1", others: [][]step{{send("ping"), await("never")}}, client: idle, origin: origins([]step{pause(stay)}), logs: 2, grain: unit, onlyAtOnce: timed},
		exchange{name: "client time-out while trying again", defaults: "retries 2\n    timeout connect 800ms\n    timeout client 400ms", client: sends(get), quiet: stay, grain: unit, onlyAtOnce: timed},
	)
}
