package config

import (
	"maps"
	"strconv"
	"strings"

	"bench/proxy/spec"
)

// checkDraft is how servers are checked.
type checkDraft struct {
	kind  opt[spec.CheckKind]
	on404 bool
	state bool // "http-check send-state"
	// tcp and http are the rules of the kinds that have such.
	tcp, http checkSet
	requests  map[int]httpRequest // of the rules that send one, by their numbers

	user          string // of a database
	oldUser       bool
	greeting      string      // of a mail server
	command, path opt[string] // of external checks
}

func (c *checkDraft) ofTCP() *checkSet  { return &c.tcp }
func (c *checkDraft) ofHTTP() *checkSet { return &c.http }

func (c *checkDraft) clone() checkDraft {
	d := *c
	d.tcp, d.http, d.requests = c.tcp.clone(), c.http.clone(), maps.Clone(c.requests)
	return d
}

// checkKeywords choose and describe health checks (configuration manual,
// "option httpchk", "http-check", "option tcp-check").
func checkKeywords() []keyword {
	const back = inDefaults | inBack
	return []keyword{
		{name: "option httpchk", args: "[<method>] [<uri>] [<version>]", scope: back, doc: "Check servers with an HTTP request.", read: readHTTPCheck},
		{name: "option tcp-check", scope: back, doc: "Check servers with a connection.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.check.kind.put(spec.CheckTCP, l.pos)
			}
		}},
		{name: "tcp-check connect", args: connectArgs, scope: back, doc: "Connect in TCP checks, which is what they do first anyway, as the server's line says; with \"default\" as there, too, but for what is said here.", read: func(l *line) { l.addConnect(&l.sect.settings.check.tcp) }},
		{name: "tcp-check send", args: "<text> [comment <text>]", scope: back, doc: "Send a text in TCP checks.", read: readCheckText},
		{name: "tcp-check send-lf", args: "<format> [comment <text>]", scope: back, doc: "Send a text with samples in TCP checks.", read: readCheckText},
		{name: "tcp-check send-binary", args: "<digits> [comment <text>]", scope: back, doc: "Send bytes, in hexadecimal digits, in TCP checks.", read: readCheckText},
		{name: "tcp-check send-binary-lf", args: "<format> [comment <text>]", scope: back, doc: "Send bytes in TCP checks, which a text with samples gives in hexadecimal digits.", read: readCheckText},
		{name: "tcp-check expect", args: expectArgs + " [!] { string <text> | string-lf <format> | rstring <regex> | binary <digits> | binary-lf <format> | rbinary <regex> }", scope: back, doc: "What is to be found in what servers send in TCP checks.", read: readTCPExpect},
		{name: "tcp-check comment", args: "<text>", scope: back, doc: "What messages say about the rule that follows.", read: func(l *line) { readCheckComment(l, &l.sect.settings.check.tcp) }},
		{name: "http-check connect", args: connectArgs, scope: back, doc: "Connect in HTTP checks, as \"tcp-check connect\"; each request but the first needs one.", read: func(l *line) { l.addConnect(&l.sect.settings.check.http) }},
		{name: "http-check comment", args: "<text>", scope: back, doc: "What messages say about the rule that follows.", read: func(l *line) { readCheckComment(l, &l.sect.settings.check.http) }},
		{name: "http-check send-state", scope: back, doc: "Tell servers with each check in which state they are, in X-Haproxy-Server-State.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.check.state = true
			}
		}},
		{name: "http-check send", args: "[meth <method>] [uri <uri> | uri-lf <format>] [ver <version>] [hdr <name> <format>]... [body <text> | body-lf <format>] [comment <text>]", scope: back, doc: "Request of the HTTP check.", read: readCheckSend},
		{name: "http-check expect", args: expectArgs + " [!] { status <list> | rstatus <regex> | string <text> | string-lf <format> | rstring <regex> | { hdr | fhdr } { name | name-lf } [-m <method>] <name> [{ value | value-lf } [-m <method>] <value>] }", scope: back, doc: "Answer that counts as good.", read: readCheckExpect},
		{name: "http-check disable-on-404", scope: back, doc: "A 404 drains the server instead of putting it down.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.check.on404 = true
			}
		}},
	}
}

// isStatusList tells whether s is like "200,300-399".
func isStatusList(s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		low, high, ranged := strings.Cut(part, "-")
		if !ranged {
			high = low
		}
		a, err1 := strconv.Atoi(low)
		b, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || a < 100 || b > 999 || a > b {
			return false
		}
	}
	return true
}
