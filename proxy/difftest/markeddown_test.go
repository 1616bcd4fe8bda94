package difftest

import "strings"

// markedDown: what becomes of the sessions of a server that is marked down, with
// "on-marked-down shutdown-sessions", in every state they may be in.
func markedDown() []exchange {
	const server = " check port PORT inter 50ms fall 1 on-marked-down shutdown-sessions"
	silent := await("never")
	cases := []exchange{
		{name: "before the response", client: sends(get), origin: origins([]step{await("\r\n\r\n"), silent}), miscounted: "one failed response is counted twice"},
		{name: "before the response, request unfinished", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"), origin: origins([]step{await("half"), silent}), why: "the client is told; there it finds the connection closed", differs: outcome{client: strings.NewReplacer("  content-length", "  connection: close\n  content-length", "open\n", "closed\n").Replace(refused502), logs: "fe be/s1 no-Tr status=502 flags=DH-- retries=0 \"POST / HTTP/1.1\""}},
		{name: "within the head of the response", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\nContent-Le"), silent})},
		{name: "after an interim response", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"), silent})},
		{name: "within the body", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), silent})},
		{name: "within a chunked body", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"), silent})},
		{name: "after an upgrade", client: []step{send(ws), await("hello")}, origin: origins([]step{await("\r\n\r\n"), send(switching + "hello"), silent})},
		{name: "idle between requests", client: []step{send(get), await("ok"), pause(ms(500)), send(last)}, origin: respond(ok), logs: 2},
		{name: "tcp", tcp: true, client: []step{send("ping"), await("pong")}, origin: origins([]step{await("ping"), send("pong"), silent})},
		{name: "tcp, silent", tcp: true, client: []step{pause(ms(10))}, origin: origins([]step{silent})},
	}
	// The server refuses every connection: after the first the stream waits for a
	// second to try again, and meanwhile the server is marked down.
	refusing := "server s0 127.0.0.1:1" + server
	cases = append(cases,
		exchange{
			name: "waiting to try again", backend: refusing, defaults: "retries 2", client: sends(get), origin: respond(ok), quiet: ms(2600),
			why:        "the option ends sessions at once; there this one goes on trying the server that is down",
			differs:    outcome{logs: "fe be/s0 no-Tc no-Tr status=503 flags=DC-- retries=1 \"GET /x?y=1 HTTP/1.1\""},
			miscounted: "further attempts are made there",
		},
		exchange{name: "waiting to try again, redispatch", backend: refusing, defaults: "retries 2\n    option redispatch", client: sends(get), origin: respond(ok), quiet: ms(2600)},
	)
	for i := range cases {
		e := &cases[i]
		e.name = "server marked down, " + e.name
		// The origin that is checked dies while the other one goes on.
		e.onlyAtOnce = timed
		e.second, e.secondDies = origins([]step{silent}), ms(250)
		if e.backend == "" {
			e.server, e.quiet = server, ms(900)
		}
	}
	return cases
}
