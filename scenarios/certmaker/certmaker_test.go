package certmaker

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"testing"
)

// Certificates are good for their names and by the authority, but for what is to be wrong
// with them.
func TestCertificates(t *testing.T) {
	m := New(t.TempDir())
	ca, err := m.CA()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("the file of the authority has no certificate")
	}
	verify := func(pair tls.Certificate) error {
		_, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "a.test"})
		return err
	}
	for _, c := range []struct {
		flaws []string
		bad   func(error) bool
	}{
		{nil, func(err error) bool { return err != nil }},
		{[]string{RSA}, func(err error) bool { return err != nil }},
		{[]string{Expired}, func(err error) bool {
			why, ok := errors.AsType[x509.CertificateInvalidError](err)
			return !ok || why.Reason != x509.Expired
		}},
		{[]string{Foreign}, func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return !ok }},
	} {
		path, err := m.Cert("a.test", c.flaws...)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(path, path)
		if err != nil {
			t.Fatal(err)
		}
		if _, isRSA := pair.PrivateKey.(*rsa.PrivateKey); isRSA != slices.Contains(c.flaws, RSA) {
			t.Errorf("%v: a key of %T", c.flaws, pair.PrivateKey)
		}
		if err := verify(pair); c.bad(err) {
			t.Errorf("%v: %v", c.flaws, err)
		}
		if again, _ := m.Cert("a.test", c.flaws...); again != path {
			t.Errorf("%v: another file for the same words", c.flaws)
		}
	}
	renewed, err := m.Renewed("a.test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(renewed, renewed)
	if err != nil || verify(pair) != nil {
		t.Errorf("the renewed one: %v, %v", err, verify(pair))
	}
	if _, err := m.Cert("a.test", "late"); err == nil {
		t.Error("a flaw that there is not was taken")
	}
}
