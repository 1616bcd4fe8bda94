package config

import (
	"slices"
	"strings"

	"bench/proxy/sample"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// tlsDraft is what a line says about TLS.
type tlsDraft struct {
	spec.TLS
	on       bool // "ssl"
	versions spec.Versions
	verify   opt[spec.Verify]
	reuse    opt[bool] // of sessions
	tickets  opt[bool]
	alpn     opt[[]string]

	// Of bind lines.
	certs                []word
	lists                []word
	strict               bool
	ignoreCA, ignoreCert spec.Ignored
	ticketKeys           string
	generate             bool
	signer               spec.Generate

	// Of servers.
	cert       string
	sni        *sample.Expr
	verifyHost string
	prepared   bool      // TLS was wanted before it was not
	check      opt[bool] // "check-ssl"
	checkSNI   opt[string]
	checkALPN  opt[[]string]
}

// finish is what the line comes to, given what applies where it says nothing.
func (d *tlsDraft) finish(l *line, base *spec.TLSDefaults) (t spec.TLS, ok bool) {
	t = d.TLS
	t.ALPN, t.NoTickets = d.alpn.val, !d.tickets.or(base.Tickets())
	v, err := base.Fill(&t, d.versions, base == &l.p.global.TLS.Server)
	if err != nil {
		l.fail(l.head, "'%s': %v", l.kw.name, err)
		return t, false
	}
	t.MinVersion, t.MaxVersion = v.Min, v.Max
	if v.Ignored {
		l.warn(l.head, "'%s': what switches single versions off (no-tlsv11 and the like) is ignored beside 'ssl-min-ver' and 'ssl-max-ver'", l.kw.name)
	}
	if v.Gap {
		l.warn(l.head, "'%s': versions that are switched off between others stay allowed: use 'ssl-min-ver' and 'ssl-max-ver'", l.kw.name)
	}
	return t, true
}

// bindTLS is how a bind line serves clients, nil for in clear. What the line refers to
// is read, to know that it is good.
func (l *line) bindTLS(d *tlsDraft) *spec.BindTLS {
	if !d.on {
		if given := slices.Concat(d.certs, d.lists); len(given) > 0 {
			l.report(Notice, given[0], "", "'%s' has a certificate, but no 'ssl': its clients are served in clear", l.kw.name)
		}
		return nil
	}
	g := &l.p.global.TLS
	d.Verify = d.verify.val
	t, ok := d.finish(l, &g.Bind)
	if !ok {
		return nil
	}
	b := &spec.BindTLS{TLS: t, StrictSNI: d.strict || g.Bind.Strict()}
	b.Lifetime = g.Lifetime
	b.Extra, b.IgnoreCA, b.IgnoreCert, b.TicketKeys = g.Files(), d.ignoreCA, d.ignoreCert, d.ticketKeys
	if d.generate {
		made := d.signer
		if made.Cache = g.MadeCerts; made.CAFile == "" {
			l.fail(l.head, "'%s': 'generate-certificates' needs 'ca-sign-file': it says which authority signs them", l.kw.name)
			return nil
		}
		b.Generate = &made
	}
	for _, w := range d.certs {
		b.Certs = append(b.Certs, l.p.path(g.CertPath(w.text)))
	}
	for _, w := range d.lists {
		list, ok := l.certList(w, d)
		if !ok {
			return nil
		}
		b.Lists = append(b.Lists, list)
	}
	_, notes, err := l.p.certs.Acceptor(b)
	l.outcome(notes, err)
	return b
}

// serverTLS makes what the line says about TLS part of the server. It reports false after
// an error.
func (l *line) serverTLS(s *serverTemplate) bool {
	d := s.tls
	checks := d.check.or(d.on && s.CheckAddr == nil && s.CheckPort == 0)
	if !d.on && !d.prepared && !checks {
		return true
	}
	g := &l.p.global.TLS
	d.Verify = d.verify.or(g.Verify())
	t, ok := d.finish(l, &g.Server)
	if !ok {
		return false
	}
	t.NoTickets = t.NoTickets || !d.reuse.or(true)
	tls := &spec.ServerTLS{TLS: t, SNI: d.sni, VerifyHost: d.verifyHost, Cert: d.cert}
	tls.Websocket = websocketALPN(s.websocket, t.ALPN)
	s.TLS, s.Clear = tls, !d.on
	if checks {
		check := *tls
		check.SNI, check.CheckSNI = nil, d.checkSNI.val
		check.ALPN = d.checkALPN.or(t.ALPN)
		s.CheckTLS = &check
	}
	_, notes, err := l.p.certs.Connector(tls)
	return l.outcome(notes, err)
}

// ruleTLS is how rules of checks connect to a server over TLS, if one does; as in the
// reference also of a server that is not checked.
func (p *parser) ruleTLS(s *section, px *spec.Proxy, d *serverDraft, srv *spec.Server) {
	if px.Check == nil || !px.Check.ConnectsByTLS() {
		return
	}
	if srv.RuleTLS = srv.TLS; srv.RuleTLS != nil {
		return
	}
	if srv.RuleTLS = srv.CheckTLS; srv.RuleTLS != nil {
		return
	}
	t := d.serverTemplate
	t.tls.check = opt[bool]{val: true, set: true}
	l := &line{p: p, sect: s, kw: &keyword{name: "server"}, head: word{text: "server", col: d.Col}, pos: d.Pos}
	if l.serverTLS(&t) {
		srv.RuleTLS = t.CheckTLS
	}
}

// outcome reports what reading the files of a line has come to.
func (l *line) outcome(notes []string, err error) bool {
	for _, n := range notes {
		l.report(Notice, l.head, "", "'%s': %s", l.kw.name, n)
	}
	if err != nil {
		l.fail(l.head, "'%s': %v", l.kw.name, err)
	}
	return err == nil
}

// sniExpr reads the expression of "sni".
func (l *line) sniExpr(w word) *sample.Expr {
	e, err := sample.Compile(w.text, l.sampleEnv(txn.Between(txn.StepConnection, txn.StepServer), "'sni'"))
	if err != nil {
		l.fail(w, "'sni': %v", err)
		return nil
	}
	return e
}

// protocols reads the list of "alpn".
func (l *line) protocols(w word) (list []string) {
	for p := range strings.SplitSeq(w.text, ",") {
		if p = strings.TrimSpace(p); p == "" || len(p) > 255 {
			l.fail(w, "'alpn' expects names of protocols, separated by commas, not '%s'", w.text)
			return nil
		}
		list = append(list, p)
	}
	return list
}

// frontProtocols keeps clients from agreeing on a protocol that the frontend does not
// speak. One in mode tcp passes on whatever they agree on.
func (p *parser) frontProtocols(s *section, px *spec.Proxy) {
	if px.Mode != spec.ModeHTTP {
		return
	}
	for _, b := range px.Binds {
		if b.TLS == nil {
			continue
		}
		if spoken := spokenOf(b.TLS.ALPN); len(spoken) < len(b.TLS.ALPN) {
			p.report(Diagnostic{Severity: Notice, Pos: b.Pos, Word: b.Text, Msg: "clients are offered HTTP/1 and HTTP/2 only: '" + px.Name + "' speaks nothing else of " + strings.Join(b.TLS.ALPN, ",")})
			b.TLS.ALPN = spoken
		}
		for i := range b.TLS.Lists {
			for j := range b.TLS.Lists[i].Entries {
				e := &b.TLS.Lists[i].Entries[j]
				e.ALPN = spokenOf(e.ALPN)
			}
		}
	}
}

// spokenOf are those of some protocols that are spoken.
func spokenOf(protocols []string) (spoken []string) {
	for _, name := range protocols {
		if strings.HasPrefix(name, "http/1.") || name == "h2" {
			spoken = append(spoken, name)
		}
	}
	return spoken
}

// backProtocols is frontProtocols for a server.
func (p *parser) backProtocols(px *spec.Proxy, srv *spec.Server) {
	if px.Mode != spec.ModeHTTP || srv.TLS == nil {
		return
	}
	if spoken := spokenOf(srv.TLS.ALPN); len(spoken) < len(srv.TLS.ALPN) {
		p.report(Diagnostic{Severity: Notice, Pos: srv.Pos, Word: srv.Name, Msg: "server '" + srv.Name + "' is offered HTTP/1 and HTTP/2 only: nothing else of " + strings.Join(srv.TLS.ALPN, ",") + " is spoken to servers"})
		tls := *srv.TLS
		tls.ALPN = spoken
		srv.TLS = &tls
	}
}
