package difftest

import "strings"

const post10 = "POST /x HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10\r\n\r\n"

// waits: requests that wait for their body, or for nothing at all, before they go on.
var waits = []exchange{
	{name: "wait-for-body, all of it in pieces", frontend: "http-request wait-for-body time 1s", client: []step{send(post10 + "012"), pause(ms(50)), send("34567"), pause(ms(50)), send("89"), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2},
	{name: "wait-for-body, chunked", frontend: "http-request wait-for-body time 1s", client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n012\r\n4\r\n3"), pause(ms(50)), send("456\r\n0\r\n\r\n"), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2},
	{name: "wait-for-body, at-least", frontend: "http-request wait-for-body time 1s at-least 5", client: []step{send(post10 + "01234"), pause(ms(100)), send("56789")}, origin: origins([]step{await("01234"), send("HTTP/1.1 100 Continue\r\n\r\n"), await("9"), send(ok)})},
	{name: "wait-for-body, no body", frontend: "http-request wait-for-body time 1s", client: sends(get), origin: origins(answer(ok))},
	{name: "wait-for-body, in the backend", backend: "http-request wait-for-body time 1s", client: []step{send(post10 + "012"), pause(ms(50)), send("3456789")}, origin: origins(answer(ok))},
	{name: "wait-for-body, too slow", frontend: "http-request wait-for-body time 200ms", client: sends(post10 + "012"), quiet: ms(600), origin: origins(answer(ok))},
	{name: "wait-for-body, too slow, and rules about the answer", frontend: lines("http-request set-header X-A a", "http-request wait-for-body time 200ms", "http-after-response set-header X-First yes", "http-after-response set-header X-Never yes if { status 200 }", "http-after-response set-header X-Last yes"), client: sends(post10 + "012"), quiet: ms(600), origin: origins(answer(ok))},
	{name: "wait-for-body, client half-closes", frontend: "http-request wait-for-body time 1s", client: []step{send(post10 + "012"), pause(ms(50)), shut()}, origin: origins(answer(ok))},
	{name: "wait-for-body, client closes", frontend: "http-request wait-for-body time 1s", client: []step{send(post10 + "012"), pause(ms(50)), closeNow()}, origin: origins(answer(ok))},
	{name: "wait-for-body, client resets", frontend: "http-request wait-for-body time 1s", client: []step{send(post10 + "012"), pause(ms(50)), reset()}, origin: origins(answer(ok))},
	{name: "wait-for-body, client time-out", defaults: "timeout client 200ms", frontend: "http-request wait-for-body time 1s", client: sends(post10 + "012"), quiet: ms(600), origin: origins(answer(ok))},
	{name: "wait-for-body, larger than a buffer", frontend: "http-request wait-for-body time 1s", client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("q", 100000)), origin: origins([]step{await("\r\n\r\n"), await(strings.Repeat("q", 100000)), send(ok)})},
	{name: "wait-for-body, 100-continue", frontend: "http-request wait-for-body time 1s", client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"), await("100"), send("abc")}, origin: origins(answer(ok))},
	{name: "wait-for-body, broken chunk", frontend: "http-request wait-for-body time 1s", client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n012\r\n"), pause(ms(50)), send("zz\r\n")}, origin: origins(answer(ok))},
	{name: "http-buffer-request", defaults: "option http-buffer-request", client: []step{send(post10 + "012"), pause(ms(50)), send("3456789")}, origin: origins(answer(ok))},
	{name: "http-buffer-request, too slow", defaults: "option http-buffer-request\n    timeout http-request 200ms", client: sends(post10 + "012"), quiet: ms(600), origin: origins(answer(ok))},
	{name: "http-buffer-request, client half-closes", defaults: "option http-buffer-request", client: []step{send(post10 + "012"), pause(ms(50)), shut()}, origin: origins(answer(ok))},
	{name: "tarpit", defaults: "timeout tarpit 300ms", frontend: "http-request tarpit", client: sends(get), quiet: ms(900), grain: ms(300), origin: origins(answer(ok))},
	{name: "tarpit, status", defaults: "timeout tarpit 300ms", frontend: "http-request tarpit deny_status 429", client: sends(get), quiet: ms(900), origin: origins(answer(ok))},
	{name: "tarpit for timeout connect", frontend: "http-request tarpit", client: sends(get), quiet: ms(1200), grain: ms(300), origin: origins(answer(ok))},
	{name: "tarpit, in the backend", defaults: "timeout tarpit 300ms", backend: "http-request tarpit", client: sends(get), quiet: ms(900), grain: ms(300), origin: origins(answer(ok))},
	{name: "tarpit, with a body", defaults: "timeout tarpit 300ms", frontend: "http-request tarpit", client: sends(post10 + "012"), quiet: ms(900), origin: origins(answer(ok))},
	{name: "tarpit, client half-closes", defaults: "timeout tarpit 1s", frontend: "http-request tarpit", client: []step{send(get), pause(ms(100)), shut()}, quiet: ms(1600), grain: ms(1000), origin: origins(answer(ok))},
	{name: "tarpit, client closes", defaults: "timeout tarpit 1s", frontend: "http-request tarpit", client: []step{send(get), pause(ms(100)), closeNow()}, origin: origins(answer(ok))},
	{name: "tarpit, next request", defaults: "timeout tarpit 300ms", frontend: "http-request tarpit", client: []step{send(get), await("500"), send(get)}, quiet: ms(900), origin: origins(answer(ok)), logs: 2},
	{name: "wait-for-body, then tarpit", defaults: "timeout tarpit 300ms", frontend: "http-request wait-for-body time 1s\n    http-request tarpit", client: []step{send(post10 + "012"), pause(ms(50)), send("3456789")}, quiet: ms(900), origin: origins(answer(ok))},
	{name: "http-send-name-header", backend: "http-send-name-header X-Server", client: sends(strings.Replace(get, "User-Agent: test", "x-server: mine", 1)), origin: origins(answer(ok))},
	{name: "http-send-name-header, redispatch", backend: "http-send-name-header X-Server\n    option redispatch 1\n    retries 2\n    server another 127.0.0.1:PORT", client: []step{send(get), await("ok"), send(get), await("ok"), send(last)}, second: origins(answer(ok)), logs: 3},
}
