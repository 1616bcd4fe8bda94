package difftest

import "strings"

// retried: requests that are sent once more although a server has had them.
func retried() []exchange {
	const (
		bad   = "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"
		gone  = "HTTP/1.1 404 Gone\r\nContent-Length: 4\r\n\r\ngone"
		post  = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nConnection: close\r\n\r\n"
		chunk = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
	)
	head := func(then ...step) []step { return append([]step{await("\r\n\r\n")}, then...) }
	body := func(then ...step) []step { return append([]step{await("0123456789")}, then...) }
	well := head(send(ok), closeNow())
	fine := body(send(ok), closeNow())
	silent := await("never")
	cases := []exchange{
		{name: "closes", defaults: "retry-on empty-response", origin: [][]step{head(closeNow()), well}},
		{name: "resets", defaults: "retry-on empty-response", origin: [][]step{head(reset()), well}},
		{name: "closes, not asked for", defaults: "retry-on 500", origin: [][]step{head(closeNow()), well}},
		{name: "closes, twice", defaults: "retries 2\n    retry-on empty-response", origin: [][]step{head(closeNow()), head(closeNow()), well}},
		{name: "closes, always", defaults: "retries 2\n    retry-on empty-response", origin: [][]step{head(closeNow())}},
		{name: "status", defaults: "retry-on 500", origin: [][]step{head(send(bad), closeNow()), well}},
		{name: "status, always", defaults: "retries 2\n    retry-on 500", origin: [][]step{head(send(bad), closeNow())}},
		{name: "status, kept open", defaults: "retry-on 500", origin: [][]step{head(send(bad), silent), well}},
		{name: "status, others too", defaults: "retry-on 500 404", origin: [][]step{head(send(bad), closeNow()), head(send(gone), closeNow()), well}},
		{name: "another status", defaults: "retry-on 500", origin: [][]step{head(send(gone), closeNow()), well}},
		{name: "404", defaults: "retry-on 404", origin: [][]step{head(send(gone), closeNow()), well}},
		{name: "junk", defaults: "retry-on junk-response", origin: [][]step{head(send("what?\r\n\r\n"), closeNow()), well}},
		{name: "junk, not asked for", defaults: "retry-on empty-response", origin: [][]step{head(send("what?\r\n\r\n"), closeNow()), well}},
		{name: "cut head", defaults: "retry-on junk-response", origin: [][]step{head(send("HTTP/1.1 200 OK\r\nConte"), closeNow()), well}},
		{name: "cut head, empty", defaults: "retry-on empty-response", origin: [][]step{head(send("HTTP/1.1 200 OK\r\nConte"), closeNow()), well}},
		{name: "cut body", defaults: "retry-on all-retryable-errors", origin: [][]step{head(send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), closeNow()), well}},
		{name: "silent", defaults: "timeout server 300ms\n    retry-on response-timeout", quiet: ms(900), origin: [][]step{head(silent), well}},
		{name: "silent, not asked for", defaults: "timeout server 300ms\n    retry-on 504", quiet: ms(900), origin: [][]step{head(silent), well}},
		{name: "all", defaults: "retries 3\n    timeout server 300ms\n    retry-on all-retryable-errors", quiet: ms(900), origin: [][]step{head(closeNow()), head(send(bad), closeNow()), head(silent), well}},
		{name: "no retries", defaults: "retries 0\n    retry-on all-retryable-errors", origin: [][]step{head(closeNow()), well}},
		{name: "rule against it", defaults: "retry-on all-retryable-errors", frontend: "http-request disable-l7-retry", origin: [][]step{head(closeNow()), well}},
		{name: "interim before", why: "the second attempt is like the first; there it ends with an error of the proxy's own", differs: outcome{
			client: "HTTP/1.1 103 Early\n  link: a\nHTTP/1.1 200 OK\n  connection: close\n  content-length: 2\n  \"ok\"\nclosed",
			origin: "connection 1\nGET /last HTTP/1.1\n  host: example.com\nconnection 2\nGET /last HTTP/1.1\n  host: example.com",
			logs:   "fe be/s1 status=200 flags=---- retries=1 \"GET /last HTTP/1.1\"",
		}, defaults: "retry-on 500", origin: [][]step{head(send("HTTP/1.1 103 Early\r\nLink: a\r\n\r\n"), pause(ms(30)), send(bad), closeNow()), well}},
		{name: "redispatch", defaults: "retries 1\n    option redispatch\n    retry-on 500", backend: "server s0 127.0.0.1:PORT", second: [][]step{head(send(bad), closeNow())}, origin: respond(ok)},
		{name: "redispatch, always", defaults: "retries 3\n    option redispatch\n    retry-on empty-response", backend: "server s0 127.0.0.1:PORT", second: [][]step{head(closeNow())}, origin: [][]step{head(closeNow())}},
		{name: "redispatch 2", defaults: "retries 3\n    option redispatch 2\n    retry-on empty-response", backend: "server s0 127.0.0.1:PORT", second: [][]step{head(closeNow())}, origin: [][]step{head(closeNow())}},
		{name: "no redispatch", defaults: "retries 2\n    retry-on 500", backend: "server s0 127.0.0.1:PORT", second: [][]step{head(send(bad), closeNow())}, origin: respond(ok)},
		{name: "refused, then closes", defaults: "retries 3\n    option redispatch 1\n    retry-on all-retryable-errors", backend: dead, quiet: ms(1600), origin: [][]step{head(closeNow()), well}},
		{name: "refused, not asked for", defaults: "retries 3\n    option redispatch 1\n    retry-on 500", backend: dead, origin: [][]step{well}},
		{name: "POST", defaults: "retry-on 500", client: sends(post + "0123456789"), origin: [][]step{body(send(bad), closeNow()), fine}},
		{name: "POST, body later", defaults: "retry-on 500", client: []step{send(post), pause(ms(50)), send("01234"), pause(ms(50)), send("56789")}, origin: [][]step{body(send(bad), closeNow()), fine}},
		{name: "POST, chunks", defaults: "retry-on empty-response", client: []step{send(chunk + "a\r\n0123456789\r\n"), pause(ms(50)), send("0\r\n\r\n")}, origin: [][]step{{await("0\r\n\r\n"), closeNow()}, fine}},
		{name: "POST, too large", defaults: "retry-on 500", client: sends(strings.Replace(post, "10", "40010", 1) + strings.Repeat("x", 40000) + "0123456789"), origin: [][]step{body(send(bad), closeNow()), fine}},
	}
	for i := range cases {
		e := &cases[i]
		e.name = "retry, " + e.name
		if !strings.Contains(e.defaults, "retries ") {
			e.defaults = "retries 1\n    " + e.defaults
		}
		if !strings.Contains(e.name, "not asked for") {
			e.miscounted = "a retry of a request that was sent is counted twice"
		}
		if e.client == nil {
			e.client = sends(last)
		}
	}
	return cases
}
