package config

import (
	"bench/internal/sock"
	"bench/proxy/spec"
)

// httpKeywords are about connections and header fields in mode http.
func httpKeywords() []keyword {
	return []keyword{
		connMode("http-keep-alive", spec.KeepAlive, "Keep connections on both sides."),
		connMode("http-server-close", spec.ServerClose, "Close the server's connection after each response."),
		connMode("httpclose", spec.Close, "Close both connections after each response."),
		{name: "option forwardfor", args: "[except <network>] [header <name>] [if-none]", scope: inAny, doc: "Tell servers the client's address in a header field.", read: readForwardFor},
		{name: "http-reuse", args: "{ never | safe | aggressive | always }", scope: inDefaults | inBack, doc: "When a server connection may serve another client.", read: readReuse},
		{name: "http-send-name-header", args: "<header>", scope: inDefaults | inBack, doc: "Field that tells servers their names; it is set again for every server that is tried.", read: func(l *line) {
			w, ok := l.one("the name of a header field")
			switch {
			case !ok:
			case !isToken(w.text):
				l.fail(w, "'%s' is not a valid header field name", w.text)
			default:
				l.sect.settings.nameHeader.put(w.text, l.pos)
			}
		}},
		{name: "monitor-uri", args: "<uri>", scope: inDefaults | inFront, doc: "URI that the proxy answers itself, for monitoring.", read: func(l *line) {
			if w, ok := l.one("a URI"); ok {
				l.sect.settings.monitorURI.put(w.text, l.pos)
			}
		}},
	}
}

func connMode(name string, m spec.ConnMode, doc string) keyword {
	return keyword{name: "option " + name, scope: inAny, no: true, doc: doc, read: func(l *line) {
		if !l.arity(0, 0, "") {
			return
		}
		cm := &l.sect.settings.connMode
		if l.no || l.reset {
			if cm.set && cm.val == m {
				*cm = opt[spec.ConnMode]{}
			}
			return
		}
		cm.put(m, l.pos)
	}}
}

func readForwardFor(l *line) {
	f := spec.ForwardFor{Header: "X-Forwarded-For"}
	for rest := l.args; len(rest) > 0; {
		used := 2
		switch rest[0].text {
		case "if-none":
			f.IfNone, used = true, 1
		case "except", "header":
			if len(rest) < 2 {
				l.missing("a value after '" + rest[0].text + "'")
				return
			}
			if rest[0].text == "header" {
				if !isToken(rest[1].text) {
					l.fail(rest[1], "'%s' is not a valid header field name", rest[1].text)
					return
				}
				f.Header = rest[1].text
				break
			}
			p, err := sock.ParsePrefix(rest[1].text)
			if err != nil {
				l.fail(rest[1], "'%s': %v", l.kw.name, err)
				return
			}
			f.Except = append(f.Except, p)
		default:
			l.unknown(rest[0], "argument", []string{"except", "header", "if-none"})
			return
		}
		rest = rest[used:]
	}
	l.sect.settings.forwardFor.put(f, l.pos)
}

// isToken tells whether s can name a header field (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9':
		case c == '!', c == '#', c == '$', c == '%', c == '&', c == '\'', c == '*', c == '+', c == '-', c == '.', c == '^', c == '_', c == '`', c == '|', c == '~':
		default:
			return false
		}
	}
	return s != ""
}

func readReuse(l *line) {
	w, ok := l.one("a policy")
	if !ok {
		return
	}
	r := &l.sect.settings.reuse
	switch w.text {
	case "never":
		r.put(spec.ReuseNever, l.pos)
	case "safe":
		r.put(spec.ReuseSafe, l.pos)
	case "aggressive":
		r.put(spec.ReuseAggressive, l.pos)
	case "always":
		r.put(spec.ReuseAlways, l.pos)
	default:
		l.unknown(w, "policy", []string{"never", "safe", "aggressive", "always"})
	}
}
