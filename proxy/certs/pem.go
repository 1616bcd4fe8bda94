package certs

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Certificate is a certificate with its chain and its key.
type Certificate struct {
	File string
	tls.Certificate
	names []string // in lower case, "*.example.org" among them
	ecdsa bool     // the key is of elliptic curves
}

// Files says where keys and chains may be besides in the certificate's file.
type Files struct {
	// ExtraKey: in FILE.key; DeleteExt: where FILE is without its extension.
	ExtraKey, DeleteExt bool
}

// bundleExts end the names of the files of one certificate in several algorithms.
var bundleExts = []string{".rsa", ".ecdsa", ".dsa"}

// reservedExts are of files in a directory that are no certificates.
var reservedExts = []string{".issuer", ".ocsp", ".sctl", ".key"}

// Load reads the certificates that a path means: a file, the files of one certificate in
// several algorithms, or all files of a directory, in order of their names.
func Load(path string, f Files) ([]*Certificate, error) {
	st, err := os.Stat(path)
	switch {
	case err == nil && st.IsDir():
		return loadDir(path, f)
	case err == nil:
		c, err := f.load(path)
		if err != nil {
			return nil, err
		}
		return []*Certificate{c}, nil
	}
	var list []*Certificate
	for _, ext := range bundleExts {
		if _, missing := os.Stat(path + ext); missing != nil {
			continue
		}
		c, err := f.load(path + ext)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if list == nil {
		return nil, fmt.Errorf("cannot read the certificate: %w", err)
	}
	return list, nil
}

func loadDir(dir string, f Files) ([]*Certificate, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the directory of certificates: %w", err)
	}
	var list []*Certificate
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") || slices.Contains(reservedExts, filepath.Ext(path)) {
			continue
		}
		if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
			continue
		}
		c, err := f.load(path)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// load reads one file.
func (f Files) load(path string) (*Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the certificate: %w", err)
	}
	key := text
	if !strings.Contains(string(text), "PRIVATE KEY-----") {
		file := path
		if f.DeleteExt {
			file = strings.TrimSuffix(file, filepath.Ext(file))
		}
		file += ".key"
		if !f.ExtraKey {
			return nil, fmt.Errorf("'%s' has no private key", path)
		}
		if key, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("'%s' has no private key, and neither is there one in '%s'", path, file)
		}
	}
	pair, err := tls.X509KeyPair(text, key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the certificate '%s': %s", path, strings.TrimPrefix(err.Error(), "tls: "))
	}
	c := &Certificate{File: path, Certificate: pair}
	switch pair.PrivateKey.(type) {
	case *ecdsa.PrivateKey, ed25519.PrivateKey:
		c.ecdsa = true
	}
	for _, name := range append([]string{pair.Leaf.Subject.CommonName}, pair.Leaf.DNSNames...) {
		name = strings.ToLower(name)
		if name != "" && !slices.Contains(c.names, name) {
			c.names = append(c.names, name)
		}
	}
	return c, nil
}

// LoadAll is Load of several paths, in turn.
func LoadAll(paths []string, f Files) (list []*Certificate, err error) {
	for _, path := range paths {
		more, err := Load(path, f)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

var errNoCertificate = errors.New("there is no certificate")
