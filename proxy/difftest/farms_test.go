package difftest

import (
	"fmt"
	"slices"
	"strings"
)

// slow answers after a while, each connection anew.
var slow = []step{await("\r\n\r\n"), pause(ms(200)), send(ok), loop()}

const (
	other = "GET /other HTTP/1.1\r\nHost: a\r\n\r\n"
	dead  = "server s0 127.0.0.1:1"
)

// farms: several servers, several clients.
var farms = []exchange{
	{name: "first server refuses", backend: dead, client: sends(get), origin: respond(ok)},
	{name: "first server refuses, one retry", defaults: "retries 1", backend: dead, client: sends(get), quiet: ms(1600), origin: respond(ok)},
	{name: "first server refuses, redispatch", defaults: "retries 1\n    option redispatch", backend: dead, client: sends(get), quiet: ms(1600), origin: respond(ok)},
	{name: "first server refuses, redispatch, two retries", defaults: "retries 2\n    option redispatch", backend: dead, client: sends(get), quiet: ms(2600), origin: respond(ok)},
	{name: "first servers refuse, redispatch", defaults: "retries 3\n    option redispatch", backend: dead + "\n    server s00 127.0.0.1:1", client: sends(get), origin: respond(ok)},
	{name: "first server refuses, redispatch 2", defaults: "retries 3\n    option redispatch 2", backend: dead, client: sends(get), origin: respond(ok)},
	{name: "first server refuses, redispatch, leastconn", defaults: "retries 1\n    option redispatch", backend: "balance leastconn\n    " + dead, client: sends(get), quiet: ms(1600), origin: respond(ok)},
	{name: "first server refuses, redispatch 1", defaults: "retries 3\n    option redispatch 1", backend: dead, client: sends(get), quiet: ms(1600), origin: respond(ok)},
	{name: "first server refuses, retry-on none", defaults: "retries 1\n    option redispatch\n    retry-on none", backend: dead, client: sends(get), quiet: ms(1600), origin: respond(ok)},
	{name: "first server refuses, retry-on 503", defaults: "retries 1\n    option redispatch\n    retry-on 503", backend: dead, client: sends(get), quiet: ms(1600), origin: respond(ok)},
	{name: "tcp, first server refuses, retry-on none", tcp: true, defaults: "retries 1\n    option redispatch\n    retry-on none", backend: dead, client: []step{send("ping"), await("pong"), closeNow()}, quiet: ms(1600), origin: origins([]step{await("ping"), send("pong"), await("never")})},
	{name: "no descriptor left for the server", starved: true, onlyAtOnce: timed, miscounted: "a session of a server counts there once its socket exists", defaults: "retries 3", client: sends(get), grain: ms(500), origin: respond(ok)},
	{name: "no descriptor left for the server, redispatch", starved: true, onlyAtOnce: timed, miscounted: "a session of a server counts there once its socket exists", defaults: "retries 3\n    option redispatch", backend: "server s3 127.0.0.1:PORT", client: sends(get), grain: ms(500), origin: respond(ok), second: respond(ok)},
	{name: "tcp, no descriptor left for the server", tcp: true, starved: true, onlyAtOnce: timed, miscounted: "a session of a server counts there once its socket exists", defaults: "retries 3", client: sends("ping"), grain: ms(500), origin: origins([]step{await("never")})},
	{name: "first server disabled", backend: dead + " disabled", client: sends(get), origin: respond(ok)},
	{name: "all servers disabled", server: " disabled", client: sends(get), origin: respond(ok)},
	{name: "backup server", backend: dead + " backup", client: sends(get), origin: respond(ok)},
	{name: "only the backup left", server: " backup", backend: dead + " disabled", client: sends(get), origin: respond(ok)},
	{name: "weight zero", backend: dead + " weight 0", client: sends(get), origin: respond(ok)},
	{name: "first server refuses, redispatch 1, a backup", defaults: "retries 2\n    option redispatch 1", backend: dead + "\n    default-server backup", client: sends(get), quiet: ms(2600), origin: respond(ok)},
	{name: "tcp, first server refuses, redispatch", tcp: true, defaults: "retries 1\n    option redispatch", backend: dead, client: []step{send("ping"), await("pong"), closeNow()}, quiet: ms(1600), origin: origins([]step{await("ping"), send("pong"), await("never")})},

	{name: "server maxconn", server: " maxconn 1", others: [][]step{{send(other), await("ok"), closeNow()}}, client: sends(get), origin: origins(slow), logs: 2},
	{name: "server maxconn, queue time-out", onlyAtOnce: timed, server: " maxconn 1", backend: "timeout queue 100ms", others: [][]step{{send(other), await("ok"), closeNow()}}, client: sends(get), origin: origins(slow), logs: 2},
	{name: "server maxconn, client leaves the queue", defaults: "option abortonclose", server: " maxconn 1", others: [][]step{{send(other), await("ok"), closeNow()}}, client: []step{send(get), pause(ms(60)), closeNow()}, origin: origins(slow), logs: 2},
	{name: "server maxconn, client leaves the queue, abortonclose in the backend", why: "the option works where the manual allows it, in a backend alone as well", differs: outcome{
		origin: "connection 1\nGET /other HTTP/1.1\n  host: a\n",
		logs:   "fe be/<NOSRV> no-Tc no-Tr status=-1 flags=CQ-- retries=0 queue=0/1 \"GET /x?y=1 HTTP/1.1\"\nfe be/s1 status=200 flags=---- retries=0 \"GET /other HTTP/1.1\"",
	}, server: " maxconn 1", others: [][]step{{send(other), await("ok"), closeNow()}}, client: []step{send(get), pause(ms(60)), closeNow()}, backend: "option abortonclose", origin: origins(slow), logs: 2},
	{name: "three in the queue", server: " maxconn 1", others: [][]step{{send(other), await("ok"), closeNow()}, {send(other), await("ok"), closeNow()}}, client: []step{send(get), await("ok"), closeNow()}, origin: origins(slow), logs: 3},
	{name: "server maxconn, an idle backup", server: " maxconn 1", backend: "server b1 127.0.0.1:PORT backup", others: [][]step{{send(other), await("ok"), closeNow()}}, client: sends(get), origin: origins(slow), second: respond(ok), logs: 2},
	{name: "maxqueue 1, roundrobin", server: " maxconn 1 maxqueue 1", others: [][]step{{send(other), await("ok"), closeNow()}, {send(other), await("ok"), closeNow()}}, client: []step{send(get), await("ok"), closeNow()}, origin: origins(slow), logs: 3},
	{name: "maxqueue 1, leastconn", backend: "balance leastconn", server: " maxconn 1 maxqueue 1", others: [][]step{{send(other), await("ok"), closeNow()}, {send(other), await("ok"), closeNow()}}, client: []step{send(get), await("ok"), closeNow()}, origin: origins(slow), logs: 3},
	{name: "maxqueue 2, leastconn", backend: "balance leastconn", server: " maxconn 1 maxqueue 2", others: [][]step{{send(other), await("ok"), closeNow()}, {send(other), await("ok"), closeNow()}}, client: []step{send(get), await("ok"), closeNow()}, origin: origins(slow), logs: 3},
	{name: "maxqueue 1, leastconn, queue time-out", onlyAtOnce: timed, backend: "balance leastconn\n    timeout queue 100ms", server: " maxconn 1 maxqueue 1", others: [][]step{{send(other), await("ok"), closeNow()}}, client: sends(get), origin: origins(slow), logs: 2},
	{name: "maxqueue 1, leastconn, client leaves the queue", defaults: "option abortonclose", backend: "balance leastconn", server: " maxconn 1 maxqueue 1", others: [][]step{{send(other), await("ok"), closeNow()}}, client: []step{send(get), pause(ms(60)), closeNow()}, origin: origins(slow), logs: 2},
	{name: "maxqueue 1, leastconn, two servers", onlyAtOnce: timed, backend: "balance leastconn\n    server s0 127.0.0.1:PORT maxconn 1 maxqueue 1", server: " maxconn 1 maxqueue 1", others: [][]step{{send(other), await("ok"), closeNow()}, {send(other), await("ok"), closeNow()}, {send(other), await("ok"), closeNow()}}, client: []step{send(get), await("ok"), closeNow()}, origin: origins(slow), second: origins(slow), logs: 4},
	{name: "tcp, maxqueue 1, leastconn", tcp: true, backend: "balance leastconn", server: " maxconn 1 maxqueue 1", others: [][]step{{send("ping"), await("pong"), closeNow()}}, client: []step{send("ping"), await("pong"), closeNow()}, origin: origins([]step{await("ping"), pause(ms(200)), send("pong"), await("never")}), logs: 2},
	{name: "static-rr", backend: "balance static-rr\n    server s0 127.0.0.1:PORT weight 4\n    server s2 127.0.0.1:PORT weight 2", server: " weight 6", client: sends(strings.Repeat(get, 14)), origin: respond(ok), second: respond(ok), logs: 14},
	{name: "static-rr, equal weights, one disabled", backend: "balance static-rr\n    server s0 127.0.0.1:PORT\n    server s2 127.0.0.1:PORT disabled", client: sends(strings.Repeat(get, 5)), origin: respond(ok), second: respond(ok), logs: 5},
	{name: "static-rr, first server refuses, redispatch", defaults: "retries 2\n    option redispatch", backend: "balance static-rr\n    server s9 127.0.0.1:PORT weight 3\n    " + dead, client: sends(strings.Repeat(get, 4)), origin: respond(ok), second: respond(ok), logs: 4},
	{name: "static-rr, server maxconn", onlyAtOnce: timed, backend: "balance static-rr\n    server s0 127.0.0.1:PORT", server: " maxconn 1", others: [][]step{{send(other), await("ok"), closeNow()}, {send(other), await("ok"), closeNow()}, {send(other), await("ok"), closeNow()}}, client: []step{send(get), await("ok"), closeNow()}, origin: origins(slow), second: origins(slow), logs: 4},
	{name: "frontend maxconn", frontend: "maxconn 1", others: [][]step{{send(other), await("ok"), pause(ms(50)), closeNow()}}, client: sends(get), origin: respond(ok), logs: 2},

	{name: "reuse safe, another client", others: [][]step{{send(other), await("ok"), closeNow()}}, client: []step{pause(ms(60)), send(get)}, origin: respond(ok), logs: 2},
	{name: "reuse always, another client", defaults: "http-reuse always", others: [][]step{{send(other), await("ok"), closeNow()}}, client: []step{pause(ms(60)), send(get)}, origin: respond(ok), logs: 2},
	{name: "reuse aggressive, another client", defaults: "http-reuse aggressive", others: [][]step{{send(other), await("ok"), closeNow()}}, client: []step{pause(ms(60)), send(get)}, origin: respond(ok), logs: 2},
	{name: "reuse aggressive, proven connection", defaults: "http-reuse aggressive", others: [][]step{{send(other), await("ok"), send(other), await("ok"), closeNow()}}, client: []step{pause(ms(100)), send(get)}, origin: respond(ok), logs: 3},
	{name: "reuse safe, another client, sent again", defaults: "http-reuse safe\nretry-on conn-failure empty-response response-timeout", others: [][]step{{send(other), await("ok"), closeNow()}}, client: []step{pause(ms(60)), send(get)}, origin: respond(ok), logs: 2},
	{name: "reuse never, another client", defaults: "http-reuse never", others: [][]step{{send(other), await("ok"), closeNow()}}, client: []step{pause(ms(60)), send(get)}, origin: respond(ok), logs: 2},
	{name: "reuse never, the same client", defaults: "http-reuse never", client: []step{send(get), await("ok"), send(get), await("ok"), send(get)}, origin: respond(ok), logs: 3},
	{name: "reuse safe, second requests share", others: [][]step{{send(other), await("ok"), pause(ms(30)), send(other), await("ok"), pause(ms(400))}}, client: []step{pause(ms(80)), send(get), await("ok"), send(get), await("ok")}, origin: respond(ok), logs: 4},
	{name: "reuse always, authenticated connection", defaults: "http-reuse always", others: [][]step{{send(other), await("401"), send(other), await("ok"), pause(ms(200)), closeNow()}}, client: []step{pause(ms(100)), send(get), await("401"), send(get), await("ok")}, origin: origins([]step{await("\r\n\r\n"), send(asksNTLM), await("\r\n\r\n"), send(ok), loop()}), logs: 4},
	{name: "reuse always, authenticated connection of a client that has gone", defaults: "http-reuse always", others: [][]step{{send(other), await("401"), closeNow()}}, client: []step{pause(ms(60)), send(get)}, origin: respond("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"a\", nEGotiate\r\nContent-Length: 0\r\n\r\n"), logs: 2},
	{name: "reuse always, authenticated by a proxy", defaults: "http-reuse always", others: [][]step{{send(other), await("407"), pause(ms(200)), closeNow()}}, client: []step{pause(ms(60)), send(get)}, origin: respond("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM abc\r\nContent-Length: 0\r\n\r\n"), logs: 2},
	{name: "reuse always, another scheme", defaults: "http-reuse always", others: [][]step{{send(other), await("401"), pause(ms(200)), closeNow()}}, client: []step{pause(ms(60)), send(get)}, origin: respond("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"NTLM\"\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"), logs: 2},
	{name: "authenticated connection, several servers", backend: "balance roundrobin\n    server s0 127.0.0.1:PORT", client: []step{send(get), await("401"), send(get), await("401"), send(get), await("401"), send(get)}, origin: respond(asksNTLM), second: respond(asksNTLM), logs: 4},
	{name: "authenticated connection, several servers, hashed", backend: "balance uri\n    server s0 127.0.0.1:PORT", client: []step{send(get), await("401"), send("GET /y HTTP/1.1\r\nHost: b\r\n\r\n"), await("401"), send("GET /zz HTTP/1.1\r\nHost: b\r\n\r\n"), await("401"), send(get)}, origin: respond(asksNTLM), second: respond(asksNTLM), logs: 4},
	{name: "pool-max-conn 0", server: " pool-max-conn 0", others: [][]step{{send(other), await("ok"), closeNow()}}, client: []step{pause(ms(60)), send(get), await("ok"), send(get)}, origin: respond(ok), logs: 3},
	{name: "max-reuse 1", why: "the limit holds for every connection, as the manual has it, not for HTTP/2 only", differs: outcome{origin: "connection 1\nGET /x?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\nGET /x?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\nconnection 2\nGET /x?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\nGET /x?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\n"}, defaults: "http-reuse always", server: " max-reuse 1", client: sends(strings.Repeat(get, 4)), origin: respond(ok), logs: 4},
}

// asksNTLM asks for a password that holds for the connection.
const asksNTLM = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"

// dying: one of three servers is dead, or dies, with every algorithm and every kind of
// redispatching. Each of the clients comes when the one before has been served.
func dying() []exchange {
	one := []step{send(get), await("ok"), closeNow()}
	tcpOne := []step{send("ping"), await("pong"), closeNow()}
	tcpOrigin := origins([]step{await("ping"), send("pong"), await("never")})
	var all []exchange
	for _, balance := range []string{"roundrobin", "leastconn"} {
		for _, redispatch := range []string{"no option redispatch", "option redispatch", "option redispatch 1", "option redispatch 2", "option redispatch -2"} {
			e := exchange{
				name:     fmt.Sprintf("one server of three refuses, %s, %s", balance, redispatch),
				defaults: "retries 2\n    timeout client 1s\n    " + redispatch,
				backend:  "balance " + balance + "\n    server s3 127.0.0.1:PORT\n    " + dead,
				client:   one, others: [][]step{one, one, one},
				origin: respond(ok), second: respond(ok), logs: 4, quiet: ms(1600), grain: ms(500), onlyAtOnce: timed,
			}
			all = append(all, e)
			e.name = "tcp, " + e.name
			e.tcp, e.client, e.others = true, tcpOne, [][]step{tcpOne, tcpOne, tcpOne}
			e.origin, e.second = tcpOrigin, tcpOrigin
			all = append(all, e)
		}
		for _, redispatch := range []string{"no option redispatch", "option redispatch"} {
			e := exchange{
				name:     fmt.Sprintf("one server of two dies, %s, %s", balance, redispatch),
				defaults: "retries 2\n    timeout client 1s\n    " + redispatch,
				backend:  "balance " + balance + "\n    server s0 127.0.0.1:PORT",
				client:   one, others: [][]step{one, one, one},
				origin: respond(ok), second: origins([]step{await("\r\n\r\n"), send(ok), pause(ms(20)), die()}), logs: 4, quiet: ms(1600), grain: ms(500), onlyAtOnce: timed,
			}
			all = append(all, e)
			e.name += ", with a request"
			e.miscounted = "a reset instead of a response is counted twice there"
			e.second = origins([]step{await("\r\n\r\n"), die()})
			all = append(all, e)
			e.name, e.miscounted = "tcp, "+e.name, ""
			e.tcp, e.client, e.others = true, tcpOne, [][]step{tcpOne, tcpOne, tcpOne}
			e.origin, e.second = tcpOrigin, origins([]step{await("ping"), die()})
			all = append(all, e)
		}
	}
	return slices.Clip(all)
}
