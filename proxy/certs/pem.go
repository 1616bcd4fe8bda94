package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bench/internal/syserr"
	"bench/proxy/spec"
)

// Certificate is a certificate with its chain and its key. It does not change: another one
// takes its place.
type Certificate struct {
	File string
	tls.Certificate
	names []string // in lower case, "*.example.org" among them
	ecdsa bool     // the key is of elliptic curves
	parts parts
	// stapled is what is known of its revocation; nil: nothing.
	stapled *Stapled
}

// bundleExts end the names of the files of one certificate in several algorithms.
var bundleExts = []string{".rsa", ".ecdsa", ".dsa"}

// reservedExts are of files in a directory that are no certificates.
var reservedExts = []string{".issuer", ".ocsp", ".sctl", ".key"}

// members are the files of the certificates that a path means: a file, the files of one
// certificate in several algorithms, or all files of a directory, in order of their names.
func members(path string) (files []string, err error) {
	st, err := os.Stat(path)
	switch {
	case err == nil && st.IsDir():
		return inDirectory(path)
	case err == nil:
		return []string{path}, nil
	}
	for _, ext := range bundleExts {
		if _, missing := os.Stat(path + ext); missing == nil {
			files = append(files, path+ext)
		}
	}
	if files == nil {
		return nil, fmt.Errorf("cannot read the certificate %s: %w", path, syserr.Cause(err))
	}
	return files, nil
}

func inDirectory(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the directory of certificates %s: %w", dir, syserr.Cause(err))
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") || slices.Contains(reservedExts, filepath.Ext(path)) {
			continue
		}
		if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
			continue
		}
		files = append(files, path)
	}
	return files, nil
}

// readCertificate reads one file, and those beside it.
func readCertificate(path string, f spec.ExtraFiles) (*Certificate, error) {
	p, err := readParts(path, f)
	if err != nil {
		return nil, err
	}
	return p.build(path)
}

var errNoCertificate = errors.New("there is no certificate")
