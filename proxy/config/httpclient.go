package config

import (
	"bench/proxy/certs"
	"bench/proxy/spec"
)

// clientDraft is what the global section says of the HTTP client of scripts.
type clientDraft struct {
	named      bool // a section of resolvers is
	unverified bool
	caFile     string
	secure     *line // that asks for something about TLS; nil: none does
}

// httpClientKeywords are about the HTTP client of scripts (configuration manual, section
// 3.2).
func httpClientKeywords() []keyword {
	client := func(l *line) *clientDraft { return &l.p.global.client }
	return []keyword{
		{name: "httpclient.resolvers.id", args: "<name>", scope: inGlobal, doc: "The \"resolvers\" section whose name servers know the hosts that scripts ask; \"default\" unless given.", read: func(l *line) {
			if w, ok := l.one("a name"); ok {
				client(l).named = true
				g := &l.p.global.HTTPClient
				l.useResolvers(w.text, func(i int) { g.Resolvers = i })
			}
		}},
		{name: "httpclient.resolvers.prefer", args: "{ ipv4 | ipv6 }", scope: inGlobal, doc: "Addresses that are asked for first of hosts that scripts ask; ipv6 unless given.", read: func(l *line) {
			if w, ok := l.one("'ipv4' or 'ipv6'"); ok {
				if w.text != "ipv4" && w.text != "ipv6" {
					l.unknown(w, "argument", []string{"ipv4", "ipv6"})
					return
				}
				l.p.global.HTTPClient.PreferIPv4 = w.text == "ipv4"
			}
		}},
		{name: "httpclient.ssl.verify", args: "{ none | required }", scope: inGlobal, doc: "Whether the certificates of servers are verified that scripts ask by https; required unless given.", read: func(l *line) {
			if w, ok := l.one("'none' or 'required'"); ok {
				if w.text != "none" && w.text != "required" {
					l.unknown(w, "argument", []string{"none", "required"})
					return
				}
				client(l).unverified = w.text == "none"
				client(l).secure = l
			}
		}},
		{name: "httpclient.ssl.ca-file", args: "<path>", scope: inGlobal, doc: "Authorities that those certificates are verified by, as the \"ca-file\" of servers; @system-ca unless given.", read: func(l *line) {
			if w, ok := l.one("a file"); ok {
				client(l).caFile = l.p.path(l.p.global.TLS.CAPath(w.text))
				client(l).secure = l
			}
		}},
	}
}

// useDefaultResolvers lets scripts that may ask for hosts have name servers.
func (p *parser) useDefaultResolvers() {
	p.global.HTTPClient.Resolvers = -1
	if p.scripts == nil || p.global.client.named {
		return
	}
	p.resolverUses = append(p.resolverUses, sectionUse{reference{name: "default"}, func(i int) { p.global.HTTPClient.Resolvers = i }})
}

// resolveHTTPClient finds out how scripts speak https. What nobody has asked for need not
// work.
func (p *parser) resolveHTTPClient(g *spec.HTTPClient) {
	d := &p.global.client
	*g = p.global.HTTPClient
	if p.scripts == nil && d.secure == nil {
		return
	}
	t := spec.ServerTLS{TLS: spec.TLS{Verify: spec.VerifyRequired, CAFile: certs.SystemCAs}}
	if d.unverified {
		t.Verify = spec.VerifyNone
	}
	if d.caFile != "" {
		t.CAFile = d.caFile
	}
	v, err := p.global.TLS.Server.Fill(&t.TLS, spec.Versions{}, true)
	if t.MinVersion, t.MaxVersion = v.Min, v.Max; err == nil {
		_, _, err = p.certs.Connector(&t)
	}
	switch {
	case err == nil:
		g.TLS = &t
	case d.secure != nil:
		d.secure.fail(d.secure.head, "'%s': %v", d.secure.kw.name, err)
	}
}
