package difftest

import "strings"

// lines joins lines of a section.
func lines(all ...string) string { return strings.Join(all, "\n    ") }

const (
	secure = "GET /old/page.html?a=1&b=two HTTP/1.1\r\nHost: www.example.com:8080\r\nX-A: one, two\r\nX-Secret: 5\r\nX-A: three\r\nCookie: sid=abc; theme=dark\r\nUser-Agent: curl/7\r\n\r\n"
	poem   = "HTTP/1.1 200 OK\r\nServer: nginx\r\nX-Powered-By: magic\r\nX-Debug: 1\r\nSet-Cookie: id=7; Path=/\r\nContent-Length: 2\r\n\r\nok"
)

// asks is an exchange of one client that asks for several paths.
func asks(paths ...string) []step {
	var all []step
	for _, p := range paths {
		all = append(all, send("GET "+p+" HTTP/1.1\r\nHost: example.com\r\nX-Path: "+p+"\r\n\r\n"), pause(ms(30)))
	}
	return all
}

// ruled: ACLs, rules, and backends chosen by them.
var ruled = []exchange{
	{name: "set, add and delete fields", frontend: lines(
		"http-request set-header X-A new-%[src]", "http-request add-header X-B b", "http-request del-header X-Secret", "http-request set-header X-Host %[req.hdr(host),field(1,:),upper]",
	), client: sends(secure), origin: origins(answer(poem))},
	{name: "fields of the response", backend: "http-response del-header X-Powered-By", frontend: lines(
		"http-response set-header Server me", "http-response add-header X-Status %[status]", "http-response del-header ^x-d -m reg", "http-response replace-header Set-Cookie (.*) \\1;\\ Secure",
	), client: sends(secure), origin: origins(answer(poem))},
	{name: "set-status", frontend: "http-response set-status 418 reason Teapot if { status 200 }", client: sends(secure), origin: origins(answer(poem))},
	{name: "set-status to one without a body", frontend: "http-response set-status 204", client: []step{send(get), await("204"), send(last)}, origin: origins(answer(ok)), logs: 2, onlyAtOnce: "a connection on which a withheld body is still to come is closed, not read to its end"},
	{name: "set-status to one without a body, head alone", backend: "http-after-response set-status 304", client: []step{send(get), await("304"), send(last)}, origin: origins(answer(ok)), logs: 2, onlyAtOnce: "a connection on which a withheld body is still to come is closed, not read to its end"},
	{name: "status of the proxy's own answers", frontend: lines("http-request deny if { path /a }", "http-request return status 204 if { path /b }", "http-after-response set-status 204 if { status 403 }"), client: asks("/a", "/b", "/c"), origin: origins(answer(ok)), logs: 3},
	{name: "monitor-uri, content to come", frontend: "monitor-uri /alive", client: []step{send("POST /alive HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n"), await("\r\n\r\n"), send("GET /x HTTP/1.1\r\nHost: abc\r\n\r\n")}, origin: origins(answer(ok)), logs: -1},
	{name: "rules see the method of the client", frontend: lines("http-request set-method PUT", "http-request deny if { method PUT }", "http-response set-header X-M %[method]"), client: sends(get), origin: origins(answer(ok))},
	{name: "HEAD made GET", frontend: "http-request set-method GET", client: []step{send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), pause(ms(50)), send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")}, heads: true, origin: origins(answer(ok)), logs: 2, onlyAtOnce: "a connection on which a withheld body is still to come is closed, not read to its end"},
	{
		name: "Host and absolute targets", frontend: lines("http-request set-header Host new.example if { path /a }", "http-request replace-header Host .* new.example if { path /b }", "http-request set-uri http://new.example/x if { path /c }", "http-request set-uri http://me@new.example:81/x if { path /d }"),
		client: []step{send("GET http://example.com/a?q HTTP/1.1\r\nHost: example.com\r\n\r\n"), pause(ms(30)), send("GET http://example.com/b HTTP/1.1\r\nHost: example.com\r\n\r\n"), pause(ms(30)), send("GET /c HTTP/1.1\r\nHost: example.com\r\n\r\n"), pause(ms(30)), send("GET /d HTTP/1.1\r\nHost: example.com\r\n\r\n")}, origin: origins(answer(ok)), logs: 4,
	},
	{name: "rules of both proxies", frontend: lines("http-request set-header X-Order fe", "http-response add-header X-Order fe"), backend: lines("http-request add-header X-Order be", "http-response add-header X-Order be"), client: sends(secure), origin: origins(answer(poem))},
	{name: "replace-header and -value", frontend: lines(
		"http-request replace-header User-Agent curl/(.*) wget/\\1-%[src_port,bool]", "http-request replace-value X-A t(.*) T\\1", "http-request replace-header X-Nope a b",
	), client: sends(secure), origin: origins(answer(ok))},
	{name: "set-path and set-query", frontend: lines("http-request set-path /new%[path]", "http-request set-query c=3&%[query]"), client: sends(secure), origin: origins(answer(ok))},
	{name: "set-uri", frontend: "http-request set-uri /all/new?x", client: sends(secure), origin: origins(answer(ok))},
	{name: "set-pathq and set-method", frontend: lines("http-request set-pathq /p?q", "http-request set-method POST"), client: sends(secure), origin: origins(answer(ok))},
	{name: "replace-path", frontend: "http-request replace-path ^/old/(.*)\\.html$ /\\1", client: sends(secure), origin: origins(answer(ok))},
	{name: "replace-pathq", frontend: "http-request replace-pathq (.*)\\?a=(.)(.*) \\1/\\2?\\3", client: sends(secure), origin: origins(answer(ok))},
	{name: "replace-uri", frontend: "http-request replace-uri ^/old(.*) /new\\1", client: sends(secure), origin: origins(answer(ok))},
	{name: "path of an absolute target", frontend: lines("http-request set-header X-P %[path]-%[pathq]-%[query]-%[base]", "http-request set-path /y%[path]"), client: sends("GET http://example.com/x?q HTTP/1.1\r\nHost: example.com\r\n\r\n"), origin: origins(answer(ok))},
	{name: "OPTIONS * in rules", frontend: lines("http-request set-header X-P <%[path]>", "http-request set-path /y"), client: sends("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), origin: origins(answer(ok))},
	{name: "variables", frontend: lines(
		"http-request set-var(txn.p) path,upper", "http-request set-var(req.q) query", "http-request set-var(sess.n) int(5)", "http-request set-var(sess.n) var(sess.n),add(1)",
		"http-request set-header X-V %[var(txn.p)]-%[var(req.q)]-%[var(sess.n)]-%[var(txn.none)]", "http-response set-header X-V %[var(txn.p)]-%[var(req.q)]-%[var(sess.n)]",
		"http-request set-var-fmt(txn.f) a-%[method]", "http-request set-header X-F %[var(txn.f)]", "http-request unset-var(txn.f)", "http-request set-header X-G <%[var(txn.f)]>",
	), client: sends(secure), origin: origins(answer(ok))},
	{
		name: "session variables live on", frontend: lines("http-request set-header X-N %[var(sess.n)]", "http-request set-var(sess.n) var(sess.n),add(1) if { var(sess.n) -m found }", "http-request set-var(sess.n) int(1) unless { var(sess.n) -m found }"),
		client: []step{send(get), await("ok"), send(get), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 3,
	},
	{
		name: "cookies in quotes, and between commas", frontend: lines("http-request set-header X-C <%[req.cook(a)]>-<%[req.cook(b)]>-<%[req.cook_cnt(a)]>", "http-response set-header X-C <%[res.cook(a)]>"),
		client: []step{
			send("GET / HTTP/1.1\r\nHost: x\r\nCookie: a=\"1;2\"; b=\"x\\\";y\", a=3\r\n\r\n"), pause(ms(30)),
			send("GET / HTTP/1.1\r\nHost: x\r\nCookie: a=1,2; c=x=\"y; b = \"x; a=4\r\n\r\n"), pause(ms(30)), send("GET / HTTP/1.1\r\nHost: x\r\nCookie: \"a\"=1; b\"=2; b=3\"; a, a=5;b=6\r\n\r\n"),
		}, origin: origins(answer("HTTP/1.1 200 OK\r\nSet-Cookie: a=\"1;2\", b=3; Path=/\r\nContent-Length: 2\r\n\r\nok")), logs: 3,
	},
	{name: "conditions", frontend: lines(
		"acl old path_beg /old", "acl img path_end -i .HTML", "acl two hdr_cnt(x-a) 3", "acl dark cook(theme) dark", "acl never always_false",
		"http-request set-header X-1 1 if old img", "http-request set-header X-2 1 if old !img", "http-request set-header X-3 1 if never or two dark", "http-request set-header X-4 1 unless never || !two",
		"http-request set-header X-5 1 if { req.hdr(x-a) -m beg thr } { urlp(b) two }", "http-request set-header X-6 1 if { path_reg ^/o.d/ } METH_GET HTTP_1.1", "http-request set-header X-7 1 if { hdr_dom(host) example.com } { path_dir old } { path_sub age }",
		"http-request set-header X-8 1 if { src 127.0.0.0/8 } !{ dst_port 1 } { req.hdr(x-secret) -m int gt 4 }", "http-request set-header X-9 1 if { path,length ge 14 } LOCALHOST", "http-request set-header X-10 1 if { req.fhdr(x-a) -m len 5 8 }",
	), client: sends(secure), origin: origins(answer(ok))},
	{
		name: "deny", frontend: lines("http-request deny if { path /a }", "http-request deny deny_status 429 if { path /b }", "http-request deny status 404 if { path /c }", "http-request deny content-type text/plain string no if { path /d }"),
		client: asks("/a", "/b", "/c", "/d", "/e"), origin: origins(answer(ok)), logs: 5,
	},
	{name: "deny in the backend", backend: "http-request deny if { path_beg /a }", client: asks("/a", "/b"), origin: origins(answer(ok)), logs: 2},
	{name: "deny a response", backend: "http-response deny if { res.hdr(x-debug) 1 }", client: sends(secure), origin: origins(answer(poem))},
	{name: "deny a response, status", frontend: "http-response deny deny_status 404 if { status 200 }", client: sends(secure), origin: origins(answer(poem))},
	{name: "deny with an error file", files: map[string]string{"403": "HTTP/1.1 403 No\r\nX-Mine: 1\r\nContent-Length: 4\r\n\r\nmine"}, frontend: lines("errorfile 403 DIR/403", "http-request deny"), client: sends(get), origin: origins(answer(ok))},
	{name: "deny with a body", frontend: "http-request deny", client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"), pause(ms(50)), send("hello")}, origin: origins(answer(ok))},
	{name: "deny, HEAD", frontend: "http-request deny content-type a/b string hello", client: sends("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), heads: true, origin: origins(answer(ok))},
	{name: "allow ends the rules", frontend: lines("http-request allow if { path /a }", "http-request deny"), client: asks("/a", "/b"), origin: origins(answer(ok)), logs: 2},
	{name: "return", files: map[string]string{"page": "page of %[path]"}, frontend: lines(
		"http-request return if { path /a }", "http-request return status 200 content-type text/plain string hello if { path /b }", "http-request return status 404 content-type text/plain lf-string \"%[path] of %[req.hdr(host)]\" hdr X-A \"%[src]\" hdr X-B b if { path /c }",
		"http-request return content-type a/b file DIR/page if { path /d }", "http-request return content-type a/b lf-file DIR/page if { path /e }", "http-request return status 503 default-errorfiles if { path /f }",
	), client: asks("/a", "/b", "/c", "/d", "/e", "/f"), origin: origins(answer(ok)), logs: 6},
	{name: "return instead of a response", backend: "http-response return status 200 content-type text/plain string mine if { status 200 }", client: sends(secure), origin: origins(answer(poem))},
	{name: "redirect", frontend: lines(
		"http-request redirect location /new code 301 if { path /a }", "http-request redirect location https://%[req.hdr(host)]%[path] if { path /b }", "http-request redirect prefix https://y.com if { path /c }", "http-request redirect prefix https://y.com drop-query append-slash code 303 if { path /d }",
		"http-request redirect scheme https code 308 if { path /e }", "http-request redirect location / set-cookie SEEN=1 code 307 if { path /f }", "http-request redirect location / clear-cookie USER= if { path /g }", "http-request redirect prefix / append-slash if { path /h }",
	), client: asks("/a?x", "/b?x", "/c?x", "/d?x", "/e?x", "/f", "/g", "/h"), origin: origins(answer(ok)), logs: 8},
	{name: "redirect lines", frontend: lines("redirect scheme https if { path_beg /a }", "http-request set-path /a/b if { path /c }", "redirect prefix https://www.example.com code 301 if { hdr(host) -i other.com }"), client: append(asks("/a", "/c", "/d"), send("GET /x?y HTTP/1.1\r\nHost: OTHER.com\r\n\r\n")), origin: origins(answer(ok)), logs: 4},
	{name: "destinations of redirect lines have no expressions", frontend: "redirect location /a%20b/%[path]", client: sends(get), origin: origins(answer(ok))},
	{name: "redirect a response", backend: "http-response redirect location /else code 301 if { status 200 }", client: sends(secure), origin: origins(answer(poem))},
	{name: "reject", frontend: "http-request reject if { path /x }", client: sends(get), origin: origins(answer(ok))},
	{
		name: "content in the last rules", frontend: lines("http-request set-var(txn.a) req.body", "http-request return status 200 content-type text/plain string own if { path /b }", "http-after-response set-header X-Content <%[res.body]>"),
		client: []step{send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nasks"), pause(ms(30)), send("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nasks")}, origin: origins(answer(poem)), logs: 2, onlyAtOnce: "what there is of a content depends on how it comes",
	},
	{name: "after-response", frontend: lines("http-request deny if { path /a }", "http-after-response set-header X-After %[status]", "http-after-response del-header Server"), client: asks("/a", "/b"), origin: origins(answer(poem)), logs: 2},
	{
		name: "use_backend", frontend: lines("acl api path_beg /api", "use_backend api if api", "use_backend api if { hdr_beg(host) api. }", "use_backend be_%[urlp(to)] if { urlp(to) -m found }"),
		backend: lines("http-request set-header X-Backend %[be_name]", "server dead 127.0.0.1:1 backup", "backend api", "http-request set-header X-Backend %[be_name]", "server a1 127.0.0.1:PORT", "backend be_two", "http-request set-header X-Backend dynamic-%[be_name]", "server a1 127.0.0.1:PORT", "backend tail"),
		client:  append(asks("/", "/api/x", "/?to=two", "/?to=nowhere"), send("GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n")), origin: origins(answer(ok)), second: origins(answer(ok)), logs: 5, onlyAtOnce: "the servers' names depend on the order in which connections come",
	},
	{
		name: "log-format with samples", frontend: lines("capture request header User-Agent len 8", "capture response header Server len 20", "declare capture request len 6", "http-request capture path id 1", "http-request capture req.hdr(x-a) len 20", "http-request set-var(txn.v) urlp(b)",
			"log-format \"%[capture.req.method] %[capture.req.uri] %[capture.req.hdr(0)]|%[capture.req.hdr(1)]|%[capture.req.hdr(2)]|%[capture.res.hdr(0)] %[var(txn.v)] %{+Q}[var(txn.none)] %[var(txn.none)] %[src] %[status] %hr %hs %{+Q}r %ST %[method,lower]\""),
		client: sends(secure), origin: origins(answer(poem)),
	},
	{name: "httplog with captures", frontend: lines("capture request header User-Agent len 4", "capture request header X-None len 4", "capture response header Server len 20"), client: sends(secure), origin: origins(answer(poem))},
	{name: "set-log-level", frontend: lines("http-request set-log-level silent if { path /a }", "http-request set-log-level err if { path /b }"), client: asks("/a", "/b", "/c"), origin: origins(answer(ok)), logs: 2},
	{name: "monitor fail", frontend: lines("monitor-uri /up", "monitor fail if { nbsrv(be) lt 2 }"), client: asks("/up", "/x"), origin: origins(answer(ok))},
	{name: "monitor-uri, absolute target", frontend: "monitor-uri /up", client: sends("GET http://example.com/up HTTP/1.1\r\nHost: example.com\r\n\r\n"), origin: origins(answer(ok)), logs: -1},
	{name: "samples of the connection", frontend: lines("http-request set-header X-C %[src]-%[dst]-%[fe_name]-%[ssl_fc]-%[http_first_req]-%[req.ver]-%[nbsrv(be)]-%[fe_id]"), client: []step{send(get), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2},
	{name: "samples of the body", frontend: lines("http-request wait-for-body time 1s", "http-request set-header X-Body %[req.body]-%[req.body_len]-%[req.body_size]-%[req.body_param(b)]"), client: []step{send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na=1"), pause(ms(50)), send("&b=two")}, origin: origins(answer(ok))},
	{name: "control characters in values", frontend: "http-request set-header X-C a%[str(x%0d%0ay%09z%c3%a9),url_dec]b", client: sends(get), origin: origins(answer(ok))},
	{name: "tcp-request connection reject", frontend: "tcp-request connection reject if { src 127.0.0.0/8 }", client: []step{}, origin: origins(answer(ok)), logs: -1, onlyAtOnce: byChance},
	{name: "tcp-request connection accept", frontend: lines("tcp-request connection accept if { src 127.0.0.0/8 }", "tcp-request connection reject"), client: sends(get), origin: origins(answer(ok))},
	{name: "tcp-request session reject", frontend: "tcp-request session reject if { dst_port gt 1 }", client: []step{}, origin: origins(answer(ok)), logs: -1, onlyAtOnce: byChance},
	{
		name: "tcp-request content, mode http", frontend: "tcp-request content reject if { path /x }", client: sends(get), origin: origins(answer(ok)),
		why:     "rules about content see requests that are understood, which are counted and logged as such",
		differs: outcome{logs: "fe fe/<NOSRV> no-TR no-Tw no-Tc no-Tr status=-1 flags=PR-- retries=0 \"GET /x?y=1 HTTP/1.1\"\n"},
	},
	{name: "tcp-request content, by length", tcp: true, frontend: lines("tcp-request inspect-delay 1s", "tcp-request content reject if { req.len gt 20 }", "tcp-request content accept if { req.payload(0,5) -m bin 68656c6c6f }"), client: []step{send("hel"), pause(ms(60)), send("lo world"), await("yes")}, origin: origins([]step{await("world"), send("yes")})},
	{name: "tcp-request content, looked at again", tcp: true, frontend: lines("tcp-request inspect-delay 1s", "tcp-request content set-var(sess.a) req.payload(0,5)", "tcp-request content set-var(sess.b) distcc_body(ARGV)", "tcp-request content reject if { req.len ge 24 } !{ var(sess.a) -m bin 4152475630 }", "tcp-request content accept if { var(sess.b) -m str world }", "tcp-request content reject if { distcc_param(ARGV) gt 5 }"), client: []step{send("ARG"), pause(ms(60)), send("V000"), pause(ms(60)), send("00005wor"), pause(ms(60)), send("ldDONE00000000"), await("yes")}, origin: origins([]step{await("DONE"), send("yes")})},
	{name: "tcp-request content, rejected", tcp: true, frontend: lines("tcp-request inspect-delay 1s", "tcp-request content accept if { req.payload(0,5) -m bin 68656c6c6f }", "tcp-request content reject"), client: []step{send("other"), pause(ms(60)), send(" things")}, origin: origins([]step{await("world"), send("yes")})},
	{name: "tcp-request content, delay over", tcp: true, frontend: lines("tcp-request inspect-delay 200ms", "tcp-request content accept if { req.len ge 10 }", "tcp-request content reject if WAIT_END"), client: sends("short"), quiet: ms(600), origin: origins([]step{await("world"), send("yes")})},
	{name: "tcp-response content, by length", tcp: true, backend: lines("tcp-response inspect-delay 1s", "tcp-response content reject if { res.len gt 20 }", "tcp-response content accept if { res.payload(0,5) -m bin 68656c6c6f }"), client: []step{send("ask"), await("world")}, origin: origins([]step{await("ask"), send("hel"), pause(ms(60)), send("lo world"), shut()})},
	{name: "tcp-response content, rejected", tcp: true, backend: lines("tcp-response inspect-delay 1s", "tcp-response content accept if { res.payload(0,5) -m bin 68656c6c6f }", "tcp-response content reject"), client: []step{send("ask")}, origin: origins([]step{await("ask"), send("oth"), pause(ms(60)), send("er things")}), why: notSent, differs: outcome{logs: "fe be/s1 bytes=0 flags=PD retries=0\n"}},
	{name: "tcp-response content, close", tcp: true, backend: lines("tcp-response inspect-delay 1s", "tcp-response content close if { res.len ge 5 }"), client: []step{send("ask"), await("hello")}, origin: origins([]step{await("ask"), send("hel"), pause(ms(60)), send("lo")})},
	{name: "tcp-response content, delay over", tcp: true, backend: lines("tcp-response inspect-delay 200ms", "tcp-response content accept if { res.len ge 10 }", "tcp-response content reject if WAIT_END"), client: []step{send("ask")}, origin: origins([]step{await("ask"), send("short"), pause(ms(600))}), why: notSent, differs: outcome{logs: "fe be/s1 bytes=0 flags=PD retries=0\n"}},
	{name: "tcp-response content, server closes", tcp: true, backend: lines("tcp-response inspect-delay 1s", "tcp-response content reject if { res.len ge 10 }"), client: []step{send("ask"), await("short")}, origin: origins([]step{await("ask"), send("short"), shut()})},
	{name: "tcp-response content, hello of TLS", tcp: true, backend: lines("tcp-response inspect-delay 1s", "tcp-response content accept if { rep_ssl_hello_type 2 } { res.payload_lv(8,1,+0) -m found }", "tcp-response content reject"), client: []step{send("ask"), await("\x01x")}, origin: origins([]step{await("ask"), send("\x16\x03\x01\x00"), pause(ms(60)), send("\x05\x02\x00\x00\x01x"), shut()})},
	{name: "tcp-response content, the client goes on", tcp: true, backend: lines("tcp-response inspect-delay 1s", "tcp-response content accept if { res.len ge 4 }"), client: []step{send("ask"), pause(ms(60)), send("more"), await("done")}, origin: origins([]step{await("more"), send("done"), shut()})},
	{
		name: "use_backend by the name in a TLS hello", tcp: true, frontend: lines("tcp-request inspect-delay 1s", "tcp-request content accept if { req.ssl_hello_type 1 }", "use_backend named if { req.ssl_sni -i abc.org }"),
		backend: lines("server dead 127.0.0.1:1 backup", "backend named", "mode tcp", "server n1 127.0.0.1:PORT", "backend tail", "mode tcp"), client: []step{send(hello[:40]), pause(ms(50)), send(hello[40:]), await("named")}, origin: origins([]step{await("abc"), send("default")}), second: origins([]step{await("abc"), send("named")}),
	},
}

// notSent is why logs differ where a client does not get what a server has sent.
const notSent = "what a client never gets is not counted as sent to it"

// hello is a TLS client hello for abc.org.
var hello = func() string {
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x00\x00\x02\x13\x01\x01\x00" + "\x00\x10\x00\x00\x00\x0c\x00\x0a\x00\x00\x07abc.org"
	n := len(body)
	return "\x16\x03\x01" + string([]byte{0, byte(n + 4)}) + "\x01\x00" + string([]byte{0, byte(n)}) + body
}()
