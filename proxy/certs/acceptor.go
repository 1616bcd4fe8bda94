package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"bench/internal/tlsio"
	"bench/proxy/spec"
)

// Acceptor is how the clients of a bind line are served. It is safe for all threads.
type Acceptor struct {
	base  *tls.Config
	table atomic.Pointer[table]
	seals seals

	// bind is what it is made of, guarded by the store: lists of certificates change.
	bind spec.BindTLS
	refs map[string]bool
}

// table is which client gets what. It does not change: another one takes its place.
type table struct {
	def      *identity
	exact    map[string]*choice
	wild     map[string]*choice // by what follows the "*"
	strict   bool
	refusing *tls.Config
	maker    *maker // of certificates for names that there is none for; nil: none are made
}

// identity is a certificate with its options.
type identity struct {
	cert *Certificate
	leaf []*x509.Certificate // the certificate itself, alone
	// excluded are the names that it is not for, although a "*" would mean them.
	excluded []string
	// offer is for clients that speak a protocol of ALPN, or say nothing of that; silent for
	// those that speak none of them.
	offer, silent *tls.Config
	// trust judges clients that may be let in in spite of errors; nil: the configurations
	// do.
	trust *trust
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

// Acceptor reads what a bind line refers to. notes are about what is not as configured,
// and need not be.
func (s *Store) Acceptor(b *spec.BindTLS) (a *Acceptor, notes []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a = &Acceptor{bind: *b}
	a.seals.life = b.Lifetime
	a.bind.Lists = slices.Clone(b.Lists)
	for i := range a.bind.Lists {
		a.bind.Lists[i].Entries = slices.Clone(b.Lists[i].Entries)
	}
	build := s.builder()
	if a.base, _, err = build.server(&b.TLS, b); err != nil {
		return nil, build.notes, err
	}
	a.seals.keys = a.base
	t, err := a.make(build)
	if err != nil {
		return nil, build.notes, err
	}
	if b.TicketKeys != "" {
		if err := s.keepTickets(b.TicketKeys, a.base); err != nil {
			return nil, build.notes, err
		}
	}
	a.base.GetConfigForClient = a.choose
	a.refs = build.refs
	a.table.Store(t)
	s.users = append(s.users, a)
	s.noteLists(b)
	return a, build.notes, nil
}

// make makes the table of what the bind line says and the store has.
func (a *Acceptor) make(build *builder) (*table, error) {
	b := &a.bind
	build.seals = &a.seals
	cfg, tr, err := build.server(&b.TLS, b)
	if err != nil {
		return nil, err
	}
	t := &table{exact: map[string]*choice{}, wild: map[string]*choice{}, strict: b.StrictSNI}
	t.refusing = &tls.Config{MinVersion: cfg.MinVersion, MaxVersion: cfg.MaxVersion}
	for _, path := range b.Certs {
		list, err := build.certificates(path, b.Extra)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			t.add(cfg, tr, c, nil)
		}
	}
	for i := range b.Lists {
		if err := t.addList(build, b, &b.Lists[i]); err != nil {
			return nil, err
		}
	}
	if t.def == nil {
		return nil, errors.New("no certificate was given: 'crt' or 'crt-list' says where one is")
	}
	if b.Generate != nil {
		if t.maker, err = build.maker(b.Generate, t.def, cfg, tr); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *table) addList(build *builder, b *spec.BindTLS, l *spec.CertList) error {
	for i := range l.Entries {
		e := &l.Entries[i]
		at := func(err error) error { return fmt.Errorf("%s:%d: %w", l.File, e.Line, err) }
		certs, err := build.certificates(e.Cert, b.Extra)
		if err != nil {
			return at(err)
		}
		cfg, tr, err := build.server(&e.TLS, b)
		if err != nil {
			return at(err)
		}
		for _, c := range certs {
			t.add(cfg, tr, c, e.Names)
		}
	}
	return nil
}

// newIdentity makes the configurations of a certificate.
func newIdentity(cfg *tls.Config, tr *trust, c *Certificate) *identity {
	id := &identity{cert: c, leaf: []*x509.Certificate{c.Leaf}, offer: cfg.Clone()}
	if tr != nil && tr.lenient() {
		id.trust = tr
	}
	id.offer.GetConfigForClient = nil
	if c.stapled == nil {
		id.offer.Certificates = []tls.Certificate{c.Certificate}
	} else {
		id.offer.GetCertificate = c.withStaple
	}
	id.silent = id.offer
	if len(id.offer.NextProtos) > 0 {
		id.silent = id.offer.Clone()
		id.silent.NextProtos = nil
	}
	return id
}

// add makes a certificate known by its names, or by others in their place.
func (t *table) add(cfg *tls.Config, tr *trust, c *Certificate, names []string) {
	id := newIdentity(cfg, tr, c)
	if t.def == nil {
		t.def = id
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
		table := t.exact
		if rest, ok := strings.CutPrefix(n, "*"); ok {
			table, n = t.wild, rest
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

func (a *Acceptor) refersTo(path string) bool { return a.refs[path] }

func (a *Acceptor) remake(s *Store) (use func(), err error) {
	build := s.builder()
	t, err := a.make(build)
	if err != nil {
		return nil, err
	}
	return func() {
		a.refs = build.refs
		a.table.Store(t)
	}, nil
}

// maxName is the longest name that clients may ask for, as OpenSSL has it.
const maxName = 255

// choose finds what a client is served with, by the name it asks for. One that is no name is
// refused whatever is configured, as by the reference: it would go on into logs and headers.
func (a *Acceptor) choose(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	t := a.table.Load()
	if len(hello.ServerName) > maxName || strings.IndexByte(hello.ServerName, 0) >= 0 {
		return t.refusing, nil // which has no certificate: the alert is unrecognized_name
	}
	tlsio.Note(hello.Conn, func(i *tlsio.Info) { i.SNI = hello.ServerName })
	name := strings.ToLower(hello.ServerName)
	id := t.find(name, hello)
	if id == nil && t.maker != nil && name != "" {
		id = t.maker.of(name)
	}
	switch {
	case id != nil:
	case t.strict:
		return t.refusing, nil // as above
	default:
		id = t.def
	}
	tlsio.Note(hello.Conn, func(i *tlsio.Info) { i.Own = id.leaf })
	cfg := id.offer
	protos := hello.SupportedProtos
	if len(protos) > 0 && !slices.ContainsFunc(protos, func(p string) bool { return slices.Contains(id.offer.NextProtos, p) }) {
		cfg = id.silent
	}
	if id.trust != nil {
		cfg = id.trust.forHandshake(cfg, hello.Conn)
	}
	return tlsio.Traced(cfg, hello.Conn), nil
}

func (t *table) find(name string, hello *tls.ClientHelloInfo) *identity {
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
	look(t.exact[name])
	if i := strings.IndexByte(name, '.'); i >= 0 {
		look(t.wild[name[i:]])
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
