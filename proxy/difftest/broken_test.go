package difftest

import "strings"

// broken: servers that misbehave.
var broken = []exchange{
	{name: "response is not HTTP", client: sends(get), origin: origins(answer("HELLO\r\n\r\n"))},
	{name: "response with a bad status", client: sends(get), origin: origins(answer("HTTP/1.1 2x0 OK\r\n\r\n"))},
	{name: "response with a bad field", client: sends(get), origin: origins(answer("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok"))},
	{name: "response with lengths that differ", client: sends(get), origin: origins(answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"))},
	{name: "response with length overflow", client: sends(get), origin: origins(answer("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok"))},
	{name: "response with gzip coding", client: sends(get), origin: origins(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok"))},
	{name: "response head too large", client: sends(get), origin: origins(answer("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 17000) + "\r\nContent-Length: 2\r\n\r\nok"))},
	{name: "server closes at once", miscounted: "one failed response is counted twice", client: sends(get), origin: origins([]step{closeNow()})},
	{name: "server closes after the request", client: sends(get), origin: origins([]step{await("\r\n\r\n"), closeNow()})},
	{name: "server resets after the request", miscounted: "one failed response is counted twice", client: sends(get), origin: origins([]step{await("\r\n\r\n"), reset()})},
	{name: "server closes in the head", client: sends(get), origin: origins(answerOnce("HTTP/1.1 200 OK\r\nContent-Le"))},
	{name: "server closes in the body", client: sends(get), origin: origins(answerOnce("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"))},
	{name: "server closes in a chunk", client: sends(get), origin: origins(answerOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhello"))},
	{name: "server sends a broken chunk", onlyAtOnce: passedOn, client: sends(get), origin: origins(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"))},
	{name: "server resets in the body", onlyAtOnce: byChance, client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), pause(ms(30)), reset()})},
	{name: "server too slow", defaults: "timeout server 200ms", client: sends(get), quiet: ms(600), origin: origins([]step{await("\r\n\r\n"), await("never")})},
	{name: "server too slow in the body", defaults: "timeout server 200ms", client: sends(get), quiet: ms(600), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), await("never")})},
	{name: "server sends too much", client: sends(get), origin: origins(answer(ok + "extra"))},
	{name: "nothing listens", client: sends(get)},
	{name: "nothing listens, HEAD", client: sends(head), heads: true},
	{name: "nothing listens, 1.0", client: sends(get10)},
	{name: "nothing listens, post", client: sends(postTwo)},
	{name: "nothing listens, next request", client: []step{send(get), await("</html>\n"), send(last)}, logs: 2},
	{name: "client aborts", onlyAtOnce: byChance, client: []step{send(get), pause(ms(50)), closeNow()}, origin: origins([]step{await("\r\n\r\n"), pause(ms(150)), send(ok)})},
	{name: "client aborts, abortonclose", onlyAtOnce: byChance, defaults: "option abortonclose", client: []step{send(get), pause(ms(50)), closeNow()}, origin: origins([]step{await("\r\n\r\n"), pause(ms(150)), send(ok)})},
	{
		name: "client aborts in the body", onlyAtOnce: byChance, client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"), pause(ms(50)), closeNow()}, origin: origins([]step{await("\r\n\r\n"), await("never")}),
		why: "logged as CD or CL there, by chance", unsteady: true,
		differs: outcome{logs: "fe be/s1 no-Tr status=-1 flags=CD-- retries=0 \"POST / HTTP/1.1\""},
	},
	{name: "client aborts in the head", client: []step{send("GET / HT"), pause(ms(30)), closeNow()}, origin: origins(answer(ok))},
	{name: "client resets in the response", onlyAtOnce: byChance, client: []step{send(get), await("hello"), reset()}, origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), pause(ms(500)), send("world"), pause(ms(60))})},
}

// limits: timeouts on the client side, and replies of the proxy's own.
var limits = []exchange{
	{name: "head too slow", defaults: "timeout http-request 200ms", client: sends("GET / HTTP/1.1\r\nHost:"), quiet: ms(600), origin: origins(answer(ok))},
	{name: "client timeout in the head", defaults: "timeout client 200ms", client: sends("GET / HTTP/1.1\r\nHost:"), quiet: ms(600), origin: origins(answer(ok))},
	{name: "second head too slow", defaults: "timeout http-request 200ms", client: []step{send(get), await("ok"), send("GET / ")}, quiet: ms(600), origin: origins(answer(ok)), logs: 2},
	{
		name: "body too slow", defaults: "timeout client 200ms", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"), quiet: ms(800), origin: origins([]step{await("\r\n\r\n"), await("never")}),
		why: "the time-out of the client applies to the whole request; the server is not to blame",
		differs: outcome{
			client: strings.Replace(refused400, "400 Bad request", "408 Request Time-out", 1),
			logs:   "fe be/s1 no-Tr status=408 flags=cD-- retries=0 \"POST / HTTP/1.1\"",
		},
	},
	{name: "ignore-probes", defaults: "option http-ignore-probes\n    timeout http-request 200ms", client: []step{pause(ms(10))}, quiet: ms(600), origin: origins(answer(ok)), logs: -1},
	{name: "connect refused, redispatch 1", defaults: "retries 2\n    option redispatch 1", client: sends(get), quiet: ms(2600)},
	{name: "connect refused, one retry", defaults: "retries 1", client: sends(get), quiet: ms(1600)},
}

const (
	closeDelimited = "HTTP/1.0 503 Custom\r\nX-Custom: 1\r\n\r\ncustom"
	withLength     = "HTTP/1.1 503 Custom\r\nContent-Length: 6\r\nX-Custom: 1\r\n\r\ncustom"
	otherStatus    = "HTTP/1.1 200 Fine\r\nContent-Length: 6\r\nConnection: close\r\n\r\ncustom"
)

// replies: error files.
var replies = []exchange{
	{name: "errorfile, to the end", backend: "errorfile 503 DIR/503", files: map[string]string{"503": closeDelimited}, client: sends(get)},
	{name: "errorfile with length", backend: "errorfile 503 DIR/503", files: map[string]string{"503": withLength}, client: sends(get)},
	{name: "errorfile with length, next request", backend: "errorfile 503 DIR/503", files: map[string]string{"503": withLength}, client: []step{send(get), await("\r\n\r\ncustom"), send(last)}, logs: 2},
	{name: "errorfile with another status", backend: "errorfile 503 DIR/503", files: map[string]string{"503": otherStatus}, client: sends(get)},
	{name: "errorfile to HEAD", backend: "errorfile 503 DIR/503", files: map[string]string{"503": withLength}, client: sends(head), heads: true},
	{name: "errorfile to 1.0", backend: "errorfile 503 DIR/503", files: map[string]string{"503": withLength}, client: sends(get10)},
	{name: "empty errorfile", backend: "errorfile 503 DIR/503", files: map[string]string{"503": ""}, client: sends(get)},
	{name: "errorfile in defaults", defaults: "errorfile 503 DIR/503", files: map[string]string{"503": withLength}, client: sends(get)},
	{name: "empty errorfile 400", frontend: "errorfile 400 DIR/400", files: map[string]string{"400": ""}, client: sends("BAD\r\n\r\n"), origin: origins(answer(ok))},
	{name: "empty errorfile 408", defaults: "timeout http-request 200ms\n    errorfile 408 /dev/null", client: sends("GET / HT"), quiet: ms(600), origin: origins(answer(ok))},
	{name: "errorfile 502", backend: "errorfile 502 DIR/502", files: map[string]string{"502": withLength}, client: sends(get), origin: origins([]step{await("\r\n\r\n"), closeNow()})},
	{name: "errorfile 504", defaults: "timeout server 200ms", backend: "errorfile 504 DIR/504", files: map[string]string{"504": withLength}, client: sends(get), quiet: ms(600), origin: origins([]step{await("\r\n\r\n"), await("never")})},
}
