package difftest

const (
	odd      = "GET /a?b HTTP/1.1\r\nHost: example.com\r\nX_Under: 1\r\nX-Fine: 2\r\nX.Dot: 3\r\nx-lower: 4\r\n\r\n"
	oddAgain = "GET /c HTTP/1.1\r\nHost: example.com\r\nX-Fine: 2\r\n\r\n"
)

// named: identifiers of requests, what servers are told of addresses, names of fields,
// and error pages.
var named = []exchange{
	{
		name: "unique-id", frontend: lines("unique-id-format id-%HM-%[path]-%[req.hdr(x-fine)]", "unique-id-header X-Unique-Id", "log-format %ID-%ST"),
		client: []step{send(odd), pause(ms(30)), send(oddAgain)}, origin: origins(answer(ok)), logs: 2,
	},
	{
		name: "unique-id in rules", frontend: lines(
			"unique-id-format <%[var(txn.a)]>%{+Q}[path]", "unique-id-header X-Late", "http-request set-var(txn.a) str(one)",
			"http-request set-header X-Early %[unique-id,upper] if { path /a }", "http-request set-var(txn.a) str(two)", "log-format %ID",
		),
		client: []step{send(odd), pause(ms(30)), send(oddAgain)}, origin: origins(answer(ok)), logs: 2,
	},
	{
		name: "unique-id for the log only", frontend: lines("unique-id-format %[path]-%[req.hdr(x-fine)]", "http-request set-var(txn.a) str(one)", "log-format %ID-%ST"),
		client: []step{send(odd), pause(ms(30)), send(oddAgain)}, origin: origins(answer(ok)), logs: 2,
	},
	{name: "unique-id of a request that is refused", frontend: lines("unique-id-format %HM:%[path]", "http-request deny", "log-format %ID/%ST"), client: sends(odd), origin: origins(answer(ok))},
	{name: "unique-id of what is no request", frontend: lines("unique-id-format <%HM>%ST", "log-format %ID"), client: sends("nonsense\r\n\r\n"), origin: origins(answer(ok))},
	{name: "unique-id, blanks", frontend: lines(`unique-id-format "a   b %[req.hdr(none)]  c "`, "unique-id-header X-Id", "log-format [%ID]"), client: sends(odd), origin: origins(answer(ok))},

	{name: "flags of expressions", frontend: lines("http-request set-header X-Q %{+Q}[path]", "http-request set-header X-E %{+E}[req.hdr(x-fine)]", "http-request set-header X-N %{+Q}[req.hdr(none)]"), client: sends(odd), origin: origins(answer(ok))},

	{name: "originalto", frontend: "option originalto", client: sends(odd), origin: origins(answer(ok))},
	{name: "originalto in the backend", backend: "option originalto header X-Was-For", client: sends(odd), origin: origins(answer(ok))},
	{name: "originalto, name of the backend", frontend: "option originalto header X-Front", backend: "option originalto header X-Back", client: sends(odd), origin: origins(answer(ok))},
	{name: "originalto except", frontend: "option originalto except 127.0.0.0/8", client: sends(odd), origin: origins(answer(ok))},
	{name: "originalto except another", frontend: "option originalto except 10.0.0.0/8 header X-To", client: sends(odd), origin: origins(answer(ok))},
	{name: "originalto behind forwardfor", frontend: lines("option originalto", "option forwardfor"), client: sends(odd), origin: origins(answer(ok))},

	{name: "restricted names, preserve", frontend: "option http-restrict-req-hdr-names preserve", client: sends(odd), origin: origins(answer(ok))},
	{name: "restricted names, delete", frontend: "option http-restrict-req-hdr-names delete", client: sends(odd), origin: origins(answer(ok))},
	{name: "restricted names, reject", frontend: "option http-restrict-req-hdr-names reject", client: []step{send(oddAgain), await("ok"), send(odd)}, origin: origins(answer(ok)), logs: 2},
	{name: "restricted names, rules of the frontend first", frontend: lines("option http-restrict-req-hdr-names delete", "http-request set-header X-Seen <%[req.hdr(x_under)]>", "http-request set-header X_New 1"), client: sends(odd), origin: origins(answer(ok))},
	{name: "restricted names, content to come", frontend: "option http-restrict-req-hdr-names reject", client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\nContent-Length: 30\r\n\r\n"), await("\r\n\r\n"), send("GET /x HTTP/1.1\r\nHost: abc\r\n\r\n")}, origin: origins(answer(ok))},
	{name: "restricted names, backend", frontend: "http-request set-header X_New 1", backend: "option http-restrict-req-hdr-names delete", client: sends(odd), origin: origins(answer(ok))},
	{name: "restricted names, backend rejects", backend: "option http-restrict-req-hdr-names reject", client: sends(odd), origin: origins(answer(ok))},

	{
		name: "case of names", global: "h1-case-adjust host HOST\nh1-case-adjust x-fine X-FINE\nh1-case-adjust content-length Content-LENGTH\nh1-case-adjust connection CONNECTION", frontend: "option h1-case-adjust-bogus-client", backend: lines("option h1-case-adjust-bogus-server", "option http-server-close"),
		client: []step{send(odd), pause(ms(30)), send("GET / HTTP/1.0\r\nX-Fine: 1\r\nConnection: keep-alive\r\n\r\n"), pause(ms(30)), send(last)}, origin: origins(answer(ok)), logs: 3,
	},
	{name: "case of names, on one side", global: "h1-case-adjust host HOST\nh1-case-adjust content-length Content-LENGTH", backend: "option h1-case-adjust-bogus-server", client: sends(odd), origin: origins(answer(ok))},
	{name: "case of names, of the proxy's own answer", global: "h1-case-adjust content-length Content-LENGTH", frontend: lines("option h1-case-adjust-bogus-client", `http-request return status 200 content-type text/plain string a`), client: sends(odd), origin: origins(answer(ok))},
	{name: "case of names, from a file", global: "h1-case-adjust-file DIR/names", files: map[string]string{"names": "# names\n\nhost Host\nx-fine X-FINE\n"}, backend: "option h1-case-adjust-bogus-server", client: sends(odd), origin: origins(answer(ok))},

	{
		name: "errorfiles", global: "http-errors pages\n  errorfile 403 DIR/403\n  errorfile 503 DIR/503", files: map[string]string{"403": "HTTP/1.1 403 No\r\nX-Page: pages\r\nContent-Length: 2\r\n\r\nno", "503": "HTTP/1.1 503 Later\r\nX-Page: pages\r\nContent-Length: 5\r\n\r\nlater"},
		frontend: lines("errorfiles pages", "http-request deny"), client: sends(odd), origin: origins(answer(ok)),
	},
	{
		name: "errorfiles, some of them", global: "http-errors pages\n  errorfile 403 DIR/403\n  errorfile 503 DIR/503", files: map[string]string{"403": "HTTP/1.1 403 No\r\nX-Page: pages\r\nContent-Length: 2\r\n\r\nno", "503": "HTTP/1.1 503 Later\r\nX-Page: pages\r\nContent-Length: 5\r\n\r\nlater", "own": "HTTP/1.1 403 Mine\r\nX-Page: own\r\nContent-Length: 2\r\n\r\nno"},
		frontend: lines("errorfile 403 DIR/own", "errorfiles pages 503", "http-request deny"), client: sends(odd), origin: origins(answer(ok)),
	},
}
