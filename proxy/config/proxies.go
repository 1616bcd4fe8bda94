package config

import (
	"math"

	"bench/internal/nearest"
	"bench/proxy/spec"
)

// proxyNumber is a keyword with one number.
func proxyNumber(name string, sc scope, least int64, doc string, field func(*settings) *opt[int]) keyword {
	return keyword{name: name, args: "<number>", scope: sc, doc: doc, read: func(l *line) {
		if w, ok := l.one("a number"); ok {
			if n, ok := l.integer(w, least, math.MaxInt32); ok {
				field(&l.sect.settings).put(n, l.pos)
			}
		}
	}}
}

// proxyKeywords are the general settings of proxies (configuration manual,
// section 4.2).
func proxyKeywords() []keyword {
	type s = settings
	const own = inFrontend | inBackend | inListen
	return []keyword{
		{name: "mode", args: "{ tcp | http }", scope: inAny, doc: "Protocol of the proxy.", read: readMode},
		{name: "id", args: "<number>", scope: own, doc: "Number in the statistics.", read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				if n, ok := l.integer(w, 1, math.MaxInt32); ok {
					l.sect.id.put(n, l.at(w))
				}
			}
		}},
		{name: "description", args: "<text>...", scope: own, doc: "Text for the statistics page.", read: func(l *line) {
			if l.arity(1, maxWords, "a text") {
				l.sect.description = joinWords(l.args)
			}
		}},
		{name: "disabled", scope: inAny, doc: "Do not start the proxy.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.disabled = true
			}
		}},
		{name: "enabled", scope: inAny, doc: "Start the proxy, against \"disabled\" in defaults.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.disabled = false
			}
		}},
		proxyNumber("maxconn", inDefaults|inFront, 0, "Connections that clients may have at once.", func(x *s) *opt[int] { return &x.maxConn }),
		proxyNumber("rate-limit sessions", inDefaults|inFront, 0, "New sessions per second; 0: any number.", func(x *s) *opt[int] { return &x.sessRate }),
		proxyNumber("fullconn", inDefaults|inBack, 0, "Number of connections at which servers get their whole maxconn.", func(x *s) *opt[int] { return &x.fullConn }),
		proxyNumber("backlog", inDefaults|inFront, 0, "Connections the kernel keeps waiting.", func(x *s) *opt[int] { return &x.backlog }),
		proxyNumber("retries", inDefaults|inBack, 0, "Attempts to connect after the first one.", func(x *s) *opt[int] { return &x.retries }),
		{name: "retry-on", args: "<condition>...", scope: inDefaults | inBack, strict: true, doc: "Failures after which a request is tried again: conn-failure, unless said otherwise; empty-response, junk-response, response-timeout and statuses need all of the request at hand.", read: readRetryOn},
		{name: "default_backend", args: "<backend>", scope: inDefaults | inFront, doc: "Backend of requests without another.", read: func(l *line) {
			if w, ok := l.one("a backend"); ok {
				l.sect.settings.defaultBack.put(reference{w.text, l.at(w), l.text}, l.pos)
			}
		}},
		{name: "source", args: "<address>[:<port>] [usesrc { <address>[:<port>] | client | clientip | hdr_ip(<name>[,<occurrence>]) }] [interface <name>]", scope: inDefaults | inBack, doc: "Own address of connections to servers; with \"usesrc\" that of checks alone, and clients' connections have the other one, which takes privileges.", read: readSource},
	}
}

func readMode(l *line) {
	w, ok := l.one("'tcp' or 'http'")
	if !ok {
		return
	}
	m := &l.sect.settings.mode
	switch w.text {
	case "tcp":
		m.put(spec.ModeTCP, l.at(w))
	case "http":
		m.put(spec.ModeHTTP, l.at(w))
	case "health":
		l.fail(w, "'mode health' does not exist any more: write 'http-request return status 200'")
	default:
		l.report(Alert, w, nearest.Word(w.text, []string{"tcp", "http"}), "unknown proxy mode '%s': want 'tcp' or 'http'", w.text)
	}
}
