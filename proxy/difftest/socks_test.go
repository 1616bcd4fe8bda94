package difftest

const (
	socksRequest = "\x04\x01\x1f\x90\x0a\x01\x02\x03HAProxy\x00"
	socksGranted = "\x00\x5a\x00\x00\x00\x00\x00\x00"
	socksDenied  = "\x00\x5b\x00\x00\x00\x00\x00\x00"
)

// socksed: servers that are reached by a SOCKS4 proxy, which is the second origin.
func socksed() []exchange {
	const server = "server s0 10.1.2.3:8080 socks4 127.0.0.1:PORT"
	asked := func(then ...step) []step { return append([]step{await(socksRequest)}, then...) }
	led := func(then ...step) [][]step { return [][]step{asked(append([]step{send(socksGranted)}, then...)...)} }
	cases := []exchange{
		{name: "HTTP", second: led(answer(ok)[:2]...), client: sends(last)},
		{name: "HTTP, twice on one connection", second: led(await("\r\n\r\n"), send(ok), await("\r\n\r\n"), send(ok)), client: []step{send(get), await("ok"), send(last)}, logs: 2},
		{name: "HTTP, POST", second: led(await("hello"), send(ok)), client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")},
		{name: "HTTP, a version in the answer", second: [][]step{asked(send("\x04\x5aabcdef"), await("\r\n\r\n"), send(ok))}, client: sends(last)},
		{name: "tcp", tcp: true, second: led(await("hello"), send("hello to you"), closeNow()), client: sends("hello")},
		{name: "tcp, server speaks first", tcp: true, second: led(send("welcome")), client: nil},
		{name: "tcp, answer and more in one", tcp: true, second: [][]step{asked(send(socksGranted + "welcome"))}, client: sends("hello")},
		{name: "send-proxy", backend: server + " send-proxy-v2", second: led(answer(ok)[:2]...), client: sends(v2 + last), frontend: "tcp-request connection expect-proxy layer4", onlyAtOnce: "there a header has to come in one piece"},
		{name: "denied", second: [][]step{asked(send(socksDenied))}, client: sends(last)},
		{name: "denied, closes", second: [][]step{asked(send(socksDenied), closeNow())}, client: sends(last)},
		{name: "closes", second: [][]step{asked(closeNow())}, client: sends(last)},
		{name: "resets", second: [][]step{asked(reset())}, client: sends(last)},
		{name: "mute", second: [][]step{asked(await("never"))}, client: sends(last), quiet: ms(900), onlyAtOnce: timed},
		{name: "cut", second: [][]step{asked(send(socksGranted[:5]))}, client: sends(last), quiet: ms(900), onlyAtOnce: timed},
		{name: "cut, and closed", second: [][]step{asked(send(socksGranted[:5]), closeNow())}, client: sends(last), quiet: ms(900), onlyAtOnce: timed, why: "nothing more can come; there the time for connecting passes first", differs: outcome{
			logs: "fe be/s0 no-Tc no-Tr status=503 flags=SC-- retries=0 \"GET /last HTTP/1.1\"",
		}},
		{name: "nobody", backend: "server s0 10.1.2.3:8080 socks4 127.0.0.1:1", client: sends(last)},
		{name: "IPv6", backend: "server s0 [2001:db8::1]:8080 socks4 127.0.0.1:PORT", second: led(), client: sends(last), miscounted: "an attempt that is none is no session of the server there"},
		{name: "retry", defaults: "retries 1", second: [][]step{asked(send(socksDenied)), led(answer(ok)[:2]...)[0]}, client: sends(last), quiet: ms(1500)},
	}
	for i := range cases {
		e := &cases[i]
		e.name = "SOCKS4, " + e.name
		e.server = " disabled"
		if e.quiet == 0 {
			e.defaults = "timeout connect 3s" // a busy machine takes its time to shake hands
		}
		if e.backend == "" {
			e.backend = server
		}
	}
	return cases
}
