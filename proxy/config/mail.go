package config

import (
	"slices"
	"time"
)

const noMail = "no mail is sent: have the logs watched"

// mailKeywords ask for mail when servers change their state (configuration manual,
// sections 3.6 and 4.2).
func mailKeywords() []keyword {
	rows := []keyword{
		{name: "email-alert from", args: "<address>", doc: "Sender of mail about servers."},
		{name: "email-alert to", args: "<address>", doc: "Recipient of mail about servers."},
		{name: "email-alert mailers", args: "<name>", doc: "The \"mailers\" section with the servers that take mail."},
		{name: "email-alert myhostname", args: "<name>", doc: "Name of this host towards mail servers."},
	}
	for i := range rows {
		rows[i].read = func(l *line) { l.one(l.kw.args) }
	}
	rows = append(rows, keyword{name: "email-alert level", args: "<level>", doc: "The least severe events that mail is sent about.", read: func(l *line) {
		if w, ok := l.one("a level"); ok && !slices.Contains(levels(), w.text) {
			l.unknown(w, "level", levels())
		}
	}})
	for i := range rows {
		rows[i].scope, rows[i].inert = inAny, noMail
	}
	return rows
}

func mailersKeywords() []keyword {
	return []keyword{
		{name: "mailer", args: "<name> <address>:<port>", scope: inMailers, moot: noMail, doc: "A server that takes mail.", read: func(l *line) {
			if l.arity(2, 2, "a name and an address") {
				l.addressWithPort(l.args[1])
			}
		}},
		{name: "timeout mail", args: "<time>", scope: inMailers, moot: noMail, doc: "How long a server may take.", read: func(l *line) {
			if w, ok := l.one("a time"); ok {
				l.duration(w, time.Millisecond)
			}
		}},
	}
}

func (p *parser) beginMailers(l *line, name word) {
	l.once(name, &p.others.mailers)
	l.without(noMail)
}

// without warns that the section which the line begins has no effect.
func (l *line) without(why string) {
	l.warn(l.head, "section '%s' is accepted without effect: %s", l.kw.name, why)
}

// addressWithPort checks the form of an address that nothing connects to.
func (l *line) addressWithPort(w word) {
	text, err := expandAddress(w.text, &l.p.look)
	if err != nil {
		l.fail(w, "'%s': %v", l.kw.name, err)
		return
	}
	r, err := splitAddress(text)
	switch {
	case err != nil:
		l.fail(w, "'%s': %v", l.kw.name, err)
	case r.low != r.high || r.relative:
		l.fail(w, "'%s': '%s': one port is expected", l.kw.name, text)
	case r.low == 0 && r.fd < 0 && !isUnixAddress(text):
		l.fail(w, "'%s': '%s': missing port number", l.kw.name, text)
	}
}
