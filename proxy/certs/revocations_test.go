package certs

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"
	"time"

	"bench/proxy/spec"
)

// revocation is a list of an authority's in PEM.
func (a *authority) revocation(from, to time.Duration, reason int, serials ...*big.Int) []byte {
	a.t.Helper()
	a.next++
	list := &x509.RevocationList{Number: big.NewInt(a.next), ThisUpdate: time.Now().Add(from), NextUpdate: time.Now().Add(to)}
	for _, n := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: n, RevocationTime: time.Now().Add(from), ReasonCode: reason})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// What lists of revocations say of a certificate, by OpenSSL's numbers: the list that counts is
// one that is valid, and the latest of those.
func TestRevocations(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	c, _ := a.make("client", nil, false)
	const hour = time.Hour
	listing := func(from, to time.Duration) []byte { return a.revocation(from, to, 0, big.NewInt(999), c.SerialNumber) }
	others := func(from, to time.Duration) []byte { return a.revocation(from, to, 0, big.NewInt(999)) }
	for name, tt := range map[string]struct {
		lists [][]byte
		want  []int
	}{
		"not listed":              {[][]byte{others(-hour, hour)}, nil},
		"listed":                  {[][]byte{listing(-hour, hour)}, []int{certRevoked}},
		"valid again":             {[][]byte{a.revocation(-hour, hour, removed, c.SerialNumber)}, nil},
		"expired":                 {[][]byte{others(-2*hour, -hour)}, []int{crlExpired}},
		"listed, expired":         {[][]byte{listing(-2*hour, -hour)}, []int{crlExpired, certRevoked}},
		"not yet valid":           {[][]byte{others(hour, 2*hour)}, []int{crlNotYetValid}},
		"a later one":             {[][]byte{listing(-2*hour, hour), others(-hour, hour)}, nil},
		"an earlier one":          {[][]byte{listing(-hour, hour), others(-2*hour, hour)}, []int{certRevoked}},
		"a later one to come":     {[][]byte{listing(-hour, hour), others(hour, 2*hour)}, []int{certRevoked}},
		"the valid one":           {[][]byte{listing(-2*hour, -hour), others(-3*hour, hour)}, nil},
		"none of its issuer":      {[][]byte{other.revocation(-hour, hour, 0)}, []int{badCRLSignature}}, // of the same name
		"none of its issuer here": {nil, []int{noRevocations}},
	} {
		var list Revocations
		if tt.lists != nil {
			var err error
			if list, err = parseCRLs(slices.Concat(tt.lists...)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // what was found out about a list is remembered
			if got := list.faults(c, a.cert, time.Now()); !slices.Equal(got, tt.want) {
				t.Errorf("%s: %v, want %v", name, got, tt.want)
			}
		}
	}
}

// What can be wrong with a chain that the library would refuse is found where errors are passed
// over, too: whoever lets expired certificates in still wants authorities to keep to their
// limits.
func TestExamine(t *testing.T) {
	root := newAuthority(t)
	child := func(of *authority, name string, change func(*x509.Certificate)) (*authority, *x509.Certificate) {
		c := &authority{t: t, dir: t.TempDir(), next: 1}
		tmpl := &x509.Certificate{
			SerialNumber: big.NewInt(of.next + 100), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
		of.next++
		change(tmpl)
		_, key := newAuthority(t).make(name, nil, false) // for its key
		der, err := x509.CreateCertificate(rand.Reader, tmpl, of.cert, key.Public(), of.key)
		if err != nil {
			t.Fatal(err)
		}
		if c.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		c.key = key
		return c, c.cert
	}
	leaf := func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }
	mid, midCert := child(root, "mid", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	sub, subCert := child(mid, "sub", func(*x509.Certificate) {})
	_, deep := child(sub, "deep", leaf)
	_, good := child(mid, "good", leaf)
	_, signs := child(root, "signs", func(c *x509.Certificate) { leaf(c); c.KeyUsage = x509.KeyUsageCRLSign })
	_, critical := child(root, "critical", func(c *x509.Certificate) {
		leaf(c)
		c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	})
	forServers, forServersCert := child(root, "for-servers", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	_, ofThat := child(forServers, "of-that", leaf)
	named, namedCert := child(root, "named", func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"good.test"}
	})
	_, permitted := child(named, "permitted", func(c *x509.Certificate) { leaf(c); c.DNSNames = []string{"x.good.test"} })
	_, foreign := child(named, "foreign", func(c *x509.Certificate) { leaf(c); c.DNSNames = []string{"bad.test"} })
	plain, plainCert := child(root, "plain", leaf)
	_, forged := child(plain, "forged", leaf)
	trusted := newAuthorities([]*x509.Certificate{root.cert})
	all := &trust{authorities: trusted, ofCAs: spec.Ignored{All: true}, ofCerts: spec.Ignored{All: true}}
	few := &trust{authorities: trusted, ofCerts: spec.Ignored{Codes: []int{expired}}}
	for _, tt := range []struct {
		shown []*x509.Certificate
		want  []Refusal
	}{
		{[]*x509.Certificate{good, midCert}, nil},
		{[]*x509.Certificate{permitted, namedCert}, nil},
		{[]*x509.Certificate{deep, subCert, midCert}, []Refusal{{pathTooLong, 2}}},
		{[]*x509.Certificate{signs}, []Refusal{{unsuitedPurpose, 0}}},
		{[]*x509.Certificate{critical}, []Refusal{{unknownExtension, 0}}},
		{[]*x509.Certificate{ofThat, forServersCert}, []Refusal{{unsuitedPurpose, 1}}},
		{[]*x509.Certificate{foreign, namedCert}, []Refusal{{nameNotPermitted, 0}}},
		{[]*x509.Certificate{forged, plainCert}, []Refusal{{notAnAuthority, 1}, {unsuitedPurpose, 1}}},
	} {
		if got := examine(tt.shown, trusted, nil, time.Now()); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.shown[0].Subject.CommonName, got, tt.want)
		}
		st := tls.ConnectionState{PeerCertificates: tt.shown}
		if _, err := few.judge(&st); (err == nil) != (tt.want == nil) {
			t.Errorf("%s, where something else is passed over: %v", tt.shown[0].Subject.CommonName, err)
		}
		never := len(tt.want) > 0 && (tt.want[0].Code == unknownExtension || tt.want[0].Code == nameNotPermitted)
		if _, err := all.judge(&st); (err != nil) != never {
			t.Errorf("%s, where all is passed over: %v", tt.shown[0].Subject.CommonName, err)
		}
		st.DidResume = true // a session remembers what came last, and no more
		if v, err := all.judge(&st); err == nil && (v.Err != 0 || v.CAErr != 0 || (v.Result != 0) != (tt.want != nil)) {
			t.Errorf("%s, in a session that goes on: %+v", tt.shown[0].Subject.CommonName, v)
		}
	}
}

// A key that is for nothing but lists of revocations is no client's, although the library lets
// it in.
func TestKeysOfClients(t *testing.T) {
	a := newAuthority(t)
	a.make("server", []string{"server.test"}, false)
	acc, _, err := NewStore().Acceptor(&spec.BindTLS{TLS: anyVersion(spec.TLS{Verify: spec.VerifyRequired, CAFile: a.path("ca")}), Certs: []string{a.path("server")}})
	if err != nil {
		t.Fatal(err)
	}
	for usage, want := range map[x509.KeyUsage]bool{0: true, x509.KeyUsageDigitalSignature: true, x509.KeyUsageKeyAgreement: true, x509.KeyUsageCRLSign: false} {
		_, key := newAuthority(t).make("client", nil, false)
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "client"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: usage}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
		if err != nil {
			t.Fatal(err)
		}
		pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
		_, _, err = shake(acc.Config(), &tls.Config{
			InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, //nolint:gosec // the server is not what is tested
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
		})
		if (err == nil) != want {
			t.Errorf("key usage %b: %v", usage, err)
		}
	}
}
