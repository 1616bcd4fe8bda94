package config

import (
	"slices"
	"strings"
	"time"

	"bench/internal/nearest"
	"bench/proxy/acl"
	"bench/proxy/logformat"
	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// persistenceKeywords keep clients to servers (configuration manual, section 4.2).
func persistenceKeywords() []keyword {
	rule := func(name string, force bool, doc string) keyword {
		return keyword{name: name, args: "{ if | unless } <condition>", scope: inBack, doc: doc, read: func(l *line) {
			if !l.arity(1, maxWords, "'if' or 'unless', and a condition") {
				return
			}
			if w := l.args[0]; w.text != "if" && w.text != "unless" {
				l.fail(w, "'%s' expects 'if' or 'unless', not '%s'", name, w.text)
				return
			}
			if c, ok := l.cond(serverSteps, whereServers, 0); ok {
				l.sect.persist = append(l.sect.persist, spec.PersistRule{Cond: c, Force: force})
			}
		}}
	}
	return []keyword{
		{name: "cookie", args: "<name> [rewrite | insert | prefix] [<option>...]", scope: inDefaults | inBack, doc: "Keep clients to their servers by a cookie. Options: indirect, nocache, postonly, preserve, httponly, secure, domain, maxidle, maxlife, dynamic, attr.", read: readCookie},
		{name: "dynamic-cookie-key", args: "<text>", scope: inDefaults | inBack, doc: "Secret from which, with the address, the cookies of servers are made that have none.", read: func(l *line) {
			if w, ok := l.one("a secret"); ok {
				l.sect.settings.dynamicKey.put(w.text, l.pos)
			}
		}},
		{name: "persist", args: "rdp-cookie[(<name>)]", scope: inDefaults | inBack, doc: "Send remote desktop clients back to the server whose address and port their cookie has, by default that of the name msts. Rules have to wait for it (\"tcp-request content\").", read: readPersist},
		rule("force-persist", true, "Use the server that a cookie names even if it is down, if the condition holds."),
		rule("ignore-persist", false, "Do not look at the persistence cookie if the condition holds."),
		{name: "use-server", args: "<server> { if | unless } <condition>", scope: inBack, strict: true, doc: "Server of requests for which the condition holds; the first such line counts whose server is not down.", read: readUseServer},
	}
}

// readPersist reads "persist rdp-cookie".
func readPersist(l *line) {
	w, ok := l.one("'rdp-cookie'")
	if !ok {
		return
	}
	name, found := strings.CutPrefix(w.text, "rdp-cookie")
	if name == "" {
		name = "(msts)"
	}
	if !found || len(name) < 3 || name[0] != '(' || name[len(name)-1] != ')' {
		l.fail(w, "'persist' expects 'rdp-cookie' or 'rdp-cookie(<name>)', not '%s'", w.text)
		return
	}
	e, err := sample.Compile("req.rdp_cookie"+name, l.sampleEnv(txn.At(txn.StepBackend)|txn.At(txn.StepContent), whereServers))
	if err != nil {
		l.fail(w, "'persist': %v", err)
		return
	}
	l.sect.settings.persistRDP.put(e, l.pos)
}

// Rules about servers see the request, or what has come in mode tcp.
const (
	serverSteps  = 1<<txn.StepBackend | 1<<txn.StepContent
	whereServers = "rules that choose a server"
)

// serverRuleDraft is a "use-server" line.
type serverRuleDraft struct {
	to     reference
	format *logformat.Format // of the name; nil: to is the name
	cond   *acl.Cond
}

func readUseServer(l *line) {
	if !l.arity(2, maxWords, "a server, 'if' or 'unless', and a condition") {
		return
	}
	w, next := l.args[0], l.args[1]
	if next.text != "if" && next.text != "unless" {
		l.report(Alert, next, nearest.Word(next.text, []string{"if", "unless"}), "'use-server' expects 'if' or 'unless', not '%s'", next.text)
		return
	}
	d := serverRuleDraft{to: reference{w.text, l.at(w), l.text}}
	var ok bool
	if d.cond, ok = l.cond(serverSteps, whereServers, 1); !ok {
		return
	}
	f, err := logformat.CompileText(w.text, l.sampleEnv(serverSteps, whereServers))
	if err != nil {
		l.misreadFormat(err, w)
		return
	}
	if _, constant := f.Constant(); !constant {
		d.format = f
	}
	l.sect.useServer = append(l.sect.useServer, d)
}

// flags of a cookie by their words.
func cookieFlags(c *spec.Cookie) map[string]*bool {
	return map[string]*bool{
		"rewrite": &c.Rewrite, "insert": &c.Insert, "prefix": &c.Prefix, "indirect": &c.Indirect, "nocache": &c.NoCache, "postonly": &c.PostOnly,
		"preserve": &c.Preserve, "httponly": &c.HTTPOnly, "secure": &c.Secure, "dynamic": &c.Dynamic,
	}
}

func readCookie(l *line) {
	if !l.arity(1, maxWords, "the name of a cookie") {
		return
	}
	c := &spec.Cookie{Name: l.args[0].text}
	flags := cookieFlags(c)
	for rest := l.args[1:]; len(rest) > 0; {
		w := rest[0]
		if f := flags[w.text]; f != nil {
			*f = true
			rest = rest[1:]
			continue
		}
		if !slices.Contains([]string{"domain", "maxidle", "maxlife", "attr"}, w.text) {
			l.unknown(w, "option", []string{"rewrite", "insert", "prefix", "indirect", "nocache", "postonly", "preserve", "httponly", "secure", "dynamic", "domain", "maxidle", "maxlife", "attr"})
			return
		}
		if len(rest) < 2 {
			l.missing("a value after '" + w.text + "'")
			return
		}
		if !l.cookieValue(c, w.text, rest[1]) {
			return
		}
		rest = rest[2:]
	}
	switch {
	case c.Rewrite && c.Insert, c.Rewrite && c.Prefix, c.Insert && c.Prefix:
		l.fail(l.args[0], "'cookie' has only one of 'rewrite', 'insert' and 'prefix'")
	case c.Rewrite && c.Indirect:
		l.fail(l.args[0], "'rewrite' and 'indirect' of 'cookie' exclude each other")
	case c.Preserve && !c.Insert && !c.Indirect:
		l.fail(l.args[0], "'preserve' of 'cookie' needs 'insert' or 'indirect'")
	default:
		l.sect.settings.cookie.put(c, l.pos)
	}
}

// cookieValue takes an option of a cookie that has a value.
func (l *line) cookieValue(c *spec.Cookie, name string, w word) bool {
	switch name {
	case "domain":
		if bad := invalidDomainByte(w.text); bad != "" {
			l.fail(w, "character '%s' is not permitted in the domain '%s'", bad, w.text)
			return false
		}
		if len(w.text) < 2 || w.text[0] != '.' || !strings.Contains(w.text[1:], ".") {
			l.warn(w, "browsers may refuse the domain '%s': it should begin with a dot and have another one", w.text)
		}
		c.Domains = append(c.Domains, w.text)
	case "attr":
		if i := strings.IndexFunc(w.text, func(r rune) bool { return r < ' ' || r == 0x7f || r == ';' }); i >= 0 {
			l.fail(w, "character %q is not permitted in the attribute '%s'", w.text[i], w.text)
			return false
		}
		c.Attributes = append(c.Attributes, w.text)
	default:
		d, ok := l.duration(w, time.Second)
		if !ok {
			return false
		}
		if name == "maxidle" {
			c.MaxIdle = d
		} else {
			c.MaxLife = d
		}
	}
	return true
}

func invalidDomainByte(s string) string {
	i := strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
	if i < 0 {
		return ""
	}
	return s[i : i+1]
}

// persistence gives a backend what keeps clients to its servers.
func (p *parser) persistence(s *section, px *spec.Proxy) {
	set := &s.settings
	px.Cookie, px.DynamicKey, px.Persist = set.cookie.val, set.dynamicKey.val, s.persist
	px.PersistRDP = set.persistRDP.val
	if set.cookie.set && px.Mode != spec.ModeHTTP {
		p.warning(s, set.cookie.pos, "'cookie' of '%s' is ignored: it needs 'mode http'", px.Name)
		px.Cookie = nil
	}
	for _, x := range px.Servers {
		switch {
		case px.Mode == spec.ModeHTTP:
		case x.Redir != "":
			p.report(Diagnostic{Severity: Alert, Pos: x.Pos, Word: x.Name, Msg: "server '" + x.Name + "' of '" + px.Name + "' has a 'redir', which needs 'mode http'"})
		case x.Cookie != "":
			p.report(Diagnostic{Severity: Warning, Pos: x.Pos, Word: x.Name, Msg: "'cookie' of server '" + x.Name + "' of '" + px.Name + "' is ignored: it needs 'mode http'"})
			x.Cookie = ""
		}
	}
	if c := px.Cookie; c != nil && c.Dynamic && px.DynamicKey == "" {
		p.warning(s, set.cookie.pos, "'dynamic' of the cookie of '%s' has no effect without 'dynamic-cookie-key'", px.Name)
	}
	for _, d := range s.useServer {
		r := spec.ServerRule{Cond: d.cond, Name: d.format}
		if d.format == nil {
			i := slices.IndexFunc(px.Servers, func(x *spec.Server) bool { return x.Name == d.to.name })
			if i < 0 {
				names := make([]string, len(px.Servers))
				for i, x := range px.Servers {
					names[i] = x.Name
				}
				p.report(Diagnostic{Severity: Alert, Pos: d.to.pos, Word: d.to.name, Msg: "'use-server' of '" + px.Name + "' is '" + d.to.name + "', which is not one of its servers", Suggestion: nearest.Word(d.to.name, names), Source: d.to.text})
				continue
			}
			r.Server = px.Servers[i]
			r.Server.Named = true
		}
		px.UseServer = append(px.UseServer, r)
	}
}
