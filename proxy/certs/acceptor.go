package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bench/internal/tlsio"
	"bench/proxy/spec"
)

// Acceptor is how the clients of a bind line are served. It is safe for all threads.
type Acceptor struct {
	base     *tls.Config
	def      *identity
	exact    map[string]*choice
	wild     map[string]*choice // by what follows the "*"
	strict   bool
	refusing *tls.Config
}

// identity is a certificate with its options.
type identity struct {
	cert *Certificate
	// excluded are the names that it is not for, although a "*" would mean them.
	excluded []string
	// offer is for clients that speak a protocol of ALPN, or say nothing of that; silent for
	// those that speak none of them.
	offer, silent *tls.Config
}

// choice is the identities for a name, by the algorithm of the key, the first ones first.
type choice struct{ ecdsa, rsa []*identity }

// first is the first of some identities that may be used for a name.
func first(list []*identity, name string) *identity {
	for _, id := range list {
		if !slices.Contains(id.excluded, name) {
			return id
		}
	}
	return nil
}

// NewAcceptor reads what a bind line refers to. notes are about what is not as
// configured, and need not be.
func NewAcceptor(b *spec.BindTLS) (a *Acceptor, notes []string, err error) {
	a = &Acceptor{exact: map[string]*choice{}, wild: map[string]*choice{}, strict: b.StrictSNI}
	build := builder{files: Files{ExtraKey: b.ExtraKey, DeleteExt: b.DeleteExt}, cas: map[string]*x509.CertPool{}}
	list, err := LoadAll(b.Certs, build.files)
	if err != nil {
		return nil, nil, err
	}
	if a.base, err = build.server(&b.TLS); err != nil {
		return nil, build.notes, err
	}
	for _, c := range list {
		a.add(a.base, c, nil)
	}
	for i := range b.Lists {
		if err := a.addList(&build, &b.Lists[i]); err != nil {
			return nil, build.notes, err
		}
	}
	if a.def == nil {
		return nil, build.notes, errors.New("no certificate was given: 'crt' or 'crt-list' says where one is")
	}
	a.base.GetConfigForClient = a.choose
	a.refusing = &tls.Config{MinVersion: a.base.MinVersion, MaxVersion: a.base.MaxVersion}
	return a, build.notes, nil
}

func (a *Acceptor) addList(build *builder, l *spec.CertList) error {
	for i := range l.Entries {
		e := &l.Entries[i]
		at := func(err error) error { return fmt.Errorf("%s:%d: %w", l.File, e.Line, err) }
		certs, err := Load(e.Cert, build.files)
		if err != nil {
			return at(err)
		}
		cfg, err := build.server(&e.TLS)
		if err != nil {
			return at(err)
		}
		for _, c := range certs {
			a.add(cfg, c, e.Names)
		}
	}
	return nil
}

// add makes a certificate known by its names, or by others in their place.
func (a *Acceptor) add(cfg *tls.Config, c *Certificate, names []string) {
	id := &identity{cert: c, offer: cfg.Clone()}
	id.offer.GetConfigForClient = nil
	id.offer.Certificates = []tls.Certificate{c.Certificate}
	id.silent = id.offer
	if len(id.offer.NextProtos) > 0 {
		id.silent = id.offer.Clone()
		id.silent.NextProtos = nil
	}
	if a.def == nil {
		a.def = id
	}
	if names == nil {
		names = c.names
	}
	for _, n := range names {
		n = strings.ToLower(n)
		if not, ok := strings.CutPrefix(n, "!"); ok {
			id.excluded = append(id.excluded, not)
			continue
		}
		table := a.exact
		if rest, ok := strings.CutPrefix(n, "*"); ok {
			table, n = a.wild, rest
		}
		ch := table[n]
		if ch == nil {
			ch = new(choice)
			table[n] = ch
		}
		if c.ecdsa {
			ch.ecdsa = append(ch.ecdsa, id)
		} else {
			ch.rsa = append(ch.rsa, id)
		}
	}
}

// Config is what connections are accepted with.
func (a *Acceptor) Config() *tls.Config { return a.base }

// choose finds what a client is served with, by the name it asks for.
func (a *Acceptor) choose(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	id := a.find(strings.ToLower(hello.ServerName), hello)
	switch {
	case id != nil:
	case a.strict:
		return a.refusing, nil // which has no certificate: the alert is unrecognized_name
	default:
		id = a.def
	}
	protos := hello.SupportedProtos
	if len(protos) > 0 && !slices.ContainsFunc(protos, func(p string) bool { return slices.Contains(id.offer.NextProtos, p) }) {
		return id.silent, nil
	}
	return id.offer, nil
}

func (a *Acceptor) find(name string, hello *tls.ClientHelloInfo) *identity {
	if name == "" {
		return nil
	}
	var ecdsa, rsa *identity
	look := func(ch *choice) {
		if ch == nil {
			return
		}
		if ecdsa == nil {
			ecdsa = first(ch.ecdsa, name)
		}
		if rsa == nil {
			rsa = first(ch.rsa, name)
		}
	}
	look(a.exact[name])
	if i := strings.IndexByte(name, '.'); i >= 0 {
		look(a.wild[name[i:]])
	}
	if rsa == nil || ecdsa != nil && knowsECDSA(hello) {
		return ecdsa
	}
	return rsa
}

// ofCurves are the signatures of such keys.
var ofCurves = []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512, tls.ECDSAWithSHA1, tls.Ed25519}

// knowsECDSA tells whether a client can do with a key of elliptic curves.
func knowsECDSA(hello *tls.ClientHelloInfo) bool {
	if !slices.ContainsFunc(hello.SignatureSchemes, func(s tls.SignatureScheme) bool {
		return slices.Contains(ofCurves, s)
	}) {
		return false
	}
	return slices.ContainsFunc(hello.CipherSuites, func(id uint16) bool {
		return id>>8 == 0x13 || strings.Contains(tlsio.SuiteName(id), "ECDSA")
	})
}

// builder makes configurations of one line's settings, and gathers remarks.
type builder struct {
	files Files
	cas   map[string]*x509.CertPool
	notes []string
}

func (b *builder) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(b.notes, n) {
		b.notes = append(b.notes, n)
	}
}

// common is what clients and servers have in common.
func (b *builder) common(t *spec.TLS) (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion: t.MinVersion, MaxVersion: t.MaxVersion, NextProtos: t.ALPN,
		SessionTicketsDisabled: t.NoTickets, DynamicRecordSizingDisabled: true,
	}
	var unknown []string
	var err error
	if cfg.CipherSuites, unknown, err = parseCiphers(t.Ciphers); err != nil {
		return nil, err
	}
	if len(unknown) > 0 {
		b.note("ciphers passed over, which crypto/tls does not have: %s", strings.Join(unknown, " "))
	}
	leavesOut, err := checkSuites(t.Suites)
	if err != nil {
		return nil, err
	}
	if leavesOut {
		b.note("all suites of TLS 1.3 are used, although '%s' leaves some out: crypto/tls has no choice among them", t.Suites)
	}
	if cfg.CurvePreferences, unknown, err = parseCurves(t.Curves); err != nil {
		return nil, err
	}
	if len(unknown) > 0 {
		b.note("curves passed over, which crypto/tls does not have: %s", strings.Join(unknown, " "))
	}
	return cfg, nil
}

// authorities reads a file of them once.
func (b *builder) authorities(path string) (*x509.CertPool, error) {
	if pool := b.cas[path]; pool != nil {
		return pool, nil
	}
	pool, err := loadCAs(path)
	if err == nil {
		b.cas[path] = pool
	}
	return pool, err
}

// server is the configuration of the side that accepts.
func (b *builder) server(t *spec.TLS) (*tls.Config, error) {
	cfg, err := b.common(t)
	if err != nil || t.Verify == spec.VerifyNone {
		return cfg, err
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	if t.Verify == spec.VerifyOptional {
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if t.CAFile == "" {
		return nil, errors.New("'verify' needs 'ca-file': it says which authorities to trust")
	}
	if cfg.ClientCAs, err = b.authorities(t.CAFile); err != nil {
		return nil, err
	}
	if t.CRLFile != "" {
		crl, err := loadCRLs(t.CRLFile)
		if err != nil {
			return nil, err
		}
		cfg.VerifyConnection = func(st tls.ConnectionState) error { return crl.check(st.VerifiedChains) }
	}
	return cfg, nil
}
