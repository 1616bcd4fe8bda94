package config

import (
	"math"
	"strings"
	"time"

	"bench/proxy/spec"
)

// tlsGlobalKeywords are what the global section says about TLS (configuration manual,
// sections 3.1 and 3.2).
func tlsGlobalKeywords() []keyword {
	text := func(name, args, doc string, field func(*spec.GlobalTLS) *string) keyword {
		return keyword{name: name, args: args, scope: inGlobal, doc: doc, read: func(l *line) {
			if w, ok := l.one(args); ok {
				*field(&l.p.global.TLS) = w.text
			}
		}}
	}
	// noted is a setting that is checked, and of which nothing depends here.
	noted := func(name, args, doc, why string, check func(*line, word)) keyword {
		k := inertly(name, args, doc, "", check)
		k.note = why
		return k
	}
	const (
		noDHE   = "keys are exchanged by elliptic curves only"
		noCache = "sessions are remembered by the clients, in tickets"
		records = "records are as long as what is sent"
	)
	return []keyword{
		text("ca-base", "<directory>", "Directory of files of authorities whose path is not absolute.", func(g *spec.GlobalTLS) *string { return &g.CABase }),
		text("crt-base", "<directory>", "Directory of certificates whose path is not absolute.", func(g *spec.GlobalTLS) *string { return &g.CertBase }),
		text("ssl-default-bind-ciphers", "<ciphers>", "\"ciphers\" of bind lines that have none.", func(g *spec.GlobalTLS) *string { return &g.Bind.Ciphers }),
		text("ssl-default-bind-ciphersuites", "<suites>", "\"ciphersuites\" of bind lines that have none.", func(g *spec.GlobalTLS) *string { return &g.Bind.Suites }),
		text("ssl-default-bind-curves", "<curves>", "\"curves\" of bind lines that have none.", func(g *spec.GlobalTLS) *string { return &g.Bind.Curves }),
		{name: "ssl-default-bind-options", args: "<option>...", scope: inGlobal, doc: "Options of bind lines about TLS: versions, no-tls-tickets, strict-sni, prefer-client-ciphers.", read: func(l *line) {
			l.tlsDefaults(&l.p.global.TLS.Bind, "no-tls-tickets", "strict-sni", "prefer-client-ciphers")
		}},
		text("ssl-default-server-ciphers", "<ciphers>", "\"ciphers\" of servers that have none.", func(g *spec.GlobalTLS) *string { return &g.Server.Ciphers }),
		text("ssl-default-server-ciphersuites", "<suites>", "\"ciphersuites\" of servers that have none.", func(g *spec.GlobalTLS) *string { return &g.Server.Suites }),
		{name: "ssl-default-server-options", args: "<option>...", scope: inGlobal, doc: "Options of servers about TLS: versions, no-tls-tickets.", read: func(l *line) {
			l.tlsDefaults(&l.p.global.TLS.Server, "no-tls-tickets")
		}},
		{name: "ssl-server-verify", args: "{ none | required }", scope: inGlobal, doc: "Whether the certificates of servers are verified that do not say so.", read: func(l *line) {
			if w, ok := l.one("'none' or 'required'"); ok {
				if w.text != "none" && w.text != "required" {
					l.unknown(w, "argument", []string{"none", "required"})
					return
				}
				l.p.global.TLS.ServersUnverified = w.text == "none"
			}
		}},
		{name: "ssl-load-extra-files", args: "<type>...", scope: inGlobal, doc: "What may be in files of its own beside a certificate: \"key\" in FILE.key, \"issuer\", a response of OCSP (\"ocsp\"), timestamps (\"sctl\"), bundle, all or none.", read: readExtraFiles},
		{name: "ssl-load-extra-del-ext", scope: inGlobal, doc: "Look for those files without the extension of the certificate's.", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.p.global.TLS.DeleteExt = true
			}
		}},
		noted("ssl-dh-param-file", "<path>", "DH parameters.", noDHE, func(*line, word) {}),
		noted("tune.ssl.default-dh-param", "<bits>", "Size of DH parameters.", noDHE, someInteger(1024, math.MaxInt32)),
		noted("tune.ssl.cachesize", "<number>", "Size of the TLS session cache.", noCache, someInteger(0, math.MaxInt32)),
		{name: "tune.ssl.lifetime", args: "<time>", scope: inGlobal, doc: "How long clients may go on with a session, in seconds unless a unit follows; two hours by default, 0 for a week.", read: func(l *line) {
			if w, ok := l.one("<time>"); ok {
				if d, ok := l.duration(w, time.Second); ok {
					l.p.global.TLS.Lifetime = d
				}
			}
		}},
		noted("tune.ssl.maxrecord", "<size>", "Largest TLS record.", records, func(*line, word) {}),
		{name: "tune.ssl.force-private-cache", scope: inGlobal, doc: "Share no sessions between processes.", note: noCache, read: func(l *line) { l.arity(0, 0, "") }},
		globalNumber("tune.ssl.hard-maxrecord", 0, math.MaxInt32, "Longest TLS record that is written, in bytes of what is in it; 0 for as long as TLS allows.", func(g *spec.Global) *int { return &g.TLS.MaxRecord }),
		globalNumber("tune.ssl.capture-buffer-size", 0, math.MaxInt32, "How many bytes of the lists in clients' hellos are kept, for samples as ssl_fc_cipherlist_bin; 0 for none.", func(g *spec.Global) *int { return &g.TLS.Capture }),
		globalNumber("tune.ssl.capture-cipherlist-size", 0, math.MaxInt32, "An older name of \"tune.ssl.capture-buffer-size\".", func(g *spec.Global) *int { return &g.TLS.Capture }),
		{name: "tune.ssl.keylog", args: "{ on | off }", scope: inGlobal, doc: "Keep the secrets of connections in TLS 1.3, for samples as ssl_fc_client_traffic_secret_0.", note: "crypto/tls keeps the exporter secret to itself, and there are no early secrets: samples of these have no value", read: func(l *line) {
			if w, ok := l.one("'on' or 'off'"); ok {
				if w.text != "on" && w.text != "off" {
					l.unknown(w, "argument", []string{"on", "off"})
					return
				}
				l.p.global.TLS.KeyLog = w.text == "on"
			}
		}},
		globalNumber("tune.ssl.ssl-ctx-cache-size", 0, math.MaxInt32, "How many certificates are kept that were made (\"generate-certificates\"); 1000 by default.", func(g *spec.Global) *int { return &g.TLS.MadeCerts }),
		globalNumber("maxsslconn", 0, math.MaxInt32, "Limit of connections in TLS, with clients and with servers; 0 for none.", func(g *spec.Global) *int { return &g.TLS.MaxConns }),
		globalNumber("maxsslrate", 0, math.MaxInt32, "Limit of new connections in TLS per second; 0 for none.", func(g *spec.Global) *int { return &g.TLS.MaxRate }),
	}
}

// tlsDefaults takes options that apply to lines which say nothing else.
func (l *line) tlsDefaults(d *spec.TLSDefaults, words ...string) {
	if !l.arity(1, maxWords, "options") {
		return
	}
	for rest := l.args; len(rest) > 0; rest = rest[1:] {
		w := rest[0]
		switch name := w.text; {
		case name == "ssl-min-ver", name == "ssl-max-ver":
			if len(rest) < 2 {
				l.missing("a version after '" + name + "'")
				return
			}
			rest = rest[1:]
			if err := d.Versions.Set(name, rest[0].text); err != nil {
				l.fail(rest[0], "%v", err)
			}
		case d.Versions.Flag(name):
		case name == "no-tls-tickets":
			d.NoTickets = true
		case name == "strict-sni" && len(words) > 1:
			d.StrictSNI = true
		case name == "prefer-client-ciphers" && len(words) > 1:
			l.report(Notice, w, "", "'%s': %s", name, noChoiceOfOrder)
		default:
			l.unknown(w, "option", append(append(words, "ssl-min-ver", "ssl-max-ver"), spec.VersionFlags()...))
		}
	}
}

// readExtraFiles takes "ssl-load-extra-files".
func readExtraFiles(l *line) {
	if !l.arity(1, maxWords, "types of files") {
		return
	}
	f := &spec.ExtraFiles{}
	l.p.global.TLS.Extra = f
	for _, w := range l.args {
		switch w.text {
		case "all":
			f.Key, f.Issuer, f.OCSP, f.Timestamps = true, true, true, true
		case "key":
			f.Key = true
		case "issuer":
			f.Issuer = true
		case "ocsp":
			f.OCSP = true
		case "sctl":
			f.Timestamps = true
		case "none", "bundle":
		default:
			l.unknown(w, "type", strings.Fields("all none bundle key sctl ocsp issuer"))
		}
	}
}
