package difftest

const (
	v1      = "PROXY TCP4 10.1.2.3 192.0.2.7 4567 8443\r\n"
	v1six   = "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"
	v2sig   = "\r\n\r\n\x00\r\nQUIT\n"
	v2      = v2sig + "\x21\x11\x00\x0c\x0a\x01\x02\x03\xc0\x00\x02\x07\x11\xd7\x20\xfb"
	v2local = v2sig + "\x20\x00\x00\x00"
	v2more  = v2sig + "\x21\x11\x00\x20\x0a\x01\x02\x03\xc0\x00\x02\x07\x11\xd7\x20\xfb\x02\x00\x0bexample.com\x05\x00\x03abc"
)

// who shows what is known of the client.
var who = lines("http-request set-header X-Who %[src]:%[src_port]-%[dst]:%[dst_port]-%[fc_rcvd_proxy]-%[fc_pp_authority]-%[fc_pp_unique_id]", "log-format %ci:%cp/%fi:%fp", "option forwardfor")

// expecting is the frontend where every connection begins with a header.
var expecting = lines(who, "tcp-request connection expect-proxy layer4")

// proxied: connections that begin with a header of the PROXY protocol.
var proxied = inOnePiece([]exchange{
	{name: "PROXY 1", frontend: expecting, client: []step{send(v1 + get), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2},
	{name: "PROXY 1, IPv6", frontend: expecting, client: sends(v1six + get), origin: origins(answer(ok))},
	{name: "PROXY 1, unknown", frontend: lines("tcp-request connection expect-proxy layer4", "log-format %ci", "http-request set-header X-Who %[fc_rcvd_proxy]"), client: sends("PROXY UNKNOWN\r\n" + get), origin: origins(answer(ok))},
	{
		name: "PROXY 1, unknown, with more behind it", frontend: "tcp-request connection expect-proxy layer4", client: sends("PROXY UNKNOWN blah\r\n" + get), origin: origins(answer(ok)),
		why:     "what follows UNKNOWN is to be ignored (PROXY protocol, section 2.1)",
		differs: outcome{client: "HTTP/1.1 200 OK\n  content-length: 2\n  \"ok\"\nopen\n", origin: "connection 1\nGET /x?y=1 HTTP/1.1\n  host: example.com\n  user-agent: test\n", logs: "fe be/s1 status=200 flags=---- retries=0 \"GET /x?y=1 HTTP/1.1\""},
	},
	{name: "PROXY 2", frontend: expecting, client: sends(v2 + get), origin: origins(answer(ok))},
	{name: "PROXY 2, local", frontend: lines("tcp-request connection expect-proxy layer4", "log-format %ci", "http-request set-header X-Who %[fc_rcvd_proxy]"), client: sends(v2local + get), origin: origins(answer(ok))},
	{name: "PROXY 2, authority and id", frontend: expecting, client: sends(v2more + get), origin: origins(answer(ok))},
	{name: "PROXY, header alone, then the request", frontend: expecting, client: []step{send(v1), pause(ms(100)), send(get)}, origin: origins(answer(ok))},
	{name: "PROXY, not for everybody", frontend: lines("http-request set-header X-Who %[src]-%[fc_rcvd_proxy]", "tcp-request connection expect-proxy layer4 if { src 10.0.0.0/8 }"), client: sends(get), origin: origins(answer(ok))},
	{name: "PROXY, session rules see the address", frontend: lines(expecting, "tcp-request connection reject if { src 10.1.2.3 }", "tcp-request session reject if { src 10.1.2.3 }"), client: sends(v1 + get), origin: origins(answer(ok)), logs: -1},
	{name: "PROXY, none", frontend: expecting, client: sends(get), origin: origins(answer(ok))},
	{name: "PROXY, invalid", frontend: expecting, client: sends("PROXY TCP4 1.2.3.4\r\n" + get), origin: origins(answer(ok))},
	{name: "PROXY 2, wrong version", frontend: expecting, client: sends(v2sig + "\x31\x11\x00\x00" + get), origin: origins(answer(ok))},
	{name: "PROXY 2, cut in an extra", frontend: expecting, client: sends(v2sig + "\x21\x11\x00\x0e\x0a\x01\x02\x03\xc0\x00\x02\x07\x11\xd7\x20\xfb\x02\x00" + get), origin: origins(answer(ok))},
	{name: "PROXY, too late", frontend: lines(expecting, "timeout client 300ms"), client: sends("PROXY TC"), quiet: ms(600), origin: origins(answer(ok))},
	{name: "PROXY, nothing comes", frontend: lines(expecting, "timeout client 300ms"), quiet: ms(600), origin: origins(answer(ok))},
	{name: "PROXY, tcp", tcp: true, frontend: lines("tcp-request connection expect-proxy layer4", "log-format %ci:%cp/%fi:%fp"), client: sends(v1 + "hello"), origin: origins(answer("hello to you"))},
	{name: "PROXY, error format", frontend: lines(expecting, "error-log-format failed-%ci"), client: sends(get), origin: origins(answer(ok))},

	{name: "send-proxy", frontend: expecting, server: " send-proxy", client: []step{send(v1 + get), await("ok"), send(last)}, origin: origins(answer(ok)), logs: 2},
	{name: "send-proxy, IPv6", frontend: expecting, server: " send-proxy", client: sends(v1six + get), origin: origins(answer(ok))},
	{name: "send-proxy-v2", frontend: expecting, server: " send-proxy-v2", client: sends(v2 + get), origin: origins(answer(ok))},
	{name: "send-proxy-v2, IPv6", frontend: expecting, server: " send-proxy-v2", client: sends(v1six + get), origin: origins(answer(ok))},
	{name: "send-proxy-v2 and send-proxy", frontend: expecting, server: " send-proxy send-proxy-v2", client: sends(v2 + get), origin: origins(answer(ok))},
	{name: "send-proxy-v2, options", frontend: lines(expecting, "unique-id-format x-%[src]"), server: " send-proxy-v2 proxy-v2-options crc32c,authority,unique-id", client: sends(v2more + get), origin: origins(answer(ok))},
	{name: "send-proxy-v2-ssl without TLS", frontend: expecting, server: " send-proxy-v2-ssl-cn", client: sends(v2 + get), origin: origins(answer(ok))},
	{name: "send-proxy, POST", frontend: expecting, server: " send-proxy", client: sends(v1 + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"), origin: origins(answer(ok))},
	{name: "send-proxy, tcp", tcp: true, frontend: "tcp-request connection expect-proxy layer4", server: " send-proxy", client: sends(v1 + "hello"), origin: origins(answer("hello to you"))},
	{name: "send-proxy-v2, tcp, server speaks first", tcp: true, frontend: "tcp-request connection expect-proxy layer4", server: " send-proxy-v2", client: sends(v1), origin: [][]step{{send("welcome")}}},
})

// inOnePiece are exchanges whose headers the reference wants to find whole.
func inOnePiece(all []exchange) []exchange {
	for i := range all {
		all[i].onlyAtOnce = "there a header has to come in one piece"
	}
	return all
}
