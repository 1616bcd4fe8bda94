package config

import (
	"math"
	"slices"

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
		{name: "description", args: "<text>...", scope: own, doc: "Text for the statistics.", read: func(l *line) {
			if l.arity(1, maxWords, "a text") {
				l.sect.desc = joinWords(l.args)
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
		proxyNumber("fullconn", inDefaults|inBack, 0, "Connections at which servers get their whole maxconn.", func(x *s) *opt[int] { return &x.fullConn }),
		proxyNumber("backlog", inDefaults|inFront, 0, "Connections the kernel keeps waiting.", func(x *s) *opt[int] { return &x.backlog }),
		proxyNumber("retries", inDefaults|inBack, 0, "Attempts to connect after the first one.", func(x *s) *opt[int] { return &x.retries }),
		{name: "retry-on", args: "<condition>...", scope: inDefaults | inBack, strict: true, doc: "Failures after which a request is tried again: conn-failure, or none; other conditions are accepted without effect.", read: readRetryOn},
		{name: "default_backend", args: "<backend>", scope: inDefaults | inFront, doc: "Backend of requests without another.", read: func(l *line) {
			if w, ok := l.one("a backend"); ok {
				l.sect.settings.defaultBack.put(reference{w.text, l.at(w), l.text}, l.pos)
			}
		}},
		{name: "use_backend", args: "<backend>", scope: inFront, doc: "Backend of all requests; conditions are not supported.", read: func(l *line) {
			if !l.arity(1, maxWords, "a backend") {
				return
			}
			if len(l.args) > 1 {
				w := l.args[1]
				if w.text == "if" || w.text == "unless" {
					l.fail(w, "'use_backend' with a condition is not supported")
					return
				}
				l.fail(w, "'use_backend' expects 'if' or 'unless', not '%s'", w.text)
				return
			}
			w := l.args[0]
			l.sect.useBack = append(l.sect.useBack, reference{w.text, l.at(w), l.text})
		}},
		{name: "source", args: "<address>[:<port>]", scope: inDefaults | inBack, doc: "Own address of connections to servers.", read: func(l *line) {
			if w, ok := l.one("an address"); ok {
				if a, ok := l.sourceAddress(w); ok {
					l.sect.settings.source.put(a, l.pos)
				}
			}
		}},
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
		l.fail(w, "'mode health' does not exist any more")
	default:
		l.report(Alert, w, nearest.Word(w.text, []string{"tcp", "http"}), "unknown proxy mode '%s': want 'tcp' or 'http'", w.text)
	}
}

// retryConditions are the words of "retry-on" with what they mean.
func retryConditions() map[string]spec.RetryOn {
	return map[string]spec.RetryOn{
		"none": 0, "conn-failure": spec.RetryConnFailure, "empty-response": spec.RetryEmptyResponse,
		"junk-response": spec.RetryJunkResponse, "response-timeout": spec.RetryResponseTimeout, "0rtt-rejected": spec.Retry0RTT,
		"401": spec.Retry401, "403": spec.Retry403, "404": spec.Retry404, "408": spec.Retry408, "425": spec.Retry425,
		"500": spec.Retry500, "501": spec.Retry501, "502": spec.Retry502, "503": spec.Retry503, "504": spec.Retry504,
		"all-retryable-errors": spec.RetryConnFailure | spec.RetryEmptyResponse | spec.RetryJunkResponse | spec.RetryResponseTimeout |
			spec.Retry0RTT | spec.Retry500 | spec.Retry502 | spec.Retry503 | spec.Retry504,
	}
}

func readRetryOn(l *line) {
	if !l.arity(1, maxWords, "conditions") {
		return
	}
	conditions := retryConditions()
	var set spec.RetryOn
	for _, w := range l.args {
		c, ok := conditions[w.text]
		if !ok {
			names := make([]string, 0, len(conditions))
			for n := range conditions {
				names = append(names, n)
			}
			slices.Sort(names)
			l.unknown(w, "condition", names)
			return
		}
		if w.text == "none" && len(l.args) > 1 {
			l.fail(w, "'retry-on' cannot combine 'none' with other conditions")
			return
		}
		set |= c
	}
	if set&^spec.RetryConnFailure != 0 {
		l.warn(l.head, "'retry-on': only failures to connect are tried again")
	}
	l.sect.settings.retryOn.put(set, l.pos)
}
