package certs

import (
	"crypto/x509"
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
