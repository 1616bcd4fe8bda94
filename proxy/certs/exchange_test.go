package certs

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"testing"
	"time"

	"bench/proxy/spec"
)

// A response of OCSP that is exchanged together with its certificate is given out from then on,
// and one that is about another certificate keeps both from being put into use.
func TestExchangeOfStaples(t *testing.T) {
	const file = "testdata/stapled.pem"
	read := func(name string) []byte {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	chain, good := read(file), read(file+".ocsp")
	s := NewStore()
	b := bindOf(file)
	b.Extra.OCSP = false // it comes at run time only
	acc := acceptor(t, s, b)
	staple := func() []byte {
		t.Helper()
		_, st, err := shake(acc.Config(), anyone("stapled.test"))
		if err != nil {
			t.Fatal(err)
		}
		return st.OCSPResponse
	}
	if staple() != nil {
		t.Fatal("there is a response that nobody has given")
	}
	set := func(name string, text []byte) {
		t.Helper()
		if _, _, err := s.Set(Certs, name, text); err != nil {
			t.Fatal(err)
		}
	}
	set(file, chain)
	set(file+".issuer", read(file+".issuer"))
	set(file+".ocsp", good)
	if n, err := s.Commit(Certs, file); n != 1 || err != nil {
		t.Fatalf("%d lines, %v", n, err)
	}
	if !bytes.Equal(staple(), good) {
		t.Error("the new response is not given out")
	}
	a := newAuthority(t)
	a.make("other", []string{"stapled.test"}, false)
	other := append(read(a.path("other")), read(a.path("ca"))...)
	set(file, other)
	set(file+".ocsp", good)
	if _, err := s.Commit(Certs, file); !errors.Is(err, errOtherCert) {
		t.Errorf("a response about another certificate: %v", err)
	}
	if !bytes.Equal(staple(), good) {
		t.Error("what was refused is in use")
	}
}

// What a transaction is about is not deleted under it, although no line refers to it.
func TestDeletingWhatIsPending(t *testing.T) {
	a := newAuthority(t)
	a.make("site", nil, false)
	text, err := os.ReadFile(a.path("site"))
	if err != nil {
		t.Fatal(err)
	}
	s := NewStore()
	if err := s.New(Certs, "new"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Set(Certs, "new", text); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(Certs, "new"); !errors.Is(err, ErrPending) {
		t.Errorf("within a transaction: %v", err)
	}
	if err := s.Abort(Certs, "new"); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(Certs, "new"); err != nil {
		t.Error(err)
	}
}

// An authority that is not its own issuer is no end of a chain: clients need the certificates up
// to one that is, as with the reference.
func TestChainsOfClientsEndAtTheRoot(t *testing.T) {
	root := newAuthority(t)
	root.make("server", []string{"server.test"}, false)
	_, midKey := root.make("mid-key", nil, false)
	_, key := root.make("client-key", nil, false)
	sign := func(number int64, name string, isCA bool, public any, parent *x509.Certificate, by any) []byte {
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			BasicConstraintsValid: true, IsCA: isCA, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}, parent, public, by)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	midDER := sign(100, "mid", true, midKey.Public(), root.cert, root.key)
	mid, err := x509.ParseCertificate(midDER)
	if err != nil {
		t.Fatal(err)
	}
	client := tls.Certificate{Certificate: [][]byte{sign(101, "client", false, key.Public(), mid, midKey)}, PrivateKey: key}
	midText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: midDER})
	rootText, err := os.ReadFile(root.path("ca"))
	if err != nil {
		t.Fatal(err)
	}
	root.write("half", midText)
	root.write("whole", append(midText, rootText...))
	for file, want := range map[string]bool{"half": false, "whole": true} {
		acc := acceptor(t, NewStore(), &spec.BindTLS{TLS: anyVersion(spec.TLS{Verify: spec.VerifyRequired, CAFile: root.path(file)}), Certs: []string{root.path("server")}})
		_, _, err := shake(acc.Config(), &tls.Config{
			InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, //nolint:gosec // the server is not what is tested
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &client, nil },
		})
		if (err == nil) != want {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Servers get the session of an earlier connection, unless that is not wanted.
func TestSessionsOfServers(t *testing.T) {
	a := newAuthority(t)
	a.make("server", []string{"server.test"}, false)
	acc := acceptor(t, NewStore(), bindOf(a.path("server")))
	for _, never := range []bool{false, true} {
		con, _, err := NewStore().Connector(&spec.ServerTLS{TLS: spec.TLS{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, NoTickets: never}})
		if err != nil {
			t.Fatal(err)
		}
		for _, again := range []bool{false, true} {
			_, st, err := shake(acc.Config(), con.To([]byte("server.test")).Config())
			if err != nil || st.DidResume != (again && !never) {
				t.Errorf("no tickets %v, again %v: resumed %v, %v", never, again, st.DidResume, err)
			}
		}
	}
}
