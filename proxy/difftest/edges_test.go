package difftest

import "strings"

const (
	refused502 = "HTTP/1.1 502 Bad Gateway\n  cache-control: no-cache\n  content-length: (own reply)\n  content-type: text/html\n  (own reply)\nopen\n"
	log502     = "fe be/s1 no-Tr status=502 flags=PH-- retries=0 \"GET /x?y=1 HTTP/1.1\""
)

// refusedResponse is the outcome when the engine refuses a response HAProxy 2.6 admits.
var refusedResponse = outcome{client: refused502, logs: log502}

// Reasons for differences.
const (
	asReceived    = "the target is passed on as it was received"
	validHost     = "RFC 9112 §3.2: a Host with an invalid value must be answered with 400"
	upgradeOffer  = "RFC 9110 §7.8: an offer that is not listed in Connection, or comes in HTTP/1.0 or with a body, is no offer: all of it is dropped"
	strictChunks  = "chunk lines end with CRLF and nothing else comes before it: anything looser has been used for smuggling"
	errorFileUsed = "an error file is used for a request that could not be read as well"
	codingsAnew   = "codings are written anew"
	trailerRule   = "RFC 9110 §6.5.1: fields that frame, route or control the message are dropped from trailers"
)

const websocket = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// saw is what the origin saw on its one connection.
func saw(text string) outcome { return outcome{origin: "connection 1\n" + text} }

func respond(head string) [][]step { return origins(answer(head)) }

// edges: the corners of targets, hosts, options and lengths.
var edges = []exchange{
	{name: "absolute with default port", why: asReceived, differs: outcome{origin: "connection 1\nGET http://a:80/ HTTP/1.1\n  host: a:80\n", logs: "fe be/s1 status=200 flags=---- retries=0 \"GET http://a:80/ HTTP/1.1\""}, client: sends("GET http://a:80/ HTTP/1.1\r\nHost: a:80\r\n\r\n"), origin: respond(ok)},
	{name: "absolute with default port, Host without", why: asReceived, differs: outcome{origin: "connection 1\nGET http://a:80/ HTTP/1.1\n  host: a\n", logs: "fe be/s1 status=200 flags=---- retries=0 \"GET http://a:80/ HTTP/1.1\""}, client: sends("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "absolute without path", client: sends("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "absolute, https", client: sends("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "absolute with user", why: "RFC 9110 §4.2.4: user information is treated as an error", differs: refused, client: sends("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "absolute, HTTP/1.0 without Host", client: sends("GET http://a/ HTTP/1.0\r\n\r\n"), origin: respond(ok)},
	{name: "query only", client: sends("GET ?x HTTP/1.1\r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "relative target", client: sends("GET x HTTP/1.1\r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "double slash", client: sends("GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "odd characters in the target", client: sends("GET /\"<>\\^`{|}[] HTTP/1.1\r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "empty Host", client: sends("GET / HTTP/1.1\r\nHost:\r\n\r\n"), origin: respond(ok)},
	{name: "Host with port", client: sends("GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n"), origin: respond(ok)},
	{name: "Host with default port", client: sends("GET / HTTP/1.1\r\nHost: a:80\r\n\r\n"), origin: respond(ok)},
	{name: "Host with IPv6", client: sends("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), origin: respond(ok)},
	{name: "Host with a slash", why: validHost, differs: refused, client: sends("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), origin: respond(ok)},
	{name: "Host list", why: validHost, differs: refused, client: sends("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), origin: respond(ok)},
	{name: "several spaces in the request line", client: sends("GET   /   HTTP/1.1\r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "space after the version", client: sends("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), origin: respond(ok)},
	{name: "blank before the first field", client: sends("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), origin: respond(ok)},
	{name: "underscore and odd token characters in names", client: sends("GET / HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\n!#$%&'*+-.^_`|~: 2\r\n\r\n"), origin: respond(ok)},
	{name: "quote in a name", client: sends("GET / HTTP/1.1\r\nHost: a\r\n\"X\": 1\r\n\r\n"), origin: respond(ok)},
	{name: "obs-text in a value", client: sends("GET / HTTP/1.1\r\nHost: a\r\nX: caf\xe9\r\n\r\n"), origin: respond(ok)},
	{name: "two Connection fields", client: sends("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close, y\r\n\r\n"), origin: respond(ok)},
	{name: "close and keep-alive", client: sends("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, keep-alive\r\n\r\n"), origin: respond(ok)},
	{name: "close and keep-alive in 1.0", client: sends("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), origin: respond(ok)},
	{name: "Proxy-Connection", client: sends("GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n"), origin: respond(ok)},
	{name: "upgrade not listed", why: upgradeOffer, differs: saw("GET / HTTP/1.1\n  host: a\n"), client: sends("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n"), origin: respond(ok)},
	{name: "upgrade option without a protocol", why: upgradeOffer, differs: saw("GET / HTTP/1.1\n  host: a\n"), client: sends("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n"), origin: respond(ok)},
	{name: "upgrade in 1.0", why: upgradeOffer, differs: saw("GET / HTTP/1.0\n  connection: keep-alive\n"), client: sends("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), origin: respond(ok)},
	{name: "upgrade with a body", why: upgradeOffer, differs: saw("POST / HTTP/1.1\n  content-length: 2\n  host: a\n  \"hi\"\n"), client: sends("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nhi"), origin: origins([]step{await("hi"), send(ok)})},
	{name: "upgrade, httpclose", defaults: "option httpclose", client: sends(ws), origin: respond(ok)},
	{name: "upgrade offered by the server", client: sends(get), origin: respond("HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 0\r\n\r\n")},
	{name: "other expectation", client: sends("GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"), origin: respond(ok)},
	{name: "expectation in 1.0", client: sends("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"), origin: origins([]step{await("hi"), send(ok)})},
	{name: "103 to a 1.0 client", why: "RFC 9110 §15.2: no interim response may be sent to an HTTP/1.0 client", differs: outcome{client: "HTTP/1.1 200 OK\n  connection: close\n  content-length: 2\n  \"ok\"\nclosed\n"}, client: sends(get10), origin: respond("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok)},
	{name: "length with leading zeros", why: "lengths are written anew", differs: saw("POST / HTTP/1.1\n  content-length: 2\n  host: a\n  \"hi\"\n"), client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0002\r\n\r\nhi"), origin: origins([]step{await("hi"), send(ok)})},
	{name: "GET with a body", client: sends("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" + last), origin: origins([]step{await("hi"), send(ok), await("\r\n\r\n"), send(ok)}), logs: 2},
	{name: "data after the last request", client: sends(last + get), origin: respond(ok)},
	{name: "many pipelined", client: sends(strings.Repeat(get, 40) + last), origin: respond(ok), logs: 41},
	{name: "pipelined posts", client: sends(strings.Repeat(postTwo, 3) + postChunked + "2\r\nhi\r\n0\r\n\r\n" + last), origin: origins([]step{
		await("hi"), send(ok), await("hi"), send(ok), await("hi"), send(ok), await("0\r\n\r\n"), send(ok), await("\r\n\r\n"), send(ok),
	}), logs: 5},
}

// chunkEdges: the corners of chunked framing.
var chunkEdges = []exchange{
	{name: "upper-case size, leading zeros", client: sends(postChunked + "000A\r\n0123456789\r\n00\r\n\r\n"), origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "blank after the size", onlyAtOnce: passedOn, why: strictChunks, differs: refused, client: sends(postChunked + "2 \r\nhi\r\n0\r\n\r\n"), origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "bare LF after the size", onlyAtOnce: passedOn, why: strictChunks, differs: refused, client: sends(postChunked + "2\nhi\r\n0\r\n\r\n"), origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "bare LF after the content", onlyAtOnce: passedOn, why: strictChunks, differs: refused, client: sends(postChunked + "2\r\nhi\n0\r\n\r\n"), origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "bare LF after the last chunk", onlyAtOnce: passedOn, why: strictChunks, differs: refused, client: sends(postChunked + "2\r\nhi\r\n0\r\n\n"), origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "bare CR in an extension", client: sends(postChunked + "2;a\rb\r\nhi\r\n0\r\n\r\n"), origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "no size", client: sends(postChunked + "\r\nhi\r\n0\r\n\r\n"), origin: origins([]step{await("never")})},
	{name: "0x size", client: sends(postChunked + "0x2\r\nhi\r\n0\r\n\r\n"), origin: origins([]step{await("never")})},
	{name: "forbidden trailer", why: trailerRule, differs: saw("POST / HTTP/1.1\n  host: a\n  transfer-encoding: chunked\n  chunks \"hi\" \"x-a: 1\"\n"), client: sends(postChunked + "2\r\nhi\r\n0\r\nContent-Length: 5\r\nX-A: 1\r\n\r\n"), origin: origins([]step{await("\r\n0\r\n"), await("\r\n\r\n"), send(ok)})},
	{name: "bad trailer", onlyAtOnce: passedOn, unsteady: true, why: "a malformed trailer is as bad as a malformed header", differs: refused, client: sends(postChunked + "2\r\nhi\r\n0\r\nX : 1\r\n\r\n"), origin: origins([]step{await("never")})},
	{name: "broken chunk later", client: []step{send(postChunked + "2\r\nhi\r\n"), pause(ms(100)), send("zz\r\n")}, origin: origins([]step{await("never")})},
	{name: "response with broken chunk later", client: sends(get), origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"), pause(ms(100)), send("zz\r\n")})},
	{name: "response with bare LF in chunks", onlyAtOnce: passedOn, why: strictChunks, differs: refusedResponse, client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nhi\n0\n\n")},
	{name: "response with forbidden trailer", why: trailerRule, differs: outcome{client: "HTTP/1.1 200 OK\n  transfer-encoding: chunked\n  chunks \"hi\" \"x-a: 1\"\nopen\n"}, client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nContent-Length: 9\r\nX-A: 1\r\n\r\n")},
	{name: "chunked response, data after it", client: sends(get), origin: respond(chunks + "junk")},
}

// responseEdges: responses at the limits of the rules.
var responseEdges = []exchange{
	{name: "response with bare LF", client: sends(get), origin: respond("HTTP/1.1 200 OK\nContent-Length: 2\n\nok")},
	{name: "response without a reason", client: sends(get), origin: respond("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok")},
	{name: "response 999", client: sends(get), origin: respond("HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok")},
	{name: "response 099", why: "RFC 9110 §15: no valid status", differs: refusedResponse, client: sends(get), origin: respond("HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok")},
	{name: "response 2.0", why: "RFC 9110 §2.5: another major version", differs: refusedResponse, client: sends(get), origin: respond("HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok")},
	{name: "response with folding", why: "RFC 9112 §5.2: refused, or replaced by blanks", differs: refusedResponse, client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok")},
	{name: "response with NUL", why: "RFC 9110 §5.5", differs: refusedResponse, client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nA: b\x00\r\nContent-Length: 2\r\n\r\nok")},
	{name: "response with length and chunked, accept-invalid-http-response", backend: "option accept-invalid-http-response", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")},
	{name: "response with length and chunked", why: "RFC 9112 §6.3: ought to be handled as an error", differs: refusedResponse, client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")},
	{name: "1.0 response, chunked", why: "RFC 9112 §6.1: faulty framing", differs: refusedResponse, client: sends(get), origin: respond("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")},
	{name: "response with equal lengths", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok")},
	{name: "304 chunked", client: []step{send(get), await("\r\n\r\n"), send(get)}, origin: respond("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"), logs: 2},
	{name: "204 chunked", client: []step{send(get), await("\r\n\r\n"), send(get)}, origin: respond("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"), logs: 2},
	{name: "response with an empty coding before chunked", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n")},
	{name: "response with two commas behind chunked", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked,,\r\n\r\n0\r\n\r\n")},
	{name: "response with no coding", why: "RFC 9112 §6.3: a coding nobody knows", differs: refusedResponse, client: sends(get), origin: origins(answerOnce("HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\nok"))},
	{name: "response with a chunk size too large", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nhi")},
	{name: "websocket", client: []step{send(websocket), await("hello"), send("ping"), await("pong"), closeNow()}, origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello"), await("ping"), send("pong"), await("never")})},
	{name: "websocket granted without an accept", client: sends(websocket), origin: respond("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello")},
	{name: "101 that is not listed", client: sends(websocket), origin: respond("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello")},
	{name: "101 to another protocol that is not listed", client: sends(ws), origin: respond("HTTP/1.1 101 X\r\nUpgrade: echo\r\n\r\nhello")},
	{name: "205 with a length", client: sends(get), origin: respond("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n")},
	{name: "HEAD answered with a body", client: sends(head), origin: respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), heads: true},
	{name: "large response head", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 15000) + "\r\nContent-Length: 2\r\n\r\nok")},
	{name: "many response fields", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 120) + "Content-Length: 2\r\n\r\nok")},
	{name: "early response, server closes", onlyAtOnce: byChance, why: "the server takes no more of the request, so the connection cannot go on, and that is announced", differs: outcome{client: "HTTP/1.1 200 OK\n  connection: close\n  content-length: 2\n  \"ok\"\nclosed\n"}, client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"), await("ok"), send("llo")}, origin: origins(answerOnce("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"))},
	{name: "early response, then next request", client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"), await("ok"), send("hello" + last)}, origin: origins([]step{await("\r\n\r\n"), send(ok), await("hello"), await("\r\n\r\n"), send(ok)}), logs: 2},
	{name: "server answers without being asked again", client: []step{send(get), await("ok"), pause(ms(100)), send(last)}, origin: origins([]step{await("\r\n\r\n"), send(ok), pause(ms(30)), send(ok), await("never")}, answer(ok)), logs: 2},
	{name: "errorfile 400 with content", why: errorFileUsed, differs: outcome{client: "HTTP/1.1 400 Custom\n  connection: close\n  content-length: 6\n  \"custom\"\nclosed\n"}, frontend: "errorfile 400 DIR/400", files: map[string]string{"400": "HTTP/1.1 400 Custom\r\nContent-Length: 6\r\n\r\ncustom"}, client: sends("BAD\r\n\r\n"), origin: respond(ok)},
	{name: "errorfile 408 with content", why: errorFileUsed, differs: outcome{client: "HTTP/1.1 408 Custom\n  connection: close\n  content-length: 6\n  \"custom\"\nclosed\n"}, defaults: "timeout http-request 200ms\n    errorfile 408 DIR/408", files: map[string]string{"408": "HTTP/1.1 408 Custom\r\nContent-Length: 6\r\n\r\ncustom"}, client: sends("GET / HT"), quiet: ms(600), origin: respond(ok)},
	{name: "unsafe method, nothing listens on reuse", client: []step{send(get), await("ok"), pause(ms(100)), send(postTwo)}, origin: origins([]step{await("\r\n\r\n"), send(ok), pause(ms(30)), closeNow()}, []step{await("hi"), send(ok)}), logs: 2},
	{name: "kept server connection breaks on use", why: "RFC 9110 §9.2.2: what may be repeated is repeated for the client, which never learns of the broken connection", differs: outcome{
		client: "HTTP/1.1 200 OK\n  content-length: 2\n  \"ok\"\nHTTP/1.1 200 OK\n  content-length: 2\n  \"ok\"\nopen\n",
		origin: "connection 1\nGET /x?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\nGET /x?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\nconnection 2\nGET /x?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\n",
		logs:   "fe be/s1 status=200 flags=---- retries=0 \"GET /x?y=1 HTTP/1.1\"\nfe be/s1 status=200 flags=---- retries=1 \"GET /x?y=1 HTTP/1.1\"",
	}, client: []step{send(get), await("ok"), pause(ms(50)), send(get)}, origin: origins([]step{await("\r\n\r\n"), send(ok), await("\r\n\r\n"), closeNow()}, answer(ok)), logs: 2},
	{name: "kept server connection breaks on post", client: []step{send(get), await("ok"), pause(ms(50)), send(postTwo)}, origin: origins([]step{await("\r\n\r\n"), send(ok), await("hi"), closeNow()}, []step{await("hi"), send(ok)}), logs: 1},
}
