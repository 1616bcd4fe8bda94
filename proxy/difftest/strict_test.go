package difftest

import "strings"

const (
	refused400 = "HTTP/1.1 400 Bad request\n  cache-control: no-cache\n  connection: close\n  content-length: (own reply)\n  content-type: text/html\n  (own reply)\nclosed\n"
	log400     = "fe fe/<NOSRV> no-TR no-Tw no-Tc no-Tr status=400 flags=PR-- retries=0 \"<BADREQ>\"\n"
	// nothing is what an origin saw that was never connected to.
	nothing = "\n"
)

var (
	refused413 = strings.Replace(refused400, "400 Bad request", "413 Payload Too Large", 1)
	refused422 = strings.Replace(refused400, "400 Bad request", "422 Unprocessable Content", 1)
)

const closeAnnounced = "the connection is closed, and that is announced"

// refused is the outcome when the engine refuses what HAProxy 2.6 admits.
var refused = outcome{client: refused400, origin: nothing, logs: log400}

// strict: requests that must be refused, or that only look as if.
var strict = []exchange{
	{name: "space before the colon", client: sends("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "empty field name", client: sends("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"), origin: origins(answer(ok))},
	{name: "no colon", client: sends("GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n"), origin: origins(answer(ok))},
	{name: "folding", client: sends("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n"), origin: origins(answer(ok)), why: "RFC 9112 §5.2: refused or replaced by blanks; refusing is safer", differs: refused},
	{name: "bare CR", client: sends("GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n"), origin: origins(answer(ok))},
	{name: "NUL in a value", client: sends("GET / HTTP/1.1\r\nHost: a\r\nA: b\x00c\r\n\r\n"), origin: origins(answer(ok)), why: "RFC 9110 §5.5", differs: refused},
	{name: "control character in a value", client: sends("GET / HTTP/1.1\r\nHost: a\r\nA: b\x01c\r\n\r\n"), origin: origins(answer(ok)), why: "RFC 9110 §5.5", differs: refused},
	{name: "non-ASCII target", client: sends("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "space in the target", client: sends("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "fragment in the target", client: sends("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "GET *", client: sends("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok)), why: "RFC 9112 §3.2.4: OPTIONS only", differs: refused},
	{name: "version 2.0", client: sends("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), origin: origins(answer(ok)), why: "RFC 9110 §2.5: another major version", differs: refused},
	{name: "version 1.10", client: sends("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "version 0.9", client: sends("GET /\r\n\r\n"), origin: origins(answer(ok))},
	{name: "not HTTP at all", client: sends("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), origin: origins(answer(ok))},
	{name: "no Host", client: sends("GET / HTTP/1.1\r\n\r\n"), origin: origins(answer(ok)), why: "RFC 9112 §3.2: a server must answer 400", differs: refused},
	{name: "two Hosts", client: sends("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), origin: origins(answer(ok))},
	{name: "two equal Hosts", client: sends("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), origin: origins(answer(ok)), why: "RFC 9112 §3.2: more than one", differs: refused},
	{name: "Host differs from the target", client: sends("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"), origin: origins(answer(ok))},
	{name: "CONNECT without a port", client: sends("CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "lengths that differ", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"), origin: origins(answer(ok))},
	{name: "list of lengths that differ", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 3\r\n\r\nhi!"), origin: origins(answer(ok))},
	{name: "length overflow", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551618\r\n\r\nhi"), origin: origins(answer(ok)), why: "RFC 9112 §6.3: the length does not fit in 64 bits", differs: refused},
	{name: "signed length", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nhi"), origin: origins(answer(ok))},
	{name: "empty length", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhi"), origin: origins(answer(ok))},
	{name: "length and chunked", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok)), why: "RFC 9112 §6.1: ought to be handled as an error", differs: refused},
	{name: "chunked in 1.0", client: sends("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok)), why: "RFC 9112 §6.1: faulty framing", differs: refused},
	{name: "chunked twice", client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "gzip before chunked", why: closeAnnounced, differs: outcome{client: refused422}, client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "gzip only", client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), origin: origins(answer(ok))},
	{name: "xchunked", client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"), origin: origins(answer(ok))},
	{name: "comma before chunked", why: closeAnnounced, differs: outcome{client: refused422}, client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "empty element before chunked", why: closeAnnounced, differs: outcome{client: refused422}, client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:  , chunked\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "two commas behind chunked", client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,,\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "only a comma for a coding", client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "a comma, then chunked in another field", why: closeAnnounced, differs: outcome{client: refused422}, client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "comma behind chunked", why: codingsAnew, differs: saw("POST / HTTP/1.1\n  host: a\n  transfer-encoding: chunked\n  chunks \"\"\n"), client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "empty coding, then chunked", why: codingsAnew, differs: saw("POST / HTTP/1.1\n  host: a\n  transfer-encoding: chunked\n  chunks \"\"\n"), client: sends("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "GET with a body in 1.0", why: closeAnnounced, differs: outcome{client: refused413}, client: sends("GET / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"), origin: origins(answer(ok))},
	{name: "GET with a body in 1.0, kept alive", why: closeAnnounced, differs: outcome{client: refused413}, client: sends("GET / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"), origin: origins(answer(ok))},
	{name: "HEAD with a body in 1.0", why: closeAnnounced, differs: outcome{client: refused413}, client: sends("HEAD / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"), origin: origins(answer(ok))},
	{name: "DELETE with a body in 1.0", why: closeAnnounced, differs: outcome{client: refused413}, client: sends("DELETE / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"), origin: origins(answer(ok))},
	{name: "GET chunked in 1.0", why: closeAnnounced, differs: outcome{client: refused413}, client: sends("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "GET with length zero in 1.0", client: sends("GET / HTTP/1.0\r\nContent-Length: 0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "OPTIONS with a body in 1.0", client: sends("OPTIONS / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi"), origin: origins([]step{await("hi"), send(ok)})},
	{name: "websocket without a key", client: sends("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), origin: origins(answer(ok))},
	{name: "websocket without a key in 1.0", client: sends("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), origin: origins(answer(ok))},
	{name: "websocket with a short key", client: sends("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: WebSocket, x\r\nSec-WebSocket-Key: x\r\n\r\n"), origin: origins(answer(ok))},
	{name: "chunk size too large", client: sends(postChunked + "10000000000000\r\nhi"), origin: origins([]step{await("never")})},
	{name: "chunk size 7fffffffffffffff", client: sends(postChunked + "7fffffffffffffff\r\nhi"), origin: origins([]step{await("never")})},
	{name: "chunk size of 19 digits", onlyAtOnce: passedOn, why: "more than 16 digits are refused, leading zeros included", differs: refused, client: sends(postChunked + "0000000000000000002\r\nhi\r\n0\r\n\r\n"), origin: origins([]step{await("0\r\n\r\n"), send(ok)})},
	{name: "chunk size not hexadecimal", client: sends(postChunked + "zz\r\n"), origin: origins([]step{await("never")})},
	{name: "chunk size overflow", client: sends(postChunked + "10000000000000002\r\nhi\r\n0\r\n\r\n"), origin: origins([]step{await("never")})},
	{name: "chunk without its end", client: sends(postChunked + "2\r\nhi0\r\n\r\n"), origin: origins([]step{await("never")})},
	{name: "too many fields", client: sends("GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", 120) + "\r\n"), origin: origins(answer(ok))},
	{name: "head too large", client: sends("GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("x", 17000) + "\r\n\r\n"), origin: origins(answer(ok))},
	{name: "target too large", client: sends("GET /" + strings.Repeat("x", 17000) + " HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "bad second request", client: []step{send(get), await("ok"), send("BAD\x01\r\n\r\n")}, origin: origins(answer(ok)), logs: 2},
	{name: "bad pipelined request", client: sends(get + "GET / HTTP/1.1\r\nHost : a\r\n\r\n"), origin: origins(answer(ok)), logs: 2},
	{name: "accept-invalid-http-request", frontend: "option accept-invalid-http-request", client: sends("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
}
