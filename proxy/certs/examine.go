package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"
)

// Numbers of errors that samples and configurations know (x509_vfy.h of OpenSSL).
const (
	noIssuer         = 2
	noRevocations    = 3
	badSignature     = 7
	badCRLSignature  = 8
	notYetValid      = 9
	expired          = 10
	crlNotYetValid   = 11
	crlExpired       = 12
	selfSigned       = 18
	selfSignedAbove  = 19
	noIssuerHere     = 20
	leafNotVerified  = 21
	certRevoked      = 23
	pathTooLong      = 25
	unsuitedPurpose  = 26
	unknownExtension = 34
	nameNotPermitted = 47
	notAnAuthority   = 79
	deepest          = 20 // certificates of a chain that are looked at
	certificateDepth = 0  // of the peer's own certificate; what is above are authorities
)

// LastError is the greatest number of an error.
const LastError = 94

var errorTexts = map[int]string{
	noIssuer: "unable to get issuer certificate", noRevocations: "unable to get certificate CRL", badSignature: "certificate signature failure",
	notYetValid: "certificate is not yet valid", expired: "certificate has expired", selfSigned: "self-signed certificate",
	selfSignedAbove: "self-signed certificate in certificate chain", noIssuerHere: "unable to get local issuer certificate",
	leafNotVerified: "unable to verify the first certificate", certRevoked: "certificate revoked", notAnAuthority: "invalid CA certificate",
	unsuitedPurpose: "unsuitable certificate purpose", badCRLSignature: "CRL signature failure", crlNotYetValid: "CRL is not yet valid",
	crlExpired: "CRL has expired", pathTooLong: "path length constraint exceeded", unknownExtension: "unhandled critical extension",
	nameNotPermitted: "permitted subtree violation",
}

// Refusal is what is wrong with a certificate of a chain.
type Refusal struct {
	Code  int // OpenSSL's number
	Depth int // 0: the peer's own certificate, 1: that of its issuer, and so on
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s (error %d at depth %d)", errorTexts[r.Code], r.Code, r.Depth)
}

// ofAuthority tells whether not the peer's own certificate is what is wrong.
func (r *Refusal) ofAuthority() bool { return r.Depth > certificateDepth }

// examine finds all that is wrong with the chain that a client has shown, in the order in which
// OpenSSL comes across it: who has issued what, what for, revocations, then from the top
// signatures and times. crypto/tls stops at the first one.
func examine(shown []*x509.Certificate, trusted *Authorities, revoked Revocations, now time.Time) (list []Refusal) {
	wrong := func(code, depth int) { list = append(list, Refusal{Code: code, Depth: depth}) }
	chain, known := build(shown, trusted.List)
	top := len(chain) - 1
	rooted := isOwnIssuer(chain[top])
	switch {
	case rooted && known[top]:
	case rooted && top == 0:
		wrong(selfSigned, 0)
	case rooted:
		wrong(selfSignedAbove, top)
	case known[top]:
		wrong(noIssuer, top)
	default:
		wrong(noIssuerHere, top)
	}
	below := 0 // authorities that others have issued
	for i, c := range chain {
		if len(c.UnhandledCriticalExtensions) > 0 {
			wrong(unknownExtension, i)
		}
		unfit := i > 0 && !mayIssue(c)
		if unfit {
			wrong(notAnAuthority, i)
		}
		if unfit || !forClients(c, i > 0) {
			wrong(unsuitedPurpose, i)
		}
		if most, limited := pathLength(c); i > 1 && limited && below > most {
			wrong(pathTooLong, i)
		}
		if i > 0 && !isOwnIssuer(c) {
			below++
		}
	}
	for i, c := range chain {
		if revoked == nil {
			break
		}
		issuer := c
		if i < top {
			issuer = chain[i+1]
		}
		for _, code := range revoked.faults(c, issuer, now) {
			wrong(code, i)
		}
	}
	if !rooted && top == 0 {
		wrong(leafNotVerified, 0)
	}
	for i := top; i >= 0; i-- {
		c := chain[i]
		if i < top && !signed(c, chain[i+1]) {
			wrong(badSignature, i)
		}
		if i == top && !rooted && top > 0 {
			continue // it is only there to verify the one below
		}
		switch {
		case now.Before(c.NotBefore):
			wrong(notYetValid, i)
		case now.After(c.NotAfter):
			wrong(expired, i)
		}
	}
	if len(list) == 0 {
		// There is more that can be wrong, as names that an authority may not sign for. Who is
		// let in is known to the library, too.
		if r := confirm(shown, trusted, now); r != nil {
			list = append(list, *r)
		}
	}
	return list
}

// confirm lets crypto/x509 verify a chain; nil: it finds nothing.
func confirm(shown []*x509.Certificate, trusted *Authorities, now time.Time) *Refusal {
	opt := x509.VerifyOptions{Roots: trusted.pool, Intermediates: x509.NewCertPool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, c := range shown[1:] {
		opt.Intermediates.AddCert(c)
	}
	if _, err := shown[0].Verify(opt); err != nil {
		return refusalOf(&tls.CertificateVerificationError{UnverifiedCertificates: shown, Err: err})
	}
	return nil
}

// mayIssue tells whether a certificate is not one that says that it is no authority.
func mayIssue(c *x509.Certificate) bool { return !c.BasicConstraintsValid || c.IsCA }

// signed tells whether c was signed by an issuer, which the library asks for more than that if
// it may be one.
func signed(c, issuer *x509.Certificate) bool {
	if !mayIssue(issuer) {
		return issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
	}
	return c.CheckSignatureFrom(issuer) == nil
}

// pathLength is how many authorities may be below one, not counting those that have issued
// themselves.
func pathLength(c *x509.Certificate) (most int, limited bool) {
	return c.MaxPathLen, c.BasicConstraintsValid && (c.MaxPathLen > 0 || c.MaxPathLenZero)
}

// build makes a chain from the first certificate upwards, of those that are trusted
// where there is a choice. known says which of it are.
func build(shown, trusted []*x509.Certificate) (chain []*x509.Certificate, known []bool) {
	c, from := shown[0], false
	for _, t := range trusted {
		from = from || bytes.Equal(t.Raw, c.Raw)
	}
	for len(chain) < deepest {
		chain, known = append(chain, c), append(known, from)
		if isOwnIssuer(c) {
			break
		}
		up := issuerOf(c, trusted)
		if from = up != nil; !from {
			up = issuerOf(c, shown)
		}
		if up == nil {
			break
		}
		c = up
	}
	return chain, known
}

// unrooted finds a chain that ends with an authority which another one has issued:
// crypto/tls is content with that, OpenSSL wants the other one.
func (a *Authorities) unrooted(shown []*x509.Certificate) *Refusal {
	if len(shown) == 0 || len(a.List) == 0 {
		return nil
	}
	chain, _ := build(shown, a.List)
	if top := len(chain) - 1; !isOwnIssuer(chain[top]) {
		return &Refusal{Code: noIssuer, Depth: top}
	}
	return nil
}

func isOwnIssuer(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

// issuerOf finds who may have issued c.
func issuerOf(c *x509.Certificate, among []*x509.Certificate) *x509.Certificate {
	for _, x := range among {
		if !bytes.Equal(x.RawSubject, c.RawIssuer) || x.Equal(c) {
			continue
		}
		if len(c.AuthorityKeyId) > 0 && len(x.SubjectKeyId) > 0 && !bytes.Equal(c.AuthorityKeyId, x.SubjectKeyId) {
			continue
		}
		return x
	}
	return nil
}

// forClients tells whether a certificate may be a client's, or that of an authority of clients.
func forClients(c *x509.Certificate, authority bool) bool {
	if !authority && (c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageKeyAgreement) == 0 || !forNetscapeClients(c)) {
		return false
	}
	if len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
}

var oidNetscapeType = asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 1, 1}

// forNetscapeClients tells whether a certificate does not say in the way of old that it is for
// something else than clients, which crypto/x509 does not look at.
func forNetscapeClients(c *x509.Certificate) bool {
	for i := range c.Extensions {
		if e := &c.Extensions[i]; e.Id.Equal(oidNetscapeType) {
			var types asn1.BitString
			_, err := asn1.Unmarshal(e.Value, &types)
			return err == nil && types.At(0) == 1
		}
	}
	return true
}
