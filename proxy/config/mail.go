package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"bench/internal/nearest"
	"bench/proxy/spec"
)

// mailDraft is how mail is sent about servers.
type mailDraft struct {
	from, to, mailers, host opt[string]
	level                   opt[int]
}

// mailKeywords ask for mail when servers change their state (configuration manual,
// sections 3.6 and 4.2).
func mailKeywords() []keyword {
	text := func(name, args, doc string, to func(*mailDraft) *opt[string]) keyword {
		return keyword{name: "email-alert " + name, args: args, scope: inAny, doc: doc, read: func(l *line) {
			if w, ok := l.one(args); ok {
				to(&l.sect.settings.mail).put(w.text, l.pos)
			}
		}}
	}
	return []keyword{
		text("from", "<address>", "Sender of mail about servers.", func(m *mailDraft) *opt[string] { return &m.from }),
		text("to", "<address>", "Recipient of mail about servers.", func(m *mailDraft) *opt[string] { return &m.to }),
		text("mailers", "<name>", "The \"mailers\" section with the servers that take mail.", func(m *mailDraft) *opt[string] { return &m.mailers }),
		text("myhostname", "<name>", "Name of this host towards mail servers.", func(m *mailDraft) *opt[string] { return &m.host }),
		{name: "email-alert level", args: "<level>", scope: inAny, doc: "The least severe events that mail is sent about, alert by default: servers that go down; with notice also those that come up or are drained, with info all that \"option log-health-checks\" logs.", read: func(l *line) {
			w, ok := l.one("a level")
			if !ok {
				return
			}
			if n := slices.Index(levels(), w.text); n >= 0 {
				l.sect.settings.mail.level.put(n, l.pos)
				return
			}
			l.unknown(w, "level", levels())
		}},
	}
}

func mailersKeywords() []keyword {
	return []keyword{
		{name: "mailer", args: "<name> <address>:<port>", scope: inMailers, doc: "A server that takes mail.", read: func(l *line) {
			if !l.arity(2, 2, "a name and an address") {
				return
			}
			a, err := l.resolveAddress(l.args[1].text)
			switch {
			case err != nil:
				l.fail(l.args[1], "'%s': %v", l.kw.name, err)
			case !a.IsUnix() && a.AddrPort().Port() == 0:
				l.fail(l.args[1], "'%s': '%s': missing port number", l.kw.name, l.args[1].text)
			default:
				m := l.p.others.mailer
				m.Servers = append(m.Servers, spec.Mailer{Name: l.args[0].text, Addr: a})
			}
		}},
		{name: "timeout mail", args: "<time>", scope: inMailers, doc: "How long a server may take for one mail, 10 seconds by default.", read: func(l *line) {
			w, ok := l.one("a time")
			if !ok {
				return
			}
			switch d, ok := l.span("timeout mail", w, time.Millisecond); {
			case !ok:
			case d <= 0:
				l.fail(w, "'timeout mail' expects a time above zero, not '%s'", w.text)
			default:
				l.p.others.mailer.Timeout = d
			}
		}},
	}
}

func (p *parser) beginMailers(l *line, name word) {
	o := &p.others
	l.once(name, &o.mailersAt)
	if o.mailers == nil {
		o.mailers = map[string]*spec.Mailers{}
	}
	o.mailer = &spec.Mailers{Name: name.text, Timeout: 10 * time.Second}
	o.mailers[name.text] = o.mailer
}

// mail says how mail is sent about the servers of a proxy; nil: none is.
func (p *parser) mail(s *section, px *spec.Proxy) *spec.Mail {
	d := &s.settings.mail
	var said []spec.Pos
	missing := []string{}
	for _, x := range []struct {
		name string
		o    *opt[string]
	}{{"from", &d.from}, {"to", &d.to}, {"mailers", &d.mailers}} {
		if x.o.set {
			said = append(said, x.o.pos)
		} else {
			missing = append(missing, "'email-alert "+x.name+"'")
		}
	}
	if d.host.set {
		said = append(said, d.host.pos)
	}
	if d.level.set {
		said = append(said, d.level.pos)
	}
	switch {
	case len(said) == 0:
		return nil
	case len(missing) > 0:
		p.warning(s, said[0], "no mail is sent about '%s': %s is missing", px.Name, strings.Join(missing, " and "))
		return nil
	case px.Caps&spec.Backend == 0:
		p.warning(s, said[0], "no mail is sent about '%s': it has no servers", px.Name)
		return nil
	}
	m := p.others.mailers[d.mailers.val]
	switch {
	case m == nil:
		p.report(Diagnostic{Severity: Alert, Pos: d.mailers.pos, Word: d.mailers.val, Msg: "there is no section 'mailers " + d.mailers.val + "'", Suggestion: nearest.Word(d.mailers.val, slices.Sorted(maps.Keys(p.others.mailers)))})
		return nil
	case len(m.Servers) == 0:
		p.warning(s, d.mailers.pos, "no mail is sent about '%s': section 'mailers %s' has no 'mailer'", px.Name, m.Name)
		return nil
	}
	mail := &spec.Mail{From: d.from.val, To: d.to.val, Host: d.host.val, Level: 1, Mailers: m}
	if d.level.set {
		mail.Level = d.level.val
	}
	return mail
}
