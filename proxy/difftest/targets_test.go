package difftest

// tcpBefore makes the frontend one of mode tcp before the backend's mode http. Its log
// lines have sizes of responses, which are not compared.
const tcpBefore = "mode tcp\n    no log\n"

// targets: where connections to servers go to and come from, and clients of a
// frontend in mode tcp that reach a backend in mode http.
var targets = []exchange{
	{name: "server at an offset from the client's port", server: " disabled", backend: "server m 127.0.0.1:OFFSET", client: sends(get), origin: origins(answer(ok))},
	{name: "server at an offset, two requests", server: " disabled", backend: "server m 127.0.0.1:OFFSET", client: []step{send(get), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2},
	{name: "server without an address", server: " disabled", backend: "server m 0.0.0.0:ORIGIN", client: sends(get), origin: origins(answer(ok))},
	{name: "server without an address, any", server: " disabled", backend: "server m *:OFFSET", client: sends(get), origin: origins(answer(ok))},
	{name: "server waits for an address", server: " disabled", backend: "server m nowhere.invalid:80 init-addr none", client: sends(get)},
	{name: "server with an address in place of its name", server: " disabled", backend: "server m nowhere.invalid:ORIGIN init-addr none,libc\n    server n nowhere.invalid:ORIGIN init-addr 127.0.0.1", client: sends(get), origin: origins(answer(ok))},
	{name: "source with a range of ports", server: " source 127.0.0.1:21000-21999", client: sends(get), origin: origins(answer(ok))},
	{name: "source with an interface", server: " source 127.0.0.1 interface lo", client: sends(get), origin: origins(answer(ok))},

	{name: "tcp before http, get", frontend: tcpBefore, logs: -1, client: sends(last), origin: origins(answer(ok))},
	{name: "tcp before http, two requests", frontend: tcpBefore, logs: -1, client: []step{send(get), await("ok"), send(last)}, origin: origins(answer(ok))},
	{name: "tcp before http, no HTTP", frontend: tcpBefore, logs: -1, miscounted: "the backend counts an abort by the client", client: sends("nonsense\r\n\r\n"), origin: origins(answer(ok))},
	{name: "tcp before http, body", frontend: tcpBefore, logs: -1, client: sends("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"), origin: origins([]step{await("hello"), send(ok)})},
	{name: "tcp before http, nothing listens", frontend: tcpBefore, logs: -1, client: sends(last)},

	{name: "absolute target, a query and no path", client: sends("GET http://example.com?a=b HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"), origin: origins(answer(ok)), why: "an authority ends before a question mark (RFC 3986, section 3.2)", differs: outcome{client: "HTTP/1.1 200 OK\n  connection: close\n  content-length: 2\n  \"ok\"\nclosed\n", origin: "connection 1\nGET http://example.com?a=b HTTP/1.1\n  host: example.com\n\n", logs: "fe be/s1 status=200 flags=---- retries=0 \"GET http://example.com?a=b HTTP/1.1\""}},
	{name: "absolute target, a query and no path, as Host", client: sends("GET http://example.com?a=b HTTP/1.1\r\nHost: example.com?a=b\r\nConnection: close\r\n\r\n"), origin: origins(answer(ok)), why: "an authority ends before a question mark (RFC 3986, section 3.2)", differs: outcome{client: refused400, origin: nothing, logs: "fe fe/<NOSRV> no-TR no-Tw no-Tc no-Tr status=400 flags=PR-- retries=0 \"<BADREQ>\""}},
	{name: "absolute target, a query and no path, no Host", client: sends("GET http://example.com?a=b HTTP/1.0\r\n\r\n"), origin: origins(answer(ok))},
	{name: "absolute target, no path", client: sends("GET http://example.com HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"), origin: origins(answer(ok))},
	{name: "path replaced by nothing", frontend: "http-request replace-path /x(.*) \\1", client: sends(get), origin: origins(answer(ok)), why: "a target is not empty, and a path begins with a slash", differs: outcome{origin: "connection 1\nGET /?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\n\n"}},
	{name: "path replaced by nothing, absolute", frontend: "http-request replace-path /x(.*) \\1", client: sends("GET http://a/x?y=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), origin: origins(answer(ok)), why: "a target is not empty, and a path begins with a slash", differs: outcome{origin: "connection 1\nGET http://a/?y=1 HTTP/1.1\n  host: a\n\n"}},
	{name: "path replaced by nothing, no query", frontend: "http-request replace-path /x(.*) \\1", client: sends("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), origin: origins(answer(ok)), why: "a target is not empty, and a path begins with a slash", differs: outcome{origin: "connection 1\nGET / HTTP/1.1\n  host: a\n\n"}},
	{name: "path and query replaced by nothing", frontend: "http-request replace-pathq /x.*(z*) \\1", client: sends(get), origin: origins(answer(ok)), why: "a target is not empty, and a path begins with a slash", differs: outcome{origin: "connection 1\nGET / HTTP/1.1\n  host: example.com\n  user-agent: test\n\n"}},
	{name: "URI replaced by nothing", frontend: "http-request replace-uri /x.*(z*) \\1", client: sends(get), origin: origins(answer(ok)), why: "a target is not empty", differs: outcome{client: "HTTP/1.1 500 Internal Server Error\n  cache-control: no-cache\n  content-length: (own reply)\n  content-type: text/html\n  (own reply)\nopen\n", origin: nothing, logs: "fe fe/<NOSRV> no-Tw no-Tc no-Tr status=500 flags=PR-- retries=0 \"GET /x?y=1 HTTP/1.1\""}},
	{name: "path set to nothing", frontend: "http-request set-path %[req.hdr(none)]", client: sends(get), origin: origins(answer(ok)), why: "a target is not empty, and a path begins with a slash", differs: outcome{origin: "connection 1\nGET /?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\n\n"}},
	{name: "path and query set to nothing", frontend: "http-request set-pathq %[req.hdr(none)]", client: sends(get), origin: origins(answer(ok)), why: "a target is not empty, and a path begins with a slash", differs: outcome{origin: "connection 1\nGET / HTTP/1.1\n  host: example.com\n  user-agent: test\n\n"}},
	{name: "query set to nothing, where there is none", frontend: "http-request set-query %[req.hdr(none)]", client: sends(last), origin: origins(answer(ok))},
	{name: "query set to nothing", frontend: "http-request set-query %[req.hdr(none)]", client: sends(get), origin: origins(answer(ok))},
}
