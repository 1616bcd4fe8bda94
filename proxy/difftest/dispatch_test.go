package difftest

// serverless: backends that choose no server.
func serverless() []exchange {
	const aside = "http-request set-dst str(127.0.0.1)\nhttp-request set-dst-port int(ORIGIN)"
	twice := []step{send(get), await("ok"), send(last)}
	cases := []exchange{
		{name: "dispatch", client: twice, logs: 2},
		{name: "dispatch, tcp", tcp: true, client: sends("hello"), origin: [][]step{{await("hello"), send("hello to you"), closeNow()}}},
		{name: "dispatch, any address", backend: "dispatch *:ORIGIN", client: twice, logs: 2},
		{name: "dispatch, a cookie names the server", backend: "dispatch 127.0.0.1:1\ncookie S", server: " cookie one", client: sends("GET / HTTP/1.1\r\nHost: a\r\nCookie: S=one\r\n\r\n")},
		{name: "dispatch, a cookie names nobody", backend: "dispatch 127.0.0.1:ORIGIN\ncookie S insert", server: " cookie one", client: sends("GET / HTTP/1.1\r\nHost: a\r\nCookie: S=two\r\n\r\n")},
		{name: "dispatch, use-server", backend: "dispatch 127.0.0.1:1\nuse-server s1 if TRUE"},
		{name: "dispatch, nobody there", backend: "dispatch 127.0.0.1:1", client: sends(last)},
		{name: "dispatch, retries", defaults: "retries 2\n    timeout connect 100ms", backend: "dispatch 127.0.0.1:1", client: sends(last), quiet: ms(700)},
		{name: "dispatch, retries, redispatch", defaults: "retries 2\n    option redispatch 1\n    timeout connect 100ms", backend: "dispatch 127.0.0.1:1", client: sends(last), quiet: ms(700)},
		{name: "dispatch, retry of a request", defaults: "retries 1\n    retry-on empty-response", client: sends(last), origin: [][]step{{await("\r\n\r\n"), closeNow()}, answerOnce(ok)}, miscounted: "a retry of a request that was sent is counted twice"},
		{name: "dispatch, no name to send", backend: "dispatch 127.0.0.1:ORIGIN\nhttp-send-name-header X-Server"},
		{name: "dispatch, samples", backend: "dispatch 127.0.0.1:ORIGIN\nhttp-response set-header X-Server %[srv_name]-%[srv_id]", frontend: "log-format %s-%sc-%bc"},
		{name: "dispatch, closed between requests", origin: [][]step{answerOnce(ok)}, client: twice, logs: 2},
		{name: "dispatch, always new", backend: "dispatch 127.0.0.1:ORIGIN\nhttp-reuse never", client: twice, logs: 2},
		{name: "dispatch, always shared", backend: "dispatch 127.0.0.1:ORIGIN\nhttp-reuse always", others: [][]step{sends(get)}, client: sends(last), logs: 2},
		{name: "transparent", frontend: aside, backend: "option transparent", client: twice, logs: 2, why: "a destination that rules have set is connected to anew for each request", differs: outcome{
			origin: "connection 1\nGET /x?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\nconnection 2\nGET /last HTTP/1.1\n  host: example.com",
		}},
		{name: "transparent, formerly", frontend: aside, backend: "transparent", client: sends(last)},
		{name: "transparent, elsewhere for each request", frontend: "http-request set-dst str(127.0.0.1)\nhttp-request set-dst-port int(ORIGIN) if { path /last }\nhttp-request set-dst-port int(1) unless { path /last }", backend: "option transparent", client: []step{send(get), await("503"), pause(ms(20)), send(last)}, logs: 2},
		{name: "transparent and dispatch", backend: "option transparent\ndispatch 127.0.0.1:ORIGIN"},
		{name: "no backend", frontend: "frontend other\n    bind unix@DIR/other", client: []step{send(get), await("503"), pause(ms(20)), send(last)}, logs: 2},
		{name: "dispatch and balance", backend: "dispatch 127.0.0.1:1\nbalance roundrobin"},
	}
	for i := range cases {
		e := &cases[i]
		if e.backend == "" {
			e.backend = "dispatch 127.0.0.1:ORIGIN"
		}
		if e.origin == nil {
			e.origin = origins(answer(ok))
		}
		if e.client == nil {
			e.client = sends(last)
		}
	}
	return cases
}
