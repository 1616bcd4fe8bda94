package certs

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// Numbers of errors that samples and configurations know (x509_vfy.h of OpenSSL).
const (
	noIssuer         = 2
	noRevocations    = 3
	badSignature     = 7
	notYetValid      = 9
	expired          = 10
	selfSigned       = 18
	selfSignedAbove  = 19
	noIssuerHere     = 20
	leafNotVerified  = 21
	certRevoked      = 23
	notAnAuthority   = 24
	unsuitedPurpose  = 26
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
	unsuitedPurpose: "unsuitable certificate purpose",
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
	for i, c := range chain {
		if i > 0 && c.BasicConstraintsValid && !c.IsCA {
			wrong(notAnAuthority, i)
		}
	}
	if !forClients(chain[0]) {
		wrong(unsuitedPurpose, 0)
	}
	for i, c := range chain {
		if revoked == nil {
			break
		}
		issuer := c
		if i < top {
			issuer = chain[i+1]
		}
		if code := revoked.status(c, issuer); code != 0 {
			wrong(code, i)
		}
	}
	if !rooted && top == 0 {
		wrong(leafNotVerified, 0)
	}
	for i := top; i >= 0; i-- {
		c := chain[i]
		if i < top && c.CheckSignatureFrom(chain[i+1]) != nil {
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
	return list
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

// forClients tells whether a certificate may be a client's.
func forClients(c *x509.Certificate) bool {
	if len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
}
