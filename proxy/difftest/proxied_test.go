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
	{name: "PROXY, session rules see the address", frontend: lines(expecting, "tcp-request connection reject if { src 10.1.2.3 }", "tcp-request session reject if { src 10.1.2.3 }"), client: sends(v1 + get), origin: origins(answer(ok)), logs: -1, why: "nothing has failed that could be told; there a line says Success", differs: outcome{logs: " "}},
	{name: "PROXY, none", frontend: expecting, client: sends(get), origin: origins(answer(ok))},
	{name: "PROXY, invalid", frontend: expecting, client: sends("PROXY TCP4 1.2.3.4\r\n" + get), origin: origins(answer(ok))},
	{name: "PROXY 2, wrong version", frontend: expecting, client: sends(v2sig + "\x31\x11\x00\x00" + get), origin: origins(answer(ok))},
	{
		name: "PROXY 2, cut in an extra", frontend: expecting, client: sends(v2sig + "\x21\x11\x00\x0e\x0a\x01\x02\x03\xc0\x00\x02\x07\x11\xd7\x20\xfb\x02\x00" + get), origin: origins(answer(ok)),
		why: "of a header that is not valid nothing counts, as the manual has it", differs: outcome{logs: "<134>127.0.0.1:# [#] fe/1: Received an invalid PROXY protocol header"},
	},
	{
		name: "PROXY, too late", frontend: lines(expecting, "timeout client 300ms"), client: sends("PROXY TC"), quiet: ms(600), origin: origins(answer(ok)),
		why: "there a header has to come in one piece", differs: outcome{logs: "<134>127.0.0.1:# [#] fe/1: Timeout while waiting for PROXY protocol header"},
	},
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

// Headers of NetScaler Client IP insertion: a number, a length, in newer ones a type and the
// length of what follows, and the headers of IP and TCP of a packet.
const (
	cipMagic = "\x00\x00\x07\xd3"
	cipIP4   = "\x45\x00\x00\x28\x00\x00\x00\x00\x40\x06\x00\x00\x0a\x01\x02\x03\xc0\x00\x02\x07"
	cipIP6   = "\x60\x00\x00\x00\x00\x14\x06\x40\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
	cipTCP   = "\x11\xd7\x20\xfb\x00\x00\x00\x00\x00\x00\x00\x00\x50\x02\x00\x00\x00\x00\x00\x00"
	cipOld   = cipMagic + "\x00\x00\x00\x28" + cipIP4 + cipTCP
	cipNew   = cipMagic + "\x00\x00\x00\x34\x00\x01\x00\x28" + cipIP4 + cipTCP
	cipOld6  = cipMagic + "\x00\x00\x00\x3c" + cipIP6 + cipTCP
	cipNew6  = cipMagic + "\x00\x00\x00\x48\x00\x01\x00\x3c" + cipIP6 + cipTCP
)

// inserted: connections that begin with such a header. A rule of a listener without
// "accept-netscaler-cip" expects the number 0, which is how it comes to those of bind lines
// that tests make: by their descriptor.
func inserted() []exchange {
	expecting := lines(who, "tcp-request connection expect-netscaler-cip layer4")
	zero := func(header string) string { return "\x00\x00\x00\x00" + header[4:] }
	all := []exchange{
		{name: "old", client: []step{send(zero(cipOld) + get), await("ok"), send(last)}, logs: 2},
		{name: "new", client: sends(zero(cipNew) + get)},
		{name: "old, IPv6", client: sends(zero(cipOld6) + get)},
		{name: "new, IPv6", client: sends(zero(cipNew6) + get)},
		{name: "header alone, then the request", client: []step{send(zero(cipNew)), pause(ms(100)), send(get)}},
		{name: "another number", client: sends(cipNew + get)},
		{name: "UDP", client: sends(zero(cipNew[:21]) + "\x11" + cipNew[22:] + get)},
		{name: "IPv5", client: sends(zero(cipNew[:12]) + "\x55" + cipNew[13:] + get)},
		{name: "another type", client: sends(zero(cipNew[:8]) + "\x11" + cipNew[9:] + get)},
		{name: "none", client: sends("GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
		{name: "too late", frontend: "timeout client 300ms", quiet: ms(600)},
		{name: "cut", client: []step{send(zero(cipNew)[:30]), shut()}},
		{name: "before the PROXY protocol", frontend: "tcp-request connection expect-proxy layer4", client: sends(zero(cipNew) + v1six + get)},
		{name: "not for everybody", frontend: lines("http-request set-header X-Who %[src]", "tcp-request connection expect-netscaler-cip layer4 if { src 10.0.0.0/8 }"), client: sends(get)},
		{name: "tcp", tcp: true, frontend: lines("tcp-request connection expect-netscaler-cip layer4", "log-format %ci:%cp/%fi:%fp"), client: sends(zero(cipOld) + "hello"), origin: origins(answer("hello to you"))},
		{name: "passed on", server: " send-proxy-v2", client: sends(zero(cipNew) + get)},
	}
	for i := range all {
		e := &all[i]
		if e.name != "not for everybody" && !e.tcp {
			e.frontend = lines(expecting, e.frontend)
		}
		e.name = "CIP, " + e.name
		if e.origin == nil {
			e.origin = origins(answer(ok))
		}
	}
	return inOnePiece(all)
}
