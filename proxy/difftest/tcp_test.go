package difftest

import "strings"

const tcpMode = "mode tcp\n    option tcplog\n"

// tcp: bytes without a protocol.
var tcp = []exchange{
	{name: "tcp, client closes", tcp: true, client: []step{send("ping"), await("pong"), closeNow()}, origin: origins([]step{await("ping"), send("pong"), await("never")})},
	{name: "tcp, server closes", tcp: true, client: []step{send("ping"), await("pong")}, origin: origins([]step{await("ping"), send("pong"), closeNow()})},
	{name: "tcp, server speaks first", tcp: true, client: []step{await("hello"), send("ping"), closeNow()}, origin: origins([]step{send("hello"), await("ping"), await("never")})},
	{name: "tcp, client half-closes", tcp: true, client: []step{send("ping"), shut(), await("pong")}, origin: origins([]step{await("ping"), pause(ms(50)), send("pong"), closeNow()})},
	{name: "tcp, server half-closes", tcp: true, client: []step{await("bye"), send("ping"), pause(ms(50)), closeNow()}, origin: origins([]step{send("bye"), shut(), await("ping"), await("never")})},
	{name: "tcp, nothing sent", tcp: true, client: []step{pause(ms(50)), closeNow()}, origin: origins([]step{await("never")})},
	{name: "tcp, nothing sent, dontlognull", tcp: true, frontend: "option dontlognull", client: []step{await("hello"), closeNow()}, origin: origins([]step{send("hello"), await("never")}), logs: -1},
	{name: "tcp, nothing listens", tcp: true, client: sends("ping")},
	{name: "tcp, nothing listens, one retry", tcp: true, defaults: "retries 1", client: sends("ping"), quiet: ms(1600)},
	{name: "tcp, client time-out", tcp: true, defaults: "timeout client 200ms", client: sends("ping"), quiet: ms(600), origin: origins([]step{await("never")})},
	{name: "tcp, server time-out", tcp: true, defaults: "timeout server 200ms", client: sends("ping"), quiet: ms(600), origin: origins([]step{await("never")})},
	{name: "tcp, server resets", tcp: true, client: []step{send("ping"), pause(ms(50))}, origin: origins([]step{await("ping"), reset()})},
	{name: "tcp, client resets", tcp: true, client: []step{send("ping"), pause(ms(50)), reset()}, origin: origins([]step{await("ping"), await("never")})},
	{name: "tcp, large both ways", tcp: true, client: []step{send(strings.Repeat("q", 300000)), await(strings.Repeat("r", 400000)), closeNow()}, origin: origins([]step{await(strings.Repeat("q", 300000)), send(strings.Repeat("r", 400000)), await("never")})},
	{name: "tcp, large, then server closes", tcp: true, client: []step{pause(ms(100))}, origin: origins([]step{send(strings.Repeat("r", 1000000)), closeNow()})},
}
