package difftest

import "strings"

const (
	get    = "GET /x?y=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\n\r\n"
	get10  = "GET /x HTTP/1.0\r\n\r\n"
	last   = "GET /last HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"
	ok     = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
)

func sends(text string) []step { return []step{send(text)} }

func origins(scripts ...[]step) [][]step { return scripts }

// basic: requests and responses as they should be.
var basic = []exchange{
	{name: "get", client: sends(get), origin: origins(answer(ok))},
	{name: "keep-alive, two requests", client: []step{send(get), await("ok"), send(get)}, origin: origins(answer(ok)), logs: 2},
	{name: "keep-alive, then close", client: []step{send(get), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2},
	{name: "pipelined", client: sends(get + get + last), origin: origins(answer(ok)), logs: 3},
	{name: "pipelined in pieces", client: []step{send(get + get[:10]), pause(ms(30)), send(get[10:] + last)}, origin: origins(answer(ok)), logs: 3},
	{name: "head in pieces", client: []step{send(get[:3]), pause(ms(20)), send(get[3:25]), pause(ms(20)), send(get[25 : len(get)-1]), pause(ms(20)), send(get[len(get)-1:])}, origin: origins(answer(ok))},
	{name: "response in pieces", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send(ok[:5]), pause(ms(20)), send(ok[5:30]), pause(ms(20)), send(ok[30 : len(ok)-1]), pause(ms(20)), send(ok[len(ok)-1:])})},
	{
		name: "names and options", client: sends("GET / HTTP/1.1\r\nHOST: Example.COM\r\nX-Empty:\r\nX-Spaces:  \t a  b \t \r\nconnection: keep-alive, X-Foo\r\nX-Foo: 1\r\nKeep-Alive: 5\r\nTE: gzip, trailers\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n"),
		origin: origins(answer("HTTP/1.1 200 Fine\r\nSERVER: x\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nConnection: X-A\r\nX-A: b\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n")),
	},
	{name: "bare line feeds", client: sends("GET / HTTP/1.1\nHost: a\nX: y\n\n"), origin: origins(answer(ok))},
	{name: "empty lines first", client: sends("\r\n\r\n" + get), origin: origins(answer(ok))},
	{name: "absolute target", client: sends("GET http://example.com/x HTTP/1.1\r\nHost: example.com\r\n\r\n"), origin: origins(answer(ok))},
	{name: "OPTIONS *", client: sends("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "unknown method", client: sends("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "version 1.2", client: sends("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "forwardfor", defaults: "option forwardfor", client: sends(get), origin: origins(answer(ok))},
	{name: "forwardfor, present", defaults: "option forwardfor", client: sends(strings.Replace(get, "User-Agent: test", "X-Forwarded-For: 192.0.2.9", 1)), origin: origins(answer(ok))},
	{name: "forwardfor if-none", defaults: "option forwardfor if-none", client: sends(strings.Replace(get, "User-Agent: test", "X-Forwarded-For: 192.0.2.9", 1)), origin: origins(answer(ok))},
	{name: "forwardfor except", defaults: "option forwardfor except 127.0.0.0/8", client: sends(get), origin: origins(answer(ok))},
	{name: "forwardfor header", defaults: "option forwardfor header X-Client", client: sends(get), origin: origins(answer(ok))},
	{name: "large head", client: sends("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 15000) + "\r\n\r\n"), origin: origins(answer(ok))},
	{
		name: "large bodies both ways", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("q", 300000)),
		origin: origins([]step{await("\r\n\r\n"), await(strings.Repeat("q", 300000)), send("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + strings.Repeat("r", 400000))}),
	},
	{name: "server answers before the body", client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"), await("ok"), send("hello")}, origin: origins(answer(ok))},
	{name: "client half-closes within the head", client: []step{send(get[:30]), pause(ms(20)), shut()}, origin: origins(answer(ok))},
	{name: "client half-closes", client: []step{send(get), shut()}, origin: origins([]step{await("\r\n\r\n"), pause(ms(50)), send(ok)})},
}
