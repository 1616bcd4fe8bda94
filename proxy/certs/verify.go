package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// SystemCAs stands for the authorities that the system trusts.
const SystemCAs = "@system-ca"

// loadCAs reads authorities, from a file or all files of a directory.
func loadCAs(path string) (*x509.CertPool, error) {
	if path == SystemCAs {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("cannot read the authorities of the system: %w", err)
		}
		return pool, nil
	}
	files := []string{path}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		files, _ = filepath.Glob(filepath.Join(path, "*"))
	}
	pool, found := x509.NewCertPool(), false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the authorities: %w", err)
		}
		found = pool.AppendCertsFromPEM(text) || found
	}
	if !found {
		return nil, fmt.Errorf("'%s' has no certificate of an authority", path)
	}
	return pool, nil
}

// revocations are lists of certificates that are not valid any more.
type revocations []*x509.RevocationList

func loadCRLs(path string) (revocations, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the revocations: %w", err)
	}
	var list revocations
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		crl, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("'%s': %w", path, err)
		}
		list = append(list, crl)
	}
	if list == nil {
		return nil, fmt.Errorf("'%s' has no list of revocations", path)
	}
	return list, nil
}

// check refuses a chain with a certificate that its issuer has revoked, and as OpenSSL
// does one about whose issuer no list says anything.
func (r revocations) check(chains [][]*x509.Certificate) error {
	for _, chain := range chains {
		for i, c := range chain[:max(len(chain)-1, 0)] {
			if err := r.checkOne(c, chain[i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r revocations) checkOne(c, issuer *x509.Certificate) error {
	listed := false
	for _, crl := range r {
		if !bytes.Equal(crl.RawIssuer, issuer.RawSubject) || crl.CheckSignatureFrom(issuer) != nil {
			continue
		}
		listed = true
		for i := range crl.RevokedCertificateEntries {
			if crl.RevokedCertificateEntries[i].SerialNumber.Cmp(c.SerialNumber) == 0 {
				return errors.New("certificate revoked")
			}
		}
	}
	if !listed {
		return errors.New("unable to get certificate CRL")
	}
	return nil
}

// verifyServer checks the certificate of a server: its chain, and its name where one is
// wanted.
func verifyServer(roots *x509.CertPool, crl revocations, name string) func(tls.ConnectionState) error {
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
			return fmt.Errorf("the certificate is not for %s", name)
		}
		return nil
	}
}

// isFor tells whether a certificate is for a name: one of its alternative names, or of
// its subject, as the reference looks at it.
func isFor(c *x509.Certificate, name string) bool {
	for _, n := range append([]string{c.Subject.CommonName}, c.DNSNames...) {
		if matches(strings.ToLower(n), strings.ToLower(name)) {
			return true
		}
	}
	return false
}

// matches compares a name with one of a certificate, of which the first part may be
// "*".
func matches(pattern, name string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*."); ok {
		_, parent, ok := strings.Cut(name, ".")
		return ok && parent == rest
	}
	return pattern == name
}
