package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// Revocation is a list of certificates that their issuer has declared not valid any more.
type Revocation struct {
	*x509.RevocationList
	serials map[string]struct{}
	// signer is who was found to have signed the list, so that it need not be found out in
	// each handshake; nil: nobody was.
	signer atomic.Pointer[x509.Certificate]
}

// Revocations are the lists of a file.
type Revocations []*Revocation

func newRevocation(crl *x509.RevocationList) *Revocation {
	r := &Revocation{RevocationList: crl, serials: make(map[string]struct{}, len(crl.RevokedCertificateEntries))}
	for i := range crl.RevokedCertificateEntries {
		if e := &crl.RevokedCertificateEntries[i]; e.ReasonCode != removed {
			r.serials[string(e.SerialNumber.Bytes())] = struct{}{}
		}
	}
	return r
}

// removed is the reason of an entry which says that a certificate is valid again (RFC 5280,
// section 5.3.1).
const removed = 8

func loadCRLs(path string) (Revocations, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the revocations: %w", err)
	}
	list, err := parseCRLs(text)
	if err != nil {
		return nil, fmt.Errorf("'%s': %w", path, err)
	}
	return list, nil
}

var errNoRevocations = errors.New("there is no list of revocations")

func parseCRLs(text []byte) (list Revocations, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		crl, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, newRevocation(crl))
	}
	if list == nil {
		return nil, errNoRevocations
	}
	return list, nil
}

// check refuses a chain with a certificate that its issuer has revoked, and as OpenSSL
// does one about whose issuer no list says anything.
func (r Revocations) check(chains [][]*x509.Certificate) error {
	now := time.Now()
	for _, chain := range chains {
		for i, c := range chain[:max(len(chain)-1, 0)] {
			if codes := r.faults(c, chain[i+1], now); len(codes) > 0 {
				return &Refusal{Code: codes[0], Depth: i}
			}
		}
	}
	return nil
}

// faults are the numbers of what is wrong with a certificate, by what the list of its issuer
// says, and with that list.
func (r Revocations) faults(c, issuer *x509.Certificate, now time.Time) (codes []int) {
	crl := r.of(issuer, now)
	if crl == nil {
		return []int{noRevocations}
	}
	switch {
	case now.Before(crl.ThisUpdate):
		codes = append(codes, crlNotYetValid)
	case !crl.inTime(now):
		codes = append(codes, crlExpired)
	}
	if !crl.signedBy(issuer) {
		codes = append(codes, badCRLSignature)
	}
	if _, ok := crl.serials[string(c.SerialNumber.Bytes())]; ok {
		codes = append(codes, certRevoked)
	}
	return codes
}

// of is the list of an issuer, nil if there is none: one that is valid now rather than one that
// is not, and the latest of those.
func (r Revocations) of(issuer *x509.Certificate, now time.Time) (best *Revocation) {
	for _, crl := range r {
		if !bytes.Equal(crl.RawIssuer, issuer.RawSubject) {
			continue
		}
		if best != nil {
			was, is := best.inTime(now), crl.inTime(now)
			if was && !is || was == is && !crl.ThisUpdate.After(best.ThisUpdate) {
				continue
			}
		}
		best = crl
	}
	return best
}

func (r *Revocation) inTime(now time.Time) bool {
	return !now.Before(r.ThisUpdate) && (r.NextUpdate.IsZero() || !now.After(r.NextUpdate))
}

// signedBy tells whether an issuer has signed the list.
func (r *Revocation) signedBy(issuer *x509.Certificate) bool {
	if known := r.signer.Load(); known != nil && known.Equal(issuer) {
		return true
	}
	if r.CheckSignatureFrom(issuer) != nil {
		return false
	}
	r.signer.Store(issuer)
	return true
}
