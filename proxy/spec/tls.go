package spec

import (
	"slices"
	"strings"
	"time"

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
	// CAVerifyFile are more authorities, which clients are not told of; with NoCANames they
	// are told of none.
	CAVerifyFile string
	NoCANames    bool
	Verify       Verify
	NoTickets    bool
}

// Ignored are errors of certificates that are passed over, by OpenSSL's numbers.
type Ignored struct {
	All   bool
	Codes []int
}

// None tells whether no error is passed over.
func (i *Ignored) None() bool { return !i.All && len(i.Codes) == 0 }

// Has tells whether an error is.
func (i *Ignored) Has(code int) bool { return i.All || slices.Contains(i.Codes, code) }

// ExtraFiles says what may be in files of its own beside a certificate.
type ExtraFiles struct {
	Key, Issuer, OCSP, Timestamps bool
	// DeleteExt: the names of these files are without the certificate's extension.
	DeleteExt bool
}

// Generate is how certificates are made for names that none is for.
type Generate struct {
	CAFile   string // the authority that signs them, with its key
	Password string // of that key; "" if it is in clear
	Cache    int    // how many are kept
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
	Extra     ExtraFiles
	// IgnoreCA and IgnoreCert are the errors that clients are let in with, of the
	// authorities of their certificates and of the certificates themselves.
	IgnoreCA, IgnoreCert Ignored
	// TicketKeys is a file with the keys that sessions are sealed with; "" for keys of the
	// process's own.
	TicketKeys string
	Generate   *Generate // nil: none are made
	// Lifetime is how long clients may go on with a session; 0: as crypto/tls has it.
	Lifetime time.Duration
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
	// Options are those of this line, as written.
	Options string
	TLS     // of the bind line, with the options of this one
	// Names are those that the certificate is for, "!name" for those that it is not
	// for; nil: those in it.
	Names []string
}

// ServerTLS is how connections to a server with "ssl" are secured.
type ServerTLS struct {
	TLS
	// Websocket is what is offered in place of ALPN for websockets; nil: the same.
	Websocket []string
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
	// Extra is what may be beside certificates; nil: everything.
	Extra *ExtraFiles
	// DeleteExt: as in ExtraFiles.
	DeleteExt bool
	// MadeCerts is how many certificates are kept that were made.
	MadeCerts int
	// MaxConns and MaxRate are how many connections in TLS there may be, and be accepted in
	// a second; 0: any number.
	MaxConns, MaxRate int
	// Lifetime is how long clients may go on with a session.
	Lifetime time.Duration
	// Capture is how many bytes of the lists of clients' hellos are kept; KeyLog: the
	// secrets of TLS 1.3 are.
	Capture int
	KeyLog  bool
	// MaxRecord is the longest record that is written; 0: as TLS allows.
	MaxRecord int
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

// Files says what may be in files of its own beside certificates.
func (g *GlobalTLS) Files() ExtraFiles {
	f := ExtraFiles{Key: true, Issuer: true, OCSP: true, Timestamps: true}
	if g.Extra != nil {
		f = *g.Extra
	}
	f.DeleteExt = g.DeleteExt
	return f
}

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
