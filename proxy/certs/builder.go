package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bench/proxy/spec"
)

// builder makes configurations of one line's settings, of what the store has, and gathers
// remarks.
type builder struct {
	*Store
	refs  map[string]bool // files that were used
	seals *seals          // how sessions are given to clients; nil: in the manner of crypto/tls
	notes []string
}

func (s *Store) builder() *builder { return &builder{Store: s, refs: map[string]bool{}} }

func (b *builder) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(b.notes, n) {
		b.notes = append(b.notes, n)
	}
}

// certificates are those that a path means, which counts as used.
func (b *builder) certificates(path string, f spec.ExtraFiles) ([]*Certificate, error) {
	list, err := b.load(path, f)
	for _, c := range list {
		b.refs[c.File] = true
	}
	return list, err
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

// server is the configuration of the side that accepts. With a trust, clients are judged
// by that and not by crypto/tls.
func (b *builder) server(t *spec.TLS, bind *spec.BindTLS) (cfg *tls.Config, tr *trust, err error) {
	cfg, err = b.common(t)
	if b.seals != nil && err == nil {
		b.seals.use(cfg)
	}
	if err != nil || t.Verify == spec.VerifyNone {
		return cfg, nil, err
	}
	if t.CAFile == "" && t.CAVerifyFile == "" {
		return nil, nil, errors.New("'verify' needs 'ca-file': it says which authorities to trust")
	}
	told, err := b.optional(t.CAFile)
	if err != nil {
		return nil, nil, err
	}
	kept, err := b.optional(t.CAVerifyFile)
	if err != nil {
		return nil, nil, err
	}
	revoked, err := b.revocations(t.CRLFile)
	if err != nil {
		return nil, nil, err
	}
	b.refs[t.CRLFile] = true
	if told != nil && !t.NoCANames {
		cfg.ClientCAs = told.pool
	}
	if kept == nil && !t.NoCANames && bind.IgnoreCA.None() && bind.IgnoreCert.None() {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
		if t.Verify == spec.VerifyOptional {
			cfg.ClientAuth = tls.VerifyClientCertIfGiven
		}
		cfg.VerifyConnection = func(st tls.ConnectionState) error {
			if r := told.unrooted(st.PeerCertificates); r != nil {
				return r
			}
			if len(st.PeerCertificates) > 0 && !forClients(st.PeerCertificates[0], false) {
				return &Refusal{Code: unsuitedPurpose} // the library does not look at what the key is for
			}
			if revoked == nil {
				return nil
			}
			return revoked.check(st.VerifiedChains)
		}
		return cfg, nil, nil
	}
	cfg.ClientAuth = tls.RequireAnyClientCert
	if t.Verify == spec.VerifyOptional {
		cfg.ClientAuth = tls.RequestClientCert
	}
	all := kept
	if told != nil {
		all = told.with(kept)
	}
	tr = &trust{authorities: all, revoked: revoked, ofCAs: bind.IgnoreCA, ofCerts: bind.IgnoreCert}
	cfg.VerifyConnection = func(st tls.ConnectionState) error {
		_, err := tr.judge(&st)
		return err
	}
	return cfg, tr, nil
}

// optional are the authorities of a file that need not be given.
func (b *builder) optional(path string) (*Authorities, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // none are wanted
	}
	b.refs[path] = true
	return b.authorities(path)
}
