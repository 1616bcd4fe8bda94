package spec

import (
	"strings"

	"bench/proxy/sample"
)

// Verify is what becomes of the peer's certificate.
type Verify uint8

// Ways to verify (configuration manual, "verify").
const (
	VerifyNone Verify = iota
	VerifyOptional
	VerifyRequired
)

// TLS is what clients' and servers' connections in TLS have in common.
type TLS struct {
	// MinVersion and MaxVersion are numbers of the protocol (RFC 8446, section 4.2.1).
	MinVersion, MaxVersion uint16
	ALPN                   []string
	// Ciphers, Suites (of TLS 1.3) and Curves are lists in the language of OpenSSL; ""
	// for what is usual.
	Ciphers, Suites, Curves string
	CAFile, CRLFile         string // "" if none; "@system-ca" for those of the system
	Verify                  Verify
	NoTickets               bool
}

// BindTLS is how clients of a "bind" line with "ssl" are served.
type BindTLS struct {
	TLS
	// Certs are files and directories of certificates, in order: the first one is for
	// clients that no other one is for.
	Certs []string
	// Lists are "crt-list" files, whose certificates come after Certs.
	Lists []CertList
	// StrictSNI refuses clients that no certificate is for.
	StrictSNI bool
	// ExtraKey: a key may be in a file of its own; DeleteExt: whose name is without the
	// certificate's extension.
	ExtraKey, DeleteExt bool
}

// CertList is one "crt-list" file, read.
type CertList struct {
	File    string
	Entries []CertEntry
}

// CertEntry is one line of a "crt-list".
type CertEntry struct {
	Line int
	Cert string
	TLS  // of the bind line, with the options of this one
	// Names are those that the certificate is for, "!name" for those that it is not
	// for; nil: those in it.
	Names []string
}

// ServerTLS is how connections to a server with "ssl" are secured.
type ServerTLS struct {
	TLS
	// SNI is the name to ask for; nil for none.
	SNI *sample.Expr
	// VerifyHost is the name that must be in the server's certificate where none is asked
	// for by SNI; "" for any.
	VerifyHost string
	Cert       string // file of the certificate to show the server; "" if none
	// CheckSNI is the name that checks ask for; "" if none.
	CheckSNI string
}

// TLSDefaults is what applies to lines with "ssl" that say nothing else.
type TLSDefaults struct {
	Ciphers, Suites, Curves string
	Versions                Versions
	NoTickets, StrictSNI    bool
}

// GlobalTLS is what the global section says about TLS.
type GlobalTLS struct {
	CABase, CertBase string // directories of relative paths; "" for none
	Bind, Server     TLSDefaults
	// ServersUnverified: "ssl-server-verify none".
	ServersUnverified bool
	// NoExtraKey: keys are in the files of their certificates; DeleteExt: as in BindTLS.
	NoExtraKey, DeleteExt bool
}

// CAPath is where a file of authorities is.
func (g *GlobalTLS) CAPath(path string) string { return within(g.CABase, path) }

// CertPath is where a certificate is.
func (g *GlobalTLS) CertPath(path string) string { return within(g.CertBase, path) }

func within(base, path string) string {
	if base == "" || strings.HasPrefix(path, "/") || strings.HasPrefix(path, "@") {
		return path
	}
	return base + "/" + path
}

// KeyFiles says whether keys may be in files of their own, and how those are called.
func (g *GlobalTLS) KeyFiles() (extra, deleteExt bool) { return !g.NoExtraKey, g.DeleteExt }

// Verify is what becomes of the certificates of servers that do not say so.
func (g *GlobalTLS) Verify() Verify {
	if g.ServersUnverified {
		return VerifyNone
	}
	return VerifyRequired
}

// Fill adds the defaults where t says nothing, and resolves the versions v for servers or
// for clients.
func (d *TLSDefaults) Fill(t *TLS, v Versions, servers bool) (Resolved, error) {
	for _, f := range []struct {
		to   *string
		from string
	}{{&t.Ciphers, d.Ciphers}, {&t.Suites, d.Suites}, {&t.Curves, d.Curves}} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	return v.Or(d.Versions).Resolve(servers)
}

// Tickets tells whether sessions are remembered, and Strict whether names are insisted
// on, where nothing else is said.
func (d *TLSDefaults) Tickets() bool { return !d.NoTickets }

// Strict is described with Tickets.
func (d *TLSDefaults) Strict() bool { return d.StrictSNI }
