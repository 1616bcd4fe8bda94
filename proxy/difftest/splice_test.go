package difftest

import "strings"

// withSplice makes both proxies splice whatever they can.
const withSplice = "option splice-request\n    option splice-response"

// bulk is several full pipes.
var bulk = strings.Repeat("0123456789abcdef", 1<<16-1) + bulkEnd

// bulkEnd is nowhere else in it.
const bulkEnd = "the end of bulk."

// spliced: bulk that goes through pipes, and the ways it may end.
var spliced = []exchange{
	{name: "spliced, length", defaults: withSplice, client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + bulk)},
	{name: "spliced, until close", defaults: withSplice, client: sends(get), origin: origins(answerOnce("HTTP/1.1 200 OK\r\n\r\n" + bulk))},
	{name: "spliced, one chunk", defaults: withSplice, client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" + bulk + "\r\n0\r\n\r\n")},
	{name: "spliced, two responses", defaults: withSplice, client: sends(get + get), origin: respond("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + bulk), logs: 2},
	{name: "spliced, request body", defaults: withSplice, client: sends("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n" + bulk), origin: origins([]step{await(bulkEnd), pause(ms(50)), send(ok), closeNow()})},
	{name: "spliced, auto", defaults: "option splice-auto", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + bulk)},
	{name: "spliced, globally off", global: "nosplice", defaults: withSplice, client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + bulk)},
	{name: "spliced, server closes early", defaults: withSplice, client: sends(get), origin: origins(answerOnce("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n" + bulk))},
	{name: "spliced, client resets", onlyAtOnce: byChance, defaults: withSplice, client: []step{send(get), await("\r\n\r\n"), pause(ms(50)), reset()}, origin: origins([]step{await("\r\n\r\n"), send("HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n" + bulk), await("never")})},
	{name: "spliced, tcp, server closes", tcp: true, defaults: withSplice, client: []step{pause(ms(100))}, origin: origins([]step{send(bulk), closeNow()})},
	{name: "spliced, tcp, client half-closes", tcp: true, defaults: withSplice, client: []step{send(bulk), shut(), await("pong")}, origin: origins([]step{await(bulkEnd), pause(ms(100)), send("pong"), closeNow()})},
	{name: "spliced, tcp, client resets", tcp: true, defaults: withSplice, client: []step{send("ping"), await(bulk), reset()}, origin: origins([]step{await("ping"), send(bulk), await("never")})},
}
