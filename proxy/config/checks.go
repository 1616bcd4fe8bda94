package config

import (
	"slices"
	"strconv"
	"strings"

	"bench/proxy/spec"
)

// checkDraft is how servers are checked.
type checkDraft struct {
	kind     opt[spec.CheckKind]
	request  httpRequest // of "option httpchk"
	send     httpRequest // of "http-check send", which goes before it
	sends    bool
	sent     *section // which has the rule
	expect   []spec.Expect
	on404    bool
	state    bool            // "http-check send-state"
	connects *spec.CheckStep // of "http-check connect"
	note     string          // of an "http-check comment" before
	rulesPos spec.Pos        // of the first http-check rule
	tcpPos   spec.Pos        // of the first tcp-check rule
	steps    []spec.CheckStep
	rules    int      // of a TCP check, comments included
	remark   string   // of the comment before
	idle     spec.Pos // of a comment that no rule has followed

	user          string // of a database
	oldUser       bool
	greeting      string      // of a mail server
	command, path opt[string] // of external checks
}

// httpRequest is the request of an HTTP check; empty parts are unset.
type httpRequest struct {
	method, uri, version string
	headers              [][2]string
	body                 string
}

func (c *checkDraft) clone() checkDraft {
	d := *c
	d.expect, d.steps = slices.Clone(c.expect), slices.Clone(c.steps)
	d.request.headers = slices.Clone(c.request.headers)
	d.send.headers = slices.Clone(c.send.headers)
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
		{name: "tcp-check connect", args: connectArgs, scope: back, doc: "Connect in TCP checks, which is what they do first anyway, as the server's line says; with \"default\" as there, too, but for what is said here.", read: func(l *line) {
			st, ok := readConnect(l)
			c := &l.sect.settings.check
			if !ok {
				return
			}
			if len(c.steps) > 0 && c.steps[0].Connect == nil {
				l.fail(l.head, "the first 'tcp-check' rule must be 'connect', too, where one of them is")
				return
			}
			l.addStep(st)
		}},
		{name: "tcp-check send", args: "<text> [comment <text>]", scope: back, doc: "Send a text in TCP checks.", read: func(l *line) { readCheckText(l, false) }},
		{name: "tcp-check send-binary", args: "<digits> [comment <text>]", scope: back, doc: "Send bytes, in hexadecimal digits, in TCP checks.", read: func(l *line) { readCheckText(l, true) }},
		{name: "tcp-check expect", args: "[min-recv <number>] [comment <text>] [!] { string <text> | rstring <regex> | binary <digits> | rbinary <regex> }", scope: back, doc: "What is to be found in what servers send in TCP checks.", read: readTCPExpect},
		{name: "tcp-check comment", args: "<text>", scope: back, doc: "What messages say about the rules that follow.", read: func(l *line) {
			if w, ok := l.one("a text"); ok {
				c := l.tcpRule()
				c.remark, c.idle = w.text, l.pos
			}
		}},
		{name: "http-check connect", args: connectArgs, scope: back, doc: "Connect in HTTP checks, as \"tcp-check connect\"; once, and first.", read: func(l *line) {
			st, ok := readConnect(l)
			c := &l.sect.settings.check
			switch {
			case !ok:
			case c.connects != nil || c.sends || len(c.expect) > 0:
				l.fail(l.head, "'http-check connect' is not supported behind other rules: a check has one request")
			default:
				l.httpRule()
				c.connects = &st
			}
		}},
		{name: "http-check comment", args: "<text>", scope: back, doc: "What messages say about the expectation that follows.", read: func(l *line) {
			if w, ok := l.one("a text"); ok {
				l.httpRule()
				l.sect.settings.check.note = w.text
			}
		}},
		{name: "http-check send-state", scope: back, doc: "Tell servers with each check in which state they are, in X-Haproxy-Server-State.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.check.state = true
			}
		}},
		{name: "http-check send", args: "[meth <method>] [uri <uri>] [ver <version>] [hdr <name> <value>]... [body <text>] [comment <text>]", scope: back, doc: "Request of the HTTP check.", read: readCheckSend},
		{name: "http-check expect", args: expectArgs + " [!] { status <list> | rstatus <regex> | string <text> | rstring <regex> | { hdr | fhdr } name [-m <method>] <name> [value [-m <method>] <value>] }", scope: back, doc: "Answer that counts as good.", read: readCheckExpect},
		{name: "http-check disable-on-404", scope: back, doc: "A 404 drains the server instead of putting it down.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.check.on404 = true
			}
		}},
	}
}

// httpRule remembers that there are http-check rules.
func (l *line) httpRule() {
	if c := &l.sect.settings.check; c.rulesPos.Line == 0 {
		c.rulesPos = l.pos
	}
}

func readHTTPCheck(l *line) {
	r := httpRequest{}
	switch len(l.args) {
	case 0:
	case 1:
		r.uri = l.args[0].text
	default:
		r.method, r.uri = l.args[0].text, l.args[1].text
		if !isToken(r.method) {
			l.fail(l.args[0], "'%s' is not an HTTP method", r.method)
			return
		}
		if len(l.args) > 2 {
			// Header fields, and even a body, used to be given after the version.
			head, body, _ := strings.Cut(joinWords(l.args[2:]), "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			r.version, r.body = lines[0], body
			if !isHTTPVersion(r.version) {
				l.warn(l.args[2], "'%s' is not an HTTP version like HTTP/1.1: HTTP/1.0 is used", r.version)
				r.version = "HTTP/1.0"
			}
			for _, h := range lines[1:] {
				name, value, ok := strings.Cut(h, ":")
				if h == "" {
					continue
				}
				if !ok || !isToken(name) {
					l.fail(l.args[2], "'%s' is not a header field", h)
					return
				}
				r.headers = append(r.headers, [2]string{name, strings.TrimSpace(value)})
			}
			if len(lines) > 1 {
				l.warn(l.args[2], "header fields after the version are deprecated: use 'http-check send hdr'")
			}
		}
	}
	l.sect.settings.check.kind.put(spec.CheckHTTP, l.pos)
	l.sect.settings.check.request = r
}

func isHTTPVersion(s string) bool {
	return len(s) == len("HTTP/1.1") && strings.HasPrefix(s, "HTTP/1.") && (s[7] == '0' || s[7] == '1')
}

func readCheckSend(l *line) {
	r := httpRequest{}
	if c := &l.sect.settings.check; c.sends && c.sent == l.sect {
		l.fail(l.head, "a second 'http-check send' is not supported: a check has one request")
		return
	}
	need := map[string]int{"meth": 1, "uri": 1, "ver": 1, "hdr": 2, "body": 1, "comment": 1}
	for rest := l.args; len(rest) > 0; {
		n, ok := need[rest[0].text]
		if !ok {
			if slices.Contains([]string{"uri-lf", "body-lf"}, rest[0].text) {
				l.fail(rest[0], "'%s' is not supported in 'http-check send'", rest[0].text)
				return
			}
			l.unknown(rest[0], "argument", []string{"meth", "uri", "ver", "hdr", "body", "comment"})
			return
		}
		if len(rest) <= n {
			l.missing("a value after '" + rest[0].text + "'")
			return
		}
		v := rest[1]
		switch rest[0].text {
		case "meth":
			r.method = v.text
			ok = isToken(v.text)
		case "uri":
			r.uri = v.text
		case "ver":
			r.version = v.text
			ok = isHTTPVersion(v.text)
		case "hdr":
			ok = isToken(v.text)
			r.headers = append(r.headers, [2]string{v.text, rest[2].text})
		case "body":
			r.body = v.text
		}
		if !ok {
			l.fail(v, "'%s' is not a value for '%s' in 'http-check send'", v.text, rest[0].text)
			return
		}
		rest = rest[n+1:]
	}
	l.httpRule()
	c := &l.sect.settings.check
	c.send, c.sends, c.sent = r, true, l.sect
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
