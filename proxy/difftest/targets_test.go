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
}
