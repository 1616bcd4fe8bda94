package difftest

import (
	"fmt"
	"strings"
)

// limited: what variables hold with limits, at the sizes where one more finds room, or
// none. What becomes of a text that has no room is not compared: the reference shows what
// lies in its memory.
func limited() []exchange {
	var all []exchange
	for _, l := range []struct {
		limit, scope string
		size         int
	}{
		{"txn", "txn", 0},
		{"txn", "txn", 79},
		{"txn", "txn", 80},
		{"txn", "txn", 160},
		{"txn", "req", 160},
		{"reqres", "req", 160},
		{"reqres", "txn", 80},
		{"sess", "sess", 160},
		{"sess", "txn", 239},
		{"proc", "txn", 160},
		{"global", "req", 239},
		{"global", "proc", 240},
		{"check", "txn", 1},
	} {
		all = append(all, exchange{
			name:   fmt.Sprintf("variables: %d bytes for %s, of %s", l.size, l.limit, l.scope),
			global: fmt.Sprintf("tune.vars.%s-max-size %d", l.limit, l.size),
			frontend: strings.ReplaceAll(lines(
				"http-request set-var(V.a) int(1)", "http-request set-var(V.b) int(2)", "http-request unset-var(V.b) if { path /unset }",
				"http-request set-var(V.c) int(3)", "http-request set-header x-v \"%[var(V.a)]-%[var(V.b)]-%[var(V.c)]\"",
			), "V", l.scope),
			client: asks("/", "/unset", "/"), origin: origins(answer(ok)), logs: 3, onlyAtOnce: "pieces change nothing about it",
		})
	}
	for _, size := range []int{101, 180, 181} {
		all = append(all, exchange{
			name: fmt.Sprintf("variables: a text in %d bytes", size), global: fmt.Sprintf("tune.vars.txn-max-size %d", size),
			frontend: lines("http-request set-var(txn.a) str(0123456789)", "http-request set-var(txn.a) str(012345678901234567890)", "http-request set-var(txn.b) int(3)", "http-request set-header x-v %[var(txn.a)]-%[var(txn.b)]"),
			client:   sends(get), origin: origins(answer(ok)), onlyAtOnce: "pieces change nothing about it",
		})
	}
	return append(all,
		exchange{name: "a captured cookie of RFC 2965", frontend: "capture cookie sid len 20", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nSet-Cookie2: sid=two\r\nContent-Length: 2\r\n\r\nok")},
		exchange{name: "a cookie of RFC 2965 that caches would keep", why: "what is refused is answered with 502; there an error page has status 200", differs: outcome{
			client: "HTTP/1.1 502 Bad Gateway\n  cache-control: no-cache\n  content-length: (own reply)\n  content-type: text/html\n  (own reply)\nopen\n",
			logs:   "fe be/s1 no-Tr status=502 flags=PH-- retries=0 \"GET /x?y=1 HTTP/1.1\"",
		}, backend: "option checkcache", client: sends(get), origin: respond("HTTP/1.1 200 OK\r\nSet-Cookie2: sid=two\r\nETag: \"x\"\r\nContent-Length: 2\r\n\r\nok")},
		exchange{name: "a captured cookie, cut", global: "tune.http.cookielen 5", frontend: "capture cookie sid len 20", client: sends("GET / HTTP/1.1\r\nHost: a\r\nCookie: sid=abcdef\r\n\r\n"), origin: origins(answer(ok))},
		exchange{name: "a captured cookie, cut as always", frontend: "capture cookie sid len 100", client: sends("GET / HTTP/1.1\r\nHost: a\r\nCookie: sid=" + strings.Repeat("0123456789", 10) + "\r\n\r\n"), origin: origins(answer(ok))},
	)
}
