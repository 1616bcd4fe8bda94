package config

import (
	"slices"
	"strconv"
	"strings"

	"bench/proxy/certs"
	"bench/proxy/spec"
)

const (
	noChoiceOfOrder = "the order of ciphers is that of crypto/tls, which prefers what is fast on both sides"
	noEarlyData     = "no early data is taken: tickets do not allow it, and clients that send some all the same, for a ticket of another proxy, are refused"
)

// tlsRow is an option about TLS, wherever it stands.
type tlsRow = lineOption[tlsDraft]

// authorityRow is an option that names a file among those of authorities.
func authorityRow(name, doc string, field func(*tlsDraft) *string) tlsRow {
	return tlsRow{name: name, args: 1, doc: doc, read: func(l *line, d *tlsDraft, w word) {
		*field(d) = l.p.path(l.p.global.TLS.CAPath(w.text))
	}}
}

// ignoredRow is an option with numbers of errors.
func ignoredRow(name, doc string, field func(*tlsDraft) *spec.Ignored) tlsRow {
	return tlsRow{name: name, args: 1, doc: doc, read: func(l *line, d *tlsDraft, w word) {
		to := field(d)
		if w.text == "all" {
			to.All = true
			return
		}
		for text := range strings.SplitSeq(w.text, ",") {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > certs.LastError {
				l.fail(w, "'%s' expects 'all' or numbers of errors from 1 to %d, separated by commas, not '%s'", name, certs.LastError, w.text)
				return
			}
			to.Codes = append(to.Codes, n)
		}
	}}
}

// commonTLSRows are those of bind and server lines alike. base is the directory of
// files of authorities.
func commonTLSRows() []tlsRow {
	text := func(name, doc string, field func(*tlsDraft) *string) tlsRow {
		return tlsRow{name: name, args: 1, doc: doc, read: func(_ *line, d *tlsDraft, w word) { *field(d) = w.text }}
	}
	rows := []tlsRow{
		{name: "ssl", doc: "Speak TLS.", read: func(_ *line, d *tlsDraft, _ word) { d.on = true }},
		{name: "alpn", args: 1, doc: "Protocols to agree on with the peer, the preferred one first.", read: func(l *line, d *tlsDraft, w word) { d.alpn.put(l.protocols(w), l.pos) }},
		{name: "npn", args: 1, doc: "Protocols to agree on with the peer, the way that came before \"alpn\".", inert: "crypto/tls agrees on protocols by ALPN only", read: func(l *line, _ *tlsDraft, w word) { l.protocols(w) }},
		text("ciphers", "Cipher suites up to TLS 1.2, in the language of OpenSSL. Those that crypto/tls does not have are passed over; their order is its own.", func(d *tlsDraft) *string { return &d.Ciphers }),
		text("ciphersuites", "Cipher suites of TLS 1.3. All of them are used as soon as one is named.", func(d *tlsDraft) *string { return &d.Suites }),
		authorityRow("ca-file", "Authorities that peers' certificates are verified by: a file, a directory, or @system-ca.", func(d *tlsDraft) *string { return &d.CAFile }),
		authorityRow("crl-file", "Lists of certificates that are revoked.", func(d *tlsDraft) *string { return &d.CRLFile }),
		{name: "no-tls-tickets", doc: "Remember no sessions.", read: func(l *line, d *tlsDraft, _ word) { d.tickets.put(false, l.pos) }},
	}
	for _, name := range []string{"ssl-min-ver", "ssl-max-ver"} {
		doc := "Oldest version of TLS."
		if name == "ssl-max-ver" {
			doc = "Newest version of TLS."
		}
		rows = append(rows, tlsRow{name: name, args: 1, doc: doc, read: func(l *line, d *tlsDraft, w word) {
			if err := d.versions.Set(name, w.text); err != nil {
				l.fail(w, "%v", err)
			}
		}})
	}
	for _, name := range spec.VersionFlags() {
		doc := "Not this version of TLS."
		if strings.HasPrefix(name, "force-") {
			doc = "Only this version of TLS."
		}
		note := ""
		if name == "force-sslv3" {
			note = "there is no SSL 3.0 any more, here or in OpenSSL: lines that speak TLS are refused with it"
			doc = "Only this version of TLS, which does not exist any more: an error where TLS is spoken."
		}
		rows = append(rows, tlsRow{name: name, doc: doc, note: note, same: name == "no-sslv3", read: func(_ *line, d *tlsDraft, _ word) { d.versions.Flag(name) }})
	}
	return rows
}

// readVerify takes one of the ways to verify.
func readVerify(ways map[string]spec.Verify, names ...string) func(*line, *tlsDraft, word) {
	return func(l *line, d *tlsDraft, w word) {
		v, ok := ways[w.text]
		if !ok {
			l.unknown(w, "argument of 'verify'", names)
			return
		}
		d.verify.put(v, l.pos)
	}
}

// bindTLSRows are those of bind lines, and of the lines of a "crt-list".
func bindTLSRows() []tlsRow {
	curves := func(_ *line, d *tlsDraft, w word) { d.Curves = w.text }
	return append(commonTLSRows(),
		authorityRow("ca-verify-file", "More authorities that clients' certificates are verified by, which clients are not told of.", func(d *tlsDraft) *string { return &d.CAVerifyFile }),
		tlsRow{name: "no-ca-names", doc: "Do not tell clients which authorities are trusted.", read: func(_ *line, d *tlsDraft, _ word) { d.NoCANames = true }},
		tlsRow{name: "verify", args: 1, doc: "Whether clients show certificates: none, optional or required.", read: readVerify(map[string]spec.Verify{"none": spec.VerifyNone, "optional": spec.VerifyOptional, "required": spec.VerifyRequired}, "none", "optional", "required")},
		tlsRow{name: "curves", args: 1, doc: "Groups for the exchange of keys, the preferred one first.", read: curves},
		tlsRow{name: "ecdhe", args: 1, doc: "Group for the exchange of keys, as \"curves\".", read: curves},
		tlsRow{name: "allow-0rtt", doc: "Take data before the end of the handshake.", note: noEarlyData, read: func(*line, *tlsDraft, word) {}},
	)
}

// bindTLSOptions are the rows of bind lines.
func bindTLSOptions() []bindOption {
	rows := append(bindTLSRows(),
		tlsRow{name: "crt", args: 1, doc: "Certificate with its chain and key: a file, or a directory of such files. May be repeated; the first one is for clients that no other one is for.", read: func(_ *line, d *tlsDraft, w word) { d.certs = append(d.certs, w) }},
		tlsRow{name: "crt-list", args: 1, doc: "File with a certificate on each line, perhaps with options in brackets, and the names it is for. May be repeated.", read: func(_ *line, d *tlsDraft, w word) { d.lists = append(d.lists, w) }},
		ignoredRow("ca-ignore-err", "Errors of the authorities of clients' certificates that are passed over, by OpenSSL's numbers, or all.", func(d *tlsDraft) *spec.Ignored { return &d.ignoreCA }),
		ignoredRow("crt-ignore-err", "Errors of clients' certificates that are passed over, by OpenSSL's numbers, or all.", func(d *tlsDraft) *spec.Ignored { return &d.ignoreCert }),
		tlsRow{name: "tls-ticket-keys", args: 1, doc: "File of keys in base64 that sessions are sealed with: the last three open them, the last but one seals.", read: func(l *line, d *tlsDraft, w word) { d.ticketKeys = l.p.path(w.text) }},
		tlsRow{name: "generate-certificates", doc: "Make certificates for names that none is for, signed by the authority of \"ca-sign-file\".", read: func(_ *line, d *tlsDraft, _ word) { d.generate = true }},
		authorityRow("ca-sign-file", "Authority, with its key, that signs the certificates that are made.", func(d *tlsDraft) *string { return &d.signer.CAFile }),
		tlsRow{name: "ca-sign-pass", args: 1, doc: "Password of that authority's key.", read: func(_ *line, d *tlsDraft, w word) { d.signer.Password = w.text }},
		tlsRow{name: "strict-sni", doc: "Refuse clients that ask for a name which no certificate is for, or for none.", read: func(_ *line, d *tlsDraft, _ word) { d.strict = true }},
		tlsRow{name: "prefer-client-ciphers", doc: "Prefer the client's order of ciphers.", note: noChoiceOfOrder, read: func(*line, *tlsDraft, word) {}},
	)
	for i := range rows {
		if n := rows[i].name; n == "no-tlsv10" || n == "no-tlsv11" { // older than what is allowed unasked
			rows[i].same = true
		}
	}
	return within(rows, func(b *bindDraft) *tlsDraft { return &b.tls })
}

// configOnly are the options about TLS that the reference does not take at run time.
var configOnly = []string{"no-ssl", "no-verifyhost", "ssl-reuse", "no-check-ssl"}

// serverTLSOptions are the rows of servers.
func serverTLSOptions() []serverOption {
	flag := func(name, doc string, value bool, field func(*tlsDraft) *opt[bool]) tlsRow {
		return tlsRow{name: name, doc: doc, read: func(l *line, d *tlsDraft, _ word) { field(d).put(value, l.pos) }}
	}
	rows := append(commonTLSRows(),
		tlsRow{name: "no-ssl", doc: "Against \"ssl\" in default-server, until \"set server\" wants it again.", read: func(_ *line, d *tlsDraft, _ word) { d.on, d.prepared = false, d.on || d.prepared }},
		tlsRow{name: "verify", args: 1, doc: "Whether the server's certificate is verified: required, unless said otherwise here or by ssl-server-verify, or none.", read: readVerify(map[string]spec.Verify{"none": spec.VerifyNone, "required": spec.VerifyRequired}, "none", "required")},
		tlsRow{name: "verifyhost", args: 1, doc: "Name that the server's certificate must be for, if none is asked for by \"sni\".", read: func(_ *line, d *tlsDraft, w word) { d.verifyHost = w.text }},
		tlsRow{name: "no-verifyhost", doc: "Against \"verifyhost\" in default-server.", read: func(_ *line, d *tlsDraft, _ word) { d.verifyHost = "" }},
		tlsRow{name: "sni", args: 1, doc: "Name to ask the server for, as a sample. Connections are used again for the same name only.", read: func(l *line, d *tlsDraft, w word) { d.sni = l.sniExpr(w) }},
		tlsRow{name: "crt", args: 1, doc: "Certificate to show the server.", read: func(l *line, d *tlsDraft, w word) { d.cert = l.p.path(l.p.global.TLS.CertPath(w.text)) }},
		flag("tls-tickets", "Against \"no-tls-tickets\" in default-server.", true, func(d *tlsDraft) *opt[bool] { return &d.tickets }),
		flag("ssl-reuse", "Against \"no-ssl-reuse\" in default-server.", true, func(d *tlsDraft) *opt[bool] { return &d.reuse }),
		flag("no-ssl-reuse", "Make a full handshake for every connection.", false, func(d *tlsDraft) *opt[bool] { return &d.reuse }),
		flag("check-ssl", "Check over TLS, as without saying so where the server speaks it and is not checked at another address.", true, func(d *tlsDraft) *opt[bool] { return &d.check }),
		flag("no-check-ssl", "Check in clear.", false, func(d *tlsDraft) *opt[bool] { return &d.check }),
		tlsRow{name: "check-sni", args: 1, doc: "Name to ask for in checks over TLS.", read: func(l *line, d *tlsDraft, w word) { d.checkSNI.put(w.text, l.pos) }},
		tlsRow{name: "check-alpn", args: 1, doc: "Protocols to agree on in checks over TLS.", read: func(l *line, d *tlsDraft, w word) { d.checkALPN.put(l.protocols(w), l.pos) }},
		tlsRow{name: "allow-0rtt", doc: "Send data before the end of the handshake.", note: "nothing is sent before the end of the handshake", read: func(*line, *tlsDraft, word) {}},
	)
	for i := range rows {
		rows[i].inDefault, rows[i].atRunTime = true, !slices.Contains(configOnly, rows[i].name)
	}
	return within(rows, func(x *serverTemplate) *tlsDraft { return &x.tls })
}
