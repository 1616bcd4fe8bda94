package difftest

// turned: connections in mode tcp that become HTTP, by a rule or by the backend they are led
// to. Backend "be" is in mode tcp, its server the second origin.
func turned() []exchange {
	const (
		post = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
		// How many bytes an answer of the proxy's own takes is not what is compared.
		logs     = "mode tcp\nlog-format \"%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt 0 %ts %ac/%fc/%bc/%sc/%rc %sq/%bq\"\n"
		implicit = logs + "tcp-request inspect-delay 3s\ntcp-request content accept if { req.len ge 4 }\nuse_backend h unless { req.payload(0,4) -m str talk }"
		byRule   = logs + "tcp-request inspect-delay 3s\ntcp-request content accept if { req.payload(0,4) -m str talk }\ntcp-request content switch-mode http if HTTP\nuse_backend h if HTTP"
	)
	cases := []exchange{
		{name: "the backend", frontend: implicit, client: sends(last)},
		{name: "the backend, POST", frontend: implicit, client: sends(post)},
		{name: "the backend, tcp", tcp: true, frontend: implicit, client: sends("talk")},
		{name: "the backend, always", frontend: logs + "use_backend h if TRUE", client: []step{send(get), await("ok"), send(last)}, logs: 2},
		{name: "the backend, then one in mode tcp", frontend: logs + "tcp-request inspect-delay 3s\ntcp-request content accept if { req.len ge 3 }\nuse_backend h if { req.payload(0,3) -m str GET }", client: []step{send(get), await("ok"), send(last)}, logs: 2},
		{name: "the backend, bad request", frontend: implicit, client: sends("GET bad\r\nfoo\r\n\r\n"), miscounted: "a request that is none counts there for the backend that it would have gone to"},
		{name: "the backend, ends its side", frontend: implicit, client: []step{send(last), shut()}},
		{name: "the backend, rules about requests", frontend: implicit, backend: "http-request return status 200 content-type text/plain string own if { path /last }", client: sends(last)},
		{name: "the rule", frontend: byRule, client: sends(last)},
		{name: "the rule, again and again", frontend: byRule, client: []step{send(get), await("ok"), send(post), await("ok"), send(last)}, logs: 3},
		{name: "the rule, pipelined", frontend: byRule, client: sends(get + last), logs: 2},
		{name: "the rule, tcp", tcp: true, frontend: byRule, client: sends("talk")},
		{name: "the rule, no HTTP", tcp: true, frontend: byRule, client: sends("? what is this\r\n\r\n")},
		{name: "the rule, and rules about requests", frontend: byRule + "\nhttp-request set-header X-A %[method]\nhttp-response set-header X-B %[status]\nmonitor-uri /alive", client: []step{send("GET /alive HTTP/1.1\r\nHost: a\r\n\r\n"), await("200"), send(last)}},
		{name: "the rule, tcp, and rules about requests", tcp: true, frontend: byRule + "\nhttp-request deny", client: sends("talk")},
		{name: "the rule, HTTP/1.0", frontend: byRule, client: sends("GET / HTTP/1.0\r\n\r\n")},
	}
	for i := range cases {
		e := &cases[i]
		e.name = "HTTP by " + e.name
		e.backend = "mode tcp\nserver t 127.0.0.1:PORT\nbackend h\nmode http\n" + e.backend
		e.origin = origins(answer(ok))
		e.second = [][]step{{send("hello to you")}}
	}
	return cases
}
