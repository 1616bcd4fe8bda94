package difftest

import (
	"strings"
	"time"
)

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

const (
	head        = "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"
	postChunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	postTwo     = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
)

// framing: every way a body can end, both ways.
var framing = []exchange{
	{name: "post with length", client: sends(postTwo), origin: origins([]step{await("hi"), send(ok)})},
	{name: "post with length, next request", client: sends(postTwo + last), origin: origins([]step{await("hi"), send(ok), await("\r\n\r\n"), send(ok)}), logs: 2},
	{name: "post with length zero", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "equal lengths", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nhi"), origin: origins([]step{await("hi"), send(ok)})},
	{name: "post chunked", client: sends(postChunked + "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"), origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "post chunked, next request", client: sends(postChunked + "3\r\nabc\r\n0\r\n\r\n" + last), origin: origins([]step{await("0\r\n\r\n"), send(ok), await("\r\n\r\n"), send(ok)}), logs: 2},
	{name: "post chunked in pieces", client: []step{send(postChunked + "3"), pause(ms(20)), send("\r"), pause(ms(20)), send("\nab"), pause(ms(20)), send("c\r\n0\r\n\r"), pause(ms(20)), send("\n")}, origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "post chunked, extensions", client: sends(postChunked + "3;a=b\r\nabc\r\n0;c\r\n\r\n"), origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "post chunked, trailer", client: sends(postChunked + "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"), origin: origins([]step{await("1\r\n\r\n"), send(ok)})},
	{name: "response chunked", client: sends(get), origin: origins(answer(chunks))},
	{name: "response chunked, next request", client: []step{send(get), await("\r\n0\r\n\r\n"), send(last)}, origin: origins(answer(chunks)), logs: 2},
	{name: "response chunked in pieces", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send(chunks[:50]), pause(ms(20)), send(chunks[50:60]), pause(ms(20)), send(chunks[60:])})},
	{name: "response chunked, extension and trailer", client: sends(get), origin: origins(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;e=f\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"))},
	{name: "response to the end", client: sends(get), origin: origins(answerOnce("HTTP/1.1 200 OK\r\n\r\nhello"))},
	{name: "response to the end, 1.0 server", client: sends(get), origin: origins(answerOnce("HTTP/1.0 200 OK\r\nA: b\r\n\r\nhello"))},
	{name: "response to the end, slow", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\n\r\nhello"), pause(ms(50)), send(" world"), pause(ms(50)), closeNow()})},
	{name: "1.0 server with length", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), closeNow()})},
	{name: "1.0 server keeping alive", client: []step{send(get), await("ok"), send(last)}, origin: origins(answer("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok")), logs: 2},
	{name: "1.0 client", client: sends(get10), origin: origins(answer(ok))},
	{name: "1.0 client keeping alive", client: []step{send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), await("ok"), send(get10)}, origin: origins(answer(ok)), logs: 2},
	{name: "1.0 client, response to the end", client: sends(get10), origin: origins(answerOnce("HTTP/1.1 200 OK\r\n\r\nhello"))},
	{name: "1.0 client, post", client: sends("POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"), origin: origins([]step{await("hi"), send(ok)})},
	{
		name: "1.0 client, chunked response", client: sends(get10), origin: origins(answer(chunks)),
		why:     "RFC 9112 §7.1: a client that knows no chunks must not get any",
		differs: outcome{client: "HTTP/1.1 200 OK\n  connection: close\n  \"hello world\" to the end\nclosed\n"},
	},
	{name: "HEAD with length", client: sends(head + head), origin: origins(answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")), heads: true, logs: 2},
	{name: "HEAD with chunked", client: []step{send(head), await("\r\n\r\n"), send(head)}, origin: origins(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")), heads: true, logs: 2},
	{name: "HEAD without framing", client: []step{send(head), await("\r\n\r\n"), send(head)}, origin: origins(answer("HTTP/1.1 200 OK\r\nA: b\r\n\r\n")), heads: true, logs: 2},
	{name: "204", client: []step{send(get), await("\r\n\r\n"), send(get)}, origin: origins(answer("HTTP/1.1 204 No Content\r\nA: b\r\n\r\n")), logs: 2},
	{name: "204 with a length", client: sends(get), origin: origins(answer("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"))},
	{name: "304", client: []step{send(get), await("\r\n\r\n"), send(get)}, origin: origins(answer("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n")), logs: 2},
	{name: "304 with a length", client: []step{send(get), await("\r\n\r\n"), send(get)}, origin: origins(answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n")), logs: 2},
	{name: "server closes after each", client: []step{send(get), await("ok"), send(last)}, origin: origins(answerOnce("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")), logs: 2},
	{name: "empty response body", client: sends(get + last), origin: origins(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")), logs: 2},
	{name: "large chunked response", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("c", 4096)+"\r\n", 50) + "0\r\n\r\n")})},
}

// modes: how connections are kept under the three options.
var modes = []exchange{
	{name: "http-server-close", defaults: "option http-server-close", client: []step{send(get), await("ok"), send(get)}, origin: origins(answer(ok)), logs: 2},
	{name: "http-server-close, 1.0 keeping alive", defaults: "option http-server-close", client: sends("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), origin: origins(answer(ok))},
	{name: "http-server-close, response to the end", defaults: "option http-server-close", client: sends(get), origin: origins(answerOnce("HTTP/1.1 200 OK\r\n\r\nhello"))},
	{name: "http-server-close, chunked", defaults: "option http-server-close", client: sends(get + last), origin: origins(answer(chunks)), logs: 2},
	{name: "httpclose", defaults: "option httpclose", client: sends(get), origin: origins(answer(ok))},
	{name: "httpclose, pipelined", defaults: "option httpclose", client: sends(get + get), origin: origins(answer(ok))},
	{name: "httpclose, 1.0", defaults: "option httpclose", client: sends(get10), origin: origins(answer(ok))},
	{name: "httpclose in the backend", backend: "option httpclose", client: sends(get), origin: origins(answer(ok))},
	{name: "http-keep-alive over httpclose", defaults: "option httpclose", frontend: "no option httpclose\n    option http-keep-alive", backend: "no option httpclose", client: sends(get), origin: origins(answer(ok))},
	{name: "http-reuse never", defaults: "http-reuse never", client: []step{send(get), await("ok"), send(get)}, origin: origins(answer(ok)), logs: 2},
	{name: "client closes between requests", client: []step{send(get), await("ok"), closeNow()}, origin: origins(answer(ok))},
	{name: "idle timeout after a request", defaults: "timeout http-keep-alive 200ms", client: []step{send(get), await("ok")}, quiet: ms(600), origin: origins(answer(ok))},
	{name: "idle timeout before a request", defaults: "timeout http-request 200ms", client: []step{pause(ms(10))}, quiet: ms(600), origin: origins(answer(ok))},
	{name: "nothing sent", client: []step{pause(ms(20)), closeNow()}, origin: origins(answer(ok))},
	{name: "nothing sent, dontlognull", defaults: "option dontlognull", client: []step{pause(ms(20)), closeNow()}, origin: origins(answer(ok)), logs: -1},
	{name: "server closes an idle connection", client: []step{send(get), await("ok"), pause(ms(80)), send(get)}, origin: origins([]step{await("\r\n\r\n"), send(ok), pause(ms(30)), closeNow()}), logs: 2},
}

const cont = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"

// interim: 1xx responses.
var interim = []exchange{
	{name: "100-continue", client: []step{send(cont), await("100 Continue\r\n\r\n"), send("hi")}, origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 100 Continue\r\n\r\n"), await("hi"), send(ok)})},
	{name: "100-continue not awaited", client: sends(cont + "hi"), origin: origins([]step{await("hi"), send("HTTP/1.1 100 Continue\r\n\r\n" + ok)})},
	{name: "100-continue refused", client: sends(cont), origin: origins(answer("HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno"))},
	{name: "unexpected 100", client: sends(get), origin: origins(answer("HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" + ok))},
	{name: "103 then 200", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), pause(ms(50)), send(ok)})},
	{name: "empty lines before the response", client: sends(get), origin: origins(answer("\r\n\n" + ok))},
	{name: "empty lines between responses", client: sends(get), origin: origins(answer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\r\n\r\n" + ok))},
	{name: "two 103", client: sends(get), origin: origins(answer("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: y\r\n\r\n" + ok))},
	{name: "103 then nothing", client: sends(get), origin: origins(answerOnce("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"))},
}

const connectHost = "the Host of CONNECT is passed on as it is: RFC 9110 §7.2 wants the authority of the target, port included"

const ws = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n"

// tunnels: protocol changes.
var tunnels = []exchange{
	{
		name: "upgrade", client: []step{send(ws), await("hello"), send("ping"), await("pong"), closeNow()},
		origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello"), await("ping"), send("pong"), await("never")}),
	},
	{
		name: "upgrade, early client data", client: []step{send(ws + "ping"), await("pong")},
		origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"), await("ping"), send("pong"), closeNow()}),
	},
	{name: "upgrade refused", client: []step{send(ws), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2},
	{name: "upgrade not asked for", client: sends(get), origin: origins(answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"))},
	{
		name: "upgrade, server half-closes", client: []step{send(ws), await("bye"), send("more")},
		origin:  origins([]step{await("\r\n\r\n"), send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nbye"), shut(), await("more")}),
		why:     "bytes flow both ways until both ends are closed, as in TCP mode",
		differs: outcome{origin: "connection 1\nGET /chat HTTP/1.1\n  connection: Upgrade\n  host: a\n  upgrade: echo\nunfinished head \"more\"\n"},
	},
	{
		name: "upgrade, tunnel timeout", defaults: "timeout tunnel 200ms", client: []step{send(ws), await("hello")}, quiet: ms(800),
		origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello"), await("never")}),
	},
	{
		name: "CONNECT", why: connectHost, differs: outcome{origin: "connection 1\nCONNECT a:443 HTTP/1.1\n  host: a:443\nunfinished head \"ping\"\n"}, client: []step{send("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), await("\r\n\r\n"), send("ping"), await("pong"), closeNow()},
		origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\n\r\n"), await("ping"), send("pong"), await("never")}),
	},
	{name: "CONNECT refused", why: connectHost, differs: outcome{origin: "connection 1\nCONNECT a:443 HTTP/1.1\n  host: a:443\n"}, client: sends("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), origin: origins(answer("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"))},
	{name: "CONNECT with a length", client: []step{send("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nping"), await("pong"), closeNow()}, origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\n\r\n"), await("ping"), send("pong"), await("never")})},
	{name: "CONNECT with a length, refused", logs: 2, client: sends("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\nGET /inner HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n"), origin: origins(answer("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"), answer(ok))},
	{name: "CONNECT, chunked", why: "CONNECT has no content (RFC 9110 §9.3.6) and can have no coding: a server that honours one would take what is meant for the tunnel for a body", differs: refused, client: sends("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nping\r\n0\r\n\r\n"), origin: origins(answer("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"))},
}
