package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"bench/internal/tlsio"
	"bench/proxy/spec"
)

// trust is how the certificates of clients are judged where crypto/tls cannot do it by
// itself: errors are passed over, or more authorities are trusted than clients are
// told of.
type trust struct {
	authorities    *Authorities
	revoked        Revocations
	ofCAs, ofCerts spec.Ignored
}

// lenient tells whether a client may be let in although something is wrong.
func (t *trust) lenient() bool { return !t.ofCAs.None() || !t.ofCerts.None() }

// judge verifies what a client has shown. The outcome is what samples say of it.
func (t *trust) judge(st *tls.ConnectionState) (v tlsio.Verified, err error) {
	if len(st.PeerCertificates) == 0 {
		return v, nil
	}
	list := examine(st.PeerCertificates, t.authorities, t.revoked, time.Now())
	for i := range list {
		r := &list[i]
		v.Result = r.Code
		ignored := t.ofCerts
		switch {
		case !r.ofAuthority():
			if v.Err == 0 {
				v.Err = r.Code
			}
		default:
			ignored = t.ofCAs
			if v.CAErr == 0 {
				v.CAErr, v.CADepth = r.Code, r.Depth
			}
		}
		if !ignored.Has(r.Code) || r.Code == unknownExtension || r.Code == nameNotPermitted {
			return v, r // the last two nobody can have passed over, as in the reference
		}
	}
	if st.DidResume {
		v = tlsio.Verified{Result: v.Result} // the session remembers no more
	}
	return v, nil
}

// forHandshake is a configuration of one handshake, whose connection is told what was passed
// over.
func (t *trust) forHandshake(cfg *tls.Config, conn net.Conn) *tls.Config {
	own := cfg.Clone()
	own.VerifyConnection = func(st tls.ConnectionState) error {
		v, err := t.judge(&st)
		if err == nil {
			tlsio.Note(conn, func(i *tlsio.Info) { i.Verified = v })
		}
		return err
	}
	return own
}

// Failure tells what a failed handshake of a client was about, if it was about its
// certificate: authority says whether one of those who issued it was wrong.
func Failure(err error) (authority, ofCertificate bool) {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.ofAuthority(), true
	}
	verification, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return false, false
	}
	return refusalOf(verification).ofAuthority(), true
}

// Judged is what was wrong with the certificate of a client whose handshake has failed.
func Judged(err error) (v tlsio.Verified) {
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		verification, ok := errors.AsType[*tls.CertificateVerificationError](err)
		if !ok {
			return v
		}
		r = refusalOf(verification)
	}
	v.Result = r.Code
	if r.ofAuthority() {
		v.CAErr, v.CADepth = r.Code, r.Depth
	} else {
		v.Err = r.Code
	}
	return v
}

// refusalOf is what crypto/tls has found wrong.
func refusalOf(e *tls.CertificateVerificationError) *Refusal {
	shown := e.UnverifiedCertificates
	top := len(shown) - 1
	for i := 1; i <= top; i++ {
		if !mayIssue(shown[i]) {
			return &Refusal{Code: notAnAuthority, Depth: i}
		}
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](e); ok {
		r := &Refusal{Depth: max(slices.IndexFunc(shown, invalid.Cert.Equal), 0)}
		switch invalid.Reason {
		case x509.Expired:
			r.Code = expired
			if time.Now().Before(invalid.Cert.NotBefore) {
				r.Code = notYetValid
			}
		case x509.IncompatibleUsage:
			r.Code = unsuitedPurpose
			r.Depth = max(slices.IndexFunc(shown, func(c *x509.Certificate) bool { return !forClients(c, c != shown[0]) }), 0)
		case x509.TooManyIntermediates:
			r.Code = pathTooLong
		case x509.CANotAuthorizedForThisName:
			r.Code = nameNotPermitted
		default:
			r.Code = notAnAuthority
		}
		return r
	}
	if _, unknown := errors.AsType[x509.UnhandledCriticalExtension](e); unknown {
		at := slices.IndexFunc(shown, func(c *x509.Certificate) bool { return len(c.UnhandledCriticalExtensions) > 0 })
		return &Refusal{Code: unknownExtension, Depth: max(at, 0)}
	}
	switch {
	case !isOwnIssuer(shown[top]):
		if top > 0 {
			return &Refusal{Code: noIssuer, Depth: top}
		}
		return &Refusal{Code: noIssuerHere}
	case top == 0:
		return &Refusal{Code: selfSigned}
	}
	return &Refusal{Code: selfSignedAbove, Depth: top}
}

// Mismatch is a certificate of a server that is for another name.
type Mismatch struct {
	Name  string
	Asked bool // it was asked for; otherwise it is that of "verifyhost"
}

func (m *Mismatch) Error() string { return "the certificate is not for " + m.Name }

// verifyServer checks the certificate of a server: its chain, and its name where one is
// wanted.
func verifyServer(roots *x509.CertPool, crl Revocations, name string, asked bool) func(tls.ConnectionState) error {
	return func(st tls.ConnectionState) error {
		if len(st.PeerCertificates) == 0 {
			return errNoCertificate
		}
		opt := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range st.PeerCertificates[1:] {
			opt.Intermediates.AddCert(c)
		}
		chains, err := st.PeerCertificates[0].Verify(opt)
		if err != nil {
			return err
		}
		if crl != nil {
			if err := crl.check(chains); err != nil {
				return err
			}
		}
		if name != "" && !isFor(st.PeerCertificates[0], name) {
			return &Mismatch{Name: name, Asked: asked}
		}
		return nil
	}
}

// isFor tells whether a certificate is for a name: one of its alternative names, or any common
// name of its subject, as the reference looks at it.
func isFor(c *x509.Certificate, name string) bool {
	name = strings.ToLower(name)
	is := func(pattern string) bool { return matches(strings.ToLower(pattern), name) }
	return slices.ContainsFunc(c.DNSNames, is) || slices.ContainsFunc(c.Subject.Names, func(a pkix.AttributeTypeAndValue) bool {
		text, ok := a.Value.(string)
		return ok && a.Type.Equal(oidCommonName) && is(text)
	})
}

// matches compares a name with one of a certificate, which may have a "*" in its first part, for
// any number of characters but a dot (RFC 6125, section 6.4.3).
func matches(pattern, name string) bool {
	if pattern == name {
		return true
	}
	part, parent, several := strings.Cut(pattern, ".")
	before, after, wild := strings.Cut(part, "*")
	first, rest, dotted := strings.Cut(name, ".")
	return several && wild && dotted && rest == parent && !strings.Contains(after, "*") &&
		len(first) >= len(before)+len(after) && strings.HasPrefix(first, before) && strings.HasSuffix(first, after)
}
