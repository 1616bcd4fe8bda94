package difftest

import (
	"regexp"
	"strings"
	"testing"
)

// serverState is what requests say of a server, of which parts differ by nature.
var serverState = regexp.MustCompile(`(address|port|node|weight)=[^;]*`)

// ruleKinds are checks that follow rules, and agents.
func ruleKinds() []checkKind {
	http := func(answer string) []step { return []step{await("\r\n\r\n"), send(answer), await("never")} }
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nX-List: one, two,three\r\n\r\nhello"
	answers := map[string][]step{
		"well":    http(ok),
		"other":   http("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: sessid=b\r\nX-List: one;two\r\n\r\nworld"),
		"missing": http("HTTP/1.1 404 Not Here\r\nContent-Length: 3\r\n\r\nabc"),
		"broken":  http("HTTP/1.1 500 Oops\r\nX-LIST: TWO\r\nContent-Length: 0\r\n\r\n"),
		"to end":  {await("\r\n\r\n"), send("HTTP/1.0 200 OK\r\n\r\nhello"), shut()},
	}
	talk := map[string][]step{
		"well":       {await("ping"), send("pong\r\n"), await("never")},
		"other":      {await("ping"), send("pang\r\n"), await("never")},
		"other, end": {await("ping"), send("pang\r\n"), shut()},
	}
	agent := func(lines ...string) map[string][]step {
		servers := map[string][]step{}
		for _, l := range lines {
			name := strings.NewReplacer("\r", "r", "\n", "n", "#", "", "%", "pct", ":", "", ",", "", "\t", "t").Replace(l)
			servers["says "+name] = []step{send(l), shut()}
		}
		return servers
	}
	const tcp, get = "option tcp-check\n", "option httpchk GET /x HTTP/1.1\n"
	kinds := []checkKind{
		{name: "error-status", lines: tcp + "tcp-check send ping\ntcp-check expect error-status L7STS tout-status L6TOUT string pong", servers: talk},
		{name: "ok-status", lines: tcp + "tcp-check send ping\ntcp-check expect ok-status L6OK error-status L4CON comment c rstring po.g", servers: talk},
		{name: "options-behind", lines: tcp + "tcp-check send ping\ntcp-check expect string nothing error-status L7STS comment behind\ntcp-check expect !rstring po.g comment c", servers: talk},
		{name: "not", lines: tcp + "tcp-check send ping\ntcp-check expect ! string pong comment behind on-error \"no pong\"", servers: talk},
		{name: "conditionally", lines: tcp + "tcp-check send ping\ntcp-check expect ok-status L7OKC string pong", servers: talk},
		{name: "twice", lines: tcp + "tcp-check connect comment first\ntcp-check send ping\ntcp-check expect string pong\ntcp-check connect linger\ntcp-check send ping comment again\ntcp-check expect comment last string pong", servers: talk},
		{name: "refused-then", lines: tcp + "tcp-check connect\ntcp-check send ping\ntcp-check expect string pong\ntcp-check connect port 1", servers: talk},
		{name: "refused-first", lines: tcp + "tcp-check connect port 1 comment no\ntcp-check send ping", servers: talk},
		{name: "elsewhere", lines: tcp + "tcp-check connect addr 127.0.0.2 port 1", servers: talk},
		{name: "proxied", lines: tcp + "tcp-check connect send-proxy default\ntcp-check send ping\ntcp-check expect string pong", servers: talk, mask: func(s string) string {
			return portPair.ReplaceAllString(s, " N N\r\n")
		}},
		{name: "connects-last", lines: tcp + "tcp-check send ping\ntcp-check expect string pong", servers: talk},
		{name: "field", lines: get + "http-check expect hdr name x-list value two", servers: answers},
		{name: "field-any", lines: get + "http-check expect hdr name -m beg set-", servers: answers},
		{name: "field-not", lines: get + "http-check expect comment why ! hdr name set-cookie value -m beg sessid=", servers: answers},
		{name: "field-full", lines: get + "http-check expect fhdr name -m reg ^x-l value -m sub ,three", servers: answers},
		{name: "statuses", lines: get + "http-check expect ok-status L6OK error-status L7RSP tout-status L4TOUT status 200", servers: answers},
		{name: "body", lines: get + "http-check comment looking\nhttp-check expect error-status L7STS string hello", servers: answers},
		{name: "body-soon", atOnce: true, lines: get + "http-check expect min-recv 3 string hello", servers: answers},
		{name: "fields-404", lines: get + "http-check disable-on-404\nhttp-check expect comment c status 200", servers: answers},
		{name: "state", lines: get + "http-check send-state\nhttp-check send hdr a b", servers: answers, mask: func(s string) string {
			return serverState.ReplaceAllString(s, "$1=N")
		}},
		{name: "behind", lines: get + "http-check expect status 201 comment behind error-status L7RSP on-error nonesuch", servers: answers},
		{name: "plain", lines: get + "http-check connect linger\nhttp-check send meth POST body abc comment x\nhttp-check expect rstring l+o", servers: answers},
		{name: "agent", without: noAnswer, atOnce: true, server: "agent-check agent-port PORT agent-inter 2s weight 50", servers: agent(
			"up\n", "down\n", "down # gone fishing\n", "stopped\r\n", "fail\n", "DOWN\n", "drain\n", "maint\n", "ready\n", "75%\n", "75% up\n", "0%\n", "200%\n", "7x%\n", "-5%\n",
			"maxconn:30\n", "maxconn:x\n", "maxconn:30x\n", "hello\n", "up hello\n", "down hello\n", "up,ready\t50%\n", "drain 10%\n", "up # all well\n", "\n", "75%\ndown\n", "#\n", "failed\n", "maxconn:5 7% down#x\n",
		)},
		{name: "agent-send", without: noAnswer, atOnce: true, server: "agent-check agent-port PORT agent-inter 2s weight 50 agent-send tell\\n", servers: map[string][]step{
			"asked": {await("tell\n"), send("down\n"), shut()},
			"well":  {await("tell\n"), send("up 20%\n"), shut()},
		}},
		{name: "agent-static", without: noAnswer, atOnce: true, lines: "balance static-rr", server: "agent-check agent-port PORT agent-inter 2s weight 50", servers: agent("75%\n", "up 75%\n", "0%\n", "down 75%\n")},
		{name: "both", without: noAnswer, atOnce: true, server: "check agent-check agent-port PORT agent-inter 2s", servers: agent("up\n", "down\n", "drain\n", "maint\n")},
	}
	return kinds
}

// noAnswer is what agents must not do here, neither for good nor for a moment: HAProxy takes
// a piece of an answer for all of it, together with what lies in its memory behind it.
var noAnswer = []string{"one byte, ends", "one byte, stays"}

// TestCheckRules is TestChecks for checks that follow rules, and for agents.
func TestCheckRules(t *testing.T) {
	if tried(t) {
		return
	}
	compareChecks(t, ruleKinds())
}
