package config

import (
	"strings"

	"bench/proxy/spec"
)

// protocolCheckKeywords choose checks that know a protocol (configuration manual, section
// 4.2, "option redis-check" and the like).
func protocolCheckKeywords() []keyword {
	const back = inDefaults | inBack
	simple := func(name, doc string, kind spec.CheckKind) keyword {
		return keyword{name: "option " + name, scope: back, doc: doc, read: func(l *line) {
			if l.arity(0, 0, "") {
				l.sect.settings.check.kind.put(kind, l.pos)
			}
		}}
	}
	return []keyword{
		simple("redis-check", "Check servers of Redis with a PING.", spec.CheckRedis),
		simple("ldap-check", "Check servers of LDAP with an anonymous bind.", spec.CheckLDAP),
		simple("ssl-hello-chk", "Check servers with the greeting of a client of SSL 3.0.", spec.CheckTLSHello),
		simple("spop-check", "Check agents of stream processing with a greeting.", spec.CheckSPOP),
		simple("external-check", "Check servers by a command.", spec.CheckExternal),
		{name: "option mysql-check", args: "[user <name> [post-41 | pre-41]]", scope: back, doc: "Check servers of MySQL by their greeting, or by a login without a password.", read: readMySQLCheck},
		{name: "option pgsql-check", args: "user <name>", scope: back, doc: "Check servers of PostgreSQL by the beginning of a login.", read: readPgSQLCheck},
		{name: "option smtpchk", args: "[{ HELO | EHLO } <domain>]", scope: back, doc: "Check mail servers with a greeting, HELO localhost without any.", read: readSMTPCheck},
		{name: "external-check command", args: "<command>", scope: back, doc: "Command that external checks run.", read: func(l *line) {
			if w, ok := l.one("a command"); ok {
				l.sect.settings.check.command.put(w.text, l.pos)
			}
		}},
		{name: "external-check path", args: "<path>", scope: back, doc: "PATH of that command.", read: func(l *line) {
			if w, ok := l.one("a list of directories"); ok {
				l.sect.settings.check.path.put(w.text, l.pos)
			}
		}},
		{name: "external-check", scope: inGlobal, doc: "Allow checks by commands.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.p.global.externalChecks = true
			}
		}},
	}
}

// userOf takes "user NAME".
func (l *line) userOf() (name string, ok bool) {
	if l.args[0].text != "user" {
		l.unknown(l.args[0], "argument", []string{"user"})
		return "", false
	}
	if len(l.args) < 2 {
		l.missing("a name after 'user'")
		return "", false
	}
	return l.args[1].text, true
}

func readMySQLCheck(l *line) {
	if !l.arity(0, 3, "") {
		return
	}
	c := &l.sect.settings.check
	user, old := "", false
	if len(l.args) > 0 {
		var ok bool
		if user, ok = l.userOf(); !ok {
			return
		}
	}
	if len(l.args) > 2 {
		switch l.args[2].text {
		case "post-41":
		case "pre-41":
			old = true
		default:
			l.unknown(l.args[2], "version", []string{"post-41", "pre-41"})
			return
		}
	}
	c.kind.put(spec.CheckMySQL, l.pos)
	c.user, c.oldUser = user, old
}

func readPgSQLCheck(l *line) {
	if !l.arity(1, 2, "'user' and a name") {
		return
	}
	if user, ok := l.userOf(); ok {
		l.sect.settings.check.kind.put(spec.CheckPgSQL, l.pos)
		l.sect.settings.check.user = user
	}
}

func readSMTPCheck(l *line) {
	if !l.arity(0, 2, "") {
		return
	}
	greeting := "HELO localhost"
	if len(l.args) == 2 && (l.args[0].text == "HELO" || l.args[0].text == "EHLO") {
		greeting = l.args[0].text + " " + l.args[1].text
	} else if len(l.args) > 0 {
		l.warn(l.args[0], "'option smtpchk' knows HELO and EHLO with a domain only: servers are greeted with %s", greeting)
	}
	l.sect.settings.check.kind.put(spec.CheckSMTP, l.pos)
	l.sect.settings.check.greeting = greeting
}

// checkExternal refuses external checks that cannot work, and warns about what belongs to
// them and has no effect.
func (p *parser) checkExternal(s *section, px *spec.Proxy) {
	c := &s.settings.check
	if px.Check == nil || px.Check.Kind != spec.CheckExternal {
		for _, o := range []*opt[string]{&c.command, &c.path} {
			if o.set {
				p.warning(s, o.pos, "'external-check' lines of '%s' are ignored without 'option external-check'", px.Name)
				return
			}
		}
		return
	}
	switch {
	case !p.global.externalChecks:
		p.alert(s, c.kind.pos, "'option external-check' of '%s' needs 'external-check' in the global section", px.Name)
	case !c.command.set:
		p.alert(s, c.kind.pos, "'option external-check' of '%s' needs an 'external-check command'", px.Name)
	case !strings.HasPrefix(c.command.val, "/") && !c.path.set:
		p.alert(s, c.command.pos, "'external-check command' of '%s' needs a whole path, or an 'external-check path'", px.Name)
	}
}
