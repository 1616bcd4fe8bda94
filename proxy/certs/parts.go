package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bench/proxy/spec"
)

// parts is what a certificate is made of, as it came: the texts of its files. Some may be
// missing while they are being exchanged one by one.
type parts struct {
	chain, key   []byte // in PEM; the key may stand in chain
	issuer       []byte // in PEM
	ocsp, timing []byte // a response of OCSP, and a list of timestamps (RFC 6962)
}

// partOf is what an extension of a file's name says about its content.
type partOf struct {
	ext  string
	load func(spec.ExtraFiles) bool
	of   func(*parts) *[]byte
}

// partsOf are the files beside that of a certificate.
func partsOf() []partOf {
	return []partOf{
		{".key", func(f spec.ExtraFiles) bool { return f.Key }, func(p *parts) *[]byte { return &p.key }},
		{".issuer", func(f spec.ExtraFiles) bool { return f.Issuer }, func(p *parts) *[]byte { return &p.issuer }},
		{".ocsp", func(f spec.ExtraFiles) bool { return f.OCSP }, func(p *parts) *[]byte { return &p.ocsp }},
		{".sctl", func(f spec.ExtraFiles) bool { return f.Timestamps }, func(p *parts) *[]byte { return &p.timing }},
	}
}

// readParts reads a certificate's file, and those beside it that are there.
func readParts(path string, f spec.ExtraFiles) (p parts, err error) {
	if p.chain, err = os.ReadFile(path); err != nil {
		return p, fmt.Errorf("cannot read the certificate: %w", err)
	}
	base := path
	if f.DeleteExt {
		base = strings.TrimSuffix(path, filepath.Ext(path))
	}
	for _, x := range partsOf() {
		isKey := x.ext == ".key"
		if !x.load(f) || isKey && hasKey(p.chain) {
			continue
		}
		text, err := os.ReadFile(base + x.ext)
		switch {
		case err == nil:
			*x.of(&p) = text
		case isKey:
			return p, fmt.Errorf("'%s' has no private key, and neither is there one in '%s'", path, base+x.ext)
		case !errors.Is(err, os.ErrNotExist):
			return p, fmt.Errorf("cannot read what belongs to the certificate: %w", err)
		}
	}
	if !hasKey(p.chain) && p.key == nil {
		return p, fmt.Errorf("'%s' has no private key", path)
	}
	return p, nil
}

func hasKey(text []byte) bool { return bytes.Contains(text, []byte("PRIVATE KEY-----")) }

// complete tells whether there are a certificate and a key.
func (p *parts) complete() bool {
	return bytes.Contains(p.chain, []byte("BEGIN CERTIFICATE-----")) && (hasKey(p.chain) || hasKey(p.key))
}

// put replaces the part that a file called name would have, which belongs to the
// certificate called path.
func (p *parts) put(name, path string, text []byte) error {
	for _, x := range partsOf() {
		if name != path+x.ext {
			continue
		}
		switch x.ext {
		case ".key":
			if !hasKey(text) {
				return fmt.Errorf("unable to load private key from file '%s'.", path) //nolint:revive,staticcheck // in the words of the reference
			}
		case ".issuer":
			if _, err := firstCertificate(text); err != nil {
				return fmt.Errorf("unable to load issuer from file '%s'.", path) //nolint:revive,staticcheck // as above
			}
		}
		*x.of(p) = text
		return nil
	}
	if _, err := firstCertificate(text); err != nil {
		return fmt.Errorf("unable to load certificate from file '%s'.", path) //nolint:revive,staticcheck // as above
	}
	*p = parts{chain: text}
	return nil
}

// firstCertificate is the first certificate of a text in PEM.
func firstCertificate(text []byte) (*x509.Certificate, error) {
	list, err := certificates(text)
	if err == nil && len(list) == 0 {
		err = errNoCertificate
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// certificates are those of a text in PEM.
func certificates(text []byte) (list []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return list, nil
		}
		if block.Type != "CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
}

// build makes a certificate of its parts. What is said of it is remembered by path.
func (p *parts) build(path string) (*Certificate, error) {
	key := p.key
	if key == nil {
		key = p.chain
	}
	pair, err := tls.X509KeyPair(p.chain, key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the certificate '%s': %s", path, strings.TrimPrefix(err.Error(), "tls: "))
	}
	c := &Certificate{File: path, Certificate: pair, parts: *p}
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
	if p.timing != nil {
		if c.SignedCertificateTimestamps, err = timestamps(p.timing); err != nil {
			return nil, fmt.Errorf("'%s.sctl': %w", path, err)
		}
	}
	return c, nil
}

// Stapled is what is known of its revocation, nil: nothing.
func (c *Certificate) Stapled() *Stapled { return c.stapled }

// Chain are the certificates that are sent behind it.
func (c *Certificate) Chain() []*x509.Certificate {
	list, _ := certificates(c.parts.chain) // the first one is itself
	return list[min(1, len(list)):]
}

// issuer is who has signed the certificate, as far as its files say so; nil: they do not.
func (c *Certificate) issuer() *x509.Certificate {
	var list []*x509.Certificate
	for _, text := range [][]byte{c.parts.issuer, c.parts.chain} {
		more, _ := certificates(text)
		list = append(list, more...)
	}
	for _, x := range list {
		if bytes.Equal(x.RawSubject, c.Leaf.RawIssuer) && c.Leaf.CheckSignatureFrom(x) == nil {
			return x
		}
	}
	return nil
}

var errTimestamps = errors.New("this is no list of timestamps of certificates")

// timestamps takes a list of them apart (RFC 6962, section 3.3).
func timestamps(list []byte) (each [][]byte, err error) {
	next := func(b []byte) (first, rest []byte, ok bool) {
		if len(b) < 2 || len(b)-2 < int(b[0])<<8|int(b[1]) {
			return nil, nil, false
		}
		n := 2 + (int(b[0])<<8 | int(b[1]))
		return b[2:n], b[n:], true
	}
	list, rest, ok := next(list)
	if !ok || len(rest) > 0 {
		return nil, errTimestamps
	}
	for len(list) > 0 {
		var one []byte
		if one, list, ok = next(list); !ok {
			return nil, errTimestamps
		}
		each = append(each, one)
	}
	return each, nil
}
