package difftest

import (
	"testing"
)

// sampleKinds are checks whose rules say things with samples, and set variables.
func sampleKinds() []checkKind {
	const tcp, get = "option tcp-check\n", "option httpchk GET /o HTTP/1.1\n"
	talk := map[string][]step{
		"well": {await("ping"), send("pong\x01q\"\r\n"), await("never")},
		"ends": {await("ping"), send("pang"), shut()},
	}
	http := func(answer string) []step { return []step{await("\r\n\r\n"), send(answer), await("never")} }
	answers := map[string][]step{
		"well":    http("HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: one, two\r\n\r\nhello"),
		"missing": http("HTTP/1.1 404 Not Here\r\nContent-Length: 3\r\n\r\nabc"),
		"to end":  {await("\r\n\r\n"), send("HTTP/1.0 200 OK\r\nx-b: two\r\n\r\nhello"), shut()},
	}
	told := func(lines string) string { return tcp + lines + "\ntcp-check send ping\ntcp-check expect string pong" }
	kinds := []checkKind{
		{name: "says", lines: told(`tcp-check send-lf "%[be_name]/%[srv_name]/%[srv_id]/%[str(),hex]/%[var(check.no)]/%[str(a b)] %% %{+Q}[str(x)] %{+Q}[var(check.no)] %{+X}[int(255)]|%b|%s|%f|%ci|"`), servers: talk},
		{name: "says-bytes", lines: told("tcp-check set-var(check.a) bin(0102617f090a)\ntcp-check send-lf \"x%[var(check.a)]y\"\ntcp-check send-binary-lf \"%[str(ab),hex]0a%[int(11)]\""), servers: talk},
		{name: "says-odd", lines: told("tcp-check send-binary-lf \"%[str(ab),hex]0\" comment why"), servers: talk},
		{name: "says-other", lines: told("tcp-check send-binary-lf zz"), servers: talk},
		{name: "says-nothing", lines: told("tcp-check send-lf \"%[var(check.no)]\""), servers: talk},
		{name: "variables", lines: told("tcp-check set-var(check.n) int(5)\ntcp-check set-var-fmt(check.f) n=%[var(check.n)]\ntcp-check set-var(sess.s) var(check.f)\ntcp-check set-var(proc.p) var(sess.s)\ntcp-check set-var(check.n,ifnotexists) int(6)\ntcp-check set-var(check.f,ifexists) int(7)\ntcp-check unset-var(check.n)\ntcp-check send-lf \"%[var(check.n)]|%[var(check.f)]|%[var(sess.s)]|%[var(proc.p)]|\""), servers: talk},
		{name: "forgets", lines: told("tcp-check send-lf \"%[var(check.n)]|%[var(sess.n)]|\"\ntcp-check set-var(check.n) int(1)\ntcp-check set-var(sess.n) int(2)"), servers: talk},
		{name: "before", lines: tcp + "tcp-check set-var(check.x) str(pong)\ntcp-check connect\ntcp-check send ping\ntcp-check expect string-lf %[var(check.x)]", servers: talk},
		{name: "ends-with-one", lines: tcp + "tcp-check connect\ntcp-check set-var(check.x) int(5)", servers: talk},
		{name: "behind", lines: told("") + "\ntcp-check set-var(check.x) int(1)", servers: talk},
		{name: "on-error", atOnce: true, lines: tcp + "tcp-check send ping\ntcp-check expect min-recv 4 on-error \"bad %[res.payload(0,4)] %[res.len]\" status-code int(7) comment com string pung", servers: talk},
		{name: "on-error-status", atOnce: true, lines: tcp + "tcp-check send ping\ntcp-check expect min-recv 4 on-error bad error-status L7STS status-code res.len string pung", servers: talk},
		{name: "on-success", atOnce: true, lines: tcp + "tcp-check send ping\ntcp-check expect on-success \"ok %[res.payload(0,4)]|%[res.payload(0,0)]\" status-code int(7) string pong", servers: talk},
		{name: "on-success-no-number", lines: tcp + "tcp-check send ping\ntcp-check expect on-success ok status-code str(x) string pong", servers: talk},
		{name: "on-success-between", lines: tcp + "tcp-check send ping\ntcp-check expect on-success ok status-code int(3) string pong\ntcp-check send bye", servers: talk},
		{name: "on-success-variable", lines: tcp + "tcp-check send ping\ntcp-check expect on-success ok status-code int(3) string pong\ntcp-check set-var(check.x) int(1)", servers: talk},
		{name: "looks", atOnce: true, lines: tcp + "tcp-check send ping\ntcp-check expect min-recv 3 comment c string-lf %[str(pong)]\ntcp-check expect ! string-lf %[str(pang)]", servers: talk},
		{name: "looks-in-vain", atOnce: true, lines: tcp + "tcp-check send ping\ntcp-check expect min-recv 3 comment c string-lf %[str(abc)]", servers: talk},
		{name: "looks-for-nothing", lines: tcp + "tcp-check send ping\ntcp-check expect error-status L7STS comment c string-lf %[var(check.x)]", servers: talk},
		{name: "looks-long", lines: tcp + "tcp-check send ping\ntcp-check expect comment c string-lf %[str(pangggggggggggg)]", servers: talk},
		{name: "looks-binary", lines: tcp + "tcp-check send ping\ntcp-check expect binary-lf %[str(pong),hex]", servers: talk},
		{name: "looks-binary-not", atOnce: true, lines: tcp + "tcp-check send ping\ntcp-check expect min-recv 3 comment c ! binary-lf %[str(pan),hex]", servers: talk},
		{name: "looks-binary-odd", lines: tcp + "tcp-check send ping\ntcp-check expect comment c binary-lf 123", servers: talk},
		{name: "to-port", lines: tcp + "tcp-check set-var(check.x) int(1)\ntcp-check connect port var(check.x) comment x", servers: talk},
		{name: "to-no-port", lines: tcp + "tcp-check connect port str(abc)\ntcp-check send ping\ntcp-check expect string pong", servers: talk},
		{name: "to-port-0", lines: tcp + "tcp-check connect port int(0)\ntcp-check send ping\ntcp-check expect string pong", servers: talk},
		{name: "to-its-port", lines: tcp + "tcp-check connect\ntcp-check send ping\ntcp-check expect string pong\ntcp-check set-var(check.p) bc_dst_port\ntcp-check connect port var(check.p)\ntcp-check send-lf \"again %[bc_dst]\"", servers: talk},
		{name: "comments", atOnce: true, lines: tcp + "tcp-check connect comment one\ntcp-check send ping\ntcp-check comment two\ntcp-check expect min-recv 2 ! string pong\ntcp-check expect string never", servers: talk},

		{name: "http", lines: get + "http-check connect\nhttp-check set-var(check.u) str(/x)\nhttp-check send uri-lf %[var(check.u)] hdr X-V \"v=%[be_name] %[var(check.no)]\" hdr empty %[var(check.no)] body-lf \"b%[srv_id]\"\nhttp-check expect on-success \"%[status] %[res.hdr(x-a)] %[res.ver] %[res.hdr_cnt(x-a)]\" status-code res.hdr_cnt(x-a) status 200", servers: answers},
		{name: "http-no-uri", lines: get + "http-check send uri-lf %[var(check.x)]", servers: answers},
		{name: "http-twice", lines: get + "http-check connect\nhttp-check send uri /1\nhttp-check expect status 200\nhttp-check connect\nhttp-check send uri /2 meth POST body abc\nhttp-check expect string hello", servers: answers},
		{name: "http-twice-bad", lines: get + "http-check connect\nhttp-check send uri /1 body long\nhttp-check expect status 200\nhttp-check connect\nhttp-check send uri /2\nhttp-check expect comment c status 201", servers: answers},
		{name: "http-remembers", lines: get + "http-check connect\nhttp-check send\nhttp-check expect status 200\nhttp-check set-var(check.h) res.hdr(x-a)\nhttp-check connect\nhttp-check send uri-lf /%[var(check.h)] hdr y \"%[var(check.h)]\"", servers: answers},
		{name: "http-option-last", lines: "http-check connect\nhttp-check send uri /n hdr a b body q\nhttp-check expect status 200\nhttp-check connect\nhttp-check send uri /m\noption httpchk GET /o HTTP/1.1", servers: answers},
		{name: "http-option-first", lines: "option httpchk GET /o HTTP/1.1\\r\\nX:\\ y%[be_name]\\r\\n\\r\\nbody\nhttp-check comment foo\nhttp-check set-var(check.x) int(1)\nhttp-check send hdr a b", servers: answers},
		{name: "http-option-kept", lines: "option httpchk GET /o HTTP/1.1\\r\\nX:\\ y\\r\\n\\r\\nbody\nhttp-check send uri /n", servers: answers},
		{name: "http-option-twice", lines: get + "option httpchk HEAD /p\nhttp-check send hdr a b", servers: answers},
		{name: "http-option-expect", lines: "http-check expect status 200\n" + get, servers: answers},
		{name: "http-connects-last", lines: get + "http-check connect\nhttp-check send\nhttp-check expect status 200\nhttp-check connect port 1 comment d", servers: answers},
		{name: "http-connects-last-well", lines: get + "http-check connect\nhttp-check send\nhttp-check expect status 200\nhttp-check connect", servers: answers},
		{name: "http-variable-last", lines: get + "http-check expect status 200\nhttp-check set-var(check.x) int(1)", servers: answers},
		{name: "http-on-error", lines: get + "http-check expect comment c on-error \"E %[status] %[res.body_len] %[var(check.x)].\" status-code int(9) status 201", servers: answers},
		{name: "http-on-error-body", lines: get + "http-check expect comment c on-error \"E %[status] %[res.body]\" string helo", servers: answers},
		{name: "http-looks", lines: get + "http-check expect comment c string-lf %[str(hello)]", servers: answers},
		{name: "http-looks-for-nothing", lines: get + "http-check expect comment c string-lf %[var(check.x)]", servers: answers},
		{name: "http-field", lines: get + "http-check expect comment c hdr name-lf %[str(X-A)] value-lf %[str(two)]", servers: answers},
		{name: "http-field-methods", lines: get + "http-check expect hdr name-lf -m beg %[str(X-)] value-lf -m end %[str(wo)]", servers: answers},
		{name: "http-field-nothing", lines: get + "http-check expect comment c hdr name-lf %[var(check.x)]", servers: answers},
		{name: "http-port", lines: get + "http-check connect port int(1)", servers: answers},
		{name: "http-several", lines: get + "http-check expect status 200\nhttp-check expect string hello\nhttp-check expect ! status 500", servers: answers},
	}
	for i := range kinds {
		// The other manners are compared elsewhere; where a reset finds a check is chance.
		kinds[i].without = append(kinds[i].without, "resets", "zeroes", "quotes, and lines", "garbage, stays", "one byte, stays")
	}
	return kinds
}

// TestCheckSamples is TestChecks for rules with samples and variables.
func TestCheckSamples(t *testing.T) {
	if tried(t) {
		return
	}
	compareChecks(t, sampleKinds())
}
