package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// SystemCAs stands for the authorities that the system trusts.
const SystemCAs = "@system-ca"

// systemFiles are where systems keep those, the first that there is.
var systemFiles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}

// Authorities are the certificates that others are verified by.
type Authorities struct {
	List []*x509.Certificate
	pool *x509.CertPool
}

func newAuthorities(list []*x509.Certificate) *Authorities {
	a := &Authorities{List: list, pool: x509.NewCertPool()}
	for _, c := range list {
		a.pool.AddCert(c)
	}
	return a
}

// with are these authorities and others; nil: none.
func (a *Authorities) with(more *Authorities) *Authorities {
	if more == nil {
		return a
	}
	return newAuthorities(append(append([]*x509.Certificate(nil), a.List...), more.List...))
}

// loadCAs reads authorities, from a file or all files of a directory.
func loadCAs(path string) (*Authorities, error) {
	files := []string{path}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		files, _ = filepath.Glob(filepath.Join(path, "*"))
	}
	if path == SystemCAs {
		return systemCAs()
	}
	var list []*x509.Certificate
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the authorities: %w", err)
		}
		more, _ := certificates(text) // what is no certificate is passed over
		list = append(list, more...)
	}
	if list == nil {
		return nil, fmt.Errorf("'%s' has no certificate of an authority", path)
	}
	return newAuthorities(list), nil
}

// systemCAs are those that the system trusts; the library knows best which.
func systemCAs() (*Authorities, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("cannot read the authorities of the system: %w", err)
	}
	a := &Authorities{pool: pool}
	for _, file := range systemFiles {
		if text, err := os.ReadFile(file); err == nil {
			a.List, _ = certificates(text)
			break
		}
	}
	return a, nil
}

// Revocations are lists of certificates that are not valid any more.
type Revocations []*x509.RevocationList

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
		list = append(list, crl)
	}
	if list == nil {
		return nil, errNoRevocations
	}
	return list, nil
}

// check refuses a chain with a certificate that its issuer has revoked, and as OpenSSL
// does one about whose issuer no list says anything.
func (r Revocations) check(chains [][]*x509.Certificate) error {
	for _, chain := range chains {
		for i, c := range chain[:max(len(chain)-1, 0)] {
			if code := r.status(c, chain[i+1]); code != 0 {
				return &Refusal{Code: code, Depth: i}
			}
		}
	}
	return nil
}

// status is the number of the error with a certificate, 0 for none.
func (r Revocations) status(c, issuer *x509.Certificate) int {
	listed := false
	for _, crl := range r {
		if !bytes.Equal(crl.RawIssuer, issuer.RawSubject) || crl.CheckSignatureFrom(issuer) != nil {
			continue
		}
		listed = true
		for i := range crl.RevokedCertificateEntries {
			if crl.RevokedCertificateEntries[i].SerialNumber.Cmp(c.SerialNumber) == 0 {
				return certRevoked
			}
		}
	}
	if !listed {
		return noRevocations
	}
	return 0
}
